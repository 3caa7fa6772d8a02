"""Accounts, histories and rooms that last, for people with `nc`: over a real server."""

from __future__ import annotations

from serving import Server, TextClient, serving, until

PASSWORD = "correct horse  battery"  # with two blanks, which count


def told(client: TextClient, line: str) -> str:
    """The next line to this person, after saying that."""
    client.say(line)
    return client.line()


def page(client: TextClient, asked: str) -> list[str]:
    """The lines of a history, without its first; events that come between are no part of it."""
    client.say(asked)
    lines = []
    while not (line := client.line()).startswith(("[Server] End of history", "[Server] There is more")):
        lines.append(line)
    return [*lines[1:], line]


def registered(server: Server, name: str) -> TextClient:
    client = server.text(name)
    assert told(client, f"/register {PASSWORD}") == f"[Server] '{name}' is an account of yours now."
    return client


def back(server: Server, name: str) -> TextClient:
    """The same account on another connection."""
    client = server.text()
    assert told(client, name) == f"[Server] '{name}' is registered. Type /login PASSWORD"
    assert told(client, f"/login {PASSWORD}") == f"[Server] You are logged in as '{name}'."
    return client


def test_a_name_that_is_registered_needs_its_password(server: Server) -> None:
    registered(server, "Alice")
    other = server.text()
    assert told(other, "alice") == "[Server] 'Alice' is registered. Type /login PASSWORD"
    assert told(other, "/list") == "[Server] The first line is your name; commands come after it."
    assert told(other, "/login correct horse battery") == (
        "[Server] Error: The user name or the password is wrong."
    )
    assert told(other, f"/login {PASSWORD}") == "[Server] You are logged in as 'Alice'."
    assert told(other, "/list") == "[Server] Users online: Alice"


def test_after_three_wrong_passwords_the_line_is_closed(server: Server) -> None:
    registered(server, "Alice")
    other = server.text()
    other.say("Alice")
    other.line()
    for _ in range(3):
        assert told(other, "/login wrong") == "[Server] Error: The user name or the password is wrong."
    assert other.line() == "[Server] Your login here has ended, or failed too often."
    assert other.at_end()


def test_a_password_in_the_place_of_a_name_becomes_no_name(server: Server) -> None:
    alice = registered(server, "Alice")
    other = server.text()
    other.say("Alice")
    other.line()
    assert told(other, "hunter2hunter2") == "[Server] 'Alice' is registered. Type /login PASSWORD"
    assert alice.hears_nothing()
    server.stop()
    assert "hunter2" not in server.log


def test_a_password_is_never_logged_and_never_shown() -> None:
    with serving("--log-level", "debug") as server:
        alice = registered(server, "Alice")
        assert told(alice, f"/register {PASSWORD}").startswith("[Server] ")
        other = back(server, "Alice")
        for line in (f"/lgoin {PASSWORD}", f"/password {PASSWORD}", f"/PASSWORD wrong {PASSWORD}"):
            assert "horse" not in told(other, line)
    assert "/register" in server.log
    assert "horse" not in server.log


def test_a_password_that_does_not_come_ends_the_line() -> None:
    with serving(HUBBUB_TIMERS_PASSWORD="0.2") as server:
        registered(server, "Alice")
        other = server.text()
        other.say("Alice")
        other.line()
        assert other.line() == "[Server] Nothing came from you for too long."
        assert other.at_end()


def test_logins_are_listed_and_ended(server: Server) -> None:
    alice = registered(server, "Alice")
    other = back(server, "Alice")
    alice.say("/sessions")
    first, second = alice.lines(2)
    [ended] = [line.split()[2].rstrip(":") for line in (first, second) if "(this one)" not in line]
    assert told(alice, f"/sessions end {ended}") == f"[Server] Session {ended} has ended."
    assert other.line() == "[Server] Your login here has ended, or failed too often."
    assert other.at_end()
    assert told(alice, "/logout") == "[Server] You are logged out."
    assert alice.at_end()


def test_another_password(server: Server) -> None:
    alice = server.text("Alice")
    assert told(alice, "/register the-first") == "[Server] 'Alice' is an account of yours now."
    assert told(alice, f"/password the-last {PASSWORD}") == "[Server] Error: The old password is wrong."
    assert told(alice, f"/password the-first {PASSWORD}") == (
        "[Server] Your password is changed, and your other logins have ended."
    )
    assert told(back(server, "Alice"), "/list") == "[Server] Users online: Alice"


