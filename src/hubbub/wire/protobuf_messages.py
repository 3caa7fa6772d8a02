"""What a server says in the Protobuf dialect: events and answers as EchoMsg, and read back from it."""

from __future__ import annotations

from typing import Any, Final

from hubbub.core import answers, events
from hubbub.core.answers import Answer
from hubbub.core.errors import Refusal
from hubbub.core.events import Event
from hubbub.wire import message_pb2 as pb
from hubbub.wire.codec import Reply
from hubbub.wire.protobuf_shapes import fill, read
from hubbub.wire.protobuf_tables import BODIES, CODES, ENTERING, ROOM_VERBS

EVENTS: Final[dict[type, pb.MsgType]] = {
    events.MessagePosted: pb.MT_CHAT_MSG,
    events.WhisperPosted: pb.MT_WHISPER,
    events.TopicChanged: pb.MT_TOPIC_CHANGED,
    events.MessageEdited: pb.MT_MESSAGE_EDITED,
    events.MessageDeleted: pb.MT_MESSAGE_DELETED,
    events.ReactionChanged: pb.MT_REACTION_CHANGED,
    events.RoomChanged: pb.MT_ROOM_CHANGED,
    events.RoleChanged: pb.MT_ROLE_CHANGED,
    events.Mentioned: pb.MT_MENTIONED,
    events.RoomInvitation: pb.MT_ROOM_INVITATION,
    events.MessageErased: pb.MT_MESSAGE_ERASED,
    events.Gap: pb.MT_GAP,
    events.ReadMoved: pb.MT_READ_MOVED,
    events.Joined: pb.MT_USER_JOINED,
    events.Left: pb.MT_USER_LEFT,
    events.StatusChanged: pb.MT_PRESENCE_CHANGED,
    events.UserTyping: pb.MT_USER_TYPING,
    events.FileOffered: pb.MT_FILE_OFFER,
    events.FileDeclined: pb.MT_FILE_DECLINE,
    events.FileAccepted: pb.MT_FILE_ACCEPTED,
    events.UploadStarted: pb.MT_UPLOAD_STARTED,
    events.DownloadStarted: pb.MT_DOWNLOAD_STARTED,
    events.FileData: pb.MT_FILE_CHUNK,
    events.FileProgress: pb.MT_FILE_PROGRESS,
    events.FileDone: pb.MT_FILE_DONE,
    events.FileFailed: pb.MT_FILE_FAILED,
    events.Alive: pb.MT_PING,
    events.GoingAway: pb.MT_GOING_AWAY,
}
"""Every event but those of the WebSocket gateway."""

ANSWERS: Final[dict[type, pb.MsgType]] = {
    answers.LoggedIn: pb.MT_LOGIN_RESPONSE,
    answers.LoggedOut: pb.MT_LOGGED_OUT,
    answers.PasswordSet: pb.MT_PASSWORD_SET,
    answers.SessionList: pb.MT_SESSION_LIST,
    answers.SessionEnded: pb.MT_SESSION_ENDED,
    answers.Accepted: pb.MT_CHAT_ACK,
    answers.History: pb.MT_HISTORY_RESULT,
    answers.SearchResult: pb.MT_SEARCH_RESULT,
    answers.Resumed: pb.MT_RESUMED,
    answers.ReadUpTo: pb.MT_READ_UP_TO,
    answers.UnreadList: pb.MT_UNREAD_LIST,
    answers.Invited: pb.MT_INVITED,
    answers.RoleSet: pb.MT_ROLE_SET,
    answers.RoomSettingsShown: pb.MT_ROOM_SETTINGS,
    answers.Offered: pb.MT_FILE_OFFERED,
    answers.FileList: pb.MT_FILE_LIST,
    answers.FileLink: pb.MT_FILE_LINK,
    answers.UserList: pb.MT_USER_LIST,
    answers.StatusSet: pb.MT_PRESENCE,
    answers.RoomList: pb.MT_ROOM_LIST,
    answers.RoomJoined: pb.MT_ROOM_ACTION_RESPONSE,
    answers.RoomLeft: pb.MT_ROOM_ACTION_RESPONSE,
    answers.TopicSet: pb.MT_TOPIC,
    answers.MemberList: pb.MT_MEMBER_LIST,
    answers.Ponged: pb.MT_PONG,
    answers.Done: pb.MT_OK,
}
"""Every answer but a refusal, and those to commands that other dialects have."""

