from __future__ import annotations

import unicodedata

import pytest

from hubbub.core import names


def refused(name: str, limit: int = names.USER_LIMIT) -> str:
    result = names.normal(name, limit)
    assert isinstance(result, names.Invalid), result
    return result.reason


def collide(one: str, other: str) -> bool:
    return not set(names.keys(one)).isdisjoint(names.keys(other))


@pytest.mark.parametrize(
    "name",
    ["Alice", "a", "7", "bench-1", "a.b_c-d", "Иван", "小明", "नमस्ते", "Zoë", "한글", "Nguyễn", "ユーザー"],
)
def test_names_of_people_all_over_are_kept_as_they_are(name: str) -> None:
    assert names.normal(name, names.USER_LIMIT) == name


def test_what_nfkc_makes_of_it_is_the_name() -> None:
    assert names.normal("ａｌｉｃｅ", 32) == "alice"
    assert names.normal("𝓐𝓵", 32) == "Al"
    assert names.normal("Zoe\u0308", 32) == "Zo\u00eb"


def test_ascii_spaces_around_it_are_dropped_and_no_others() -> None:
    assert names.normal("  Bob ", 32) == "Bob"
    assert "letters" in refused("\u00a0Bob")
    assert "letters" in refused("Bob\t")


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "a\nb",
        "a\x00b",
        "[Server]",
        "a:b",
        "@a",
        "#a",
        "a/b",
        "a\u200bb",  # zero-width space
        "a\u200db",  # zero-width joiner
        "\ufeffa",
        "\u202eecila",  # right-to-left override
        "a\u2066b",
        "a\u00adb",  # soft hyphen
        "\u3164",  # Hangul filler: a letter that shows nothing
        "a\u1160",
        "a\ufe0f",  # variation selector: a mark that shows nothing
        "a\u034fb",
        "a\U000e0101",
        "\u2800",  # blank Braille pattern
        "\u0301a",  # a mark on nothing
        "1\u0301",
        "a\u20dd",  # enclosing circle
        "e\u0301\u0301\u0301\u0301",
        "\ufdfa",  # NFKC makes four words of it
        "\U0001f600",
        "\ud800",
        "\ue000",
    ],
)
def test_whatever_is_no_letter_digit_or_one_of_three_signs_is_refused(name: str) -> None:
    assert refused(name) == "only letters, digits and _ - . are allowed."


@pytest.mark.parametrize("name", ["", "   "])
def test_nothing_is_no_name(name: str) -> None:
    assert refused(name) == "it is empty."


@pytest.mark.parametrize("name", [".", "..", "-", "___"])
def test_signs_alone_are_no_name(name: str) -> None:
    assert refused(name) == "it needs a letter or a digit."


def test_marks_in_a_row_are_few() -> None:
    stack = "z" + "\u0335" * names.MARKS_LIMIT
    assert names.normal(stack, 32) == stack
    assert "letters" in refused(stack + "\u0335")


def test_the_limit_counts_characters_after_nfkc() -> None:
    assert names.normal("x" * 32, names.USER_LIMIT) == "x" * 32
    assert refused("x" * 33) == "it is longer than 32 characters."
    assert names.normal("x" * 33, names.ROOM_LIMIT) == "x" * 33
    assert refused("x" * 65, names.ROOM_LIMIT) == "it is longer than 64 characters."
    assert names.normal("e\u0301" * 32, 32) == "\u00e9" * 32  # 64 characters before it
    assert refused("\ufb03" * 11) == "it is longer than 32 characters."  # the ligature ffi: 33 letters
    assert refused("\ufdfa" * 3) == "it is longer than 32 characters."


def test_what_is_far_too_long_is_refused_before_any_work_on_it() -> None:
    four_to_one = "\u03b1\u0313\u0300\u0345"  # the most that NFKC makes one character of
    assert names.normal(four_to_one * 32, 32) == "\u1f82" * 32
    assert refused(" " * 128 + "a") == "it is longer than 32 characters."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "ALICE"),
        ("ΝΙΚΟΣ", "νικος"),
        ("Анна", "АННА"),
        ("Straße", "STRASSE"),
        ("Alice", "\u0410lice"),  # Cyrillic А
        ("Alice", "A\u217cice"),  # the Roman numeral fifty
        ("Alice", "AIice"),  # capital i for l
        ("Alice", "A1ice"),
        ("Bob", "\u0412\u043eb"),  # Cyrillic Ве, о: alike in capitals only
        ("HANNA", "\u0397\u0391\u039d\u039d\u0391"),  # all Greek
        ("paypal", "paypa1"),
        ("PAYPAL", "paypa1"),
        ("admin", "adrnin"),
        ("room0", "roomO"),
        ("lan", "Ian"),
        ("van", "\u03bdan"),  # Greek nu
    ],
)
def test_names_that_differ_in_case_or_look_alike_collide(one: str, other: str) -> None:
    first, second = (names.normal(name, names.USER_LIMIT) for name in (one, other))
    assert isinstance(first, str)
    assert isinstance(second, str)
    assert collide(first, second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "Bob"),
        ("kai", "kal"),
        ("Ali", "All"),
        ("van", "nan"),
        ("user", "yser"),
        ("Иван", "Ivan"),
        ("a.b", "a-b"),
        ("Zoë", "Zoe"),
    ],
)
def test_names_that_people_can_tell_apart_do_not(one: str, other: str) -> None:
    assert not collide(one, other)


def test_numbered_names_are_all_different() -> None:
    held = {key for number in range(2_000) for key in names.keys(f"user{number}")}
    assert len(held) == 2_000


def test_the_first_key_is_the_one_to_look_up() -> None:
    for name in ("Alice", "ALICE", "\u0412\u043eb", "Иван"):
        assert names.keys(name)[0] == names.key(name)


def test_keys_do_not_depend_on_how_a_letter_is_composed() -> None:
    for name in ("Zoë", "Nguyễn", "Й"):
        assert names.keys(unicodedata.normalize("NFD", name)) == names.keys(name)
