from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MsgType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MT_UNSPECIFIED: _ClassVar[MsgType]
    MT_LOGIN_REQUEST: _ClassVar[MsgType]
    MT_LOGIN_RESPONSE: _ClassVar[MsgType]
    MT_CHAT_MSG: _ClassVar[MsgType]
    MT_ROOM_ACTION: _ClassVar[MsgType]
    MT_VOICE_ANNOUNCE: _ClassVar[MsgType]
    MT_ROOM_ACTION_RESPONSE: _ClassVar[MsgType]
    MT_CHAT_ACK: _ClassVar[MsgType]
    MT_ERROR: _ClassVar[MsgType]
    MT_OK: _ClassVar[MsgType]
    MT_PING: _ClassVar[MsgType]
    MT_PONG: _ClassVar[MsgType]
    MT_GOING_AWAY: _ClassVar[MsgType]
    MT_WHISPER: _ClassVar[MsgType]
    MT_USER_LIST_REQUEST: _ClassVar[MsgType]
    MT_USER_LIST: _ClassVar[MsgType]
    MT_PRESENCE: _ClassVar[MsgType]
    MT_PRESENCE_CHANGED: _ClassVar[MsgType]
    MT_ROOM_LIST_REQUEST: _ClassVar[MsgType]
    MT_ROOM_LIST: _ClassVar[MsgType]
    MT_TOPIC: _ClassVar[MsgType]
    MT_TOPIC_CHANGED: _ClassVar[MsgType]
    MT_MEMBER_LIST_REQUEST: _ClassVar[MsgType]
    MT_MEMBER_LIST: _ClassVar[MsgType]
    MT_TYPING: _ClassVar[MsgType]
    MT_USER_TYPING: _ClassVar[MsgType]
    MT_USER_JOINED: _ClassVar[MsgType]
    MT_USER_LEFT: _ClassVar[MsgType]
    MT_REGISTER: _ClassVar[MsgType]
    MT_REFRESH: _ClassVar[MsgType]
    MT_LOGOUT: _ClassVar[MsgType]
    MT_PASSWORD: _ClassVar[MsgType]
    MT_SESSIONS: _ClassVar[MsgType]
    MT_INVITE: _ClassVar[MsgType]
    MT_ROLE: _ClassVar[MsgType]
    MT_ROOM_SETTINGS: _ClassVar[MsgType]
    MT_HISTORY: _ClassVar[MsgType]
    MT_SEARCH: _ClassVar[MsgType]
    MT_EDIT: _ClassVar[MsgType]
    MT_DELETE: _ClassVar[MsgType]
    MT_REACT: _ClassVar[MsgType]
    MT_RESUME: _ClassVar[MsgType]
    MT_READ: _ClassVar[MsgType]
    MT_UNREAD: _ClassVar[MsgType]
    MT_FILE_OFFER: _ClassVar[MsgType]
    MT_FILE_ACCEPT: _ClassVar[MsgType]
    MT_FILE_DECLINE: _ClassVar[MsgType]
    MT_FILE_CANCEL: _ClassVar[MsgType]
    MT_FILE_CHUNK: _ClassVar[MsgType]
    MT_LOGGED_OUT: _ClassVar[MsgType]
    MT_PASSWORD_SET: _ClassVar[MsgType]
    MT_SESSION_LIST: _ClassVar[MsgType]
    MT_SESSION_ENDED: _ClassVar[MsgType]
    MT_INVITED: _ClassVar[MsgType]
    MT_ROLE_SET: _ClassVar[MsgType]
    MT_HISTORY_RESULT: _ClassVar[MsgType]
    MT_SEARCH_RESULT: _ClassVar[MsgType]
    MT_RESUMED: _ClassVar[MsgType]
    MT_READ_UP_TO: _ClassVar[MsgType]
    MT_UNREAD_LIST: _ClassVar[MsgType]
    MT_MESSAGE_EDITED: _ClassVar[MsgType]
    MT_MESSAGE_DELETED: _ClassVar[MsgType]
    MT_REACTION_CHANGED: _ClassVar[MsgType]
    MT_ROOM_CHANGED: _ClassVar[MsgType]
    MT_ROLE_CHANGED: _ClassVar[MsgType]
    MT_MENTIONED: _ClassVar[MsgType]
    MT_ROOM_INVITATION: _ClassVar[MsgType]
    MT_MESSAGE_ERASED: _ClassVar[MsgType]
    MT_GAP: _ClassVar[MsgType]
    MT_READ_MOVED: _ClassVar[MsgType]
    MT_FILE_START: _ClassVar[MsgType]
    MT_FILE_FINISH: _ClassVar[MsgType]
    MT_FILE_LIST_REQUEST: _ClassVar[MsgType]
    MT_FILE_GET: _ClassVar[MsgType]
    MT_FILE_OFFERED: _ClassVar[MsgType]
    MT_FILE_LIST: _ClassVar[MsgType]
    MT_FILE_LINK: _ClassVar[MsgType]
    MT_FILE_ACCEPTED: _ClassVar[MsgType]
    MT_UPLOAD_STARTED: _ClassVar[MsgType]
    MT_DOWNLOAD_STARTED: _ClassVar[MsgType]
    MT_FILE_PROGRESS: _ClassVar[MsgType]
    MT_FILE_DONE: _ClassVar[MsgType]
    MT_FILE_FAILED: _ClassVar[MsgType]

class StatusCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SC_OK: _ClassVar[StatusCode]
    SC_BAD_REQUEST: _ClassVar[StatusCode]
    SC_UNKNOWN_ACTION: _ClassVar[StatusCode]
    SC_UNSUPPORTED: _ClassVar[StatusCode]
    SC_UNAUTHENTICATED: _ClassVar[StatusCode]
    SC_BAD_CREDENTIALS: _ClassVar[StatusCode]
    SC_FORBIDDEN: _ClassVar[StatusCode]
    SC_NAME_INVALID: _ClassVar[StatusCode]
    SC_NAME_TAKEN: _ClassVar[StatusCode]
    SC_NAME_REGISTERED: _ClassVar[StatusCode]
    SC_NOT_FOUND: _ClassVar[StatusCode]
    SC_TOO_LARGE: _ClassVar[StatusCode]
    SC_RATE_LIMITED: _ClassVar[StatusCode]
    SC_READ_ONLY: _ClassVar[StatusCode]
    SC_INTERNAL: _ClassVar[StatusCode]

class RoomActionType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RA_UNSPECIFIED: _ClassVar[RoomActionType]
    RA_CREATE: _ClassVar[RoomActionType]
    RA_JOIN: _ClassVar[RoomActionType]
    RA_LEAVE: _ClassVar[RoomActionType]

class PresenceStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PS_UNSPECIFIED: _ClassVar[PresenceStatus]
    PS_ONLINE: _ClassVar[PresenceStatus]
    PS_AWAY: _ClassVar[PresenceStatus]
    PS_BUSY: _ClassVar[PresenceStatus]
    PS_OFFLINE: _ClassVar[PresenceStatus]

class RoomRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RR_UNSPECIFIED: _ClassVar[RoomRole]
    RR_OWNER: _ClassVar[RoomRole]
    RR_MODERATOR: _ClassVar[RoomRole]
    RR_MEMBER: _ClassVar[RoomRole]
    RR_NONE: _ClassVar[RoomRole]

class FileFailure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FF_UNSPECIFIED: _ClassVar[FileFailure]
    FF_CANCELLED: _ClassVar[FileFailure]
    FF_EXPIRED: _ClassVar[FileFailure]
    FF_LOST: _ClassVar[FileFailure]
    FF_STALLED: _ClassVar[FileFailure]
    FF_SIZE: _ClassVar[FileFailure]
    FF_DIGEST: _ClassVar[FileFailure]
    FF_STORAGE: _ClassVar[FileFailure]
MT_UNSPECIFIED: MsgType
MT_LOGIN_REQUEST: MsgType
MT_LOGIN_RESPONSE: MsgType
MT_CHAT_MSG: MsgType
MT_ROOM_ACTION: MsgType
MT_VOICE_ANNOUNCE: MsgType
MT_ROOM_ACTION_RESPONSE: MsgType
MT_CHAT_ACK: MsgType
MT_ERROR: MsgType
MT_OK: MsgType
MT_PING: MsgType
MT_PONG: MsgType
MT_GOING_AWAY: MsgType
MT_WHISPER: MsgType
MT_USER_LIST_REQUEST: MsgType
MT_USER_LIST: MsgType
MT_PRESENCE: MsgType
MT_PRESENCE_CHANGED: MsgType
MT_ROOM_LIST_REQUEST: MsgType
MT_ROOM_LIST: MsgType
MT_TOPIC: MsgType
MT_TOPIC_CHANGED: MsgType
MT_MEMBER_LIST_REQUEST: MsgType
MT_MEMBER_LIST: MsgType
MT_TYPING: MsgType
MT_USER_TYPING: MsgType
MT_USER_JOINED: MsgType
MT_USER_LEFT: MsgType
MT_REGISTER: MsgType
MT_REFRESH: MsgType
MT_LOGOUT: MsgType
MT_PASSWORD: MsgType
MT_SESSIONS: MsgType
MT_INVITE: MsgType
MT_ROLE: MsgType
MT_ROOM_SETTINGS: MsgType
MT_HISTORY: MsgType
MT_SEARCH: MsgType
MT_EDIT: MsgType
MT_DELETE: MsgType
MT_REACT: MsgType
MT_RESUME: MsgType
MT_READ: MsgType
MT_UNREAD: MsgType
MT_FILE_OFFER: MsgType
MT_FILE_ACCEPT: MsgType
MT_FILE_DECLINE: MsgType
MT_FILE_CANCEL: MsgType
MT_FILE_CHUNK: MsgType
MT_LOGGED_OUT: MsgType
MT_PASSWORD_SET: MsgType
MT_SESSION_LIST: MsgType
MT_SESSION_ENDED: MsgType
MT_INVITED: MsgType
MT_ROLE_SET: MsgType
MT_HISTORY_RESULT: MsgType
MT_SEARCH_RESULT: MsgType
MT_RESUMED: MsgType
MT_READ_UP_TO: MsgType
MT_UNREAD_LIST: MsgType
MT_MESSAGE_EDITED: MsgType
MT_MESSAGE_DELETED: MsgType
MT_REACTION_CHANGED: MsgType
MT_ROOM_CHANGED: MsgType
MT_ROLE_CHANGED: MsgType
MT_MENTIONED: MsgType
MT_ROOM_INVITATION: MsgType
MT_MESSAGE_ERASED: MsgType
MT_GAP: MsgType
MT_READ_MOVED: MsgType
MT_FILE_START: MsgType
MT_FILE_FINISH: MsgType
MT_FILE_LIST_REQUEST: MsgType
MT_FILE_GET: MsgType
MT_FILE_OFFERED: MsgType
MT_FILE_LIST: MsgType
MT_FILE_LINK: MsgType
MT_FILE_ACCEPTED: MsgType
MT_UPLOAD_STARTED: MsgType
MT_DOWNLOAD_STARTED: MsgType
MT_FILE_PROGRESS: MsgType
MT_FILE_DONE: MsgType
MT_FILE_FAILED: MsgType
SC_OK: StatusCode
SC_BAD_REQUEST: StatusCode
SC_UNKNOWN_ACTION: StatusCode
SC_UNSUPPORTED: StatusCode
SC_UNAUTHENTICATED: StatusCode
SC_BAD_CREDENTIALS: StatusCode
SC_FORBIDDEN: StatusCode
SC_NAME_INVALID: StatusCode
SC_NAME_TAKEN: StatusCode
SC_NAME_REGISTERED: StatusCode
SC_NOT_FOUND: StatusCode
SC_TOO_LARGE: StatusCode
SC_RATE_LIMITED: StatusCode
SC_READ_ONLY: StatusCode
SC_INTERNAL: StatusCode
RA_UNSPECIFIED: RoomActionType
RA_CREATE: RoomActionType
RA_JOIN: RoomActionType
RA_LEAVE: RoomActionType
PS_UNSPECIFIED: PresenceStatus
PS_ONLINE: PresenceStatus
PS_AWAY: PresenceStatus
PS_BUSY: PresenceStatus
PS_OFFLINE: PresenceStatus
RR_UNSPECIFIED: RoomRole
RR_OWNER: RoomRole
RR_MODERATOR: RoomRole
RR_MEMBER: RoomRole
RR_NONE: RoomRole
FF_UNSPECIFIED: FileFailure
FF_CANCELLED: FileFailure
FF_EXPIRED: FileFailure
FF_LOST: FileFailure
FF_STALLED: FileFailure
FF_SIZE: FileFailure
FF_DIGEST: FileFailure
FF_STORAGE: FileFailure

class Position(_message.Message):
    __slots__ = ("stream", "epoch", "offset", "at")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    stream: str
    epoch: str
    offset: int
    at: str
    def __init__(self, stream: _Optional[str] = ..., epoch: _Optional[str] = ..., offset: _Optional[int] = ..., at: _Optional[str] = ...) -> None: ...

