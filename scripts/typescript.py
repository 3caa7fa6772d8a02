"""Make web/src/wire/types.ts: the WebSocket dialect for the web client, from the types that it is decoded by.

    .venv/bin/python scripts/typescript.py

Of what a client sends, a member that may be left out may also be null or undefined. Of what it gets, a
member with `?` is missing where it would say nothing; null comes only where it is written.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Final

import msgspec
from msgspec import inspect as types

from hubbub.core import answers, events
from hubbub.core.errors import Refusal
from hubbub.wire.json_actions import ACTIONS
from hubbub.wire.websocket_json import EVENTS

TARGET: Final = Path(__file__).resolve().parent.parent / "web" / "src" / "wire" / "types.ts"

_HEAD: Final = """\
// The WebSocket dialect: what each action takes and is answered by, what comes unasked (docs/protocol.md).
// Made from the server's own types by scripts/typescript.py; not edited by hand.
"""
_ANYTHING: Final = (msgspec.Raw, answers.Echoed, events.Announcement)
"""What goes over the wire for these is a JSON value that the server does not look into."""
_ELSEWHERE: Final[dict[type, set[str]]] = {answers.RoomLeft: {"current", "members"}}
"""Members that only other dialects tell."""
_ALWAYS: Final[dict[type, set[str]]] = {events.Welcome: {"user"}}
"""Members that this dialect tells also where they are null."""


class Declarations:
    """The types of a file, in the order in which they are first needed."""

    def __init__(self) -> None:
        self.texts: dict[type, str] = {}

    def name(self, kind: type, *, sent: bool) -> str:
        """Return what a type is called, and declare it. `sent`: by the client."""
        if kind in _ANYTHING:
            return "unknown"
        if kind not in self.texts:
            self.texts[kind] = ""  # its place, and no end of itself
            self.texts[kind] = self._enum(kind) if issubclass(kind, Enum) else self._struct(kind, sent=sent)
        return kind.__name__

    def _enum(self, kind: type[Enum]) -> str:
        values = _union(json.dumps(one.value) for one in kind)
        return f"{_comment(kind)}export type {kind.__name__} = {values};\n"

    def _struct(self, kind: type, *, sent: bool) -> str:
        found = types.type_info(kind)
        assert isinstance(found, types.StructType)  # noqa: S101 (all that is left)
        omits = bool(found.cls.__struct_config__.omit_defaults)
        members = [
            self._member(field, sent=sent, omits=omits and field.name not in _ALWAYS.get(kind, set()))
            for field in found.fields
            if field.name not in _ELSEWHERE.get(kind, set())
        ]
        if not members:
            return f"{_comment(kind)}export type {kind.__name__} = Record<string, never>;\n"
        return f"{_comment(kind)}export interface {kind.__name__} {{\n{''.join(members)}}}\n"

    def _member(self, field: types.Field, *, sent: bool, omits: bool) -> str:
        optional = not field.required and (sent or omits)
        told = self._type(field.type, sent=sent)
        if optional and sent:
            told = _union(dict.fromkeys([*told.split(" | "), "undefined"]))
        elif optional and field.default is None:
            told = told.removesuffix(" | null")
        return f"  {'' if sent else 'readonly '}{field.encode_name}{'?' if optional else ''}: {told};\n"

    def _type(self, found: types.Type, *, sent: bool) -> str:
        match found:
            case types.StrType():
                return "string"
            case types.IntType() | types.FloatType():
                return "number"
            case types.BoolType():
                return "boolean"
            case types.NoneType():
                return "null"
            case types.RawType():
                return "unknown"
            case types.LiteralType(values):
                return _union(json.dumps(value) for value in values)
            case types.EnumType(cls) | types.StructType(cls):
                return self.name(cls, sent=sent)
            case types.UnionType(parts):
                return _union(self._type(part, sent=sent) for part in parts)
            case types.ListType(item):
                return f"readonly {_in_brackets(self._type(item, sent=sent))}[]"
            case types.DictType(_, value):
                return f"Readonly<Record<string, {self._type(value, sent=sent)}>>"
        raise TypeError(f"no TypeScript for {found}")


def document() -> str:
    """Return the whole file."""
    declared = Declarations()
    declared.name(Refusal, sent=False)
    actions, pushed = [], []
    for name, row in ACTIONS.items():
        data = _union(declared.name(kind, sent=False) for kind in row.answers)
        actions.append(f"  {name}: {{ payload: {declared.name(row.payload, sent=True)}; data: {data} }};\n")
    for name, kind in EVENTS.items():
        pushed.append(f"  {name}: {declared.name(kind, sent=False)};\n")
    return "\n".join(
        [
            _HEAD,
            *declared.texts.values(),
            "/** What an action takes, and the data of its response. A refused one gets a `Refusal`. */\n"
            f"export interface Actions {{\n{''.join(actions)}}}\n",
            "/** The data of a notification, by its event. */\n"
            f"export interface Events {{\n{''.join(pushed)}}}\n",
        ]
    )


def _comment(kind: type) -> str:
    lines = inspect.cleandoc(kind.__doc__ or "").splitlines()
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "".join(["/**\n", *(f" * {line}".rstrip() + "\n" for line in lines), " */\n"])


def _union(parts: Iterable[str]) -> str:
    return " | ".join(parts)


def _in_brackets(told: str) -> str:
    return f"({told})" if " " in told else told


if __name__ == "__main__":
    TARGET.write_text(document(), "utf-8")
