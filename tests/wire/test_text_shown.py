from __future__ import annotations

import pytest

from hubbub.core import answers, commands, events
from hubbub.core.answers import Answer, Reaction, RoomView, UnreadView, UserView
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.wire.text_rendering import MAX_LINES, MAX_NOTICE
from wire.text_lines import (
    ACCEPTED,
    LOGGED_IN,
    PLACE,
    edited,
    history,
    message,
    refusal,
    shown,
    told,
    topic,
    typed,
    users,
    view,
    whisper,
)


def test_a_message_has_its_author_in_front() -> None:
    assert shown(message("hello")) == "Alice: hello"
    assert shown(message("")) == "Alice: "
    assert shown(message("tab\tstays")) == "Alice: tab\tstays"
    assert shown(message("👩\u200d💻 ok")) == "Alice: 👩\u200d💻 ok"


def test_text_leaves_the_author_out() -> None:
    for event in (
        edited("tea"),
        events.MessageDeleted("Alice", 7, 4, *PLACE, room="den"),
        events.ReactionChanged("Alice", 7, 4, "👍", *PLACE, room="den"),
        events.RoomChanged("Alice", 7, "den", True, 30.0, *PLACE[1:]),
        events.RoleChanged("Alice", 7, "Bob", 8, "none", "den", *PLACE[1:]),
    ):
        assert shown(event, own=True) == ""
    assert shown(message("hello"), own=True) == ""
    assert shown(topic("cats"), own=True) == ""


@pytest.mark.parametrize(
    "end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
)
def test_nobody_forges_a_line(end: str) -> None:
    forged = f"hi{end}[Server] Bob has left."
    assert shown(message(forged)) == "Alice: hi\nAlice: [Server] Bob has left."
    assert shown(whisper(forged)) == "[Private from Alice] hi\n[Private from Alice] [Server] Bob has left."
    for line in (shown(topic(forged)), told(answers.TopicSet("den", forged)), told(refusal(forged))):
        assert line.startswith("[Server] ")
        assert len(line.splitlines()) == 1

    for line in told(history(view(forged), view("x", reactions=[Reaction(forged, 1, [])]))).splitlines()[
        1:-1
    ]:
        assert line.startswith(("#12 Alice: ", "#12 * "))
    for line in shown(edited(forged)).splitlines():
        assert line.startswith("[Server] Alice edited #4: ")


@pytest.mark.parametrize(
    "control",
    [
        *map(chr, [*range(0x09), *range(0x0E, 0x1C), 0x1F, *range(0x7F, 0x85), *range(0x86, 0xA0)]),
        *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    ],
)
def test_controls_are_shown_and_not_obeyed(control: str) -> None:
    assert shown(message(f"a{control}b")) == "Alice: a\ufffdb"
    assert told(refusal(control)) == "[Server] User '\ufffd' not found."


