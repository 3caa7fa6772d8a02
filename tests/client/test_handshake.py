"""From a code to a key: both have the same, or the transfer is over."""

from __future__ import annotations

import hmac
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.client.errors import TamperedError, WrongCodeError
from hubbub.client.handshake import Inviting, Joining, Secret, Side

CODE = "7-crisp-otter"


def test_the_same_code_gives_both_the_same_keys() -> None:
    inviting, joining = Inviting(CODE), Joining(CODE)
    answer, theirs = joining.answer(inviting.hello)
    ours = inviting.confirmed(answer)
    for side in Side:
        assert ours.key(side, b"p") == theirs.key(side, b"p")
        theirs.check(side, b"about", ours.proof(side, b"about"))
    assert CODE.encode() not in inviting.hello + answer


def test_every_exchange_gives_another_key() -> None:
    keys = set()
    for _ in range(3):
        inviting = Inviting(CODE)
        answer, _theirs = Joining(CODE).answer(inviting.hello)
        keys.add(inviting.confirmed(answer).key(Side.SENDER, b"p"))
    assert len(keys) == 3


def test_a_wrong_code_is_seen_by_the_sender_and_there_is_no_second_guess() -> None:
    inviting = Inviting(CODE)
    answer, _ = Joining("8-crisp-otter").answer(inviting.hello)
    with pytest.raises(WrongCodeError):
        inviting.confirmed(answer)
    right, _ = Joining(CODE).answer(inviting.hello)
    with pytest.raises(WrongCodeError, match="one guess"):
        inviting.confirmed(right)


def test_a_wrong_sender_is_seen_by_the_receiver() -> None:
    """Somebody in between who makes up a sender: without the code he has no proof for the receiver."""
    _answer, theirs = Joining(CODE).answer(Inviting("8-crisp-otter").hello)
    impostor = Secret(os.urandom(32))
    with pytest.raises(WrongCodeError):
        theirs.check(Side.SENDER, b"", impostor.proof(Side.SENDER, b""))


def test_a_message_that_comes_back_to_its_sender_is_refused() -> None:
    inviting = Inviting(CODE)
    with pytest.raises(TamperedError):
        inviting.confirmed(inviting.hello + bytes(32))
    with pytest.raises(TamperedError):
        Joining(CODE).answer(Joining(CODE).answer(Inviting(CODE).hello)[0][:33])


ZERO = b"\x01" + bytes(31)  # the neutral element; the next is of order 2, then one that is no point
POINTS = [ZERO, b"\xec" + b"\xff" * 30 + b"\x7f", b"\x02" + bytes(31), b"\xff" * 32, bytes(32)]


@pytest.mark.parametrize("point", POINTS)
def test_points_that_would_give_the_key_away_are_refused(point: bytes) -> None:
    with pytest.raises(TamperedError):
        Joining(CODE).answer(b"A" + point)
    with pytest.raises(TamperedError):
        Inviting(CODE).confirmed(b"B" + point + bytes(32))


@given(st.binary(max_size=70))
def test_whatever_comes_is_a_typed_error(data: bytes) -> None:
    with pytest.raises(TamperedError):
        Joining(CODE).answer(data)
    with pytest.raises((TamperedError, WrongCodeError)):
        Inviting(CODE).confirmed(data)


def test_a_changed_bit_anywhere_is_seen() -> None:
    hello = Inviting(CODE).hello
    for at in range(0, len(hello) * 8, 23):
        inviting = Inviting(CODE)
        changed = bytearray(inviting.hello)
        changed[at // 8] ^= 1 << at % 8
        try:
            answer, _ = Joining(CODE).answer(bytes(changed))
        except TamperedError:
            continue
        with pytest.raises(WrongCodeError):
            inviting.confirmed(answer)
    for at in range(33 * 8, 65 * 8, 31):
        inviting = Inviting(CODE)
        proved = bytearray(Joining(CODE).answer(inviting.hello)[0])
        proved[at // 8] ^= 1 << at % 8
        with pytest.raises(WrongCodeError):
            inviting.confirmed(bytes(proved))


def test_keys_differ_by_side_and_purpose_and_show_nothing() -> None:
    secret = Secret(bytes(range(32)))
    keys = {secret.key(side, purpose) for side in Side for purpose in (b"a", b"b", b"proof")}
    assert len(keys) == 6
    assert secret.proof(Side.SENDER, b"") != secret.proof(Side.RECEIVER, b"")
    assert repr(secret) == "Secret(…)"
    with pytest.raises(ValueError, match="32"):
        Secret(b"short")
    secret.key_once(Side.SENDER, b"a")
    with pytest.raises(ValueError, match="already"):
        secret.key_once(Side.SENDER, b"a")


def test_keys_are_derived_by_rfc_5869() -> None:
    """By hand, from its two formulas. A change locks other versions out, in the middle of a transfer."""
    shared = bytes(range(32))
    extracted = hmac.digest(b"hubbub e2e 1", shared, "sha256")
    expanded = hmac.digest(extracted, b"hubbub e2e 1\0sender\0purpose\x01", "sha256")
    assert Secret(shared).key(Side.SENDER, b"purpose") == expanded
