"""Accounts, histories and resume in Protobuf: over a real server."""

from __future__ import annotations

import hashlib

from hubbub.wire import message_pb2 as pb
from serving import ProtobufClient, Server, until

PASSWORD = "correct horse battery"


def ask(client: ProtobufClient, kind: pb.MsgType, id: str = "q", **body: object) -> pb.EchoMsg:
    """The answer to a request; what comes before it is passed over."""
    client.say(pb.EchoMsg(type=kind, id=id, **body))  # type: ignore[arg-type]
    while True:
        message = client.get()
        if message.id == id:
            return message


def registered(server: Server, name: str) -> tuple[ProtobufClient, pb.LoginResponse]:
    client = server.protobuf()
    answer = ask(client, pb.MT_REGISTER, register=pb.Register(username=name, password=PASSWORD))
    assert answer.type == pb.MT_LOGIN_RESPONSE
    response = answer.login_response
    assert response.status_code == pb.SC_OK, response
    return client, response


def logged_in(server: Server, **login: str) -> tuple[ProtobufClient, pb.LoginResponse]:
    client = server.protobuf()
    answer = ask(client, pb.MT_LOGIN_REQUEST, login_request=pb.LoginRequest(**login))
    return client, answer.login_response


def said(client: ProtobufClient, content: str, room: str = "", id: str = "m") -> pb.Position:
    answer = ask(client, pb.MT_CHAT_MSG, id, chat_msg=pb.ChatMsg(content=content, room_id=room))
    assert answer.type == pb.MT_CHAT_ACK, answer
    return answer.chat_ack.position


def test_an_account_and_its_logins(server: Server) -> None:
    alice, first = registered(server, "Alice")
    assert (first.username, first.role) == ("Alice", "member")
    assert first.user_id > 0
    assert first.expires_in > 0
    assert [place.room_id for place in first.rooms] == ["lobby"]
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    _, second = logged_in(server, username="alice", password_sha256=digest)
    assert (second.status_code, second.user_id) == (pb.SC_OK, first.user_id)
    _, third = logged_in(server, token=first.token)
    assert (third.status_code, third.user_id) == (pb.SC_OK, first.user_id)
    listed = ask(alice, pb.MT_SESSIONS, sessions=pb.Sessions())
    assert listed.type == pb.MT_SESSION_LIST
    views = listed.session_list.sessions
    assert sorted(view.current for view in views) == [False, True]
    [other] = [view.id for view in views if not view.current]
    ended = ask(alice, pb.MT_SESSIONS, sessions=pb.Sessions(end=other))
    assert (ended.type, ended.session_ended.session) == (pb.MT_SESSION_ENDED, other)
    _, refused = logged_in(server, token=second.token)
    assert refused.status_code == pb.SC_BAD_CREDENTIALS


def test_a_refresh_token_is_good_once(server: Server) -> None:
    _, first = registered(server, "Alice")
    other = server.protobuf()
    refresh = pb.Refresh(refresh_token=first.refresh_token)
    answer = ask(other, pb.MT_REFRESH, refresh=refresh)
    assert answer.type == pb.MT_LOGIN_RESPONSE
    assert answer.login_response.user_id == first.user_id
    assert answer.login_response.refresh_token not in ("", first.refresh_token)
    again = ask(server.protobuf(), pb.MT_REFRESH, refresh=refresh)
    assert again.type == pb.MT_LOGIN_RESPONSE
    assert again.login_response.status_code == pb.SC_BAD_CREDENTIALS


def test_passwords_that_are_wrong_new_and_not_needed(server: Server) -> None:
    alice, _ = registered(server, "Alice")
    _, wrong = logged_in(server, username="Alice", password="wrong")
    assert wrong.status_code == pb.SC_BAD_CREDENTIALS
    _, none = logged_in(server, username="Alice")
    assert none.status_code == pb.SC_NAME_REGISTERED
    _, guest = logged_in(server, username="Bob", password="as EchoMesh sends it")
    assert (guest.status_code, guest.role, guest.refresh_token) == (pb.SC_OK, "", "")
    wish = pb.Password(old_password=PASSWORD, new_password="another one")
    assert ask(alice, pb.MT_PASSWORD, password=wish).type == pb.MT_PASSWORD_SET
    _, old = logged_in(server, username="Alice", password=PASSWORD)
    assert old.status_code == pb.SC_BAD_CREDENTIALS
    assert ask(alice, pb.MT_LOGOUT).type == pb.MT_LOGGED_OUT
    late = ask(alice, pb.MT_USER_LIST_REQUEST)
    assert late.error.status_code == pb.SC_UNAUTHENTICATED


