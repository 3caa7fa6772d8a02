"""The client's half of the Protobuf dialect: requests as EchoMsg, and what a server says read back."""

from __future__ import annotations

from typing import Final

from hubbub.core import answers, commands, events
from hubbub.core.answers import RoomView, UserView
from hubbub.core.commands import Command
from hubbub.core.errors import Refusal
from hubbub.core.events import Event
from hubbub.wire import message_pb2 as pb
from hubbub.wire.codec import Reply
from hubbub.wire.protobuf_tables import ACTIONS, BODIES, CODES, STATUSES

_STATUS_OF: Final = {number: status for status, number in STATUSES.items()}
_CODE_OF: Final = {number: code for code, number in CODES.items()}


def spell(command: Command) -> pb.EchoMsg:
    """A request, but for its id; ValueError for a command that this dialect has no message for."""
    match command:
        case commands.Login(username, password, token):
            login = pb.LoginRequest(username=username, password=password, token=token)
            return pb.EchoMsg(type=pb.MT_LOGIN_REQUEST, login_request=login)
        case commands.Publish(content, room, _, reply_to):
            chat = pb.ChatMsg(content=content, room_id=room, reply_to=reply_to)
            return pb.EchoMsg(type=pb.MT_CHAT_MSG, chat_msg=chat)
        case commands.Whisper(to, content):
            return pb.EchoMsg(type=pb.MT_WHISPER, whisper=pb.Whisper(to=to, content=content))
        case commands.ListUsers():
            return pb.EchoMsg(type=pb.MT_USER_LIST_REQUEST)
        case commands.SetStatus(status):
            return pb.EchoMsg(type=pb.MT_PRESENCE, presence=pb.Presence(status=STATUSES[status]))
        case commands.ListRooms():
            return pb.EchoMsg(type=pb.MT_ROOM_LIST_REQUEST)
        case commands.CreateRoom(room) | commands.JoinRoom(room) | commands.LeaveRoom(room):
            action = pb.RoomAction(action_type=ACTIONS[type(command)], room_id=room)
            return pb.EchoMsg(type=pb.MT_ROOM_ACTION, room_action=action)
        case commands.SetTopic(topic, room):
            return pb.EchoMsg(type=pb.MT_TOPIC, topic=pb.Topic(room_id=room, topic=topic))
        case commands.GetTopic(room):
            return pb.EchoMsg(type=pb.MT_TOPIC, topic=pb.Topic(room_id=room))
        case commands.ListMembers(room):
            members = pb.MemberListRequest(room_id=room)
            return pb.EchoMsg(type=pb.MT_MEMBER_LIST_REQUEST, member_list_request=members)
        case commands.Typing(room):
            return pb.EchoMsg(type=pb.MT_TYPING, typing=pb.Typing(room_id=room))
        case commands.Ping():
            return pb.EchoMsg(type=pb.MT_PING)
        case commands.Pong():
            return pb.EchoMsg(type=pb.MT_PONG)
        case _:
            raise ValueError(f"no message of the Protobuf dialect: {type(command).__name__}")


def read_message(message: pb.EchoMsg) -> Event | Reply:
    """An event or an answer; KeyError for what a server does not send."""
    kind = message.type
    if BODIES[kind] != message.WhichOneof("body"):
        raise KeyError(f"type {kind} with the body of another")
    event = _event(message)
    return _reply(message) if event is None else event


