from __future__ import annotations

import pytest

from hubbub.core import answers, commands, events
from hubbub.core.answers import Answer, RoomView, UserView
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import CLOSE, FAILED, PING, PONG, TEXT, TOO_LONG, Frame
from hubbub.wire.codec import Reply, Request
from hubbub.wire.text import COMMANDS, UNSUPPORTED, text
from hubbub.wire.text_rendering import MAX_LINES, MAX_NOTICE


def typed(line: str | bytes, named: bool = True) -> Command | Refusal | bytes | None:
    payload = line if isinstance(line, bytes) else line.encode()
    decoded = text.decode(Frame(TEXT, payload), named)
    return decoded.command if isinstance(decoded, Request) else decoded


def shown(event: Event, own: bool = False) -> str:
    return text.encode_event(event, own).decode()


def told(answer: Answer) -> str:
    return text.encode_answer(Request(commands.Ping()), answer).decode()


def message(content: str) -> events.MessagePosted:
    return events.MessagePosted("Alice", 7, "den", content, "id-1", "room:1", "e", 1, "2025-01-01T00:00:00Z")


def whisper(content: str) -> events.WhisperPosted:
    return events.WhisperPosted(
        "Alice", 7, "Bob", 8, content, "id-1", "talk:1", "e", 1, "2025-01-01T00:00:00Z"
    )


def topic(about: str) -> events.TopicChanged:
    return events.TopicChanged("Alice", 7, "den", about, "room:1", "e", 1, "2025-01-01T00:00:00Z")


def users(*names: str) -> list[UserView]:
    return [UserView(name, number, "online") for number, name in enumerate(names, 1)]


# -- what people type


def test_the_first_line_is_the_name() -> None:
    assert typed("Alice", named=False) == commands.Login("Alice")


@pytest.mark.parametrize("line", ["", "  ", "\t"])
def test_an_empty_first_line_is_no_name(line: str) -> None:
    assert typed(line, named=False) is None


@pytest.mark.parametrize("line", ["/list", "/w Bob hi", "/x", "//x"])
def test_commands_come_after_the_name(line: str) -> None:
    command = typed(line, named=False)
    assert isinstance(command, Refusal)
    assert command.code is Code.UNAUTHENTICATED


def test_help_and_quit_need_no_name() -> None:
    assert typed("/quit", named=False) == commands.Quit()
    assert typed("/help", named=False) == typed("/help")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("hello", commands.Publish("hello")),
        (" hello ", commands.Publish(" hello ")),
        ("//list", commands.Publish("/list")),
        ("//", commands.Publish("/")),
        ("//help", commands.Publish("/help")),
        ("/list", commands.ListUsers()),
        ("/LIST", commands.ListUsers()),
        ("/w Bob hi there", commands.Whisper("Bob", "hi there")),
        ("/w  Bob  hi  there ", commands.Whisper("Bob", " hi  there ")),
        ("/join den", commands.JoinRoom("den")),
        ("/join  den ", commands.JoinRoom("den")),
        ("/join a b", commands.JoinRoom("a b")),
        ("/create den", commands.CreateRoom("den")),
        ("/leave", commands.LeaveRoom()),
        ("/rooms", commands.ListRooms()),
        ("/topic", commands.GetTopic()),
        ("/topic  cats  and dogs ", commands.SetTopic("cats  and dogs")),
        ("/members", commands.ListMembers()),
        ("/away", commands.SetStatus("away")),
        ("/back", commands.SetStatus("online")),
        ("/ping", commands.Ping()),
        ("/quit", commands.Quit()),
    ],
)
def test_lines_and_commands(line: str, command: Command) -> None:
    assert typed(line) == command


def test_an_empty_line_is_nothing() -> None:
    assert typed("") is None


@pytest.mark.parametrize(
    ("line", "usage"),
    [
        ("/w", b"[Server] Usage: /w <username> <message>"),
        ("/w Bob", b"[Server] Usage: /w <username> <message>"),
        ("/w Bob  ", b"[Server] Usage: /w <username> <message>"),
        ("/join", b"[Server] Usage: /join <room>"),
        ("/create  ", b"[Server] Usage: /create <room>"),
    ],
)
def test_a_missing_argument_is_answered_by_the_usage(line: str, usage: bytes) -> None:
    assert typed(line) == usage


def test_help_has_every_command_on_a_line_of_its_own() -> None:
    shown_help = typed("/help")
    assert isinstance(shown_help, bytes)
    lines = shown_help.decode().split("\n")
    assert all(line.startswith("[Server] ") for line in lines)
    for verb in COMMANDS:
        assert any(line.startswith(f"[Server] {verb}") for line in lines)
    assert not any(line.startswith(f"[Server] {verb}:") for line in lines for verb in UNSUPPORTED)


@pytest.mark.parametrize("verb", sorted(UNSUPPORTED))
@pytest.mark.parametrize("named", [True, False])
def test_what_is_not_built_says_so(verb: str, named: bool) -> None:
    command = typed(f"{verb} something", named)
    assert command == Refusal(Code.UNSUPPORTED, f"'{verb}' is not in this build.")
    assert told(command) == f"[Server] '{verb}' is not in this build."


