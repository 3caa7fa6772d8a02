"""The headcount: who may still come in, and what counts as one address."""

from __future__ import annotations

import asyncio

from hubbub.net.headcount import Headcount
from hubbub.net.settings import NetSettings


def test_in_all_and_from_each_address() -> None:
    count = Headcount(NetSettings(max_connections=3, max_per_address=2))
    assert [count.admit("192.0.2.1") for _ in range(3)] == [None, None, "max_per_address"]
    assert count.admit("192.0.2.2") is None
    assert count.admit("192.0.2.3") == "max_connections"
    count.dismiss("192.0.2.1")
    assert (count.all, count.admit("192.0.2.1")) == (2, None)


def test_a_64_counts_as_one_address() -> None:
    count = Headcount(NetSettings(max_per_address=2))
    assert count.admit("2001:db8::1") is None
    assert count.admit("2001:db8::2:3:4:5%eth0") is None
    assert count.admit("2001:db8::ffff") == "max_per_address"
    assert count.admit("2001:db8:0:1::1") is None


def test_this_machine_is_counted_only_where_that_is_asked_for() -> None:
    for limited, told in ((False, None), (True, "max_per_address")):
        count = Headcount(NetSettings(max_per_address=1, limit_loopback=limited))
        for address in ("127.0.0.9", "::1"):
            assert [count.admit(address) for _ in range(2)] == [None, told]


def test_whoever_waits_for_the_last_one_is_told() -> None:
    async def scene() -> None:
        count = Headcount(NetSettings())
        await count.none_left()
        count.admit("192.0.2.1")
        waiting = asyncio.create_task(count.none_left())
        await asyncio.sleep(0)
        assert not waiting.done()
        count.dismiss("192.0.2.1")
        count.admit("192.0.2.1")  # somebody comes before it looks
        await asyncio.sleep(0)
        assert not waiting.done()
        count.dismiss("192.0.2.1")
        await waiting

    asyncio.run(scene())
