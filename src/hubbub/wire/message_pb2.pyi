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
    __slots__ = ("user_id", "username", "status")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    username: str
    status: PresenceStatus
    def __init__(self, user_id: _Optional[int] = ..., username: _Optional[str] = ..., status: _Optional[_Union[PresenceStatus, str]] = ...) -> None: ...

class RoomView(_message.Message):
    __slots__ = ("room_id", "topic", "members")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    topic: str
    members: int
    def __init__(self, room_id: _Optional[str] = ..., topic: _Optional[str] = ..., members: _Optional[int] = ...) -> None: ...

class LoginRequest(_message.Message):
    __slots__ = ("username", "password", "token")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    username: str
    password: str
    token: str
    def __init__(self, username: _Optional[str] = ..., password: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class LoginResponse(_message.Message):
    __slots__ = ("status_code", "user_id", "message", "username", "token", "server", "field", "limit", "retry_after")
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    status_code: StatusCode
    user_id: int
    message: str
    username: str
    token: str
    server: str
    field: str
    limit: str
    retry_after: float
    def __init__(self, status_code: _Optional[_Union[StatusCode, str]] = ..., user_id: _Optional[int] = ..., message: _Optional[str] = ..., username: _Optional[str] = ..., token: _Optional[str] = ..., server: _Optional[str] = ..., field: _Optional[str] = ..., limit: _Optional[str] = ..., retry_after: _Optional[float] = ...) -> None: ...

class ChatMsg(_message.Message):
    __slots__ = ("user_id", "room_id", "content", "username", "id", "reply_to", "position")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    room_id: str
    content: str
    username: str
    id: str
    reply_to: int
    position: Position
    def __init__(self, user_id: _Optional[int] = ..., room_id: _Optional[str] = ..., content: _Optional[str] = ..., username: _Optional[str] = ..., id: _Optional[str] = ..., reply_to: _Optional[int] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class Whisper(_message.Message):
    __slots__ = ("user_id", "to", "content", "username", "id", "to_id", "position")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    TO_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    to: str
    content: str
    username: str
    id: str
    to_id: int
    position: Position
    def __init__(self, user_id: _Optional[int] = ..., to: _Optional[str] = ..., content: _Optional[str] = ..., username: _Optional[str] = ..., id: _Optional[str] = ..., to_id: _Optional[int] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class ChatAck(_message.Message):
    __slots__ = ("id", "position")
    ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    id: str
    position: Position
    def __init__(self, id: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class RoomAction(_message.Message):
    __slots__ = ("action_type", "room_id", "user_id")
    ACTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    action_type: RoomActionType
    room_id: str
    user_id: int
    def __init__(self, action_type: _Optional[_Union[RoomActionType, str]] = ..., room_id: _Optional[str] = ..., user_id: _Optional[int] = ...) -> None: ...

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

class EchoMsg(_message.Message):
    __slots__ = ("type", "id", "login_request", "login_response", "chat_msg", "room_action", "voice_announce", "room_action_response", "chat_ack", "error", "going_away", "whisper", "user_list", "presence", "presence_changed", "room_list", "topic", "topic_changed", "member_list_request", "member_list", "typing", "user_typing", "user_joined", "user_left")
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
    def __init__(self, type: _Optional[_Union[MsgType, str]] = ..., id: _Optional[str] = ..., login_request: _Optional[_Union[LoginRequest, _Mapping]] = ..., login_response: _Optional[_Union[LoginResponse, _Mapping]] = ..., chat_msg: _Optional[_Union[ChatMsg, _Mapping]] = ..., room_action: _Optional[_Union[RoomAction, _Mapping]] = ..., voice_announce: _Optional[_Union[VoiceAnnounce, _Mapping]] = ..., room_action_response: _Optional[_Union[RoomActionResponse, _Mapping]] = ..., chat_ack: _Optional[_Union[ChatAck, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., going_away: _Optional[_Union[GoingAway, _Mapping]] = ..., whisper: _Optional[_Union[Whisper, _Mapping]] = ..., user_list: _Optional[_Union[UserList, _Mapping]] = ..., presence: _Optional[_Union[Presence, _Mapping]] = ..., presence_changed: _Optional[_Union[PresenceChanged, _Mapping]] = ..., room_list: _Optional[_Union[RoomList, _Mapping]] = ..., topic: _Optional[_Union[Topic, _Mapping]] = ..., topic_changed: _Optional[_Union[TopicChanged, _Mapping]] = ..., member_list_request: _Optional[_Union[MemberListRequest, _Mapping]] = ..., member_list: _Optional[_Union[MemberList, _Mapping]] = ..., typing: _Optional[_Union[Typing, _Mapping]] = ..., user_typing: _Optional[_Union[UserTyping, _Mapping]] = ..., user_joined: _Optional[_Union[UserJoined, _Mapping]] = ..., user_left: _Optional[_Union[UserLeft, _Mapping]] = ...) -> None: ...
