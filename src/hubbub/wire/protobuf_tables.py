"""What belongs together in the Protobuf dialect: types and bodies, and the enums of both sides."""

from __future__ import annotations

from typing import Final

from hubbub.core import commands
from hubbub.core.commands import RoomRole, Status
from hubbub.core.errors import Code
from hubbub.core.events import FileFailure
from hubbub.wire import message_pb2 as pb

_FIELDS: Final = frozenset(field.name for field in pb.EchoMsg.DESCRIPTOR.oneofs_by_name["body"].fields)

UNSUPPORTED: Final = frozenset({pb.MT_VOICE_ANNOUNCE})
"""Types that have their number, and are not in this build."""

BODIES: Final[dict[int, str | None]] = {
    number: field if (field := name.removeprefix("MT_").lower()) in _FIELDS else None
    for name, number in pb.MsgType.items()
}
"""Which field of `body` a type comes with: that of its own name, or none."""

REQUESTED: Final = frozenset(
    {"login_request", "chat_msg", "room_action", "voice_announce", "whisper", "presence", "topic"}
    | {"member_list_request", "typing", "register", "refresh", "password", "sessions", "invite", "role"}
    | {"room_settings", "history", "search", "edit", "delete", "react", "resume", "read", "unread"}
    | {"file_offer", "file_accept", "file_decline", "file_cancel", "file_start", "file_finish"}
    | {"file_chunk", "file_list_request", "file_get"}
)
"""The bodies that requests come with."""
BODILESS: Final = frozenset({pb.MT_UNREAD})
"""Types that may come without theirs, as they did before they had one."""

STATUSES: Final[dict[Status, pb.PresenceStatus]] = {
    "online": pb.PS_ONLINE,
    "away": pb.PS_AWAY,
    "busy": pb.PS_BUSY,
    "offline": pb.PS_OFFLINE,
}
ROLES: Final[dict[RoomRole, pb.RoomRole]] = {
    "owner": pb.RR_OWNER,
    "moderator": pb.RR_MODERATOR,
    "member": pb.RR_MEMBER,
    "none": pb.RR_NONE,
}
FAILURES: Final[dict[FileFailure, pb.FileFailure]] = {
    "cancelled": pb.FF_CANCELLED,
    "expired": pb.FF_EXPIRED,
    "lost": pb.FF_LOST,
    "stalled": pb.FF_STALLED,
    "size": pb.FF_SIZE,
    "digest": pb.FF_DIGEST,
    "storage": pb.FF_STORAGE,
}
ACTIONS: Final[dict[type, pb.RoomActionType]] = {
    commands.CreateRoom: pb.RA_CREATE,
    commands.JoinRoom: pb.RA_JOIN,
    commands.LeaveRoom: pb.RA_LEAVE,
}
CODES: Final[dict[Code, pb.StatusCode]] = {
    Code.BAD_REQUEST: pb.SC_BAD_REQUEST,
    Code.UNKNOWN_ACTION: pb.SC_UNKNOWN_ACTION,
    Code.UNSUPPORTED: pb.SC_UNSUPPORTED,
    Code.UNAUTHENTICATED: pb.SC_UNAUTHENTICATED,
    Code.BAD_CREDENTIALS: pb.SC_BAD_CREDENTIALS,
    Code.FORBIDDEN: pb.SC_FORBIDDEN,
    Code.NAME_INVALID: pb.SC_NAME_INVALID,
    Code.NAME_TAKEN: pb.SC_NAME_TAKEN,
    Code.NAME_REGISTERED: pb.SC_NAME_REGISTERED,
    Code.NOT_FOUND: pb.SC_NOT_FOUND,
    Code.TOO_LARGE: pb.SC_TOO_LARGE,
    Code.RATE_LIMITED: pb.SC_RATE_LIMITED,
    Code.READ_ONLY: pb.SC_READ_ONLY,
    Code.INTERNAL: pb.SC_INTERNAL,
}
ROOM_VERBS: Final[dict[str, pb.RoomActionType]] = {
    "RA_CREATE": pb.RA_CREATE,
    "RA_JOIN": pb.RA_JOIN,
    "RA_LEAVE": pb.RA_LEAVE,
    "MT_ROOM_ACTION": pb.RA_UNSPECIFIED,
}
"""The verb of a request that is a room action; the last is that of one which was refused as it stood."""
ENTERING: Final = frozenset({"MT_LOGIN_REQUEST", "MT_REGISTER", "MT_REFRESH"})
"""Verbs of requests that are answered by a LoginResponse."""