class UserView(_message.Message):
    __slots__ = ("user_id", "username", "status", "role")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    status: PresenceStatus
    role: RoomRole
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., status: _Optional[_Union[PresenceStatus, str]] = ..., role: _Optional[_Union[RoomRole, str]] = ...) -> None: ...

class RoomView(_message.Message):
    __slots__ = ("room_id", "topic", "members", "private")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    topic: str
    members: int
    private: bool
    def __init__(self, room_id: _Optional[str] = ..., topic: _Optional[str] = ..., members: _Optional[int] = ..., private: _Optional[bool] = ...) -> None: ...

class RoomPlace(_message.Message):
    __slots__ = ("room_id", "position")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    position: Position
    def __init__(self, room_id: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class SessionView(_message.Message):
    __slots__ = ("id", "since", "seen", "current")
    ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    since: str
    seen: str
    current: bool
    def __init__(self, id: _Optional[str] = ..., since: _Optional[str] = ..., seen: _Optional[str] = ..., current: _Optional[bool] = ...) -> None: ...

class Reaction(_message.Message):
    __slots__ = ("emoji", "count", "users")
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    emoji: str
    count: int
    users: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, emoji: _Optional[str] = ..., count: _Optional[int] = ..., users: _Optional[_Iterable[str]] = ...) -> None: ...

class ThumbnailView(_message.Message):
    __slots__ = ("file", "width", "height")
    FILE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    file: str
    width: int
    height: int
    def __init__(self, file: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class FileView(_message.Message):
    __slots__ = ("file", "name", "size", "type", "sha256", "thumbnail")
    FILE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    THUMBNAIL_FIELD_NUMBER: _ClassVar[int]
    file: str
    name: str
    size: int
    type: str
    sha256: str
    thumbnail: ThumbnailView
    def __init__(self, file: _Optional[str] = ..., name: _Optional[str] = ..., size: _Optional[int] = ..., type: _Optional[str] = ..., sha256: _Optional[str] = ..., thumbnail: _Optional[_Union[ThumbnailView, _Mapping]] = ...) -> None: ...

class OfferView(_message.Message):
    __slots__ = ("offer", "username", "filename", "size", "state", "to", "room_id")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    offer: str
    username: str
    filename: str
    size: int
    state: str
    to: str
    room_id: str
    def __init__(self, offer: _Optional[str] = ..., username: _Optional[str] = ..., filename: _Optional[str] = ..., size: _Optional[int] = ..., state: _Optional[str] = ..., to: _Optional[str] = ..., room_id: _Optional[str] = ...) -> None: ...

class MessageView(_message.Message):
    __slots__ = ("user_id", "username", "content", "id", "position", "room_id", "to", "to_id", "reply_to", "edited_at", "deleted", "reactions", "file")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    TO_ID_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    EDITED_AT_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    REACTIONS_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    content: str
    id: str
    position: Position
    room_id: str
    to: str
    to_id: int
    reply_to: int
    edited_at: str
    deleted: bool
    reactions: _containers.RepeatedCompositeFieldContainer[Reaction]
    file: FileView
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., content: _Optional[str] = ..., id: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., room_id: _Optional[str] = ..., to: _Optional[str] = ..., to_id: _Optional[int] = ..., reply_to: _Optional[int] = ..., edited_at: _Optional[str] = ..., deleted: _Optional[bool] = ..., reactions: _Optional[_Iterable[_Union[Reaction, _Mapping]]] = ..., file: _Optional[_Union[FileView, _Mapping]] = ...) -> None: ...

class UnreadView(_message.Message):
    __slots__ = ("position", "read", "unread", "mentions", "room_id", "with_username", "gone")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    WITH_USERNAME_FIELD_NUMBER: _ClassVar[int]
    GONE_FIELD_NUMBER: _ClassVar[int]
    position: Position
    read: int
    unread: int
    mentions: int
    room_id: str
    with_username: str
    gone: bool
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ..., read: _Optional[int] = ..., unread: _Optional[int] = ..., mentions: _Optional[int] = ..., room_id: _Optional[str] = ..., with_username: _Optional[str] = ..., gone: _Optional[bool] = ...) -> None: ...

class LoginRequest(_message.Message):
    __slots__ = ("username", "password", "token", "password_sha256")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_SHA256_FIELD_NUMBER: _ClassVar[int]
    username: str
    password: str
    token: str
    password_sha256: str
    def __init__(self, username: _Optional[str] = ..., password: _Optional[str] = ..., token: _Optional[str] = ..., password_sha256: _Optional[str] = ...) -> None: ...

class LoginResponse(_message.Message):
    __slots__ = ("status_code", "user_id", "message", "username", "token", "server", "field", "limit", "retry_after", "refresh_token", "expires_in", "role", "rooms")
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    status_code: StatusCode
    user_id: int
    message: str
    username: str
    token: str
    server: str
    field: str
    limit: str
    retry_after: float
    refresh_token: str
    expires_in: int
    role: str
    rooms: _containers.RepeatedCompositeFieldContainer[RoomPlace]
    def __init__(self, status_code: _Optional[_Union[StatusCode, str]] = ..., user_id: _Optional[int] = ..., message: _Optional[str] = ..., username: _Optional[str] = ..., token: _Optional[str] = ..., server: _Optional[str] = ..., field: _Optional[str] = ..., limit: _Optional[str] = ..., retry_after: _Optional[float] = ..., refresh_token: _Optional[str] = ..., expires_in: _Optional[int] = ..., role: _Optional[str] = ..., rooms: _Optional[_Iterable[_Union[RoomPlace, _Mapping]]] = ...) -> None: ...

class Register(_message.Message):
    __slots__ = ("username", "password", "password_sha256")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_SHA256_FIELD_NUMBER: _ClassVar[int]
    username: str
    password: str
    password_sha256: str
    def __init__(self, username: _Optional[str] = ..., password: _Optional[str] = ..., password_sha256: _Optional[str] = ...) -> None: ...

class Refresh(_message.Message):
    __slots__ = ("refresh_token",)
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    refresh_token: str
    def __init__(self, refresh_token: _Optional[str] = ...) -> None: ...

class Password(_message.Message):
    __slots__ = ("old_password", "new_password", "old_sha256", "new_sha256")
    OLD_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    NEW_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    OLD_SHA256_FIELD_NUMBER: _ClassVar[int]
    NEW_SHA256_FIELD_NUMBER: _ClassVar[int]
    old_password: str
    new_password: str
    old_sha256: str
    new_sha256: str
    def __init__(self, old_password: _Optional[str] = ..., new_password: _Optional[str] = ..., old_sha256: _Optional[str] = ..., new_sha256: _Optional[str] = ...) -> None: ...

