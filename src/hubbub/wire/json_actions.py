"""The actions of the JSON dialects: one row each, from payload to command and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec.structs import astuple

from hubbub.core import answers, commands, file_commands
from hubbub.core.commands import Command
from hubbub.wire import json_payloads as payloads
from hubbub.wire.json_payloads import NoPayload, OwnRoomPayload, RoomPayload, SendToPayload, TopicPayload


class Action(NamedTuple):
    """One row of the table: how a payload becomes a command, and what types of answers come back."""

    payload: type
    command: Callable[[msgspec.Raw, str | None], Command]
    answers: tuple[type, ...]


_P = TypeVar("_P", bound=msgspec.Struct)


def _action(payload: type[_P], build: Callable[[_P, str | None], Command], *answers: type) -> Action:
    decode = msgspec.json.Decoder(payload).decode
    return Action(payload, lambda raw, id: build(decode(raw), id), answers)


def _same(payload: type[msgspec.Struct], command: type[Command], *answers: type) -> Action:
    """Of a payload whose fields are those of the command."""
    return _action(payload, lambda p, _: command(*astuple(p)), *answers)


def _named(payload: type[msgspec.Struct], command: Callable[..., Command], *answers: type) -> Action:
    """The same, where the command has the request's id behind them."""
    return _action(payload, lambda p, id: command(*astuple(p), id), *answers)


def _lasting(payload: type[msgspec.Struct], command: Callable[..., Command], *others: type) -> Action:
    """The same of what is kept, so that a retry must do no harm."""
    return _named(payload, command, answers.Accepted, *others)


def topic(payload: TopicPayload, _: str | None) -> Command:
    """Set it, or ask for it."""
    if payload.topic is None:
        return commands.GetTopic(payload.room)
    return commands.SetTopic(payload.topic, payload.room)


def _sessions(payload: payloads.SessionsPayload, _: str | None) -> Command:
    return commands.ListSessions() if payload.end is None else commands.EndSession(payload.end)


def _room_settings(payload: payloads.RoomSettingsPayload, _: str | None) -> Command:
    if payload.private is None and payload.retain_days is None:
        return commands.GetRoom(payload.room)
    return commands.SetRoom(*astuple(payload))


def _valid(payload: msgspec.Raw) -> msgspec.Raw:
    """A payload that others will get: its bytes must be UTF-8 (its grammar was checked on the way)."""
    str(payload, "utf-8")
    return payload


MAX_CONNECTION_IDS: Final = 1_048_576
"""Bytes of `connection_ids` as JSON. Read into strings they take about fourteen times as much memory."""
MAX_RESUME: Final = 262_144
"""Bytes of a `resume` as JSON, for the same reason: enough for all positions that it may have."""


class _UnreadIds(msgspec.Struct, gc=False):
    connection_ids: msgspec.Raw = msgspec.Raw(b"[]")


_unread_ids: Final = msgspec.json.Decoder(_UnreadIds).decode
_read_send_to: Final = msgspec.json.Decoder(SendToPayload).decode
_read_resume: Final = msgspec.json.Decoder(payloads.ResumePayload).decode


def _send_to(raw: msgspec.Raw, _: str | None) -> Command:
    if memoryview(_unread_ids(raw).connection_ids).nbytes > MAX_CONNECTION_IDS:
        raise msgspec.ValidationError(f"longer than {MAX_CONNECTION_IDS} bytes - at `$.connection_ids`")
    payload = _read_send_to(raw)
    return commands.SendTo(payload.connection_ids, _valid(payload.payload))


def _resume(raw: msgspec.Raw, _: str | None) -> Command:
    if memoryview(raw).nbytes > MAX_RESUME:
        raise msgspec.ValidationError(f"longer than {MAX_RESUME} bytes - at `$.positions`")
    positions = _read_resume(raw).positions
    return commands.Resume({name: commands.Place(at.epoch, at.offset) for name, at in positions.items()})


