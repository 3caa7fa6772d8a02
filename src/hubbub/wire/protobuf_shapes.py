"""Between the structs of `core` and the messages of Protobuf: fields of the same meaning, both ways.

A struct's field goes into the message's field of the same name, or of the name in `_RENAMED`; where the
message has a `position`, the struct's stream, epoch, offset and `at` are its parts. What a message has no
field for is left out.
"""

from __future__ import annotations

import math
from enum import Enum, auto
from functools import cache
from typing import Any, Final, Literal, NamedTuple, TypeVar, get_args, get_origin

import msgspec
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from hubbub.core.commands import RoomRole, Status
from hubbub.core.events import FileFailure
from hubbub.wire.protobuf_tables import FAILURES, ROLES, STATUSES

StructT = TypeVar("StructT", bound=msgspec.Struct)

LARGEST: Final = 2**53 - 1  # the JSON dialects must be able to show every number

_RENAMED: Final = {
    "sender": "username",
    "sender_id": "user_id",
    "room": "room_id",
    "with_": "with_username",
    "user": "username",
    "old": "old_password",
    "new": "new_password",
}
_RENAMED_BESIDE_USER: Final = {"sender": "by", "sender_id": "by_id", "room": "room_id"}
"""Where the one who acts is not the one who is acted on, whose fields are `username` and `user_id`."""
_POSITION: Final = ("stream", "epoch", "offset", "at")
_ENUMS: Final[dict[object, dict[Any, int]]] = {
    get_args(Status): dict(STATUSES),
    get_args(RoomRole): dict(ROLES),
    get_args(FileFailure): dict(FAILURES),
}


class FieldError(ValueError):
    """A field of a message has a value that its struct cannot have."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class _Kind(Enum):
    TEXT = auto()
    BYTES = auto()
    TRUTH = auto()
    NUMBER = auto()
    REAL = auto()
    ENUM = auto()
    TEXTS = auto()
    STRUCT = auto()
    STRUCTS = auto()
    MAP = auto()


class _Field(NamedTuple):
    name: str  # of the struct
    field: str  # of the message
    kind: _Kind
    optional: bool  # may be None
    presence: bool  # the message knows it as absent; else 0 and "" are
    item: Any = None  # ENUM: its table; STRUCT, STRUCTS and MAP: what they hold
    names: Any = None  # ENUM: the table turned round


class _Plan(NamedTuple):
    fields: tuple[_Field, ...]
    position: tuple[str, ...]  # what of the struct stands in `position`
    timeless: bool = False  # its `at` may be None


_SCALARS: Final[dict[object, _Kind]] = {
    str: _Kind.TEXT,
    bytes: _Kind.BYTES,
    bool: _Kind.TRUTH,
    int: _Kind.NUMBER,
    float: _Kind.REAL,
}


@cache
def _plan(struct: type[msgspec.Struct], message: Descriptor) -> _Plan:
    infos = {info.name: info for info in msgspec.structs.fields(struct)}
    renamed = _RENAMED_BESIDE_USER if {"sender", "username"} <= infos.keys() else _RENAMED
    position = tuple(part for part in _POSITION if part in infos and "position" in message.fields_by_name)
    fields = []
    for name, info in infos.items():
        target = message.fields_by_name.get(renamed.get(name, name))
        if name not in position and target is not None:
            fields.append(_field(name, target.name, target.has_presence, info.type))
    return _Plan(tuple(fields), position, "at" in position and infos["at"].default is None)


def _field(name: str, field: str, presence: bool, wanted: Any) -> _Field:
    options = get_args(wanted) if get_origin(wanted) is not Literal else ()
    optional = type(None) in options
    if optional:
        [wanted] = [option for option in options if option is not type(None)]
    if get_origin(wanted) is Literal:
        table = _ENUMS[get_args(wanted)]
        names = {number: value for value, number in table.items()}
        return _Field(name, field, _Kind.ENUM, optional, presence, table, names)
    if get_origin(wanted) is list:
        [item] = get_args(wanted)
        return _Field(name, field, _Kind.TEXTS if item is str else _Kind.STRUCTS, optional, presence, item)
    if get_origin(wanted) is dict:
        return _Field(name, field, _Kind.MAP, optional, presence, get_args(wanted)[1])
    if issubclass(wanted, msgspec.Struct):
        return _Field(name, field, _Kind.STRUCT, optional, presence, wanted)
    return _Field(name, field, _SCALARS[wanted], optional, presence)


def fill(message: Message, struct: msgspec.Struct) -> None:
    """Write what the struct holds into the message, which counts as set from now on."""
    message.SetInParent()
    plan = _plan(type(struct), message.DESCRIPTOR)
    for field in plan.fields:
        value = getattr(struct, field.name)
        if field.kind is _Kind.TEXTS:
            getattr(message, field.field).extend(value)
        elif field.kind is _Kind.STRUCTS:
            for one in value:
                fill(getattr(message, field.field).add(), one)
        elif field.kind is _Kind.MAP:
            for key, one in value.items():
                fill(getattr(message, field.field)[key], one)
        elif value is None:
            continue
        elif field.kind is _Kind.STRUCT:
            fill(getattr(message, field.field), value)
        else:
            setattr(message, field.field, field.item[value] if field.kind is _Kind.ENUM else value)
    if plan.position:
        position = message.position  # type: ignore[attr-defined] # the plan saw it
        for part in plan.position:
            value = getattr(struct, part)
            if value is not None:
                setattr(position, part, value)


def read(message: Message, struct: type[StructT]) -> StructT:
    """The struct that the message stands for; FieldError where it cannot be one."""
    plan = _plan(struct, message.DESCRIPTOR)
    values = {field.name: _value(message, field) for field in plan.fields}
    if plan.position:
        position = message.position  # type: ignore[attr-defined] # the plan saw it
        for part in plan.position:
            values[part] = _number(getattr(position, part), part)
        if plan.timeless:
            values["at"] = position.at or None
    return struct(**values)


def _value(message: Message, field: _Field) -> object:
    value = getattr(message, field.field)
    if field.kind is _Kind.TEXTS:
        return list(value)
    if field.kind is _Kind.STRUCTS:
        return [read(one, field.item) for one in value]
    if field.kind is _Kind.MAP:
        return {key: read(one, field.item) for key, one in value.items()}
    if field.optional and not (message.HasField(field.field) if field.presence else value):
        return None
    if field.kind is _Kind.STRUCT:
        return read(value, field.item)
    if field.kind is _Kind.ENUM:
        if value not in field.names:
            raise FieldError(field.field, f"There is no such {field.field}.")
        return field.names[value]
    if field.kind is _Kind.REAL and not math.isfinite(value):
        raise FieldError(field.field, "This is not a number.")
    return _number(value, field.field)


def _number(value: object, field: str) -> object:
    if type(value) is int and value > LARGEST:
        raise FieldError(field, "This number is too large.")
    return value
