from __future__ import annotations

import pytest

from hubbub.core import commands, file_commands
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.net.framing.frames import CLOSE, FAILED, PING, PONG, TOO_LONG, Frame
from hubbub.wire.codec import Request
from hubbub.wire.text import text
from hubbub.wire.text_commands import COMMANDS
from wire.text_lines import (
    told,
    typed,
)


def test_the_first_line_is_the_name() -> None:
    assert typed("Alice", named=False) == commands.Login("Alice")


@pytest.mark.parametrize("line", ["", "  ", "\t"])
def test_an_empty_first_line_is_no_name(line: str) -> None:
    assert typed(line, named=False) is None


@pytest.mark.parametrize("line", ["/list", "/w Bob hi", "/x", "//x", "/register secret", "/lgoin secret"])
def test_commands_come_after_the_name(line: str) -> None:
    command = typed(line, named=False)
    assert isinstance(command, Refusal)
    assert command.code is Code.UNAUTHENTICATED


def test_help_quit_and_login_need_no_name() -> None:
    assert typed("/login secret", named=False) == commands.Login(password="secret")
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
        ("/login secret", commands.Login(password="secret")),
        ("/login  my  secret ", commands.Login(password=" my  secret ")),
        ("/register my secret", commands.Register(password="my secret")),
        ("/logout", commands.Logout()),
        ("/password old new one", commands.ChangePassword("old", "new one")),
        ("/sessions", commands.ListSessions()),
        ("/sessions end s7", commands.EndSession("s7")),
        ("/create den private", commands.CreateRoom("den", private=True)),
        ("/create private", commands.CreateRoom("private")),
        ("/invite Bob", commands.Invite("Bob")),
        ("/role Bob moderator", commands.SetRole("Bob", "moderator")),
        ("/role Bob none", commands.SetRole("Bob", "none")),
        ("/room", commands.GetRoom()),
        ("/room private", commands.SetRoom(private=True)),
        ("/room public", commands.SetRoom(private=False)),
        ("/room keep 0.5", commands.SetRoom(retain_days=0.5)),
        ("/history", commands.GetHistory()),
        ("/history 10", commands.GetHistory(limit=10)),
        ("/history 10 before 7", commands.GetHistory(limit=10, before=7)),
        ("/history after #7", commands.GetHistory(after=7)),
        ("/history around 7", commands.GetHistory(around=7)),
        ("/history @Bob 10", commands.GetHistory(with_="Bob", limit=10)),
        ("/history after 0", commands.GetHistory(after=0)),
        ("/search tea at five", commands.Search("tea at five")),
        ("/edit hello", commands.Edit("hello")),
        ("/edit #7 hello", commands.Edit("hello", offset=7)),
        ("/edit #7up is a drink", commands.Edit("#7up is a drink")),
        ("/delete", commands.Delete()),
        ("/delete #7", commands.Delete(offset=7)),
        ("/react +1", commands.React("+1")),
        ("/react #7 👍", commands.React("👍", offset=7)),
        ("/react #7 👍 off", commands.React("👍", offset=7, remove=True)),
        ("/reply #7 so it is", commands.Publish("so it is", reply_to=7)),
        ("/reply so it is", commands.Publish("so it is", reply_to=commands.LAST)),
        ("/unread", commands.GetUnread()),
        ("/files", file_commands.ListFiles()),
        ("/accept", file_commands.AcceptFile()),
        ("/accept  my cat.png ", file_commands.AcceptFile(filename="my cat.png")),
        ("/decline", file_commands.DeclineFile()),
        ("/decline my cat.png", file_commands.DeclineFile(filename="my cat.png")),
        ("/get my cat.png", file_commands.GetFile(filename="my cat.png")),
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
        ("/create  ", b"[Server] Usage: /create <room> [private]"),
        ("/login", b"[Server] Usage: /login <password>"),
        ("/login ", b"[Server] Usage: /login <password>"),
        ("/register", b"[Server] Usage: /register <password>"),
        ("/password only-one", b"[Server] Usage: /password <old> <new>"),
        ("/sessions stop x", b"[Server] Usage: /sessions [end <id>]"),
        ("/invite", b"[Server] Usage: /invite <username>"),
        ("/role Bob king", b"[Server] Usage: /role <username> owner|moderator|member|none"),
        ("/role Bob", b"[Server] Usage: /role <username> owner|moderator|member|none"),
        ("/room keep ever", b"[Server] Usage: /room [private|public|keep <days>]"),
        ("/room keep 1e9", b"[Server] Usage: /room [private|public|keep <days>]"),
        ("/room keep nan", b"[Server] Usage: /room [private|public|keep <days>]"),
        *(
            (
                line,
                b"[Server] Usage: /history [@<username>] [<number>] [before|after|around <offset>]",
            )
            for line in ("/history x", "/history 5 before", "/history 5 beside 7", "/history 5 before x")
        ),
        (
            "/history " + "9" * 16,
            b"[Server] Usage: /history [@<username>] [<number>] [before|after|around <offset>]",
        ),
        ("/search ", b"[Server] Usage: /search <words>"),
        ("/edit", b"[Server] Usage: /edit [#<offset>] <text>"),
        ("/edit #7 ", b"[Server] Usage: /edit [#<offset>] <text>"),
        ("/delete seven", b"[Server] Usage: /delete [#<offset>]"),
        ("/react #7", b"[Server] Usage: /react [#<offset>] <emoji> [off]"),
        ("/react + on", b"[Server] Usage: /react [#<offset>] <emoji> [off]"),
        ("/get ", b"[Server] Usage: /get <filename>"),
        ("/reply", b"[Server] Usage: /reply [#<offset>] <text>"),
        ("/reply #0 hello", b"[Server] Usage: /reply [#<offset>] <text>"),
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
