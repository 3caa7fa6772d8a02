"""What a server says in the Protobuf dialect: events and answers, as EchoMsg."""

from __future__ import annotations

from hubbub.core import answers, events
from hubbub.core.answers import Answer, UserView
from hubbub.core.errors import Refusal
from hubbub.core.events import DurableEvent, Event
from hubbub.wire import message_pb2 as pb
from hubbub.wire.protobuf_tables import CODES, ROOM_VERBS, STATUSES


def event_message(event: Event) -> pb.EchoMsg | None:
    """An event as it is sent; None for those of the WebSocket gateway."""
    match event:
        case events.MessagePosted():
            chat = pb.ChatMsg(
                user_id=event.sender_id,
                room_id=event.room,
                content=event.content,
                username=event.sender,
                id=event.id,
                reply_to=event.reply_to,
                position=_position(event),
            )
            return pb.EchoMsg(type=pb.MT_CHAT_MSG, chat_msg=chat)
        case events.WhisperPosted():
            whisper = pb.Whisper(
                user_id=event.sender_id,
                to=event.to,
                content=event.content,
                username=event.sender,
                id=event.id,
                to_id=event.to_id,
                position=_position(event),
            )
            return pb.EchoMsg(type=pb.MT_WHISPER, whisper=whisper)
        case events.TopicChanged():
            topic = pb.TopicChanged(
                user_id=event.sender_id,
                username=event.sender,
                room_id=event.room,
                topic=event.topic,
                position=_position(event),
            )
            return pb.EchoMsg(type=pb.MT_TOPIC_CHANGED, topic_changed=topic)
        case events.Joined(username, user_id, room):
            joined = pb.UserJoined(user_id=user_id, username=username, room_id=room)
            return pb.EchoMsg(type=pb.MT_USER_JOINED, user_joined=joined)
        case events.Left(username, user_id, room):
            left = pb.UserLeft(user_id=user_id, username=username, room_id=room)
            return pb.EchoMsg(type=pb.MT_USER_LEFT, user_left=left)
        case events.StatusChanged(username, user_id, status):
            changed = pb.PresenceChanged(user_id=user_id, username=username, status=STATUSES[status])
            return pb.EchoMsg(type=pb.MT_PRESENCE_CHANGED, presence_changed=changed)
        case events.UserTyping(username, user_id, room):
            typing = pb.UserTyping(user_id=user_id, username=username, room_id=room)
            return pb.EchoMsg(type=pb.MT_USER_TYPING, user_typing=typing)
        case events.Alive():
            return pb.EchoMsg(type=pb.MT_PING)
        case events.GoingAway(reason, retry_after):
            away = pb.GoingAway(reason=reason, retry_after=retry_after)
            return pb.EchoMsg(type=pb.MT_GOING_AWAY, going_away=away)
        case events.Announcement() | events.Welcome():
            return None


def answer_message(answer: Answer, verb: str) -> pb.EchoMsg:
    """An answer as it is sent, but for the request's id. `verb` is that of the request."""
    match answer:
        case answers.LoggedIn(username, user_id, token, server):
            response = pb.LoginResponse(
                status_code=pb.SC_OK,
                user_id=user_id,
                message=f"Welcome, {username}.",
                username=username,
                token=token,
                server=server,
            )
            return pb.EchoMsg(type=pb.MT_LOGIN_RESPONSE, login_response=response)
        case answers.Accepted(id, stream, epoch, offset, at):
            position = pb.Position(stream=stream, epoch=epoch, offset=offset, at=at)
            return pb.EchoMsg(type=pb.MT_CHAT_ACK, chat_ack=pb.ChatAck(id=id, position=position))
        case answers.RoomJoined():
            joined = pb.RoomActionResponse(
                action_type=ROOM_VERBS.get(verb, pb.RA_JOIN),
                room_id=answer.room,
                position=pb.Position(stream=answer.stream, epoch=answer.epoch, offset=answer.offset),
                members=answer.members,
                topic=answer.topic,
                created=answer.created,
            )
            return pb.EchoMsg(type=pb.MT_ROOM_ACTION_RESPONSE, room_action_response=joined)
        case answers.RoomLeft(room, current, members):
            left = pb.RoomActionResponse(
                action_type=pb.RA_LEAVE, room_id=room, current=current, members=members
            )
            return pb.EchoMsg(type=pb.MT_ROOM_ACTION_RESPONSE, room_action_response=left)
        case Refusal():
            return _refusal_message(answer, verb)
        case answers.UserList(users):
            return pb.EchoMsg(type=pb.MT_USER_LIST, user_list=pb.UserList(users=map(_user, users)))
        case answers.StatusSet(status):
            return pb.EchoMsg(type=pb.MT_PRESENCE, presence=pb.Presence(status=STATUSES[status]))
        case answers.RoomList(rooms):
            views = [pb.RoomView(room_id=view.room, topic=view.topic, members=view.members) for view in rooms]
            return pb.EchoMsg(type=pb.MT_ROOM_LIST, room_list=pb.RoomList(rooms=views))
        case answers.TopicSet(room, topic):
            return pb.EchoMsg(type=pb.MT_TOPIC, topic=pb.Topic(room_id=room, topic=topic))
        case answers.MemberList(room, count, users):
            members_of = pb.MemberList(room_id=room, count=count, users=map(_user, users))
            return pb.EchoMsg(type=pb.MT_MEMBER_LIST, member_list=members_of)
        case answers.Ponged():
            return pb.EchoMsg(type=pb.MT_PONG)
        case _:  # Done, and what only commands of other dialects get
            return pb.EchoMsg(type=pb.MT_OK)


def _refusal_message(refusal: Refusal, verb: str) -> pb.EchoMsg:
    """A login and a room action are answered by messages of their own, also where they fail."""
    message = pb.EchoMsg()
    if verb == "MT_LOGIN_REQUEST":
        message.type = pb.MT_LOGIN_RESPONSE
        _fill(message.login_response, refusal)
    elif verb in ROOM_VERBS:
        message.type = pb.MT_ROOM_ACTION_RESPONSE
        message.room_action_response.action_type = ROOM_VERBS[verb]
        _fill(message.room_action_response, refusal)
    else:
        message.type = pb.MT_ERROR
        _fill(message.error, refusal)
    return message


def _fill(target: pb.LoginResponse | pb.RoomActionResponse | pb.Error, refusal: Refusal) -> None:
    target.status_code = CODES[refusal.code]
    target.message = refusal.message
    target.field = refusal.field or ""
    target.limit = refusal.limit or ""
    if refusal.retry_after is not None:
        target.retry_after = refusal.retry_after


def _position(event: DurableEvent) -> pb.Position:
    return pb.Position(stream=event.stream, epoch=event.epoch, offset=event.offset, at=event.at)


def _user(view: UserView) -> pb.UserView:
    return pb.UserView(user_id=view.user_id, username=view.username, status=STATUSES[view.status])
