"""Attacks on accounts, access rules and limits, as somebody outside would try them over real sockets."""

from __future__ import annotations

from pathlib import Path

from serving import NdjsonClient, serving


def _settings(folder: Path, text: str) -> list[str]:
    file = folder / "hubbub.toml"
    file.write_text(text)
    return ["--config", str(file)]


def test_failed_logins_and_registrations_count_against_the_address_they_come_from(tmp_path: Path) -> None:
    flags = _settings(
        tmp_path,
        '[web]\ntrusted_proxies = ["10.0.0.1"]\n'  # so that nobody here is a person on this machine
        "[accounts]\nregister = true\nallow_plaintext_login = true\nattempts = 2\nregistrations = 1\n",
    )
    with serving(*flags) as server:

        def code(command: str, name: str) -> str | None:
            client: NdjsonClient = server.ndjson()
            answer = client.ask(command, username=name, password="correct horse")
            return answer["error"]["code"] if "error" in answer else None

        assert [code("auth/register", name) for name in ("Ann", "Bob")] == [None, "rate_limited"]
        guesses = [code("auth/login", name) for name in ("Nobody", "Someone", "Anybody", "Ann")]
        assert guesses == ["bad_credentials", "bad_credentials", "rate_limited", "rate_limited"]


def test_behind_a_proxy_one_who_guesses_locks_out_nobody_else(tmp_path: Path) -> None:
    flags = _settings(
        tmp_path,
        '[web]\ntrusted_proxies = ["127.0.0.1"]\n[accounts]\nallow_plaintext_login = true\nattempts = 2\n',
    )
    with serving(*flags) as server:

        def guess(name: str, address: str) -> str:
            client = server.websocket(X_Forwarded_For=address)
            answer = client.ask("login", username=name, password="correct horse")
            return str(answer["error"]["code"])

        assert [guess(name, "192.0.2.1") for name in ("A", "B", "C")][2] == "rate_limited"
        assert guess("D", "192.0.2.2") == "bad_credentials"


def test_long_answers_that_were_read_allow_no_longer_queue(tmp_path: Path) -> None:
    flags = _settings(tmp_path, "[limits]\nmax_backlog = 300_000\n[rooms]\nresume_bytes = 100_000\n")
    with serving("--limits", "off", *flags) as server:
        ann, bob = server.ndjson("Ann"), server.ndjson()
        for number in range(2):
            ann.ask("message/send", f"long {number}", text="x" * 60_000)
        for _ in range(300):
            assert len(ann.ask("message/history", limit=2)["payload"]["messages"]) == 2
        bob.ask("auth/login", username="Bob")
        gone = False
        for number in range(300):  # 18 MB, which Ann does not read, and the kernel does not hold
            bob.say("message/send", f"m{number}", text="x" * 60_000)
            while (told := bob.get())["command"] != "message/new":
                gone = gone or told["command"] == "presence/left"
        assert gone
