"""Codes that people read to each other."""

from __future__ import annotations

import os
import random
import re
from itertools import combinations

import pytest

from hubbub.client.code_words import ADJECTIVES, NOUNS, NUMBERS, mistyped, new_code, normal


def test_there_are_enough_codes_and_the_words_are_words() -> None:
    for words in (ADJECTIVES, NOUNS):
        assert len(set(words)) == 256
        assert all(re.fullmatch("[a-z]{3,10}", word) for word in words)
    assert set(ADJECTIVES).isdisjoint(NOUNS)
    assert NUMBERS * len(ADJECTIVES) * len(NOUNS) >= 2**24


def one_slip_apart(a: str, b: str) -> bool:
    """One letter changed, left out, or put in."""
    if len(a) == len(b):
        return sum(x != y for x, y in zip(a, b, strict=True)) == 1
    short, long = sorted((a, b), key=len)
    return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


@pytest.mark.parametrize("words", [ADJECTIVES, NOUNS])
def test_no_slip_of_one_letter_makes_another_word(words: tuple[str, ...]) -> None:
    assert [pair for pair in combinations(words, 2) if one_slip_apart(*pair)] == []


def test_every_number_and_word_comes_and_none_more_than_its_share() -> None:
    seeded = random.Random(5)
    codes = [new_code(seeded.randbytes).split("-") for _ in range(40_000)]
    numbers = [int(code[0]) for code in codes]
    assert (min(numbers), max(numbers)) == (1, 999)
    for at, words in ((1, ADJECTIVES), (2, NOUNS)):
        counts = [sum(code[at] == word for code in codes) for word in words[:8]]
        assert all(90 < count < 240 for count in counts)  # 156 each; six standard deviations are 75
        assert {code[at] for code in codes} == set(words)
    assert len({tuple(code) for code in codes}) > 39_900


def test_a_code_is_understood_however_it_is_typed() -> None:
    code = new_code(os.urandom)
    number, adjective, noun = code.split("-")
    for typed in (
        code,
        f"  {number} {adjective.upper()}   {noun}\n",
        f"{number}_{adjective.title()}.{noun}",
        f"0{number}—{adjective}–{noun}.",
        "".join(
            chr(ord(one) + 0xFEE0) if one.isalnum() else one for one in code
        ),  # fullwidth, by an input method
    ):
        assert normal(typed) == code
        assert mistyped(normal(typed)) is None


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("7-crips-otter", "No code has the word 'crips'. Is it 'crisp'?"),
        ("7-crisp-qqqqqq", "No code has the word 'qqqqqq'."),
        ("crisp-otter", "A code is a number and two words, such as 7-crisp-otter."),
        ("", "A code is a number and two words, such as 7-crisp-otter."),
        ("7000-crisp-otter", "A code is a number and two words, such as 7-crisp-otter."),
        ("7-crisp-otter-otter", "A code is a number and two words, such as 7-crisp-otter."),
        ("-crisp-otter", "A code is a number and two words, such as 7-crisp-otter."),
    ],
)
def test_a_slip_is_seen_before_the_guess(code: str, said: str) -> None:
    assert mistyped(code) == said