def test_who_was_away_is_told_of_what_was_missed(server: Server) -> None:
    alice, bob = registered(server, "Alice"), server.text("Bob")
    assert alice.line() == "[Server] Bob has joined."
    alice.say("/quit")
    assert alice.line() == "[Server] Goodbye."
    assert bob.line() == "[Server] Alice has left."
    assert told(bob, "/w Alice are you there?") == "[Private to Alice] are you there?"
    again = back(server, "Alice")
    assert again.line() == "[Server] Unread: @Bob (1)"
    assert page(again, "/history @Bob") == ["#1 Bob: are you there?", "[Server] End of history."]
    assert told(again, "/unread") == "[Server] Nothing new.", "what was shown is read"


def test_notices_and_whispers_of_guests_who_are_gone_are_shown_once(server: Server) -> None:
    alice, bob, guest = registered(server, "Alice"), registered(server, "Bob"), server.text("Guest")
    bob.say("/quit")
    assert guest.line() == "[Server] Bob has left."
    assert told(guest, "/w Bob find me at the harbour") == "[Private to Bob] find me at the harbour"
    guest.say("/quit")
    alice.say("/create den private")
    alice.say("/invite Bob")
    alice.say("@Bob, there is tea")
    alice.settle()
    again = back(server, "Bob")
    assert again.lines(4) == [
        "[Server] Unread: notices (2), notices (1)",
        "[Server] Alice invites you to 'den'. Type /join den",
        "[Server] Alice mentioned you in 'den'.",
        "[Private from Guest] find me at the harbour",
    ]
    assert told(again, "/unread") == "[Server] Nothing new.", "what was shown is read"
    alice.say("@Bob, and cake")
    assert again.line() == "[Server] Alice mentioned you in 'den'."
    assert told(again, "/unread") == "[Server] Unread: notices (1)"
    assert again.hears_nothing(), "it was heard as it came"
    assert told(again, "/unread") == "[Server] Nothing new."


def test_what_came_while_one_was_there_is_read(server: Server) -> None:
    alice, bob = registered(server, "Alice"), server.text("Bob")
    assert alice.line() == "[Server] Bob has joined."
    bob.say("hello")
    assert alice.line() == "Bob: hello"
    assert told(bob, "/w Alice psst") == "[Private to Alice] psst"
    assert alice.line() == "[Private from Bob] psst"
    assert told(alice, "/quit") == "[Server] Goodbye."
    assert bob.line() == "[Server] Alice has left."
    again = back(server, "Alice")
    assert again.hears_nothing()
    assert told(again, "/quit") == "[Server] Goodbye."
    assert bob.lines(2)[-1] == "[Server] Alice has left."
    bob.say("missed")
    assert told(bob, "/w Alice missed") == "[Private to Alice] missed"
    again = back(server, "Alice")
    assert again.line() == "[Server] Unread: #lobby (1), @Bob (1)"
    assert bob.line() == "[Server] Alice has joined."
    bob.say("/w Alice seen, but what was missed is not")
    assert bob.line().startswith("[Private to Alice] seen")
    assert again.line().startswith("[Private from Bob] seen")
    bob.say("seen, but what was missed is not")
    assert again.line() == "Bob: seen, but what was missed is not"
    assert told(again, "/quit") == "[Server] Goodbye."
    again = back(server, "Alice")
    assert again.line() == "[Server] Unread: #lobby (2), @Bob (2)"


def test_a_history_is_read_on_without_hole_or_double(server: Server) -> None:
    alice, bob = server.text("Alice"), server.json("Bob")
    assert alice.line() == "[Server] Bob has joined."
    for number in range(7):
        bob.say("Broadcast", content=f"{number}\nof two lines")
    assert alice.lines(14)[-1] == "Bob: of two lines"
    read: list[str] = []
    after = 0
    while True:
        lines = page(alice, f"/history 3 after {after}")
        read += lines[:-1]
        if lines[-1] == "[Server] End of history.":
            break
        after = int(lines[-2].split()[0][1:])
        assert lines[-1] == f"[Server] There is more: /history 3 after {after}"
    offsets = [int(line.split()[0][1:]) for line in read]
    assert offsets == [offset for offset in range(offsets[0], offsets[0] + 7) for _ in range(2)]
    assert [line.partition(": ")[2] for line in read[::2]] == [str(number) for number in range(7)]