@pytest.mark.parametrize(
    ("line", "quoted"), [("/x", "/x"), ("/", "/"), ("/x y", "/x"), ("/" + "x" * 99, "/" + "x" * 31)]
)
def test_unknown_commands(line: str, quoted: str) -> None:
    command = typed(line)
    assert isinstance(command, Refusal)
    assert command.code is Code.UNKNOWN_ACTION
    assert told(command) == f"[Server] Unknown command '{quoted}'. Try /help."


def test_invalid_utf8_is_an_error() -> None:
    for named in (True, False):
        command = typed(b"caf\xe9", named)
        assert isinstance(command, Refusal)
        assert command.code is Code.BAD_REQUEST
        assert told(command) == "[Server] Error: This line is not valid UTF-8."


def test_a_line_that_was_too_long_is_an_error_that_names_the_limit() -> None:
    decoded = text.decode(Frame(TOO_LONG, b"", 65_536), named=True)
    assert isinstance(decoded, Request)
    assert isinstance(decoded.command, Refusal)
    assert decoded.command.code is Code.TOO_LARGE
    assert decoded.command.limit == "limits.max_line"
    assert told(decoded.command) == "[Server] Error: This line is longer than 65536 bytes."


def test_frames_that_are_no_lines() -> None:
    failed = text.decode(Frame(FAILED, b"why", 1002), named=True)
    assert isinstance(failed, Request)
    assert isinstance(failed.command, Refusal)
    for kind in (PING, PONG, CLOSE):
        assert text.decode(Frame(kind, b"x"), named=True) is None


# -- what people read


def test_a_message_has_its_author_in_front() -> None:
    assert shown(message("hello")) == "Alice: hello"
    assert shown(message("")) == "Alice: "
    assert shown(message("tab\tstays")) == "Alice: tab\tstays"
    assert shown(message("👩\u200d💻 ok")) == "Alice: 👩\u200d💻 ok"


def test_text_leaves_the_author_out() -> None:
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


def refusal(said: str) -> Refusal:
    return Refusal(Code.NOT_FOUND, f"User '{said}' not found.")


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
        (events.GoingAway("policy"), "[Server] This connection asked too much of the server."),
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
        (answers.TopicSet("den", "cats"), "[Server] The topic of 'den' is: cats"),
        (answers.TopicSet("den", ""), "[Server] 'den' has no topic."),
        (answers.StatusSet("away"), "[Server] You are away now."),
        (answers.Ponged(), "[Server] Pong."),
        (answers.Farewell(), "[Server] Goodbye."),
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


def test_what_a_refusal_quotes_is_cut() -> None:
    assert told(refusal("x" * 10_000)) == "[Server] User '" + "x" * (MAX_NOTICE - 6)


# -- the client's half


def test_a_message_cannot_smuggle_a_second_line() -> None:
    line = text.encode_command(commands.Publish("hi\n/quit\r\n/w Bob x\u2028y"))
    assert line == b"hi /quit /w Bob x y"


@pytest.mark.parametrize(
    "command",
    [
        commands.Login(token="t"),
        commands.SetStatus("busy"),
        commands.SetTopic(""),
        commands.Typing(),
        commands.Pong(),
        commands.Send("#den", "x"),
        commands.CountConnections(),
    ],
)
def test_what_has_no_line_cannot_be_typed(command: Command) -> None:
    with pytest.raises(ValueError, match=type(command).__name__):
        text.encode_command(command)


def read(line: str) -> Event | Reply:
    return text.decode_message(line.encode())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Username 'Alice' is already taken.", Code.NAME_TAKEN),
        ("Username 'a b' is not valid: it is empty.", Code.NAME_INVALID),
        ("'Alice' is registered. Type /login PASSWORD", Code.NAME_REGISTERED),
        ("User 'Bob' not found.", Code.NOT_FOUND),
        ("Unknown command '/x'. Try /help.", Code.UNKNOWN_ACTION),
        ("'/history' is not in this build.", Code.UNSUPPORTED),
        ("Usage: /join <room>", Code.BAD_REQUEST),
    ],
)
def test_a_refusal_is_known_by_its_wording(line: str, code: Code) -> None:
    assert read(f"[Server] {line}") == Reply(Refusal(code, line))


def test_the_mark_of_an_error_is_no_part_of_it() -> None:
    assert read("[Server] Error: Too long.") == Reply(Refusal(Code.BAD_REQUEST, "Too long."))


@pytest.mark.parametrize(
    "answer",
    [
        answers.UserList([]),
        answers.RoomLeft("den"),
        answers.RoomList([]),
        answers.MemberList("den", 0, []),
        answers.TopicSet("den", ""),
        answers.StatusSet("busy"),
        answers.Ponged(),
        answers.Farewell(),
        answers.RoomJoined("den", "", "", 0, 3, "", False),
    ],
)
def test_answers_read_back(answer: Answer) -> None:
    assert read(told(answer)) == Reply(answer)


def test_a_list_that_was_cut_short_reads_back_without_its_rest() -> None:
    reply = read("[Server] Members of 'den' (9): Alice, … (8 more)")
    assert reply == Reply(answers.MemberList("den", 9, [UserView("Alice", 0, "online")]))


@pytest.mark.parametrize("line", ["", "hello", "[Private] x", "a b: c", "[Server]"])
def test_what_no_server_sends_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="no line"):
        read(line)


def test_a_line_that_is_not_utf8_is_an_error() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        text.decode_message(b"Alice: caf\xe9")