def test_a_message_from_its_first_words_to_none(server: Server) -> None:
    alice, _ = registered(server, "Alice")
    bob = server.protobuf("Bob")
    at = said(alice, "tea at five")
    assert bob.get(pb.MT_CHAT_MSG).chat_msg.position == at
    edit = pb.Edit(content="tea at six", stream=at.stream, offset=at.offset)
    changed = ask(alice, pb.MT_EDIT, "e", edit=edit)
    assert changed.type == pb.MT_CHAT_ACK
    assert changed.chat_ack.id == "e"
    assert ask(alice, pb.MT_EDIT, "e", edit=edit).chat_ack == changed.chat_ack, (
        "a retry gets the first answer"
    )
    event = bob.get(pb.MT_MESSAGE_EDITED).message_edited
    assert (event.username, event.target, event.content) == ("Alice", at.offset, "tea at six")
    assert event.position == changed.chat_ack.position
    sign = pb.React(emoji="👍", stream=at.stream, offset=at.offset)
    assert ask(bob, pb.MT_REACT, "r", react=sign).type == pb.MT_CHAT_ACK
    assert alice.get(pb.MT_REACTION_CHANGED).reaction_changed.emoji == "👍"
    history = ask(bob, pb.MT_HISTORY, history=pb.History(limit=1))
    assert history.type == pb.MT_HISTORY_RESULT
    [view] = history.history_result.messages
    assert (view.content, view.position.offset, bool(view.edited_at)) == ("tea at six", at.offset, True)
    assert [(one.emoji, one.count, list(one.users)) for one in view.reactions] == [("👍", 1, ["Bob"])]
    refused = ask(bob, pb.MT_DELETE, delete=pb.Delete(stream=at.stream, offset=at.offset))
    assert refused.error.status_code == pb.SC_FORBIDDEN
    assert ask(alice, pb.MT_DELETE, "d", delete=pb.Delete(stream=at.stream)).type == pb.MT_CHAT_ACK
    assert bob.get(pb.MT_MESSAGE_DELETED).message_deleted.target == at.offset
    [gone] = ask(bob, pb.MT_HISTORY, history=pb.History(limit=1)).history_result.messages
    assert (gone.deleted, gone.content) == (True, "")


def test_what_was_missed_comes_before_what_is_live(server: Server) -> None:
    alice, first = registered(server, "Alice")
    bob, _ = registered(server, "Bob")
    seen = said(alice, "before")
    alice.close()
    missed = [said(bob, f"missed {number}", id=f"m{number}") for number in range(3)]
    again = server.protobuf()
    place = pb.Position(epoch=seen.epoch, offset=seen.offset)
    again.say(pb.EchoMsg(type=pb.MT_LOGIN_REQUEST, id="1", login_request=pb.LoginRequest(token=first.token)))
    again.say(pb.EchoMsg(type=pb.MT_RESUME, id="2", resume=pb.Resume(positions={seen.stream: place})))
    assert again.get().login_response.status_code == pb.SC_OK
    events = []
    while (message := again.get()).type != pb.MT_RESUMED:
        events.append(message)
    assert [event.chat_msg.position for event in events if event.type == pb.MT_CHAT_MSG] == missed
    assert message.id == "2"
    assert message.resumed.positions[seen.stream].offset >= missed[-1].offset
    live = said(bob, "live", id="m9")
    assert again.get(pb.MT_CHAT_MSG).chat_msg.position == live


def test_a_position_of_another_epoch_is_a_gap(server: Server) -> None:
    alice, _ = registered(server, "Alice")
    at = said(alice, "hello")
    alice.say(
        pb.EchoMsg(
            type=pb.MT_RESUME,
            resume=pb.Resume(positions={at.stream: pb.Position(epoch="another", offset=1)}),
        )
    )
    gap = alice.get(pb.MT_GAP).gap.position
    assert (gap.stream, gap.epoch) == (at.stream, at.epoch)
    assert alice.get().type == pb.MT_RESUMED