def _event(message: pb.EchoMsg) -> Event | None:
    match message.type:
        case pb.MT_CHAT_MSG:
            chat = message.chat_msg
            return events.MessagePosted(
                chat.username,
                chat.user_id,
                chat.room_id,
                chat.content,
                chat.id,
                *_position(chat.position),
                chat.reply_to or None,
            )
        case pb.MT_WHISPER:
            said = message.whisper
            return events.WhisperPosted(
                said.username,
                said.user_id,
                said.to,
                said.to_id,
                said.content,
                said.id,
                *_position(said.position),
            )
        case pb.MT_TOPIC_CHANGED:
            topic = message.topic_changed
            return events.TopicChanged(
                topic.username, topic.user_id, topic.room_id, topic.topic, *_position(topic.position)
            )
        case pb.MT_USER_JOINED:
            joined = message.user_joined
            return events.Joined(joined.username, joined.user_id, joined.room_id)
        case pb.MT_USER_LEFT:
            left = message.user_left
            return events.Left(left.username, left.user_id, left.room_id or None)
        case pb.MT_PRESENCE_CHANGED:
            changed = message.presence_changed
            return events.StatusChanged(changed.username, changed.user_id, _STATUS_OF[changed.status])
        case pb.MT_USER_TYPING:
            typing = message.user_typing
            return events.UserTyping(typing.username, typing.user_id, typing.room_id)
        case pb.MT_PING:
            return events.Alive()
        case pb.MT_GOING_AWAY:
            away = message.going_away
            return events.GoingAway(away.reason, away.retry_after if away.HasField("retry_after") else None)
        case _:
            return None


def _reply(message: pb.EchoMsg) -> Reply:
    id = message.id or None
    match message.type:
        case pb.MT_LOGIN_RESPONSE:
            return Reply(_login(message.login_response), id, "MT_LOGIN_REQUEST")
        case pb.MT_ROOM_ACTION_RESPONSE:
            response = message.room_action_response
            return Reply(_room_action(response), id, pb.RoomActionType.Name(response.action_type))
        case pb.MT_ERROR:
            return Reply(_refusal(message.error), id)
        case pb.MT_CHAT_ACK:
            ack = message.chat_ack
            return Reply(answers.Accepted(ack.id, *_position(ack.position)), id)
        case pb.MT_USER_LIST:
            return Reply(answers.UserList([_user(view) for view in message.user_list.users]), id)
        case pb.MT_PRESENCE:
            return Reply(answers.StatusSet(_STATUS_OF[message.presence.status]), id)
        case pb.MT_ROOM_LIST:
            rooms = [RoomView(view.room_id, view.topic, view.members) for view in message.room_list.rooms]
            return Reply(answers.RoomList(rooms), id)
        case pb.MT_TOPIC:
            return Reply(answers.TopicSet(message.topic.room_id, message.topic.topic), id)
        case pb.MT_MEMBER_LIST:
            members = message.member_list
            users = [_user(view) for view in members.users]
            return Reply(answers.MemberList(members.room_id, members.count, users), id)
        case pb.MT_PONG:
            return Reply(answers.Ponged(), id)
        case pb.MT_OK:
            return Reply(answers.Done(), id)
        case other:
            raise KeyError(f"type {other}, which only clients send")


def _login(response: pb.LoginResponse) -> answers.LoggedIn | Refusal:
    if response.status_code != pb.SC_OK:
        return _refusal(response)
    return answers.LoggedIn(response.username, response.user_id, response.token, response.server)


def _room_action(response: pb.RoomActionResponse) -> answers.RoomJoined | answers.RoomLeft | Refusal:
    if response.status_code != pb.SC_OK:
        return _refusal(response)
    members = response.members if response.HasField("members") else None
    if response.action_type == pb.RA_LEAVE:
        current = response.current if response.HasField("current") else None
        return answers.RoomLeft(response.room_id, current, members)
    return answers.RoomJoined(
        response.room_id,
        response.position.stream,
        response.position.epoch,
        response.position.offset,
        members or 0,
        response.topic,
        response.created,
    )


def _refusal(source: pb.LoginResponse | pb.RoomActionResponse | pb.Error) -> Refusal:
    retry_after = source.retry_after if source.HasField("retry_after") else None
    code = _CODE_OF[source.status_code]
    return Refusal(code, source.message, source.field or None, source.limit or None, retry_after)


def _position(position: pb.Position) -> tuple[str, str, int, str]:
    return position.stream, position.epoch, position.offset, position.at


def _user(view: pb.UserView) -> UserView:
    return UserView(view.username, view.user_id, _STATUS_OF[view.status])