class Sessions(_message.Message):
    __slots__ = ("end",)
    END_FIELD_NUMBER: _ClassVar[int]
    end: str
    def __init__(self, end: _Optional[str] = ...) -> None: ...

class SessionList(_message.Message):
    __slots__ = ("sessions",)
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[SessionView]
    def __init__(self, sessions: _Optional[_Iterable[_Union[SessionView, _Mapping]]] = ...) -> None: ...

class SessionEnded(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: str
    def __init__(self, session: _Optional[str] = ...) -> None: ...

class ChatMsg(_message.Message):
    __slots__ = ("user_id", "room_id", "content", "username", "id", "reply_to", "position", "mentions", "file")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    room_id: str
    content: str
    username: str
    id: str
    reply_to: int
    position: Position
    mentions: _containers.RepeatedScalarFieldContainer[str]
    file: FileView
    def __init__(self, user_id: _Optional[int] = ..., room_id: _Optional[str] = ..., content: _Optional[str] = ..., username: _Optional[str] = ..., id: _Optional[str] = ..., reply_to: _Optional[int] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., mentions: _Optional[_Iterable[str]] = ..., file: _Optional[_Union[FileView, _Mapping]] = ...) -> None: ...

class Whisper(_message.Message):
    __slots__ = ("user_id", "to", "content", "username", "id", "to_id", "position", "reply_to", "file")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    TO_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    to: str
    content: str
    username: str
    id: str
    to_id: int
    position: Position
    reply_to: int
    file: FileView
    def __init__(self, user_id: _Optional[int] = ..., to: _Optional[str] = ..., content: _Optional[str] = ..., username: _Optional[str] = ..., id: _Optional[str] = ..., to_id: _Optional[int] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., reply_to: _Optional[int] = ..., file: _Optional[_Union[FileView, _Mapping]] = ...) -> None: ...

class ChatAck(_message.Message):
    __slots__ = ("id", "position")
    ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    id: str
    position: Position
    def __init__(self, id: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class RoomAction(_message.Message):
    __slots__ = ("action_type", "room_id", "user_id", "private")
    ACTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_FIELD_NUMBER: _ClassVar[int]
    action_type: RoomActionType
    room_id: str
    user_id: int
    private: bool
    def __init__(self, action_type: _Optional[_Union[RoomActionType, str]] = ..., room_id: _Optional[str] = ..., user_id: _Optional[int] = ..., private: _Optional[bool] = ...) -> None: ...

class RoomActionResponse(_message.Message):
    __slots__ = ("status_code", "action_type", "room_id", "message", "position", "members", "topic", "created", "current", "field", "limit", "retry_after")
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    ACTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    status_code: StatusCode
    action_type: RoomActionType
    room_id: str
    message: str
    position: Position
    members: int
    topic: str
    created: bool
    current: str
    field: str
    limit: str
    retry_after: float
    def __init__(self, status_code: _Optional[_Union[StatusCode, str]] = ..., action_type: _Optional[_Union[RoomActionType, str]] = ..., room_id: _Optional[str] = ..., message: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., members: _Optional[int] = ..., topic: _Optional[str] = ..., created: _Optional[bool] = ..., current: _Optional[str] = ..., field: _Optional[str] = ..., limit: _Optional[str] = ..., retry_after: _Optional[float] = ...) -> None: ...

class VoiceAnnounce(_message.Message):
    __slots__ = ("user_id", "room_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    room_id: str
    def __init__(self, user_id: _Optional[int] = ..., room_id: _Optional[str] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("status_code", "message", "field", "limit", "retry_after")
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    status_code: StatusCode
    message: str
    field: str
    limit: str
    retry_after: float
    def __init__(self, status_code: _Optional[_Union[StatusCode, str]] = ..., message: _Optional[str] = ..., field: _Optional[str] = ..., limit: _Optional[str] = ..., retry_after: _Optional[float] = ...) -> None: ...

class GoingAway(_message.Message):
    __slots__ = ("reason", "retry_after")
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    reason: str
    retry_after: float
    def __init__(self, reason: _Optional[str] = ..., retry_after: _Optional[float] = ...) -> None: ...

class UserList(_message.Message):
    __slots__ = ("users",)
    USERS_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[UserView]
    def __init__(self, users: _Optional[_Iterable[_Union[UserView, _Mapping]]] = ...) -> None: ...

class Presence(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: PresenceStatus
    def __init__(self, status: _Optional[_Union[PresenceStatus, str]] = ...) -> None: ...

class PresenceChanged(_message.Message):
    __slots__ = ("user_id", "username", "status")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    status: PresenceStatus
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., status: _Optional[_Union[PresenceStatus, str]] = ...) -> None: ...

class RoomList(_message.Message):
    __slots__ = ("rooms",)
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    rooms: _containers.RepeatedCompositeFieldContainer[RoomView]
    def __init__(self, rooms: _Optional[_Iterable[_Union[RoomView, _Mapping]]] = ...) -> None: ...

class Topic(_message.Message):
    __slots__ = ("room_id", "topic")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    topic: str
    def __init__(self, room_id: _Optional[str] = ..., topic: _Optional[str] = ...) -> None: ...

class TopicChanged(_message.Message):
    __slots__ = ("user_id", "username", "room_id", "topic", "position")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    room_id: str
    topic: str
    position: Position
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., room_id: _Optional[str] = ..., topic: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class MemberListRequest(_message.Message):
    __slots__ = ("room_id",)
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    def __init__(self, room_id: _Optional[str] = ...) -> None: ...

class MemberList(_message.Message):
    __slots__ = ("room_id", "count", "users")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    count: int
    users: _containers.RepeatedCompositeFieldContainer[UserView]
    def __init__(self, room_id: _Optional[str] = ..., count: _Optional[int] = ..., users: _Optional[_Iterable[_Union[UserView, _Mapping]]] = ...) -> None: ...

class Typing(_message.Message):
    __slots__ = ("room_id",)
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    def __init__(self, room_id: _Optional[str] = ...) -> None: ...

class UserTyping(_message.Message):
    __slots__ = ("user_id", "username", "room_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    room_id: str
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., room_id: _Optional[str] = ...) -> None: ...

class UserJoined(_message.Message):
    __slots__ = ("user_id", "username", "room_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    room_id: str
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., room_id: _Optional[str] = ...) -> None: ...

class UserLeft(_message.Message):
    __slots__ = ("user_id", "username", "room_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    room_id: str
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., room_id: _Optional[str] = ...) -> None: ...

class Invite(_message.Message):
    __slots__ = ("to", "room_id")
    TO_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    to: str
    room_id: str
    def __init__(self, to: _Optional[str] = ..., room_id: _Optional[str] = ...) -> None: ...

class Invited(_message.Message):
    __slots__ = ("room_id", "username")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    username: str
    def __init__(self, room_id: _Optional[str] = ..., username: _Optional[str] = ...) -> None: ...

class Role(_message.Message):
    __slots__ = ("username", "role", "room_id")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    username: str
    role: RoomRole
    room_id: str
    def __init__(self, username: _Optional[str] = ..., role: _Optional[_Union[RoomRole, str]] = ..., room_id: _Optional[str] = ...) -> None: ...

class RoleSet(_message.Message):
    __slots__ = ("room_id", "username", "role")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    username: str
    role: RoomRole
    def __init__(self, room_id: _Optional[str] = ..., username: _Optional[str] = ..., role: _Optional[_Union[RoomRole, str]] = ...) -> None: ...

class RoomSettings(_message.Message):
    __slots__ = ("room_id", "private", "retain_days", "topic", "owner", "role")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_FIELD_NUMBER: _ClassVar[int]
    RETAIN_DAYS_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    private: bool
    retain_days: float
    topic: str
    owner: str
    role: RoomRole
    def __init__(self, room_id: _Optional[str] = ..., private: _Optional[bool] = ..., retain_days: _Optional[float] = ..., topic: _Optional[str] = ..., owner: _Optional[str] = ..., role: _Optional[_Union[RoomRole, str]] = ...) -> None: ...

class History(_message.Message):
    __slots__ = ("room_id", "with_username", "before", "after", "around", "limit", "stream")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    WITH_USERNAME_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    AROUND_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    with_username: str
    before: int
    after: int
    around: int
    limit: int
    stream: str
    def __init__(self, room_id: _Optional[str] = ..., with_username: _Optional[str] = ..., before: _Optional[int] = ..., after: _Optional[int] = ..., around: _Optional[int] = ..., limit: _Optional[int] = ..., stream: _Optional[str] = ...) -> None: ...

class HistoryResult(_message.Message):
    __slots__ = ("stream", "messages", "more", "room_id", "with_username")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    WITH_USERNAME_FIELD_NUMBER: _ClassVar[int]
    stream: str
    messages: _containers.RepeatedCompositeFieldContainer[MessageView]
    more: bool
    room_id: str
    with_username: str
    def __init__(self, stream: _Optional[str] = ..., messages: _Optional[_Iterable[_Union[MessageView, _Mapping]]] = ..., more: _Optional[bool] = ..., room_id: _Optional[str] = ..., with_username: _Optional[str] = ...) -> None: ...

class Search(_message.Message):
    __slots__ = ("query", "room_id", "with_username", "limit", "stream", "before", "before_stream")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    WITH_USERNAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_STREAM_FIELD_NUMBER: _ClassVar[int]
    query: str
    room_id: str
    with_username: str
    limit: int
    stream: str
    before: int
    before_stream: str
    def __init__(self, query: _Optional[str] = ..., room_id: _Optional[str] = ..., with_username: _Optional[str] = ..., limit: _Optional[int] = ..., stream: _Optional[str] = ..., before: _Optional[int] = ..., before_stream: _Optional[str] = ...) -> None: ...

class SearchResult(_message.Message):
    __slots__ = ("messages", "more")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[MessageView]
    more: bool
    def __init__(self, messages: _Optional[_Iterable[_Union[MessageView, _Mapping]]] = ..., more: _Optional[bool] = ...) -> None: ...

class Edit(_message.Message):
    __slots__ = ("content", "stream", "offset")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    content: str
    stream: str
    offset: int
    def __init__(self, content: _Optional[str] = ..., stream: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class Delete(_message.Message):
    __slots__ = ("stream", "offset")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    stream: str
    offset: int
    def __init__(self, stream: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class React(_message.Message):
    __slots__ = ("emoji", "stream", "offset", "remove")
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    emoji: str
    stream: str
    offset: int
    remove: bool
    def __init__(self, emoji: _Optional[str] = ..., stream: _Optional[str] = ..., offset: _Optional[int] = ..., remove: _Optional[bool] = ...) -> None: ...

class Resume(_message.Message):
    __slots__ = ("positions",)
    class PositionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Position
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.MessageMap[str, Position]
    def __init__(self, positions: _Optional[_Mapping[str, Position]] = ...) -> None: ...

class Resumed(_message.Message):
    __slots__ = ("positions",)
    class PositionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Position
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.MessageMap[str, Position]
    def __init__(self, positions: _Optional[_Mapping[str, Position]] = ...) -> None: ...

class Read(_message.Message):
    __slots__ = ("stream", "offset")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    stream: str
    offset: int
    def __init__(self, stream: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ReadUpTo(_message.Message):
    __slots__ = ("stream", "offset")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    stream: str
    offset: int
    def __init__(self, stream: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class Unread(_message.Message):
    __slots__ = ("all",)
    ALL_FIELD_NUMBER: _ClassVar[int]
    all: bool
    def __init__(self, all: _Optional[bool] = ...) -> None: ...

class UnreadList(_message.Message):
    __slots__ = ("streams",)
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedCompositeFieldContainer[UnreadView]
    def __init__(self, streams: _Optional[_Iterable[_Union[UnreadView, _Mapping]]] = ...) -> None: ...

class MessageEdited(_message.Message):
    __slots__ = ("user_id", "username", "target", "content", "id", "room_id", "position")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    target: int
    content: str
    id: str
    room_id: str
    position: Position
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., target: _Optional[int] = ..., content: _Optional[str] = ..., id: _Optional[str] = ..., room_id: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class MessageDeleted(_message.Message):
    __slots__ = ("user_id", "username", "target", "id", "room_id", "position")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    target: int
    id: str
    room_id: str
    position: Position
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., target: _Optional[int] = ..., id: _Optional[str] = ..., room_id: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class ReactionChanged(_message.Message):
    __slots__ = ("user_id", "username", "target", "emoji", "removed", "id", "room_id", "position")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    target: int
    emoji: str
    removed: bool
    id: str
    room_id: str
    position: Position
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., target: _Optional[int] = ..., emoji: _Optional[str] = ..., removed: _Optional[bool] = ..., id: _Optional[str] = ..., room_id: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class RoomChanged(_message.Message):
    __slots__ = ("user_id", "username", "room_id", "private", "retain_days", "position")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_FIELD_NUMBER: _ClassVar[int]
    RETAIN_DAYS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    room_id: str
    private: bool
    retain_days: float
    position: Position
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., room_id: _Optional[str] = ..., private: _Optional[bool] = ..., retain_days: _Optional[float] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class RoleChanged(_message.Message):
    __slots__ = ("by_id", "by", "user_id", "username", "role", "room_id", "position")
    BY_ID_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    by_id: int
    by: str
    user_id: int
    username: str
    role: RoomRole
    room_id: str
    position: Position
    def __init__(self, by_id: _Optional[int] = ..., by: _Optional[str] = ..., user_id: _Optional[int] = ..., username: _Optional[str] = ..., role: _Optional[_Union[RoomRole, str]] = ..., room_id: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class Mentioned(_message.Message):
    __slots__ = ("user_id", "username", "room_id", "room_stream", "message_id", "position")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_STREAM_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    room_id: str
    room_stream: str
    message_id: str
    position: Position
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., room_id: _Optional[str] = ..., room_stream: _Optional[str] = ..., message_id: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class RoomInvitation(_message.Message):
    __slots__ = ("user_id", "username", "room_id", "room_stream", "position")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_STREAM_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    room_id: str
    room_stream: str
    position: Position
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., room_id: _Optional[str] = ..., room_stream: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class MessageErased(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: Position
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: Position
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class ReadMoved(_message.Message):
    __slots__ = ("stream", "offset")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    stream: str
    offset: int
    def __init__(self, stream: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class FileOffer(_message.Message):
    __slots__ = ("filename", "size", "to", "room_id", "sha256", "filetype", "content", "offer", "hello", "user_id", "username", "to_id")
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    FILETYPE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    TO_ID_FIELD_NUMBER: _ClassVar[int]
    filename: str
    size: int
    to: str
    room_id: str
    sha256: str
    filetype: str
    content: str
    offer: str
    hello: str
    user_id: int
    username: str
    to_id: int
    def __init__(self, filename: _Optional[str] = ..., size: _Optional[int] = ..., to: _Optional[str] = ..., room_id: _Optional[str] = ..., sha256: _Optional[str] = ..., filetype: _Optional[str] = ..., content: _Optional[str] = ..., offer: _Optional[str] = ..., hello: _Optional[str] = ..., user_id: _Optional[int] = ..., username: _Optional[str] = ..., to_id: _Optional[int] = ...) -> None: ...

class FileAccept(_message.Message):
    __slots__ = ("offer", "username", "filename", "offset", "direct", "hello")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DIRECT_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    offer: str
    username: str
    filename: str
    offset: int
    direct: bool
    hello: str
    def __init__(self, offer: _Optional[str] = ..., username: _Optional[str] = ..., filename: _Optional[str] = ..., offset: _Optional[int] = ..., direct: _Optional[bool] = ..., hello: _Optional[str] = ...) -> None: ...

class FileDecline(_message.Message):
    __slots__ = ("offer", "username", "filename", "to")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    offer: str
    username: str
    filename: str
    to: str
    def __init__(self, offer: _Optional[str] = ..., username: _Optional[str] = ..., filename: _Optional[str] = ..., to: _Optional[str] = ...) -> None: ...

class FileCancel(_message.Message):
    __slots__ = ("offer",)
    OFFER_FIELD_NUMBER: _ClassVar[int]
    offer: str
    def __init__(self, offer: _Optional[str] = ...) -> None: ...

class FileStart(_message.Message):
    __slots__ = ("offer",)
    OFFER_FIELD_NUMBER: _ClassVar[int]
    offer: str
    def __init__(self, offer: _Optional[str] = ...) -> None: ...

class FileFinish(_message.Message):
    __slots__ = ("offer", "sha256")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    offer: str
    sha256: str
    def __init__(self, offer: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class FileChunk(_message.Message):
    __slots__ = ("offer", "offset", "data", "last")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    offer: str
    offset: int
    data: bytes
    last: bool
    def __init__(self, offer: _Optional[str] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ..., last: _Optional[bool] = ...) -> None: ...

class FileListRequest(_message.Message):
    __slots__ = ("room_id", "with_username")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    WITH_USERNAME_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    with_username: str
    def __init__(self, room_id: _Optional[str] = ..., with_username: _Optional[str] = ...) -> None: ...

class FileGet(_message.Message):
    __slots__ = ("file", "filename", "room_id")
    FILE_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    file: str
    filename: str
    room_id: str
    def __init__(self, file: _Optional[str] = ..., filename: _Optional[str] = ..., room_id: _Optional[str] = ...) -> None: ...

class FileOffered(_message.Message):
    __slots__ = ("offer", "keep")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    offer: str
    keep: bool
    def __init__(self, offer: _Optional[str] = ..., keep: _Optional[bool] = ...) -> None: ...

class FileList(_message.Message):
    __slots__ = ("offers", "files")
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    offers: _containers.RepeatedCompositeFieldContainer[OfferView]
    files: _containers.RepeatedCompositeFieldContainer[FileView]
    def __init__(self, offers: _Optional[_Iterable[_Union[OfferView, _Mapping]]] = ..., files: _Optional[_Iterable[_Union[FileView, _Mapping]]] = ...) -> None: ...

class FileLink(_message.Message):
    __slots__ = ("url", "name", "size", "expires_in")
    URL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_FIELD_NUMBER: _ClassVar[int]
    url: str
    name: str
    size: int
    expires_in: int
    def __init__(self, url: _Optional[str] = ..., name: _Optional[str] = ..., size: _Optional[int] = ..., expires_in: _Optional[int] = ...) -> None: ...

class FileAccepted(_message.Message):
    __slots__ = ("to", "filename", "offer", "offset", "hello")
    TO_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    to: str
    filename: str
    offer: str
    offset: int
    hello: str
    def __init__(self, to: _Optional[str] = ..., filename: _Optional[str] = ..., offer: _Optional[str] = ..., offset: _Optional[int] = ..., hello: _Optional[str] = ...) -> None: ...

class UploadStarted(_message.Message):
    __slots__ = ("filename", "offer", "size", "offset", "window")
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    filename: str
    offer: str
    size: int
    offset: int
    window: int
    def __init__(self, filename: _Optional[str] = ..., offer: _Optional[str] = ..., size: _Optional[int] = ..., offset: _Optional[int] = ..., window: _Optional[int] = ...) -> None: ...

class DownloadStarted(_message.Message):
    __slots__ = ("username", "filename", "size", "offer", "offset")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    username: str
    filename: str
    size: int
    offer: str
    offset: int
    def __init__(self, username: _Optional[str] = ..., filename: _Optional[str] = ..., size: _Optional[int] = ..., offer: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class FileProgress(_message.Message):
    __slots__ = ("offer", "offset")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    offer: str
    offset: int
    def __init__(self, offer: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class FileDone(_message.Message):
    __slots__ = ("filename", "offer", "sha256")
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    filename: str
    offer: str
    sha256: str
    def __init__(self, filename: _Optional[str] = ..., offer: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class FileFailed(_message.Message):
    __slots__ = ("username", "filename", "offer", "reason", "message", "again")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    AGAIN_FIELD_NUMBER: _ClassVar[int]
    username: str
    filename: str
    offer: str
    reason: FileFailure
    message: str
    again: bool
    def __init__(self, username: _Optional[str] = ..., filename: _Optional[str] = ..., offer: _Optional[str] = ..., reason: _Optional[_Union[FileFailure, str]] = ..., message: _Optional[str] = ..., again: _Optional[bool] = ...) -> None: ...

class EchoMsg(_message.Message):
    __slots__ = ("type", "id", "login_request", "login_response", "chat_msg", "room_action", "voice_announce", "room_action_response", "chat_ack", "error", "going_away", "whisper", "user_list", "presence", "presence_changed", "room_list", "topic", "topic_changed", "member_list_request", "member_list", "typing", "user_typing", "user_joined", "user_left", "register", "refresh", "password", "sessions", "session_list", "session_ended", "invite", "invited", "role", "role_set", "room_settings", "history", "history_result", "search", "search_result", "edit", "delete", "react", "resume", "resumed", "read", "read_up_to", "unread_list", "message_edited", "message_deleted", "reaction_changed", "room_changed", "role_changed", "mentioned", "room_invitation", "message_erased", "gap", "read_moved", "file_offer", "file_accept", "file_decline", "file_cancel", "file_start", "file_finish", "file_chunk", "file_list_request", "file_get", "file_offered", "file_list", "file_link", "file_accepted", "upload_started", "download_started", "file_progress", "file_done", "file_failed", "unread")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LOGIN_REQUEST_FIELD_NUMBER: _ClassVar[int]
    LOGIN_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    CHAT_MSG_FIELD_NUMBER: _ClassVar[int]
    ROOM_ACTION_FIELD_NUMBER: _ClassVar[int]
    VOICE_ANNOUNCE_FIELD_NUMBER: _ClassVar[int]
    ROOM_ACTION_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    CHAT_ACK_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    GOING_AWAY_FIELD_NUMBER: _ClassVar[int]
    WHISPER_FIELD_NUMBER: _ClassVar[int]
    USER_LIST_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    ROOM_LIST_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    TOPIC_CHANGED_FIELD_NUMBER: _ClassVar[int]
    MEMBER_LIST_REQUEST_FIELD_NUMBER: _ClassVar[int]
    MEMBER_LIST_FIELD_NUMBER: _ClassVar[int]
    TYPING_FIELD_NUMBER: _ClassVar[int]
    USER_TYPING_FIELD_NUMBER: _ClassVar[int]
    USER_JOINED_FIELD_NUMBER: _ClassVar[int]
    USER_LEFT_FIELD_NUMBER: _ClassVar[int]
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    SESSION_LIST_FIELD_NUMBER: _ClassVar[int]
    SESSION_ENDED_FIELD_NUMBER: _ClassVar[int]
    INVITE_FIELD_NUMBER: _ClassVar[int]
    INVITED_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ROLE_SET_FIELD_NUMBER: _ClassVar[int]
    ROOM_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    HISTORY_RESULT_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    SEARCH_RESULT_FIELD_NUMBER: _ClassVar[int]
    EDIT_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    REACT_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    READ_UP_TO_FIELD_NUMBER: _ClassVar[int]
    UNREAD_LIST_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_EDITED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_DELETED_FIELD_NUMBER: _ClassVar[int]
    REACTION_CHANGED_FIELD_NUMBER: _ClassVar[int]
    ROOM_CHANGED_FIELD_NUMBER: _ClassVar[int]
    ROLE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    MENTIONED_FIELD_NUMBER: _ClassVar[int]
    ROOM_INVITATION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ERASED_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    READ_MOVED_FIELD_NUMBER: _ClassVar[int]
    FILE_OFFER_FIELD_NUMBER: _ClassVar[int]
    FILE_ACCEPT_FIELD_NUMBER: _ClassVar[int]
    FILE_DECLINE_FIELD_NUMBER: _ClassVar[int]
    FILE_CANCEL_FIELD_NUMBER: _ClassVar[int]
    FILE_START_FIELD_NUMBER: _ClassVar[int]
    FILE_FINISH_FIELD_NUMBER: _ClassVar[int]
    FILE_CHUNK_FIELD_NUMBER: _ClassVar[int]
    FILE_LIST_REQUEST_FIELD_NUMBER: _ClassVar[int]
    FILE_GET_FIELD_NUMBER: _ClassVar[int]
    FILE_OFFERED_FIELD_NUMBER: _ClassVar[int]
    FILE_LIST_FIELD_NUMBER: _ClassVar[int]
    FILE_LINK_FIELD_NUMBER: _ClassVar[int]
    FILE_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_STARTED_FIELD_NUMBER: _ClassVar[int]
    DOWNLOAD_STARTED_FIELD_NUMBER: _ClassVar[int]
    FILE_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FILE_DONE_FIELD_NUMBER: _ClassVar[int]
    FILE_FAILED_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    type: MsgType
    id: str
    login_request: LoginRequest
    login_response: LoginResponse
    chat_msg: ChatMsg
    room_action: RoomAction
    voice_announce: VoiceAnnounce
    room_action_response: RoomActionResponse
    chat_ack: ChatAck
    error: Error
    going_away: GoingAway
    whisper: Whisper
    user_list: UserList
    presence: Presence
    presence_changed: PresenceChanged
    room_list: RoomList
    topic: Topic
    topic_changed: TopicChanged
    member_list_request: MemberListRequest
    member_list: MemberList
    typing: Typing
    user_typing: UserTyping
    user_joined: UserJoined
    user_left: UserLeft
    register: Register
    refresh: Refresh
    password: Password
    sessions: Sessions
    session_list: SessionList
    session_ended: SessionEnded
    invite: Invite
    invited: Invited
    role: Role
    role_set: RoleSet
    room_settings: RoomSettings
    history: History
    history_result: HistoryResult
    search: Search
    search_result: SearchResult
    edit: Edit
    delete: Delete
    react: React
    resume: Resume
    resumed: Resumed
    read: Read
    read_up_to: ReadUpTo
    unread_list: UnreadList
    message_edited: MessageEdited
    message_deleted: MessageDeleted
    reaction_changed: ReactionChanged
    room_changed: RoomChanged
    role_changed: RoleChanged
    mentioned: Mentioned
    room_invitation: RoomInvitation
    message_erased: MessageErased
    gap: Gap
    read_moved: ReadMoved
    file_offer: FileOffer
    file_accept: FileAccept
    file_decline: FileDecline
    file_cancel: FileCancel
    file_start: FileStart
    file_finish: FileFinish
    file_chunk: FileChunk
    file_list_request: FileListRequest
    file_get: FileGet
    file_offered: FileOffered
    file_list: FileList
    file_link: FileLink
    file_accepted: FileAccepted
    upload_started: UploadStarted
    download_started: DownloadStarted
    file_progress: FileProgress
    file_done: FileDone
    file_failed: FileFailed
    unread: Unread
    def __init__(self, type: _Optional[_Union[MsgType, str]] = ..., id: _Optional[str] = ..., login_request: _Optional[_Union[LoginRequest, _Mapping]] = ..., login_response: _Optional[_Union[LoginResponse, _Mapping]] = ..., chat_msg: _Optional[_Union[ChatMsg, _Mapping]] = ..., room_action: _Optional[_Union[RoomAction, _Mapping]] = ..., voice_announce: _Optional[_Union[VoiceAnnounce, _Mapping]] = ..., room_action_response: _Optional[_Union[RoomActionResponse, _Mapping]] = ..., chat_ack: _Optional[_Union[ChatAck, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., going_away: _Optional[_Union[GoingAway, _Mapping]] = ..., whisper: _Optional[_Union[Whisper, _Mapping]] = ..., user_list: _Optional[_Union[UserList, _Mapping]] = ..., presence: _Optional[_Union[Presence, _Mapping]] = ..., presence_changed: _Optional[_Union[PresenceChanged, _Mapping]] = ..., room_list: _Optional[_Union[RoomList, _Mapping]] = ..., topic: _Optional[_Union[Topic, _Mapping]] = ..., topic_changed: _Optional[_Union[TopicChanged, _Mapping]] = ..., member_list_request: _Optional[_Union[MemberListRequest, _Mapping]] = ..., member_list: _Optional[_Union[MemberList, _Mapping]] = ..., typing: _Optional[_Union[Typing, _Mapping]] = ..., user_typing: _Optional[_Union[UserTyping, _Mapping]] = ..., user_joined: _Optional[_Union[UserJoined, _Mapping]] = ..., user_left: _Optional[_Union[UserLeft, _Mapping]] = ..., register: _Optional[_Union[Register, _Mapping]] = ..., refresh: _Optional[_Union[Refresh, _Mapping]] = ..., password: _Optional[_Union[Password, _Mapping]] = ..., sessions: _Optional[_Union[Sessions, _Mapping]] = ..., session_list: _Optional[_Union[SessionList, _Mapping]] = ..., session_ended: _Optional[_Union[SessionEnded, _Mapping]] = ..., invite: _Optional[_Union[Invite, _Mapping]] = ..., invited: _Optional[_Union[Invited, _Mapping]] = ..., role: _Optional[_Union[Role, _Mapping]] = ..., role_set: _Optional[_Union[RoleSet, _Mapping]] = ..., room_settings: _Optional[_Union[RoomSettings, _Mapping]] = ..., history: _Optional[_Union[History, _Mapping]] = ..., history_result: _Optional[_Union[HistoryResult, _Mapping]] = ..., search: _Optional[_Union[Search, _Mapping]] = ..., search_result: _Optional[_Union[SearchResult, _Mapping]] = ..., edit: _Optional[_Union[Edit, _Mapping]] = ..., delete: _Optional[_Union[Delete, _Mapping]] = ..., react: _Optional[_Union[React, _Mapping]] = ..., resume: _Optional[_Union[Resume, _Mapping]] = ..., resumed: _Optional[_Union[Resumed, _Mapping]] = ..., read: _Optional[_Union[Read, _Mapping]] = ..., read_up_to: _Optional[_Union[ReadUpTo, _Mapping]] = ..., unread_list: _Optional[_Union[UnreadList, _Mapping]] = ..., message_edited: _Optional[_Union[MessageEdited, _Mapping]] = ..., message_deleted: _Optional[_Union[MessageDeleted, _Mapping]] = ..., reaction_changed: _Optional[_Union[ReactionChanged, _Mapping]] = ..., room_changed: _Optional[_Union[RoomChanged, _Mapping]] = ..., role_changed: _Optional[_Union[RoleChanged, _Mapping]] = ..., mentioned: _Optional[_Union[Mentioned, _Mapping]] = ..., room_invitation: _Optional[_Union[RoomInvitation, _Mapping]] = ..., message_erased: _Optional[_Union[MessageErased, _Mapping]] = ..., gap: _Optional[_Union[Gap, _Mapping]] = ..., read_moved: _Optional[_Union[ReadMoved, _Mapping]] = ..., file_offer: _Optional[_Union[FileOffer, _Mapping]] = ..., file_accept: _Optional[_Union[FileAccept, _Mapping]] = ..., file_decline: _Optional[_Union[FileDecline, _Mapping]] = ..., file_cancel: _Optional[_Union[FileCancel, _Mapping]] = ..., file_start: _Optional[_Union[FileStart, _Mapping]] = ..., file_finish: _Optional[_Union[FileFinish, _Mapping]] = ..., file_chunk: _Optional[_Union[FileChunk, _Mapping]] = ..., file_list_request: _Optional[_Union[FileListRequest, _Mapping]] = ..., file_get: _Optional[_Union[FileGet, _Mapping]] = ..., file_offered: _Optional[_Union[FileOffered, _Mapping]] = ..., file_list: _Optional[_Union[FileList, _Mapping]] = ..., file_link: _Optional[_Union[FileLink, _Mapping]] = ..., file_accepted: _Optional[_Union[FileAccepted, _Mapping]] = ..., upload_started: _Optional[_Union[UploadStarted, _Mapping]] = ..., download_started: _Optional[_Union[DownloadStarted, _Mapping]] = ..., file_progress: _Optional[_Union[FileProgress, _Mapping]] = ..., file_done: _Optional[_Union[FileDone, _Mapping]] = ..., file_failed: _Optional[_Union[FileFailed, _Mapping]] = ..., unread: _Optional[_Union[Unread, _Mapping]] = ...) -> None: ...