def test_a_message_of_line_ends_does_not_multiply_its_author() -> None:
    content = "\n".join(str(number) for number in range(MAX_LINES + 50))
    lines = shown(message(content)).split("\n")
    assert len(lines) == MAX_LINES
    assert lines[-2] == f"Alice: {MAX_LINES - 2}"
    assert lines[-1].startswith(f"Alice: {MAX_LINES - 1}\ufffd{MAX_LINES}\ufffd")
    assert lines[-1].endswith(f"\ufffd{MAX_LINES + 49}")
    exact = "\n".join("x" * MAX_LINES)
    assert "\ufffd" not in shown(message(exact))


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (whisper("hello bob"), "[Private from Alice] hello bob"),
        (topic("cats"), "[Server] Alice set the topic of 'den': cats"),
        (topic(""), "[Server] Alice cleared the topic of 'den'."),
        (edited("tea"), "[Server] Alice edited #4: tea"),
        (edited("tea\nat five"), "[Server] Alice edited #4: tea\n[Server] Alice edited #4: at five"),
        (edited("tea", None), "[Server] Alice edited #4 of your private talk: tea"),
        (events.MessageDeleted("Alice", 7, 4, *PLACE, room="den"), "[Server] Alice deleted #4."),
        (events.MessageDeleted("Alice", 7, 4, *PLACE), "[Server] Alice deleted #4 of your private talk."),
        (events.ReactionChanged("Alice", 7, 4, "👍", *PLACE, room="den"), "[Server] Alice put to #4: 👍"),
        (
            events.ReactionChanged("Alice", 7, 4, "👍", *PLACE, removed=True, room="den"),
            "[Server] Alice took back from #4: 👍",
        ),
        (
            events.RoomChanged("Alice", 7, "den", True, 30.0, *PLACE[1:]),
            "[Server] Alice changed 'den': private, and keeps its messages for 30 days.",
        ),
        (
            events.RoomChanged("Alice", 7, "den", False, 0.0, *PLACE[1:]),
            "[Server] Alice changed 'den': public, and keeps its messages for ever.",
        ),
        (
            events.RoleChanged("Alice", 7, "Bob", 8, "moderator", "den", *PLACE[1:]),
            "[Server] Alice: Bob is moderator of 'den' now.",
        ),
        (
            events.RoleChanged("Alice", 7, "Bob", 8, "none", "den", *PLACE[1:]),
            "[Server] Alice: Bob is no member of 'den' now.",
        ),
        (
            events.Mentioned("Alice", 7, "den", "room:1", "id-0", *PLACE[1:]),
            "[Server] Alice mentioned you in 'den'.",
        ),
        (
            events.RoomInvitation("Alice", 7, "den", "room:1", *PLACE[1:]),
            "[Server] Alice invites you to 'den'. Type /join den",
        ),
        (events.MessageErased("room:1", "e", 3), ""),
        (events.Gap("room:1", "e", 3), ""),
        (events.ReadMoved("room:1", 3), ""),
        (events.Joined("Alice", 7, "den"), "[Server] Alice has joined."),
        (events.Left("Alice", 7, "den"), "[Server] Alice has left."),
        (events.Left("Alice", 7), "[Server] Alice has left."),
        (events.GoingAway("drain", 3), "[Server] Going down, back in 3 s."),
        (events.GoingAway("drain", 2.3), "[Server] Going down, back in 3 s."),
        (events.GoingAway("drain", 0.0), "[Server] Going down, back in 1 s."),
        (events.GoingAway("drain"), "[Server] Going down."),
        (events.GoingAway("replaced"), "[Server] You logged in elsewhere."),
        (
            events.GoingAway("slow", 1.0),
            "[Server] You were too slow to read what came. Connect again to go on.",
        ),
        (events.GoingAway("idle"), "[Server] Nothing came from you for too long."),
        (events.GoingAway("policy"), "[Server] Your login here has ended, or failed too often."),
        (events.GoingAway("new reason"), "[Server] The server closes this connection."),
        (events.StatusChanged("Alice", 7, "away"), ""),
        (events.UserTyping("Alice", 7, "den"), ""),
        (events.Alive(), ""),
        (events.Welcome("c1"), ""),
    ],
)
def test_events(event: Event, line: str) -> None:
    assert shown(event) == line


