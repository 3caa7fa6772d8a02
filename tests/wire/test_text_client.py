from __future__ import annotations

from typing import Any

import pytest

from hubbub.core import answers, commands, file_commands
from hubbub.core.answers import Answer, MessageView, Reaction, UnreadView, UserView
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.wire.codec import Reply
from hubbub.wire.text import text
from wire.text_lines import (
    read,
    told,
)


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
        commands.Login("Alice", "secret"),
        commands.Login(password_sha256="0" * 64),
        commands.ChangePassword("with a blank", "new"),
        commands.ChangePassword(old_sha256="0" * 64, new_sha256="0" * 64),
        commands.Edit("#7 looks like an offset"),
        commands.Publish("#7 looks like an offset", reply_to=commands.LAST),
        commands.SetRoom(),
        commands.SetRoom(private=True, retain_days=1.0),
        commands.SetRoom(retain_days=1e-9),
        commands.Resume({}),
        commands.MarkRead("room:1", 1),
        commands.Refresh("r"),
        file_commands.OfferFile("cat.png", 5, "Bob"),
        file_commands.AcceptFile("0" * 32),
        file_commands.AcceptFile(None, "Alice", "cat.png"),
        file_commands.AcceptFile(filename="cat.png", offset=3),
        file_commands.DeclineFile("0" * 32),
        file_commands.SendChunk("0" * 32, 0, b"x"),
        file_commands.ListFiles(with_="Bob"),
        file_commands.GetFile("f7"),
    ],
)
def test_what_has_no_line_cannot_be_typed(command: Command) -> None:
    with pytest.raises(ValueError, match=type(command).__name__):
        text.encode_command(command)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Username 'Alice' is already taken.", Code.NAME_TAKEN),
        ("Username 'a b' is not valid: it is empty.", Code.NAME_INVALID),
        ("'Alice' is registered. Type /login PASSWORD", Code.NAME_REGISTERED),
        ("User 'Bob' not found.", Code.NOT_FOUND),
        ("Unknown command '/x'. Try /help.", Code.UNKNOWN_ACTION),
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
        answers.LoggedOut(),
        answers.PasswordSet(),
        answers.SessionList([answers.SessionView("s7", "then", "now", True)]),
        answers.SessionEnded("s7"),
        answers.Invited("den", "Bob"),
        answers.RoleSet("den", "Bob", "none"),
        answers.RoomSettingsShown("den", True, 0.25, "", "Bob.", "owner"),
        answers.RoomSettingsShown("den", False, 0.0),
        answers.UnreadList([]),
        answers.UnreadList(
            [
                UnreadView("", "", 0, 0, 7, 1, room="notices"),
                UnreadView("", "", 0, 0, 1, with_="Bob"),
                UnreadView("", "", 0, 0, 2),
            ]
        ),
        answers.SearchResult([], False),
        answers.FileList([], []),
        answers.FileLink("http://[::1]:8080/blobs/f7/cat.png?ticket=t", "", 0, 0),
    ],
)
def test_answers_read_back(answer: Answer) -> None:
    assert read(told(answer)) == Reply(answer)


def test_a_decline_is_confirmed() -> None:
    assert told(answers.Done(), file_commands.DeclineFile()) == "[Server] Declined."
    assert read("[Server] Declined.") == Reply(answers.Done())


def test_sizes_read_back_as_exactly_as_they_are_shown() -> None:
    assert read("[Server] Kept: a (b).png (1.23 MB)") == Reply(
        answers.FileList([], [answers.FileView("", "a (b).png", 1_230_000, "", "")])
    )


def test_a_list_that_was_cut_short_reads_back_without_its_rest() -> None:
    reply = read("[Server] Members of 'den' (9): Alice, … (8 more)")
    assert reply == Reply(answers.MemberList("den", 9, [UserView("Alice", 0, "online")]))


def test_who_owns_a_room_reads_back() -> None:
    reply = read("[Server] Members of 'den' (4): Alice (owner), Bob (moderator), Carol (boss), … (1 more)")
    alice, bob = UserView("Alice", 0, "online", "owner"), UserView("Bob", 0, "online", "moderator")
    assert reply == Reply(answers.MemberList("den", 4, [alice, bob, UserView("Carol", 0, "online")]))


def test_a_history_reads_back_line_by_line() -> None:
    def piece(offset: int, sender: str, content: str, **more: Any) -> Reply:
        one = MessageView(sender, 0, content, "", "", "", offset, "", **more)
        return Reply(answers.History("", [one], False))

    assert read("[Server] History of 'den':") == Reply(answers.History("", [], False, "den"))
    assert read("[Server] History with Bob:") == Reply(answers.History("", [], False, None, "Bob"))
    assert read("#12 Alice: x: y (z): ") == piece(12, "Alice", "x: y (z): ")
    assert read("#12 Alice (edited): (deleted)") == piece(12, "Alice", "(deleted)", edited_at="")
    assert read("#12 Alice (reply to #7): hi") == piece(12, "Alice", "hi", reply_to=7)
    assert read("#12 Alice (reply to #7, deleted)") == piece(12, "Alice", "", reply_to=7, deleted=True)
    assert read("#12 * 👍 2, +1 1") == piece(
        12, "", "", reactions=[Reaction("👍", 2, []), Reaction("+1", 1, [])]
    )
    assert read("[Server] There is more: /history before 12") == Reply(answers.History("", [], True))
    assert read("[Server] End of history.") == Reply(answers.History("", [], False))


def test_what_was_found_reads_back_line_by_line() -> None:
    found = MessageView("Alice", 0, "tea", "", "", "", 12, "", room="den")
    assert read("#12 Alice in den: tea") == Reply(answers.SearchResult([found], False))
    private = MessageView("Alice", 0, "tea", "", "", "", 12, "", to="Bob")
    assert read("#12 Alice to Bob: tea") == Reply(answers.SearchResult([private], False))
    more = read("[Server] Found 2 messages, and there are more.")
    assert more == Reply(answers.SearchResult([], True))


@pytest.mark.parametrize(
    "line",
    ["#x", "#12 Alice", "#12 Alice (edited)", "#12 a b: c", "", "hi", "[Private] x", "a b: c", "[Server]"],
)
def test_what_no_server_sends_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="no line"):
        read(line)


def test_a_line_that_is_not_utf8_is_an_error() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        text.decode_message(b"Alice: caf\xe9")