ACTIONS: Final[dict[str, Action]] = {
    "login": _same(payloads.LoginPayload, commands.Login, answers.LoggedIn),
    "register": _same(payloads.RegisterPayload, commands.Register, answers.LoggedIn),
    "refresh": _same(payloads.RefreshPayload, commands.Refresh, answers.LoggedIn),
    "logout": _same(NoPayload, commands.Logout, answers.LoggedOut),
    "password": _same(payloads.PasswordPayload, commands.ChangePassword, answers.PasswordSet),
    "sessions": _action(payloads.SessionsPayload, _sessions, answers.SessionList, answers.SessionEnded),
    "publish": _action(
        payloads.PublishPayload,
        lambda p, id: commands.Publish(p.content, p.room, id, p.reply_to),
        answers.Accepted,
    ),
    "whisper": _action(
        payloads.WhisperPayload,
        lambda p, id: commands.Whisper(p.to, p.content, id, p.reply_to, p.to_id),
        answers.Accepted,
    ),
    "list": _same(NoPayload, commands.ListUsers, answers.UserList),
    "presence": _same(payloads.PresencePayload, commands.SetStatus, answers.StatusSet),
    "rooms": _same(NoPayload, commands.ListRooms, answers.RoomList),
    "create": _same(payloads.CreatePayload, commands.CreateRoom, answers.RoomJoined),
    "join": _same(RoomPayload, commands.JoinRoom, answers.RoomJoined),
    "leave": _same(OwnRoomPayload, commands.LeaveRoom, answers.RoomLeft),
    "topic": _action(TopicPayload, topic, answers.TopicSet),
    "members": _same(OwnRoomPayload, commands.ListMembers, answers.MemberList),
    "invite": _same(payloads.InvitePayload, commands.Invite, answers.Invited),
    "role": _same(payloads.RolePayload, commands.SetRole, answers.RoleSet),
    "room_settings": _action(payloads.RoomSettingsPayload, _room_settings, answers.RoomSettingsShown),
    "history": _same(payloads.HistoryPayload, commands.GetHistory, answers.History),
    "search": _same(payloads.SearchPayload, commands.Search, answers.SearchResult),
    "edit": _lasting(payloads.EditPayload, commands.Edit),
    "delete": _lasting(payloads.DeletePayload, commands.Delete),
    "react": _lasting(payloads.ReactPayload, commands.React, answers.Done),
    "resume": Action(payloads.ResumePayload, _resume, (answers.Resumed,)),
    "read": _same(payloads.ReadPayload, commands.MarkRead, answers.ReadUpTo),
    "unread": _same(payloads.UnreadPayload, commands.GetUnread, answers.UnreadList),
    "file_offer": _named(payloads.FileOfferPayload, file_commands.OfferFile, answers.Offered),
    "file_accept": _same(payloads.FileAcceptPayload, file_commands.AcceptFile, answers.Done),
    "file_decline": _same(payloads.FileDeclinePayload, file_commands.DeclineFile, answers.Done),
    "file_cancel": _same(payloads.OfferPayload, file_commands.CancelFile, answers.Done),
    "file_start": _same(payloads.OfferPayload, file_commands.StartFile, answers.Done),
    "file_finish": _same(payloads.FileFinishPayload, file_commands.FinishFile, answers.Done),
    "files": _same(payloads.FilesPayload, file_commands.ListFiles, answers.FileList),
    "file_get": _same(payloads.FileGetPayload, file_commands.GetFile, answers.FileLink),
    "typing": _same(OwnRoomPayload, commands.Typing, answers.Done),
    "ping": _same(NoPayload, commands.Ping, answers.Ponged),
    "echo": Action(msgspec.Raw, lambda raw, _: commands.Echo(_valid(raw)), (answers.Echoed,)),
    "broadcast": Action(msgspec.Raw, lambda raw, _: commands.Announce(_valid(raw)), (answers.Announced,)),
    "send_to": Action(SendToPayload, _send_to, (answers.Announced,)),
    "get_connections": _same(NoPayload, commands.CountConnections, answers.Connections),
}

_encode: Final = msgspec.json.Encoder().encode

_SAME: Final[dict[type[Command], str]] = {
    commands.Login: "login",
    commands.Register: "register",
    commands.Refresh: "refresh",
    commands.Logout: "logout",
    commands.ChangePassword: "password",
    commands.ListSessions: "sessions",
    commands.EndSession: "sessions",
    commands.ListUsers: "list",
    commands.SetStatus: "presence",
    commands.ListRooms: "rooms",
    commands.CreateRoom: "create",
    commands.JoinRoom: "join",
    commands.LeaveRoom: "leave",
    commands.ListMembers: "members",
    commands.Invite: "invite",
    commands.SetRole: "role",
    commands.GetRoom: "room_settings",
    commands.SetRoom: "room_settings",
    commands.GetHistory: "history",
    commands.Search: "search",
    commands.Edit: "edit",
    commands.Delete: "delete",
    commands.React: "react",
    commands.Resume: "resume",
    commands.MarkRead: "read",
    commands.GetUnread: "unread",
    file_commands.OfferFile: "file_offer",
    file_commands.AcceptFile: "file_accept",
    file_commands.DeclineFile: "file_decline",
    file_commands.CancelFile: "file_cancel",
    file_commands.StartFile: "file_start",
    file_commands.FinishFile: "file_finish",
    file_commands.ListFiles: "files",
    file_commands.GetFile: "file_get",
    commands.Typing: "typing",
    commands.Ping: "ping",
    commands.CountConnections: "get_connections",
}
"""Commands whose fields are those of the payload, in this order; what more either has, stands behind."""


def request_id(command: Command, id: str | None) -> str | None:
    """The id of a request: the one that a command has of its own goes before `id`."""
    return getattr(command, "id", None) or id


def spell(command: Command) -> tuple[str, bytes]:
    """Action and payload of a command; ValueError for one that this dialect has no action for."""
    match command:
        case commands.Publish(content, room, _, reply_to):
            return "publish", _encode(payloads.PublishPayload(content, room, reply_to))
        case commands.Whisper(to, content, _, reply_to, to_id):
            return "whisper", _encode(payloads.WhisperPayload(to, content, reply_to, to_id))
        case commands.SetTopic(topic, room):
            return "topic", _encode(TopicPayload(room, topic))
        case commands.GetTopic(room):
            return "topic", _encode(TopicPayload(room))
        case commands.Echo(payload):
            return "echo", bytes(payload)
        case commands.Announce(payload):
            return "broadcast", bytes(payload)
        case commands.SendTo(connection_ids, payload):
            return "send_to", _encode(SendToPayload(connection_ids, payload))
    action = _SAME.get(type(command))
    if action is None:
        raise ValueError(f"no action of the JSON dialects: {type(command).__name__}")
    payload_type: Any = ACTIONS[action].payload
    told = astuple(command)[: len(payload_type.__struct_fields__)]
    return action, _encode(payload_type(*told))