def test_the_author_of_a_whisper_sees_to_whom() -> None:
    assert shown(whisper("hello bob"), own=True) == "[Private to Bob] hello bob"


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (answers.LoggedIn("Alice", 7, "token", "hubbub"), ""),
        (answers.Accepted("id-1", "room:1", "e", 1, "2025-01-01T00:00:00Z"), ""),
        (answers.Done(), ""),
        (answers.UserList(users("Alice", "Bob", "Charlie")), "[Server] Users online: Alice, Bob, Charlie"),
        (
            answers.RoomJoined("den", "room:1", "e", 1, 3, "", False),
            "[Server] You are now in 'den' (3 members).",
        ),
        (answers.RoomLeft("den", "lobby", 12), "[Server] You are now in 'lobby' (12 members)."),
        (answers.RoomLeft("den"), "[Server] You left 'den'."),
        (
            answers.RoomList([RoomView("den", "cats", 3), RoomView("lobby", "", 12)]),
            "[Server] Rooms: den (3), lobby (12)",
        ),
        (
            answers.MemberList("den", 2, users("Alice", "Bob")),
            "[Server] Members of 'den' (2): Alice, Bob",
        ),
        (
            answers.MemberList("den", 9, users("Alice", "Bob")),
            "[Server] Members of 'den' (9): Alice, Bob, … (7 more)",
        ),
        (
            answers.MemberList(
                "den",
                4,
                [
                    UserView("Alice", 1, "online", "owner"),
                    UserView("Bob", 2, "away", "moderator"),
                    UserView("Carol", 3, "offline", "member"),
                ],
            ),
            "[Server] Members of 'den' (4): Alice (owner), Bob (moderator), Carol, … (1 more)",
        ),
        (answers.TopicSet("den", "cats"), "[Server] The topic of 'den' is: cats"),
        (answers.TopicSet("den", ""), "[Server] 'den' has no topic."),
        (answers.StatusSet("away"), "[Server] You are away now."),
        (answers.Ponged(), "[Server] Pong."),
        (answers.Farewell(), "[Server] Goodbye."),
        (answers.LoggedOut(), "[Server] You are logged out."),
        (answers.PasswordSet(), "[Server] Your password is changed, and your other logins have ended."),
        (
            answers.SessionList(
                [answers.SessionView("s7", "then", "now", True), answers.SessionView("s3", "a", "b", False)]
            ),
            "[Server] Session s7 (this one): since then, last seen now\n"
            "[Server] Session s3: since a, last seen b",
        ),
        (answers.SessionEnded("s3"), "[Server] Session s3 has ended."),
        (answers.Invited("den", "Bob"), "[Server] Bob may come into 'den' now."),
        (answers.RoleSet("den", "Bob", "owner"), "[Server] Bob is owner of 'den' now."),
        (
            answers.RoomSettingsShown("den", True, 0.0, "cats", "Alice", "member"),
            "[Server] 'den' is private, and keeps its messages for ever; owner: Alice; you: member.",
        ),
        (
            answers.RoomSettingsShown("den", False, 0.5),
            "[Server] 'den' is public, and keeps its messages for 0.5 days.",
        ),
        (
            answers.RoomList([RoomView("den", "cats", 3, True), RoomView("lobby", "", 12)]),
            "[Server] Rooms: den (3, private), lobby (12)",
        ),
        (answers.UnreadList([]), "[Server] Nothing new."),
        (
            answers.UnreadList(
                [
                    UnreadView("room:1", "e", 9, 2, 7, 1, room="den"),
                    UnreadView("talk:1:2", "e", 9, 8, 1, with_="Bob"),
                    UnreadView("account:1", "e", 9, 7, 2),
                ]
            ),
            "[Server] Unread: #den (7, 1 of them for you), @Bob (1), notices (2)",
        ),
        (answers.SearchResult([], False), "[Server] Found nothing."),
        (
            answers.SearchResult([view("tea", room="den"), view("tea", 3, to="Bob", to_id=8)], True),
            "[Server] Found 2 messages, and there are more.\n#12 Alice in den: tea\n#3 Alice to Bob: tea",
        ),
        (
            Refusal(Code.NAME_TAKEN, "Username 'Alice' is already taken."),
            "[Server] Username 'Alice' is already taken.",
        ),
        (Refusal(Code.NOT_FOUND, "User 'Bob' not found."), "[Server] User 'Bob' not found."),
        (Refusal(Code.FORBIDDEN, "Not yours."), "[Server] Not yours."),
        (Refusal(Code.TOO_LARGE, "Too long."), "[Server] Error: Too long."),
        (Refusal(Code.RATE_LIMITED, "Slow down."), "[Server] Error: Slow down."),
        (Refusal(Code.READ_ONLY, "The disk is full."), "[Server] Error: The disk is full."),
        (Refusal(Code.INTERNAL, "Our fault."), "[Server] Error: Our fault."),
    ],
)
def test_answers(answer: Answer, line: str) -> None:
    assert told(answer) == line


