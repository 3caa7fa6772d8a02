"""So many at once for each key, then one more each interval; and a memory that stays small."""

from __future__ import annotations

import pytest

from hubbub.core.attempts import Attempts, network


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_at_once_and_then_one_each_interval() -> None:
    clock = Clock()
    attempts = Attempts(10, 300.0, 100, clock)
    for _ in range(10):
        assert attempts.wait("a") == 0
        attempts.count("a")
    assert attempts.wait("a") == pytest.approx(30)
    clock.now += 29
    assert attempts.wait("a") == pytest.approx(1)
    clock.now += 1
    assert attempts.wait("a") == 0
    attempts.count("a")
    assert attempts.wait("a") == pytest.approx(30)
    clock.now += 300
    for _ in range(10):
        assert attempts.wait("a") == 0
        attempts.count("a")
    assert attempts.wait("a") > 0


def test_keys_are_apart_and_the_longest_wait_counts() -> None:
    attempts = Attempts(2, 10.0, 100, Clock())
    attempts.count("a", "place")
    attempts.count("b", "place")
    assert attempts.wait("a") == attempts.wait("b") == 0
    assert attempts.wait("a", "place") == pytest.approx(5)
    assert attempts.wait() == 0


def test_without_a_limit_nothing_is_counted() -> None:
    attempts = Attempts(0, 300.0, 100, Clock())
    attempts.count("a")
    assert attempts.wait("a") == 0
    assert len(attempts) == 0


def test_names_that_somebody_invents_do_not_fill_the_memory() -> None:
    clock = Clock()
    attempts = Attempts(10, 300.0, 1000, clock)
    for number in range(5000):
        attempts.count(f"invented {number}")
    assert len(attempts) <= 1000
    clock.now += 31
    for number in range(600):
        attempts.count(f"later {number}")
    assert len(attempts) <= 601, "two that are over go for each one that comes"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[2001:db8:1:2:3::4]", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("somewhere", "somewhere"),
    ],
)
def test_what_counts_as_one_place(address: str, place: str) -> None:
    assert network(address) == place
