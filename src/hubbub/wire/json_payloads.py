"""What the requests of the JSON dialects hold: one struct each, with bounds on everything that costs.

The fields stand in the order of the command that they become, without the `id`, which is the request's.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from hubbub.core import commands

RequestId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Offset = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
Digest = Annotated[str, msgspec.Meta(max_length=64, pattern="^[0-9A-Fa-f]{64}$")]
"""A SHA-256, of a password or a file, in hexadecimal digits."""

OFFER_DIGITS: Final = 32
OfferId = Annotated[str, msgspec.Meta(max_length=OFFER_DIGITS, pattern="^[0-9a-f]{32}$")]
"""The id of an offer: 16 bytes in lower-case hexadecimal digits."""
PersonId = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
"""A `user_id`, which says who is meant where a name may be somebody else's by now."""
FileSize = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""A size of a file, or a place in it, in bytes."""

MAX_FILENAME: Final = 1024
"""Characters; which names are allowed, `core` says."""
MAX_FILETYPE: Final = 255
"""Characters of a media type (RFC 6838 §4.2: 127 on each side of the slash)."""
MAX_HELLO: Final = 8192
"""Characters of what one person's program says to the other's."""

MAX_KEY: Final = 128
"""Characters of an id that the server gives."""

_Before = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]  # 0: before the first
_Secret = Annotated[str, msgspec.Meta(max_length=1024)]
_Key = Annotated[str, msgspec.Meta(max_length=MAX_KEY)]  # a stream, an epoch, a token, the id of a login
_Filename = Annotated[str, msgspec.Meta(max_length=MAX_FILENAME)]
_Hello = Annotated[str, msgspec.Meta(max_length=MAX_HELLO)]
_Days = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]

MAX_POSITIONS: Final = 1000
"""Streams of one `resume`."""


class _Payload(msgspec.Struct, gc=False, omit_defaults=True):
    pass


class Said(_Payload, forbid_unknown_fields=True):
    """Of what says something, or changes what was said: with a member that nobody knows it is refused.

    A `room` that is misspelt would have it said in the default room, to others than it was meant for; a
    `stream`, one's last message there deleted.
    """


class NoPayload(_Payload):
    """Of an action that takes nothing."""


class LoginPayload(_Payload):
    """Of `login`. `password_sha256` stands for `password`."""

    username: str | None = None
    password: _Secret | None = None
    token: str | None = None
    password_sha256: Digest | None = None


class RegisterPayload(_Payload):
    """Of `register`. `password_sha256` stands for `password`."""

    username: str | None = None
    password: _Secret | None = None
    password_sha256: Digest | None = None


class RefreshPayload(_Payload):
    """Of `refresh`."""

    refresh_token: _Key


class PasswordPayload(_Payload):
    """Of `password`: `old` and `new`, or the SHA-256 of both."""

    old: _Secret | None = None
    new: _Secret | None = None
    old_sha256: Digest | None = None
    new_sha256: Digest | None = None


class SessionsPayload(_Payload):
    """Of `sessions`. With the id of a login in `end` it ends that one."""

    end: _Key | None = None


class PublishPayload(Said):
    """Of `publish`. The message's id is the request's."""

    content: str
    room: str | None = None
    reply_to: Offset | None = None


class WhisperPayload(Said):
    """Of `whisper`. The message's id is the request's. With `to_id` it is for that person alone."""

    to: str
    content: str
    reply_to: Offset | None = None
    to_id: PersonId | None = None


class PresencePayload(_Payload):
    """Of `presence`."""

    status: commands.Status


class CreatePayload(_Payload):
    """Of `create`."""

    room: str
    private: bool = False


class RoomPayload(_Payload):
    """Of an action on a room that must be named."""

    room: str


class OwnRoomPayload(_Payload):
    """Of an action on a room; without `room` it is the default room."""

    room: str | None = None


class TopicPayload(Said):
    """Of `topic`. Without `topic` it asks for it."""

    room: str | None = None
    topic: str | None = None


class InvitePayload(_Payload):
    """Of `invite`."""

    to: str
    room: str | None = None


class RolePayload(_Payload):
    """Of `role`."""

    user: str
    role: commands.RoomRole
    room: str | None = None


class RoomSettingsPayload(_Payload):
    """Of `room_settings`. Without a change it asks for them."""

    room: str | None = None
    private: bool | None = None
    retain_days: _Days | None = None


class HistoryPayload(_Payload, rename={"with_": "with"}):
    """Of `history`: of a room, of the private talk `with` somebody, or of the stream of one of them."""

    room: str | None = None
    with_: str | None = None
    before: Offset | None = None
    after: _Before | None = None
    around: Offset | None = None
    limit: Offset | None = None
    stream: _Key | None = None


class SearchPayload(_Payload, rename={"with_": "with"}):
    """Of `search`: everywhere, or as in `history`.

    With `before`, what is older than that message, which is in `before_stream`, or in what is searched.
    """

    query: Annotated[str, msgspec.Meta(max_length=1024)]
    room: str | None = None
    with_: str | None = None
    limit: Offset | None = None
    stream: _Key | None = None
    before: Offset | None = None
    before_stream: _Key | None = None


class EditPayload(Said):
    """Of `edit`. Without `stream` the default room, without `offset` one's own last message there."""

    content: str
    stream: _Key | None = None
    offset: Offset | None = None