@pytest.mark.parametrize(
    ("command", "answer", "line"),
    [
        (commands.Login("Alice"), LOGGED_IN, ""),
        (commands.Login(password="x"), LOGGED_IN, "[Server] You are logged in as 'Alice'."),
        (commands.Register(password="x"), LOGGED_IN, "[Server] 'Alice' is an account of yours now."),
        (commands.Publish("x"), ACCEPTED, ""),
        (commands.Edit("x"), ACCEPTED, "[Server] Edited."),
        (commands.Delete(), ACCEPTED, "[Server] Deleted."),
        (commands.React("x"), ACCEPTED, "[Server] You reacted."),
        (commands.React("x", remove=True), ACCEPTED, "[Server] Your reaction is taken back."),
    ],
)
def test_what_was_asked_for_decides_what_is_said(command: Command, answer: Answer, line: str) -> None:
    assert told(answer, command) == line


def test_what_nobody_asked_for_is_told_only_if_there_is_something() -> None:
    unread = answers.UnreadList([UnreadView("room:1", "e", 9, 2, 7, room="den")])
    assert told(unread, commands.GetUnread(), "") == "[Server] Unread: #den (7)"
    assert told(answers.UnreadList([]), commands.GetUnread(), "") == ""
    for command in (commands.GetUnread(), commands.MarkRead("room:1", 9), commands.Resume({})):
        assert told(Refusal(Code.INTERNAL, "Our fault."), command, "") == ""
    assert told(answers.ReadUpTo("room:1", 9), commands.MarkRead("room:1", 9), "") == ""
    assert told(Refusal(Code.INTERNAL, "Our fault."), commands.GetUnread()) == "[Server] Error: Our fault."


def test_a_history_shows_offsets_and_what_became_of_each_message() -> None:
    signs = [Reaction("👍", 2, ["Bob", "Carol"]), Reaction("+1", 1, ["Bob"])]
    told_history = history(
        view("hello\nworld", 12, reactions=signs),
        view("hi", 13, "Bob", reply_to=12, edited_at="now"),
        view("", 14, "Bob", deleted=True),
        view("", 15, "Bob", deleted=True, reply_to=14),
    )
    assert told(told_history, commands.GetHistory()).split("\n") == [
        "[Server] History of 'den':",
        "#12 Alice: hello",
        "#12 Alice: world",
        "#12 * 👍 2, +1 1",
        "#13 Bob (reply to #12, edited): hi",
        "#14 Bob (deleted)",
        "#15 Bob (reply to #14, deleted)",
        "[Server] End of history.",
    ]
    with_bob = answers.History("talk:1:2", [], False, None, "Bob")
    assert told(with_bob, commands.GetHistory()) == "[Server] History with Bob:\n[Server] End of history."


@pytest.mark.parametrize(
    ("asked", "on"),
    [
        ("/history", "/history before 12"),
        ("/history 2", "/history 2 before 12"),
        ("/history @Bob 2 before 99", "/history @Bob 2 before 12"),
        ("/history 2 after 3", "/history 2 after 13"),
        ("/history around 12", "/history before 12"),
    ],
)
def test_a_history_says_how_to_read_on(asked: str, on: str) -> None:
    command = typed(asked)
    assert isinstance(command, Command)
    lines = told(history(view("a", 12), view("b", 13), more=True), command).split("\n")
    assert lines[-1] == f"[Server] There is more: {on}"
    assert isinstance(typed(on), commands.GetHistory)


def test_what_a_refusal_quotes_is_cut() -> None:
    assert told(refusal("x" * 10_000)) == "[Server] User '" + "x" * (MAX_NOTICE - 6)