def test_a_room_with_roles_and_settings(server: Server) -> None:
    alice, _ = registered(server, "Alice")
    bob, _ = registered(server, "Bob")
    create = pb.RoomAction(action_type=pb.RA_CREATE, room_id="den", private=True)
    assert ask(alice, pb.MT_ROOM_ACTION, room_action=create).room_action_response.created
    join = pb.RoomAction(action_type=pb.RA_JOIN, room_id="den")
    refused = ask(bob, pb.MT_ROOM_ACTION, room_action=join).room_action_response
    assert refused.status_code != pb.SC_OK
    invited = ask(alice, pb.MT_INVITE, invite=pb.Invite(to="Bob", room_id="den"))
    assert (invited.type, invited.invited.username) == (pb.MT_INVITED, "Bob")
    assert bob.get(pb.MT_ROOM_INVITATION).room_invitation.room_id == "den"
    assert ask(bob, pb.MT_ROOM_ACTION, room_action=join).room_action_response.status_code == pb.SC_OK
    role = pb.Role(username="Bob", role=pb.RR_MODERATOR, room_id="den")
    assert ask(alice, pb.MT_ROLE, role=role).role_set.role == pb.RR_MODERATOR
    changed = bob.get(pb.MT_ROLE_CHANGED).role_changed
    while changed.role != pb.RR_MODERATOR:  # the invitation made a member
        changed = bob.get(pb.MT_ROLE_CHANGED).role_changed
    assert (changed.by, changed.username, changed.room_id) == ("Alice", "Bob", "den")
    settings = ask(alice, pb.MT_ROOM_SETTINGS, room_settings=pb.RoomSettings(room_id="den", retain_days=2))
    assert settings.room_settings.retain_days == 2
    assert bob.get(pb.MT_ROOM_CHANGED).room_changed.retain_days == 2
    shown = ask(bob, pb.MT_ROOM_SETTINGS, room_settings=pb.RoomSettings(room_id="den")).room_settings
    assert (shown.private, shown.owner, shown.role) == (True, "Alice", pb.RR_MODERATOR)


def test_what_is_unread_and_where_one_has_read(server: Server) -> None:
    alice, first = registered(server, "Alice")
    device, _ = logged_in(server, token=first.token)
    bob = server.protobuf("Bob")
    whisper = pb.Whisper(to="Alice", content="are you there?")
    at = ask(bob, pb.MT_WHISPER, "w", whisper=whisper).chat_ack.position
    assert alice.get(pb.MT_WHISPER).whisper.position == at
    unread = ask(alice, pb.MT_UNREAD).unread_list
    [talk] = [view for view in unread.streams if view.position.stream == at.stream]
    assert (talk.with_username, talk.unread, talk.read) == ("Bob", 1, 0)
    read = ask(alice, pb.MT_READ, read=pb.Read(stream=at.stream, offset=at.offset))
    assert (read.type, read.read_up_to.offset) == (pb.MT_READ_UP_TO, at.offset)
    moved = device.get(pb.MT_READ_MOVED).read_moved
    assert (moved.stream, moved.offset) == (at.stream, at.offset)
    streams = ask(alice, pb.MT_UNREAD).unread_list.streams
    assert at.stream not in [view.position.stream for view in streams]


def test_who_is_mentioned_is_told(server: Server) -> None:
    alice, _ = registered(server, "Alice")
    bob = server.protobuf("Bob")
    said(bob, "@Alice, tea?")
    assert list(alice.get(pb.MT_CHAT_MSG).chat_msg.mentions) == ["Alice"]
    assert alice.get(pb.MT_MENTIONED).mentioned.username == "Bob"


def test_what_was_said_is_found(server: Server) -> None:
    alice, _ = registered(server, "Alice")
    at = said(alice, "tea at five")

    def found(query: str) -> list[pb.MessageView]:
        answer = ask(alice, pb.MT_SEARCH, search=pb.Search(query=query))
        assert answer.type == pb.MT_SEARCH_RESULT, answer
        return list(answer.search_result.messages)

    until(lambda: [view.position for view in found("five tea")] == [at])
    assert found("coffee") == []