_EVENT_OF: Final = {number: kind for kind, number in EVENTS.items()}
_ANSWER_OF: Final = {
    **{number: kind for kind, number in ANSWERS.items()},
    pb.MT_ROOM_ACTION_RESPONSE: answers.RoomJoined,
}
_REFUSABLE: Final = (pb.MT_ERROR, pb.MT_LOGIN_RESPONSE, pb.MT_ROOM_ACTION_RESPONSE)
_CODE_OF: Final = {number: code for code, number in CODES.items()}


def event_message(event: Event) -> pb.EchoMsg | None:
    """An event as it is sent; None for those of the WebSocket gateway."""
    if type(event) is events.MessagePosted:  # by far the most frequent
        position = pb.Position(stream=event.stream, epoch=event.epoch, offset=event.offset, at=event.at)
        chat = pb.ChatMsg(
            user_id=event.sender_id,
            room_id=event.room,
            content=event.content,
            username=event.sender,
            id=event.id,
            reply_to=event.reply_to,
            position=position,
            mentions=event.mentions,
        )
        if event.file is not None:
            fill(chat.file, event.file)
        return pb.EchoMsg(type=pb.MT_CHAT_MSG, chat_msg=chat)
    kind = EVENTS.get(type(event))
    return None if kind is None else _message(kind, event)


def answer_message(answer: Answer, verb: str) -> pb.EchoMsg:
    """An answer as it is sent, but for the request's id. `verb` is that of the request."""
    if isinstance(answer, Refusal):
        return _refusal_message(answer, verb)
    message = _message(ANSWERS.get(type(answer), pb.MT_OK), answer)
    if isinstance(answer, answers.LoggedIn):
        message.login_response.message = f"Welcome, {answer.username}."
    elif isinstance(answer, answers.RoomLeft):
        message.room_action_response.action_type = pb.RA_LEAVE
    elif isinstance(answer, answers.RoomJoined):
        message.room_action_response.action_type = ROOM_VERBS.get(verb, pb.RA_JOIN)
    return message


def _message(kind: pb.MsgType, struct: Event | Answer) -> pb.EchoMsg:
    message = pb.EchoMsg(type=kind)
    body = BODIES[kind]
    if body is not None:
        fill(getattr(message, body), struct)
    return message


def _refusal_message(refusal: Refusal, verb: str) -> pb.EchoMsg:
    """A login and a room action are answered by messages of their own, also where they fail."""
    message = pb.EchoMsg()
    if verb in ENTERING:
        message.type = pb.MT_LOGIN_RESPONSE
        _refuse(message.login_response, refusal)
    elif verb in ROOM_VERBS:
        message.type = pb.MT_ROOM_ACTION_RESPONSE
        message.room_action_response.action_type = ROOM_VERBS[verb]
        _refuse(message.room_action_response, refusal)
    else:
        message.type = pb.MT_ERROR
        _refuse(message.error, refusal)
    return message


def _refuse(target: pb.LoginResponse | pb.RoomActionResponse | pb.Error, refusal: Refusal) -> None:
    fill(target, refusal)
    target.status_code = CODES[refusal.code]


# -- the client's half


def read_message(message: pb.EchoMsg) -> Event | Reply:
    """An event or an answer; KeyError or FieldError for what a server does not send."""
    kind, field = message.type, BODIES[message.type]
    if field != message.WhichOneof("body"):
        raise KeyError(f"type {kind} with the body of another")
    body: Any = message if field is None else getattr(message, field)
    if kind in _EVENT_OF:
        event: Event = read(body, _EVENT_OF[kind])
        return event
    verb = ""
    if kind == pb.MT_LOGIN_RESPONSE:
        verb = "MT_LOGIN_REQUEST"
    elif kind == pb.MT_ROOM_ACTION_RESPONSE:
        verb = pb.RoomActionType.Name(body.action_type)
    return Reply(_answer(kind, body), message.id or None, verb)


def _answer(kind: pb.MsgType, body: Any) -> Answer:
    if kind in _REFUSABLE and body.status_code != pb.SC_OK:
        retry_after = body.retry_after if body.HasField("retry_after") else None
        code = _CODE_OF[body.status_code]
        return Refusal(code, body.message, body.field or None, body.limit or None, retry_after)
    left = kind == pb.MT_ROOM_ACTION_RESPONSE and body.action_type == pb.RA_LEAVE
    answer: Answer = read(body, answers.RoomLeft if left else _ANSWER_OF[kind])
    return answer
