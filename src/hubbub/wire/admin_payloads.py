"""What admins ask for over HTTP (`/api/v1/admin/…`), and what they are told: one row each in `ADMIN_ROUTES`.

Bodies and queries have bounds on everything that costs, and refuse members that they do not know.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from hubbub.core.accounts import Role
from hubbub.core.room_administration import RoomOverview
from hubbub.wire.json_payloads import Digest

ADMIN_PATH: Final = "/api/v1/admin"
"""Where all of it is."""
MAX_BODY: Final = 65_536
"""Bytes of a body: a topic and a password are far shorter."""
MAX_LISTED: Final = 200
"""Accounts or rooms in one page: who asks for more is refused."""
LISTED: Final = 50
"""And where the asker does not say."""
_MAX_NAME: Final = 256  # characters of a name before it is made normal
_MAX_QUERY: Final = 64

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=_MAX_NAME)]
_Password = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
_Days = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


# -- asked for


class NoQuery(_Asked, frozen=True):
    """Of a request that is not narrowed."""


class PageQuery(_Asked, frozen=True):
    """Up to `limit` of those with `q` in their name (case is forgiven), by name from behind `after`."""

    after: Annotated[str, msgspec.Meta(max_length=_MAX_NAME)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LISTED)] = LISTED
    q: Annotated[str, msgspec.Meta(max_length=_MAX_QUERY)] = ""


class NewUser(_Asked, frozen=True):
    """An account to be made. `password_sha256` (64 hexadecimal digits) stands for `password`."""

    username: _Name
    password: _Password | None = None
    password_sha256: Digest | None = None
    role: Role = "member"


class UserChange(_Asked, frozen=True):
    """What is to be another for an account. With a password, or disabled, all of its logins end."""

    role: Role | None = None
    disabled: bool | None = None
    password: _Password | None = None
    password_sha256: Digest | None = None


class RoomChange(_Asked, frozen=True):
    """What is to be another for a room. `retain_days` 0: what is said is kept for ever."""

    topic: str | None = None
    private: bool | None = None
    retain_days: _Days | None = None


# -- told


class UserShown(msgspec.Struct, frozen=True):
    """An account. `created` is RFC 3339, `logins` counts where it is logged in.

    `dialects` has one name for each of its connections: none where it is not online.
    """

    username: str
    user_id: int
    role: Role
    disabled: bool
    created: str
    online: bool
    logins: int
    dialects: list[str]


class UserPage(msgspec.Struct, frozen=True):
    """Some accounts, by name. `more`: there are others behind the last one."""

    users: list[UserShown]
    more: bool


class RoomPage(msgspec.Struct, frozen=True):
    """Some rooms, by name, private ones too. `more`: there are others behind the last one."""

    rooms: list[RoomOverview]
    more: bool


class LimitShown(msgspec.Struct, frozen=True):
    """A setting that bounds something. Null: it depends on where somebody comes from, as explained."""

    name: str
    value: float | bool | None
    default: float | bool | None
    explanation: str


class LimitSection(msgspec.Struct, frozen=True):
    """A section of the settings, with the units that hold for all of it."""

    name: str
    explanation: str
    limits: list[LimitShown]


class Limits(msgspec.Struct, frozen=True):
    """All limits, as they hold now. They are changed where the server is started."""

    sections: list[LimitSection]


class LogShown(msgspec.Struct, frozen=True):
    """The log on disk. `bytes` are those of its segments, `dead` entries go at the next compaction."""

    bytes: int
    segments: int
    streams: int
    entries: int
    dead: int
    keys: int
    read_only: str | None
    """Why nothing can be kept now."""


class CompactionShown(msgspec.Struct, frozen=True):
    """How the last compaction ended that an admin asked for. `at` is RFC 3339; bytes before and after.

    `done` False: there was nothing to give back yet (what is young, by `messages.dedupe_seconds`, is left
    alone), or it failed, and then the server's log says why.
    """

    at: str
    done: bool
    before: int
    after: int


class DiskShown(msgspec.Struct, frozen=True):
    """The file system of the data directory, in bytes."""

    free: int
    total: int


class FilesShown(msgspec.Struct, frozen=True):
    """Kept files. Several files with the same bytes are one blob; `quota_used` counts each of them.

    `unfinished` uploads are not whole yet, and count with the size that they will have.
    """

    files: int
    blobs: int
    blob_bytes: int
    unfinished: int
    unfinished_bytes: int
    quota_used: int
    quota_total: int
    quota_user: int
    max_files: int
    store: Literal["directory", "s3"]


class SearchShown(msgspec.Struct, frozen=True):
    """The search index. `waiting` entries are committed and not indexed yet.

    `behind`: some were left out and are read again. `building`: it is made anew, and nothing can be found.
    `failing`: it cannot be written or read, and the server's log says why.
    """

    state: Literal["ready", "behind", "building", "failing"]
    waiting: int


class StorageShown(msgspec.Struct, frozen=True):
    """Everything that is kept. Without a data directory there is neither `log` nor `disk`."""

    log: LogShown | None
    disk: DiskShown | None
    compacting: bool
    last_compaction: CompactionShown | None
    files: FilesShown
    search: SearchShown


class CompactionBegun(msgspec.Struct, frozen=True):
    """It runs beside the server; `GET storage` tells how it ended. `begun` False: one was running already."""

    begun: bool


class Collected(msgspec.Struct, frozen=True):
    """What nobody needed any more, and was given back."""

    blobs: int
    bytes: int
    uploads: int
    upload_bytes: int


# -- the table


class AdminRoute(NamedTuple):
    """One row: `path` is behind `ADMIN_PATH`; `operation` names it; the answer comes with `status`."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    operation: str
    answer: type[msgspec.Struct]
    summary: str
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] = NoQuery
    status: int = 200


ADMIN_ROUTES: Final = (
    AdminRoute("GET", "/users", "list_users", UserPage, "Accounts, some at a time.", query=PageQuery),
    AdminRoute("POST", "/users", "add_user", UserShown, "Make an account.", NewUser, status=201),
    AdminRoute(
        "PATCH",
        "/users/{name}",
        "change_user",
        UserShown,
        "Change an account: role, password, whether it may come in. The last admin stays one.",
        UserChange,
    ),
    AdminRoute("DELETE", "/users/{name}/sessions", "log_out_user", UserShown, "Log somebody out everywhere."),
    AdminRoute("GET", "/rooms", "list_rooms", RoomPage, "All rooms, some at a time.", query=PageQuery),
    AdminRoute(
        "PATCH",
        "/rooms/{name}",
        "change_room",
        RoomOverview,
        "Change a room as its owner may; its members are told.",
        RoomChange,
    ),
    AdminRoute(
        "DELETE",
        "/rooms/{name}",
        "end_room",
        RoomOverview,
        "End a room: all are out of it, and what was said there is erased. The answer is what it was.",
    ),
    AdminRoute("GET", "/limits", "show_limits", Limits, "The settings that are limits."),
    AdminRoute("GET", "/storage", "show_storage", StorageShown, "What is kept, and where it stands."),
    AdminRoute(
        "POST",
        "/storage/compact",
        "compact",
        CompactionBegun,
        "Give the space back of what is gone.",
        status=202,
    ),
    AdminRoute("POST", "/storage/gc", "collect", Collected, "Remove blobs and uploads that nobody needs."),
)
"""Everything that an admin may ask for. All of it is for accounts with the role `admin` alone."""
