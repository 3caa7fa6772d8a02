"""Anything that may be said: strategies for hypothesis, made from the types of `core`."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, Literal, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from hubbub.core import commands, file_commands
from hubbub.core.commands import Command
from hubbub.core.errors import Code

_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=5,
)
_digest = st.text("0123456789abcdefABCDEF", min_size=64, max_size=64)
_offer = st.text("0123456789abcdef", min_size=32, max_size=32)
_seconds = st.floats(0, 1e6).filter(math.isfinite)


def _value(wanted: object) -> st.SearchStrategy[object]:
    """Values of a field's type. Numbers are ids, offsets and counts: 1 … 2^53 - 1."""
    if wanted is str:
        return _text
    if wanted is int:
        return st.integers(1, 2**53 - 1)
    if wanted is float:
        return _seconds
    if wanted is bytes:
        return st.binary(max_size=40)
    if wanted is bool or wanted is Code:
        return st.booleans() if wanted is bool else st.sampled_from(Code)
    if wanted is type(None):
        return st.none()
    if wanted is msgspec.Raw:
        return JSON.map(lambda value: msgspec.Raw(msgspec.json.encode(value)))
    if get_origin(wanted) is Literal:
        return st.sampled_from(get_args(wanted))
    if get_origin(wanted) is list:
        return st.lists(_value(get_args(wanted)[0]), max_size=3)
    if get_origin(wanted) is dict:
        return st.dictionaries(_text, _value(get_args(wanted)[1]), max_size=3)
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return _struct(wanted)
    return st.one_of([_value(option) for option in get_args(wanted)])


def _field(name: str, wanted: object) -> st.SearchStrategy[object]:
    """Values of a field, of which some are spelled in one way only."""
    if name == "offer":
        spelled: st.SearchStrategy[object] = _offer
    elif name == "sha256":  # of a file: what a client writes in capitals comes out in small letters
        spelled = _digest.map(str.lower)
    elif name.endswith("sha256"):
        spelled = _digest
    else:
        return _value(wanted)
    return spelled if wanted is str else st.none() | spelled


def _struct(kind: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    fields = {
        field.name: _field(field.name, field.type)
        for field in msgspec.structs.fields(kind)
        if field.name != "or_guest"  # what a dialect means by a password, and no part of its messages
    }
    return st.fixed_dictionaries(fields).map(lambda values: kind(**values))


def any_of(union: object, but: Collection[object] = ()) -> st.SearchStrategy[Any]:
    """A struct of any type of the union, with anything in its fields."""
    return st.one_of([_struct(kind) for kind in get_args(union) if kind not in but])


ID = st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)


_IDENTIFIED = (
    commands.Publish,
    commands.Whisper,
    commands.Send,
    commands.Edit,
    commands.Delete,
    commands.React,
    file_commands.OfferFile,
)


def identified(command: Command, id: str | None) -> tuple[Command, str | None]:
    """A command as the other side gets it: an id of its own is that of its request."""
    if isinstance(command, _IDENTIFIED):
        id = command.id[:64] if command.id is not None else id
        return msgspec.structs.replace(command, id=id), id
    if isinstance(command, commands.Login | commands.Register):  # that is the server's own word, on no wire
        return msgspec.structs.replace(command, lasting=False), id
    return command, id
