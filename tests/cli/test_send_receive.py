"""`hubbub send` and `hubbub receive`: what goes across, what is said, and how it ends."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pty
import socket
import stat
import tarfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.cli.transfers import WronglyAskedError, address_of, harmless
from serving import Server, serving, until
from transferring import PATIENCE, Command, Ends, names_in

WAYS = pytest.mark.parametrize("way", [(), ("--no-direct",)], ids=["direct", "relayed"])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--limits", "off") as running:
        yield running


@pytest.fixture
def ends(tmp_path: Path, server: Server) -> Iterator[Ends]:
    two = Ends(tmp_path, server.port)
    yield two
    two.close()


@WAYS
def test_a_file_comes_whole_and_by_the_way_that_was_asked_for(ends: Ends, way: tuple[str, ...]) -> None:
    file = ends.file("cat.png", 3_000_001)
    receiver = ends.receive()
    sender = ends.send(file, *way)
    assert "'cat.png' is with Bob." in sender.ends()
    assert str(ends.inbox / "cat.png") in receiver.ends()
    assert (ends.inbox / "cat.png").read_bytes() == file.read_bytes()
    assert names_in(ends.inbox) == ["cat.png"]
    assert ("Directly" in sender.said) == (not way)
    assert ("Directly" in receiver.said) == (not way)


@WAYS
def test_an_empty_file_is_a_file(ends: Ends, way: tuple[str, ...]) -> None:
    file = ends.file("nothing", 0)
    receiver = ends.receive(*way)
    ends.send(file).ends()
    receiver.ends()
    assert (ends.inbox / "nothing").read_bytes() == b""


@WAYS
def test_a_folder_is_a_folder_again(ends: Ends, way: tuple[str, ...]) -> None:
    top = ends.directory / "photos"
    (top / "2024" / "empty").mkdir(parents=True)
    (top / "run.sh").write_text("#!/bin/sh\n")
    (top / "run.sh").chmod(0o755)
    (top / "2024" / "a ü.txt").write_bytes(b"x" * 100_000)
    (top / "link").symlink_to("run.sh")
    receiver = ends.receive()
    sender = ends.send(top, *way)
    assert "link is left out. It is a symbolic link." in sender.ends()
    receiver.ends()
    assert names_in(ends.inbox) == ["photos"]
    found = ends.inbox / "photos"
    assert (found / "2024" / "a ü.txt").read_bytes() == b"x" * 100_000
    assert (found / "2024" / "empty").is_dir()
    assert (found / "run.sh").stat().st_mode & stat.S_IXUSR
    assert not (found / "link").exists()


def test_a_thousand_small_files_are_one_transfer(ends: Ends) -> None:
    top = ends.directory / "many"
    top.mkdir()
    for number in range(1_000):
        (top / f"{number}.txt").write_text(str(number))
    receiver = ends.receive()
    ends.send(top).ends()
    receiver.ends()
    assert len(names_in(ends.inbox / "many")) == 1_000
    assert (ends.inbox / "many" / "999.txt").read_text() == "999"


def test_several_paths_are_one_bundle(ends: Ends) -> None:
    one, other = ends.file("one", 10), ends.file("other", 20)
    receiver = ends.receive()
    ends.send(one, other).ends()
    receiver.ends()
    assert names_in(ends.inbox) == ["one", "other"]


def test_from_a_pipe_to_a_pipe(ends: Ends) -> None:
    content = os.urandom(1_500_000)
    receiver = ends.receive("-o", "-")
    ends.send("-", stdin=content).ends()
    receiver.ends()
    assert receiver.out == content
    assert names_in(ends.inbox) == []


def test_a_bundle_on_a_pipe_is_the_tar_itself(ends: Ends) -> None:
    receiver = ends.receive("--dir", "-")
    ends.send(ends.file("a", 5), ends.file("b", 6)).ends()
    receiver.ends()
    with tarfile.open(fileobj=io.BytesIO(receiver.out)) as tar:
        assert tar.getnames() == ["a", "b"]


def test_what_comes_by_a_pipe_gets_a_name(ends: Ends) -> None:
    receiver = ends.receive()
    ends.send("-", "--filename", "notes.txt", stdin=b"hello").ends()
    receiver.ends()
    assert (ends.inbox / "notes.txt").read_bytes() == b"hello"


def test_nothing_is_overwritten(ends: Ends) -> None:
    file = ends.file("cat.png", 1_000)
    (ends.inbox / "cat.png").write_text("mine")
    receiver = ends.receive("--all")
    ends.send(file).ends()
    ends.send(file).ends()
    until(lambda: (ends.inbox / "cat (3).png").exists())
    receiver.interrupt()
    receiver.ends(130)
    assert names_in(ends.inbox) == ["cat (2).png", "cat (3).png", "cat.png"]
    assert (ends.inbox / "cat.png").read_text() == "mine"
    assert (ends.inbox / "cat (3).png").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(("key", "code", "theirs"), [(b"y\n", 0, 0), (b"n\n", 3, 3)])
def test_a_person_is_asked(ends: Ends, key: bytes, code: int, theirs: int) -> None:
    ours, terminal = pty.openpty()
    where = f"127.0.0.1:{ends.port}"
    receiver = ends.run(
        "Bob",
        "receive",
        "--dir",
        ends.inbox,
        "--as",
        "Bob",
        "--server",
        where,
        stdin=terminal,
        terminal=terminal,
    )
    shown = b""
    while b"waits for a file" not in shown:
        shown += os.read(ours, 4_096)
    sender = ends.send(ends.file("cat.png", 1_234))
    while b"[y/n]" not in shown:
        shown += os.read(ours, 4_096)
    assert b"Alice offers 'cat.png' (1,234 bytes)" in shown
    sender.until_said("Waiting for Bob to take it.")
    os.write(ours, key)
    said = sender.ends(theirs)
    assert ("does not want" in said) == (code == 3)
    receiver.ends(code)
    assert names_in(ends.inbox) == (["cat.png"] if code == 0 else [])
    os.close(ours)
    os.close(terminal)


def test_what_somebody_else_says_steers_no_terminal() -> None:
    assert harmless("a\x1b[2J\x9b\n\u2028\u202eb") == "a\ufffd[2J\ufffd\ufffd\ufffd\ufffdb"
    for name in ("写真 🏴\U000e0067\U000e007f.png", "👩\u200d🚀", "می\u200cخواهم"):
        assert harmless(name) == name


@pytest.mark.parametrize("seconds", ["-1", "0", "nan", "inf", "soon"])
def test_a_time_that_cannot_be_waited_for(ends: Ends, seconds: str) -> None:
    assert "number of seconds" in ends.send(ends.file("a", 1), "--timeout", seconds).ends(2)


def test_where_nothing_can_be_put_is_said_before_anything_is_sent(ends: Ends) -> None:
    file = ends.file("a", 1)
    assert "no folder" in ends.receive("--dir", file, wait=False).ends(2)


def test_nobody_there_is_said_without_numbers(ends: Ends) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        said = ends.send(ends.file("a", 1), port=port).ends(1)
    assert said == f"hubbub: 127.0.0.1 port {port} cannot be reached: Connection refused.\n"


def test_a_server_that_is_full_is_said_to_be(ends: Ends) -> None:
    with serving(HUBBUB_LIMITS_MAX_CONNECTIONS="1") as server:
        server.ndjson("Kept")
        said = ends.send(ends.file("a", 1), port=server.port).ends(1)
    assert said in (  # whose first bytes are there already is told nothing: they begin with a length
        "hubbub: The server takes no more connections now, or it is none of Hubbub's.\n",
        "hubbub: The line to the server dropped.\n",
    )


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it looks into /proc")
def test_ctrl_c_while_a_pipe_has_not_ended(ends: Ends) -> None:
    reading, writing = os.pipe()
    where = f"127.0.0.1:{ends.port}"
    sender = ends.run("Alice", "send", "-", "--to", "Bob", "--as", "Alice", "--server", where, stdin=reading)
    os.write(writing, b"x" * 5_000_000)  # it takes them, so it is there
    state = Path(f"/proc/{sender.process.pid}/stat")
    until(lambda: state.read_text().rpartition(")")[2].split()[0] == "S")  # and waits for more
    sender.interrupt()
    assert sender.ends(130) == "hubbub: stopped.\n"
    os.close(reading)
    os.close(writing)


def test_of_many_links_that_are_left_out_some_are_named(ends: Ends) -> None:
    top = ends.directory / "links"
    top.mkdir()
    for number in range(30):
        (top / f"{number}").symlink_to("nowhere")
    receiver = ends.receive()
    said = ends.send(top).ends()
    assert said.count("symbolic link") == 10
    assert "20 more are left out." in said
    receiver.ends()


def test_without_a_terminal_nobody_can_be_asked(ends: Ends) -> None:
    assert "--yes" in ends.receive(yes=False, wait=False).ends(2)


def test_whom_nobody_knows_gets_nothing(ends: Ends) -> None:
    file = ends.file("cat.png", 10)
    assert "no person and no room 'Nobody'" in ends.send(file, to="Nobody").ends(1)
    assert "'Nobody' not found" in ends.send(file, to="@Nobody").ends(1)
    assert "'Nobody' not found" in ends.send(file, to="#Nobody").ends(1)


def test_what_is_not_there_is_not_sent(ends: Ends) -> None:
    assert "nowhere cannot be read" in ends.send(ends.directory / "nowhere").ends(1)
    assert "'-' stands alone" in ends.send("-", ends.file("a", 1)).ends(2)
    to = ("--to", "Bob")
    assert "is no port" in ends.run("Alice", "send", ends.file("a", 1), *to, "--server", "h:x").ends(2)
    assert "hubbub login" in ends.run("Alice", "send", ends.file("a", 1), *to).ends(2)


@pytest.mark.parametrize("server", ["bob:hunter2@h", "bob:hunter2@h:1", "https://bob:hunter2@h:99999"])
def test_a_password_in_the_server_is_not_said_again(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = Namespace(server=server, tls=False, ca=None, as_guest="Bob")
    with pytest.raises(WronglyAskedError, match="no name or password") as refused:
        address_of(given)
    assert "hunter2" not in str(refused.value)
    monkeypatch.setenv("CLIENT_SERVER_HOST", server)
    given.server = None
    with pytest.raises(WronglyAskedError, match="no name or password") as refused:
        address_of(given)
    assert "hunter2" not in str(refused.value)


def test_a_room_keeps_it_and_everybody_there_hears(ends: Ends, server: Server) -> None:
    file = ends.file("plan.pdf", 400_000)
    with server.json("Carol") as carol:
        assert "'plan.pdf' is kept in 'lobby'." in ends.send(file, to="#lobby").ends()
        message = carol.get("NewMessage")
    assert message["from"] == "Alice"
    assert message["file"]["name"] == "plan.pdf"
    assert message["file"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_only_what_this_person_sends(ends: Ends) -> None:
    receiver = ends.receive("--from", "Carol")
    sender = ends.send(ends.file("a", 10))
    sender.until_said("Waiting for Bob to take it.")  # else Carol may be done, and Bob gone, before it begins
    where = f"127.0.0.1:{ends.port}"
    ends.run("Carol", "send", ends.file("b", 20), "--to", "Bob", "--as", "Carol", "--server", where).ends()
    receiver.ends()
    assert names_in(ends.inbox) == ["b"]
    assert sender.process.poll() is None


def test_for_somebody_who_is_away_it_is_kept(ends: Ends, server: Server) -> None:
    with server.json() as client:
        client.say("Register", username="Away", password="a password of hers")
        client.get("Welcome")
    file = ends.file("later.txt", 1_000)
    until(lambda: "Away" not in _online(server))
    assert "'later.txt' is kept for Away." in ends.send(file, to="Away").ends()


def _online(server: Server) -> list[str]:
    with server.json("Looking") as client:
        client.say("List")
        users: list[str] = client.get("UserList")["users"]
        return users


def test_what_was_kept_is_fetched(ends: Ends, server: Server) -> None:
    where = f"127.0.0.1:{ends.port}"
    for name in ("Kira", "Lena"):
        new = ("login", "--server", where, "--name", name, "--register")
        ends.run(name, *new, stdin=b"a password of mine\n").ends()
    fetch = ("receive", "--kept", "lena", "--yes", "--dir", ends.inbox)
    top = ends.directory / "folder"
    top.mkdir()
    (top / "x").write_text("x")
    file = ends.file("cat.png", 3_000_000)
    for path in (file, top):
        assert (
            "Kira is not here: the server keeps it." in ends.run("Lena", "send", path, "--to", "Kira").ends()
        )
    ends.run("Kira", *fetch).ends()
    assert names_in(ends.inbox) == ["folder"]  # the newest
    assert (ends.inbox / "folder" / "x").read_text() == "x"
    ends.run("Kira", *fetch, "--all").ends()
    assert names_in(ends.inbox) == ["cat.png", "folder", "folder (2)"]
    assert (ends.inbox / "cat.png").read_bytes() == file.read_bytes()
    piped = ends.run("Kira", "receive", "--kept", "@Lena", "--yes", "--all", "-o", "-")
    piped.ends()
    assert piped.out.endswith(file.read_bytes())
    assert "no person and no room" in ends.run("Kira", "receive", "--kept", "nowhere", "--yes").ends(1)
    assert "nothing is kept" in ends.run("Kira", "receive", "--kept", "@Kira", "--yes").ends(3)


def test_who_offers_while_another_is_served_comes_next(ends: Ends) -> None:
    receiver = ends.receive("--all")
    senders = [
        ends.run(
            name,
            *("send", ends.file(f"of {name}", 3_000_000 + len(name))),
            *("--to", "Bob", "--as", name, "--server", f"127.0.0.1:{ends.port}"),
        )
        for name in ("One", "Three", "Fourth", "Another")
    ]
    for sender in senders:
        sender.ends()
    until(lambda: len(names_in(ends.inbox)) == 4)
    receiver.interrupt()
    receiver.ends(130)


def test_who_waits_too_long_gives_up(ends: Ends, server: Server) -> None:
    with server.json("Dora"):
        assert "Nothing moved for 0.5 s." in ends.send(
            ends.file("a", 10), "--timeout", "0.5", to="Dora"
        ).ends(1)


def test_ctrl_c_says_how_to_go_on(ends: Ends, server: Server) -> None:
    with server.json("Emil") as emil:
        sender = ends.send(ends.file("a", 10), to="Emil")
        offer = emil.get("FileOffer")["offer"]
        until(lambda: list(sender.home.glob(".local/state/hubbub/offers/*.json")))
        sender.interrupt()
        assert "goes on where it stopped" in sender.ends(130)
        again = ends.send(ends.directory / "a", to="Emil")
        assert emil.get("FileOffer")["offer"] == offer
        again.interrupt()
        again.ends(130)


# -- codes


@WAYS
def test_a_code_hides_name_and_content_from_the_server(
    ends: Ends, server: Server, way: tuple[str, ...]
) -> None:
    file = ends.file("secret plan.txt", 300_000)
    sender = ends.send(file, "--code", *way)
    receiver = ends.receive("--code", _code(sender), yes=False)
    sender.ends()
    receiver.ends()
    assert (ends.inbox / "secret plan.txt").read_bytes() == file.read_bytes()
    assert names_in(ends.inbox) == ["secret plan.txt"]


def test_what_the_server_sees_of_a_code(ends: Ends, server: Server) -> None:
    with server.json("Fred") as fred:
        sender = ends.send(ends.file("secret plan.txt", 300_000), "--code", to="Fred")
        offer = fred.get("FileOffer")
        assert offer["filename"] == "sealed"
        assert "sha256" not in offer
        assert "secret" not in str(offer)
        code = _code(sender)
        assert code not in str(offer)
        fred.say("FileAccept", offer=offer["offer"])  # whoever takes it without the code
        assert "without the code" in sender.ends(4)


@WAYS
def test_a_wrong_code_is_told_to_both_and_is_the_last(ends: Ends, way: tuple[str, ...]) -> None:
    sender = ends.send(ends.file("a", 1_000), "--code", *way)
    right = _code(sender)
    wrong = next(one for one in ("1-agile-acorn", "2-amber-anvil") if one != right)
    receiver = ends.receive("--code", wrong)
    assert "another code" in sender.ends(4)
    assert "another code" in receiver.ends(4)
    assert names_in(ends.inbox) == []


def test_a_slip_of_the_finger_costs_no_guess(ends: Ends) -> None:
    assert "Is it 'otter'?" in ends.receive("--code", "7-crisp-oter", wait=False).ends(2)


def test_a_folder_by_a_code(ends: Ends) -> None:
    top = ends.directory / "folder"
    top.mkdir()
    (top / "x").write_text("x")
    sender = ends.send(top, "--code")
    receiver = ends.receive("--code", _code(sender))
    sender.ends()
    receiver.ends()
    assert (ends.inbox / "folder" / "x").read_text() == "x"


def _code(sender: Command) -> str:
    until(lambda: sender.out.endswith(b"\n") or sender.process.poll() is not None, PATIENCE)
    return sender.out.decode().strip()


# -- accounts


def test_the_login_is_kept_and_used(ends: Ends) -> None:
    where = f"127.0.0.1:{ends.port}"
    for name in ("Gina", "Hugo"):
        login = ends.run(
            name, "login", "--server", where, "--name", name, "--register", stdin=b"a password of mine\n"
        )
        login.ends()
        assert f"You are {name} at tcp://{where}." in login.out.decode()
        tokens = login.home / ".config" / "hubbub" / "tokens.json"
        assert stat.S_IMODE(tokens.stat().st_mode) == 0o600
        assert "a password of mine" not in tokens.read_text()
    receiver = ends.run("Hugo", "receive", "--yes", "--dir", ends.inbox)
    receiver.until_said("Hugo at")
    ends.run("Gina", "send", ends.file("a", 100), "--to", "hugo").ends()
    receiver.ends()
    assert names_in(ends.inbox) == ["a"]
    wrong = ends.run("Gina", "login", "--server", where, "--name", "Gina", stdin=b"something else\n")
    assert "is wrong" in wrong.ends(1)
    ends.run("Gina", "logout").ends()
    assert "hubbub login" in ends.run("Gina", "send", ends.file("a", 1), "--to", "Hugo").ends(2)


def test_a_guest_whom_the_server_forgot_is_one_again(ends: Ends) -> None:
    for port in (ends.port, ends.port):
        receiver = ends.receive(port=port)
        ends.send(ends.file("a", 100), port=port).ends()
        receiver.ends()
        notes = list(ends.directory.glob("home-*/.local/state/hubbub/guests/*.json"))
        assert len(notes) == 2
        for note in notes:
            note.write_text('"of another time"')


def test_a_token_that_the_server_does_not_take_is_exchanged(ends: Ends) -> None:
    where = f"127.0.0.1:{ends.port}"
    new = ("login", "--server", where, "--name", "Jana", "--register")
    login = ends.run("Jana", *new, stdin=b"a password of mine\n")
    login.ends()
    tokens = login.home / ".config" / "hubbub" / "tokens.json"
    kept = json.loads(tokens.read_text())
    kept["accounts"][0]["login"]["token"] = "of another time"
    tokens.write_text(json.dumps(kept))
    ends.run("Jana", "send", ends.file("a", 100), "--to", "#lobby").ends()
    assert "of another time" not in tokens.read_text()
    kept["accounts"][0]["login"]["refresh_token"] = "of another time"
    tokens.write_text(json.dumps(kept))
    assert "hubbub login" in ends.run("Jana", "send", ends.file("b", 100), "--to", "#lobby").ends(1)


def test_the_environment_says_which_server(ends: Ends) -> None:
    receiver = ends.receive()
    environ = {"CLIENT_SERVER_HOST": "127.0.0.1", "CLIENT_SERVER_PORT": str(ends.port)}
    ends.run("Alice", "send", ends.file("a", 9), "--to", "Bob", "--as", "Alice", environ=environ).ends()
    receiver.ends()
    assert names_in(ends.inbox) == ["a"]


def test_tokens_that_run_out_are_exchanged_by_one_process_at_a_time(tmp_path: Path) -> None:
    settings = tmp_path / "hubbub.toml"
    settings.write_text("[accounts]\naccess_seconds = 30.0\n")  # so soon that each login exchanges them
    with serving("--config", str(settings)) as server:
        ends = Ends(tmp_path, server.port)
        try:
            where = ("--server", f"127.0.0.1:{server.port}")
            name = ("--name", "Ines", "--register")
            ends.run("Ines", "login", *where, *name, stdin=b"a password of mine\n").ends()
            tokens = ends.directory / "home-Ines" / ".config" / "hubbub" / "tokens.json"
            before = tokens.read_text()
            file = ends.file("a", 1_000)
            senders = [ends.run("Ines", "send", file, "--to", "#lobby") for _ in range(4)]
            for sender in senders:
                sender.ends()  # an old token that came again would have ended the login
            assert tokens.read_text() != before
            ends.run("Ines", "send", file, "--to", "#lobby").ends()
        finally:
            ends.close()