class DeletePayload(Said):
    """Of `delete`; `stream` and `offset` as in `edit`."""

    stream: _Key | None = None
    offset: Offset | None = None


class ReactPayload(Said):
    """Of `react`. Without `offset` the last message there."""

    emoji: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    stream: _Key | None = None
    offset: Offset | None = None
    remove: bool = False


class PlacePayload(_Payload):
    """A position that a client has; offset 0: nothing of it yet."""

    epoch: _Key
    offset: _Before


class ResumePayload(_Payload):
    """Of `resume`: the last position that was seen, by stream."""

    positions: Annotated[dict[str, PlacePayload], msgspec.Meta(max_length=MAX_POSITIONS)]


class ReadPayload(_Payload):
    """Of `read`."""

    stream: _Key
    offset: _Before


class UnreadPayload(_Payload):
    """Of `unread`. With `all` it asks for all rooms and talks that one has."""

    all: bool = False


class FileOfferPayload(_Payload):
    """Of `file_offer`: to a person (`to_id` as in `whisper`) or to a room. With `offer` it takes one of one's
    own up again.
    """

    filename: _Filename
    size: FileSize
    to: str | None = None
    room: str | None = None
    sha256: Digest | None = None
    filetype: Annotated[str, msgspec.Meta(max_length=MAX_FILETYPE)] | None = None
    content: str | None = None
    offer: OfferId | None = None
    hello: _Hello | None = None
    to_id: PersonId | None = None

    def __post_init__(self) -> None:
        if self.sha256 is not None:
            self.sha256 = self.sha256.lower()


class FileAcceptPayload(_Payload, rename={"sender": "from"}):
    """Of `file_accept`: by `offer`, else the oldest that is open of `from` and `filename`."""

    offer: OfferId | None = None
    sender: str | None = None
    filename: _Filename | None = None
    offset: FileSize = 0
    direct: bool = False
    hello: _Hello | None = None


class FileDeclinePayload(_Payload, rename={"sender": "from"}):
    """Of `file_decline`; which one, as in `file_accept`."""

    offer: OfferId | None = None
    sender: str | None = None
    filename: _Filename | None = None


class OfferPayload(_Payload):
    """Of `file_cancel` and `file_start`."""

    offer: OfferId


class FileFinishPayload(_Payload):
    """Of `file_finish`: the digest of all that has arrived."""

    offer: OfferId
    sha256: Digest

    def __post_init__(self) -> None:
        self.sha256 = self.sha256.lower()


class FilesPayload(_Payload, rename={"with_": "with"}):
    """Of `files`: of a room, or of the private talk `with` somebody."""

    room: str | None = None
    with_: str | None = None


class FileGetPayload(_Payload):
    """Of `file_get`: by the file's id, or the newest of that name."""

    file: _Key | None = None
    filename: _Filename | None = None
    room: str | None = None


class SendToPayload(_Payload):
    """Of `send_to`: `payload` is any JSON value."""

    connection_ids: list[str]
    payload: msgspec.Raw