def test_messages_are_changed_and_found(server: Server) -> None:
    alice, bob = server.text("Alice"), server.text("Bob")
    assert alice.line() == "[Server] Bob has joined."
    alice.say("tea at five")
    assert bob.line() == "Alice: tea at five"
    at = page(bob, "/history 1")[0].split()[0]
    assert told(alice, "/edit tea at six") == "[Server] Edited."
    assert bob.line() == f"[Server] Alice edited {at}: tea at six"
    assert told(bob, f"/react {at} 👍") == "[Server] You reacted."
    assert alice.line() == f"[Server] Bob put to {at}: 👍"
    bob.say(f"/reply {at} I come")
    assert alice.line() == "Bob: I come"
    assert told(alice, f"/edit {at} ") == "[Server] Usage: /edit [#<offset>] <text>"
    lines = page(alice, "/history 2")
    reply = lines[2].split()[0]
    assert lines[:3] == [
        f"{at} Alice (edited): tea at six",
        f"{at} * 👍 1",
        f"{reply} Bob (reply to {at}): I come",
    ]
    assert told(bob, f"/react {at} 👍 off") == "[Server] Your reaction is taken back."
    assert alice.line() == f"[Server] Bob took back from {at}: 👍"
    assert told(alice, f"/delete {reply}").startswith("[Server] ")  # it is Bob's
    assert told(bob, "/delete") == "[Server] Deleted."
    assert alice.line() == f"[Server] Bob deleted {reply}."
    assert page(alice, "/history 1")[0] == f"{reply} Bob (deleted)"


def test_a_reply_is_to_the_last_message_and_keeps_its_place(server: Server) -> None:
    alice, bob = server.text("Alice"), server.text("Bob")
    assert alice.line() == "[Server] Bob has joined."
    assert told(bob, "/reply to nobody") == "[Server] There is nothing to reply to."
    alice.send(b"tea?\n/reply or coffee\nor both\n")
    assert bob.lines(3) == ["Alice: tea?", "Alice: or coffee", "Alice: or both"]
    bob.say("/reply both")
    assert alice.line() == "Bob: both"
    assert page(bob, "/history")[:-1] == [
        "#1 Alice: tea?",
        "#2 Alice (reply to #1): or coffee",
        "#3 Alice: or both",
        "#4 Bob (reply to #3): both",
    ]


def test_a_room_of_its_own(server: Server) -> None:
    alice, bob = registered(server, "Alice"), registered(server, "Bob")
    assert alice.line() == "[Server] Bob has joined."
    assert told(alice, "/create den private") == "[Server] You are now in 'den' (1 members)."
    assert bob.line() == "[Server] Alice has left."
    assert told(bob, "/rooms") == "[Server] Rooms: lobby (1)"
    assert told(alice, "/invite Bob") == "[Server] Bob may come into 'den' now."
    assert bob.line() == "[Server] Alice invites you to 'den'. Type /join den"
    assert told(bob, "/join den") == "[Server] You are now in 'den' (2 members)."
    assert alice.line() == "[Server] Bob has joined."
    assert told(alice, "/role Bob moderator") == "[Server] Bob is moderator of 'den' now."
    assert bob.line() == "[Server] Alice: Bob is moderator of 'den' now."
    settings = "'den' is private, and keeps its messages for 30 days; owner: Alice"
    assert told(alice, "/room keep 30") == f"[Server] {settings}; you: owner."
    assert bob.line() == "[Server] Alice changed 'den': private, and keeps its messages for 30 days."
    assert told(bob, "/room") == f"[Server] {settings}; you: moderator."
    assert told(bob, "/room public").startswith("[Server] ")
    assert told(alice, "/rooms") == "[Server] Rooms: den (2, private), lobby (0)"


def test_who_is_mentioned_in_another_room_is_told(server: Server) -> None:
    alice, bob = registered(server, "Alice"), server.text("Bob")
    assert alice.line() == "[Server] Bob has joined."
    bob.say("@Alice come here")
    assert alice.line() == "Bob: @Alice come here"
    assert alice.hears_nothing(), "who reads the message needs no word of it"
    assert told(bob, "/join den") == "[Server] You are now in 'den' (1 members)."
    assert alice.line() == "[Server] Bob has left."
    bob.say("@Alice, are you coming?")
    assert alice.line() == "[Server] Bob mentioned you in 'den'."


def test_what_was_said_is_found(server: Server) -> None:
    alice = server.text("Alice")
    alice.say("tea at five")
    alice.settle()
    until(lambda: told(alice, "/search five tea") == "[Server] Found 1 message.")
    assert alice.line() == "#1 Alice in lobby: tea at five"
    assert told(alice, "/search coffee") == "[Server] Found nothing."


def test_a_history_that_was_refused_does_not_count_as_read() -> None:
    with serving("--limits", "off", HUBBUB_LIMITS_MAX_OUTPUT="1") as server:
        device = server.ndjson()
        assert device.ask("auth/register", username="Ann", password="a password of hers")["status"] == 200
        sender = server.json("Sender")
        for number in range(5):
            sender.say("Broadcast", content="x" * 30_000, id=str(number))
            assert sender.get("Ack")
        ann = server.text()
        ann.send(b"Ann\n/login a password of hers\n/history 5\n")
        while "which is the limit" not in ann.line():
            pass
        (unread,) = device.ask("message/unread")["payload"]["streams"]
        assert unread["unread"] == 5
