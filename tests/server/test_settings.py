"""Where each setting comes from, who wins, and what is said when it cannot stand."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from hubbub.cli.config import as_toml
from hubbub.server.config import Config, Listen, parse_durability, parse_listen
from hubbub.server.settings import FLAGS, Loaded, SettingsError, load


class Place:
    """A directory with the files that settings come from."""

    def __init__(self, directory: Path) -> None:
        self.dotenv = directory / ".env"
        self.toml = directory / "hubbub.toml"

    def load(
        self, environ: Mapping[str, str] | None = None, flags: Mapping[str, str | Sequence[str]] | None = None
    ) -> Loaded:
        return load(flags or {}, environ or {}, self.dotenv, self.toml if self.toml.exists() else None)

    def problems(
        self, environ: Mapping[str, str] | None = None, flags: Mapping[str, str | Sequence[str]] | None = None
    ) -> list[str]:
        with pytest.raises(SettingsError) as raised:
            self.load(environ, flags)
        return [str(problem) for problem in raised.value.problems]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


def test_defaults(place: Place) -> None:
    loaded = place.load()
    assert loaded.config == Config()
    assert loaded.sources == {}


def test_the_order_of_sources(place: Place) -> None:
    """Each source says one thing that the ones before it do not say."""
    place.toml.write_text("[limits]\nmax_line = 1\nmax_queued = 1\nmessage_burst = 1\nmax_input = 1\n")
    place.dotenv.write_text(
        "HUBBUB_LIMITS_MAX_LINE=2\nHUBBUB_LIMITS_MAX_QUEUED=2\nHUBBUB_LIMITS_MESSAGE_BURST=2\nHUBBUB_LOG_LEVEL=error\n"
    )
    environ = {"HUBBUB_LIMITS_MAX_LINE": "3", "HUBBUB_LIMITS_MAX_QUEUED": "3", "HUBBUB_LOG_LEVEL": "debug"}
    loaded = place.load(environ, {"--log-level": "warning"})
    limits = loaded.config.limits
    assert (limits.max_line, limits.max_queued, limits.message_burst, limits.max_input) == (3, 3, 2, 1)
    assert loaded.config.log.level == "warning"
    assert loaded.sources["limits.max_line"] == "environment HUBBUB_LIMITS_MAX_LINE"
    assert loaded.sources["limits.message_burst"] == f"{place.dotenv}:3 HUBBUB_LIMITS_MESSAGE_BURST"
    assert loaded.sources["limits.max_input"] == str(place.toml)
    assert loaded.sources["log.level"] == "--log-level"


def test_hubbub_toml_beside_is_read_without_being_named(place: Place) -> None:
    place.toml.write_text('[server]\nname = "beside"\n')
    assert load({}, {}, place.dotenv).config.server.name == "beside"


def test_a_named_file_must_be_there(place: Place) -> None:
    with pytest.raises(SettingsError, match=r"other\.toml: there is no such file"):
        load({}, {}, place.dotenv, Path("other.toml"))


def test_every_setting_can_come_from_the_environment(place: Place) -> None:
    """Each is set to what it is by default, so that a name that is not known shows."""
    environ: dict[str, str] = {}
    expected = set()
    for section in msgspec.structs.fields(Config):
        for field in msgspec.structs.fields(section.type):
            value = getattr(getattr(Config(), section.name), field.name)
            if value not in (None, []):
                text = ",".join(value) if isinstance(value, list) else str(value)
                environ[f"HUBBUB_{section.name}_{field.name}".upper()] = text
                expected.add(f"{section.name}.{field.name}")
    loaded = place.load(environ)
    assert loaded.config == Config()
    assert set(loaded.sources) == expected
    assert loaded.unknown == ()


def test_every_flag_is_a_setting() -> None:
    known = {
        f"{s.name}.{f.name}" for s in msgspec.structs.fields(Config) for f in msgspec.structs.fields(s.type)
    }
    assert set(FLAGS.values()) <= known


@pytest.mark.parametrize(
    ("text", "value"), [("on", True), ("TRUE", True), ("1", True), ("no", False), ("0", False)]
)
def test_truth_values_as_people_write_them(place: Place, text: str, value: bool) -> None:
    loaded = place.load({"HUBBUB_GUESTS_ALLOW": text}, {"--limits": text})
    assert loaded.config.guests.allow is value
    assert loaded.config.limits.enforce is value


def test_lists_and_short_names(place: Place) -> None:
    loaded = place.load(
        {"HUBBUB_WEB_PUBLIC_HOSTS": " a.example , b.example,", "HUBBUB_LISTEN": "[::1]:0,localhost:1"}
    )
    assert loaded.config.web.public_hosts == ["a.example", "b.example"]
    assert loaded.config.server.listen == ["[::1]:0", "localhost:1"]
    both = place.load({"HUBBUB_NAME": "short", "HUBBUB_SERVER_NAME": "long"})
    assert both.config.server.name == "long"


def test_an_empty_variable_is_not_set(place: Place) -> None:
    place.dotenv.write_text("HUBBUB_NAME=\nHUBBUB_DATA=''\n")
    assert place.load({"HUBBUB_LIMITS_MAX_LINE": ""}).config == Config()


def test_the_documents_own_names(place: Place) -> None:
    loaded = place.load({"SERVER_HOST": "0.0.0.0", "SERVER_PORT": "9000", "SERVER_LOG_LEVEL": "DEBUG"})
    assert loaded.config.server.listen == ["0.0.0.0:9000"]
    assert loaded.config.log.level == "debug"
    assert loaded.sources["server.listen"] == "environment SERVER_HOST, environment SERVER_PORT"
    assert place.load({"SERVER_HOST": "::1"}).config.server.listen == ["[::1]:8080"]
    assert place.load({"SERVER_PORT": "1"}).config.server.listen == ["127.0.0.1:1"]


def test_a_name_of_our_own_wins_over_the_documents(place: Place) -> None:
    place.dotenv.write_text("SERVER_PORT=1\n")
    environ = {"HUBBUB_LISTEN": "127.0.0.1:2", "SERVER_LOG_LEVEL": "DEBUG", "HUBBUB_LOG_LEVEL": "error"}
    loaded = place.load(environ)
    assert loaded.config.server.listen == ["127.0.0.1:2"]
    assert loaded.config.log.level == "error"


def test_the_environment_wins_over_a_file_by_whichever_name(place: Place) -> None:
    place.dotenv.write_text("HUBBUB_SERVER_LISTEN=127.0.0.1:1\nHUBBUB_LOG_LEVEL=error\nSERVER_HOST=::1\n")
    assert place.load({"HUBBUB_LISTEN": "127.0.0.1:2"}).config.server.listen == ["127.0.0.1:2"]
    loaded = place.load({"SERVER_PORT": "3", "SERVER_LOG_LEVEL": "DEBUG"})
    assert loaded.config.server.listen == ["[::1]:3"]  # half of it stands in the file
    assert loaded.sources["server.listen"] == f"{place.dotenv}:3 SERVER_HOST, environment SERVER_PORT"
    assert loaded.config.log.level == "debug"


def test_websocket_addr_adds_a_listener_to_whatever_there_is(place: Place) -> None:
    environ = {"WEBSOCKET_ADDR": "0.0.0.0:3000"}
    assert place.load(environ).config.server.listen == ["127.0.0.1:8080", "0.0.0.0:3000"]
    flagged = place.load(environ, {"--listen": ["localhost:1", "localhost:2=text"]})
    assert flagged.config.server.listen == ["localhost:1", "localhost:2=text", "0.0.0.0:3000"]
    same = place.load({"WEBSOCKET_ADDR": "127.0.0.1:8080"})
    assert same.config.server.listen == ["127.0.0.1:8080"]


def test_unknown_variables_are_named_with_what_was_meant(place: Place) -> None:
    loaded = place.load(
        {"HUBBUB_LIMITS_MAX_LINES": "1", "HUBBUB_XYZ": "1", "OTHER": "1", "HUBBUB_REQUIRE_ALL": "1"}
    )
    assert [str(problem) for problem in loaded.unknown] == [
        "environment HUBBUB_LIMITS_MAX_LINES: is not a setting; did you mean HUBBUB_LIMITS_MAX_LINE?",
        "environment HUBBUB_XYZ: is not a setting; `hubbub config show` names all",
    ]


def test_faults_name_source_key_and_what_is_allowed(place: Place) -> None:
    place.toml.write_text(
        '[limits]\nmax_line = "9"\nmax_lines = 1\n[limit]\nx = 1\n'
        '[log]\nlevel = "loud"\n[rooms]\ncreate = 1\n'
    )
    environ = {
        "HUBBUB_LIMITS_MAX_QUEUED": "many",
        "HUBBUB_GUESTS_ALLOW": "maybe",
        "HUBBUB_TIMERS_PING": "1.5s",
    }
    problems = place.problems(environ)
    toml = place.toml
    assert f"{toml}: limits.max_line: must be a whole number, not '9'" in problems
    assert f"{toml}: limits.max_lines: is not a setting; there are enforce, max_connections, " in "".join(
        problems
    )
    assert f"{toml}: limit: is not a section; there are server, storage, tls, " in "".join(problems)
    assert f"{toml}: log.level: must be debug or info or warning or error, not 'loud'" in problems
    assert f"{toml}: rooms.create: must be on or off (true or false), not 1" in problems
    assert (
        "environment HUBBUB_LIMITS_MAX_QUEUED: limits.max_queued: must be a whole number, not 'many'"
        in problems
    )
    assert (
        "environment HUBBUB_GUESTS_ALLOW: guests.allow: must be on or off (true or false), not 'maybe'"
        in problems
    )
    assert "environment HUBBUB_TIMERS_PING: timers.ping: must be a number, not '1.5s'" in problems
    assert len(problems) == 8


@pytest.mark.parametrize("content", [b"[limits\n", b"\xff", b"a = 1\na = 2\n"])
def test_a_broken_file_is_one_problem(place: Place, content: bytes) -> None:
    place.toml.write_bytes(content)
    (problem,) = place.problems()
    assert problem.startswith(f"{place.toml}: cannot be read: ")


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("HUBBUB_LIMITS_MAX_LINE", "0", "limits.max_line"),
        ("HUBBUB_LIMITS_MAX_PER_ADDRESS", "-1", "limits.max_per_address"),
        ("HUBBUB_LIMITS_MAX_FRAME", "16777216", "limits.max_frame"),
        ("HUBBUB_LIMITS_MAX_FRAME_BEFORE_LOGIN", "16777216", "limits.max_frame_before_login"),
        ("HUBBUB_TIMERS_PING", "nan", "timers.ping"),
        ("HUBBUB_TIMERS_FRAME", "inf", "timers.frame"),
        ("HUBBUB_MESSAGES_HISTORY_BYTES", "3000000", "messages.history_bytes"),
        ("HUBBUB_TIMERS_IDLE", "30", "timers.idle"),
        ("HUBBUB_GATEWAY_RATE", "0", "gateway.rate"),
        ("HUBBUB_LISTEN", "8080", "server.listen"),
        ("HUBBUB_LISTEN", ",", "server.listen"),
        ("HUBBUB_LISTEN", "a:1,a:1", "server.listen"),
        ("WEBSOCKET_ADDR", "0.0.0.0", "server.listen"),
        ("SERVER_PORT", "http", "server.listen"),
        ("HUBBUB_NAME", "a\nb", "server.name"),
        ("HUBBUB_NAME", "a" * 65, "server.name"),
        ("HUBBUB_DATA", __file__, "server.data"),
        ("HUBBUB_DATA", "~/data", "server.data"),
        ("HUBBUB_DURABILITY", "interval=0", "server.durability"),
        ("HUBBUB_DURABILITY", "sometimes", "server.durability"),
        ("HUBBUB_STORAGE_SEGMENT_BYTES", "4096", "storage.segment_bytes"),
        ("HUBBUB_STORAGE_KEEP_DAYS", "-1", "storage.keep_days"),
        ("HUBBUB_FILES_KEEP_DAYS", "-1", "files.keep_days"),
        ("HUBBUB_FILES_QUOTA_USER", "0", "files.quota_user"),
        ("HUBBUB_BLOBS_STORE", "s3", "blobs.s3_bucket"),
        ("HUBBUB_BLOBS_STORE", "disk", "blobs.store"),
        ("HUBBUB_BLOBS_S3_BUCKET", "A_bucket", "blobs.s3_bucket"),
        ("HUBBUB_BLOBS_S3_PREFIX", "../files", "blobs.s3_prefix"),
        ("HUBBUB_BLOBS_S3_PREFIX", "a//b", "blobs.s3_prefix"),
        ("HUBBUB_BLOBS_S3_ENDPOINT", "s3.example.org", "blobs.s3_endpoint"),
        ("HUBBUB_BLOBS_S3_ENDPOINT", "ftp://s3.example.org", "blobs.s3_endpoint"),
        ("HUBBUB_BLOBS_S3_ENDPOINT", "https://a:b@s3.example.org", "blobs.s3_endpoint"),
        ("HUBBUB_BLOBS_S3_ENDPOINT", "https://s3.example.org/?a=b", "blobs.s3_endpoint"),
        ("HUBBUB_BLOBS_S3_ENDPOINT", "http://127.0.0.1:9000", "blobs.s3_endpoint"),
        ("HUBBUB_BLOBS_S3_ACCESS_KEY", "id", "blobs.s3_secret_key"),
        ("HUBBUB_BLOBS_S3_SECRET_KEY", "key", "blobs.s3_access_key"),
        ("HUBBUB_DATA", "x" * 5_000, "server.data"),
        ("HUBBUB_DATA", f"{__file__}/data", "server.data"),
        ("HUBBUB_TLS_CERT", "x" * 5_000, "tls.cert"),
        ("HUBBUB_ROOMS_DEFAULT", "a room", "rooms.default"),
        ("HUBBUB_ROOMS_DEFAULT", "a" * 65, "rooms.default"),
        ("HUBBUB_TLS_CERT", "no-such-file", "tls.cert"),
        ("HUBBUB_TLS_KEY", __file__, "tls.cert"),
        ("HUBBUB_TLS_CERT", __file__, "tls.key"),
        ("HUBBUB_WEB_PUBLIC_HOSTS", "https://a.example", "web.public_hosts"),
        ("HUBBUB_WEB_PUBLIC_HOSTS", "*.example", "web.public_hosts"),
        ("HUBBUB_WEB_PUBLIC_HOSTS", "a.example:80", "web.public_hosts"),
        ("HUBBUB_WEB_ALLOWED_ORIGINS", "a.example", "web.allowed_origins"),
        ("HUBBUB_WEB_ALLOWED_ORIGINS", "https://a.example/", "web.allowed_origins"),
        ("HUBBUB_WEB_ALLOWED_ORIGINS", "*", "web.allowed_origins"),
        ("HUBBUB_WEB_TRUSTED_PROXIES", "10.0.0.1/8", "web.trusted_proxies"),
        ("HUBBUB_WEB_TRUSTED_PROXIES", "proxy", "web.trusted_proxies"),
    ],
)
def test_what_cannot_stand(place: Place, name: str, value: str, key: str) -> None:
    problems = place.problems({name: value})
    assert any(key in problem for problem in problems)
    assert any(name in problem for problem in problems) or key.startswith(("tls.", "blobs.s3_"))


def test_a_password_in_an_origin_is_not_said_again(place: Place) -> None:
    for name in ("HUBBUB_WEB_ALLOWED_ORIGINS", "HUBBUB_WEB_PUBLIC_HOSTS", "HUBBUB_WEB_TRUSTED_PROXIES"):
        (problem,) = place.problems({name: "https://bob:hun@ter2@a.example"})
        assert "'…@…' is n" in problem
        assert "hun" not in problem


def test_what_can_stand(place: Place) -> None:
    environ = {
        "HUBBUB_LIMITS_MAX_PER_ADDRESS": "0",
        "HUBBUB_LIMITS_MAX_FRAME": "65536",
        "HUBBUB_DRAIN_SECONDS": "0",
        "HUBBUB_WEB_PUBLIC_HOSTS": "chat.example.org, 203.0.113.7, 2001:db8::1, localhost",
        "HUBBUB_WEB_ALLOWED_ORIGINS": "https://app.example.org,http://[::1]:3000",
        "HUBBUB_WEB_TRUSTED_PROXIES": "10.0.0.0/8,::1",
        "HUBBUB_DATA": "not/there/yet",
    }
    assert place.load(environ).config.limits.max_frame == 65_536


def test_files_in_a_bucket(place: Place) -> None:
    bucket = {
        "HUBBUB_BLOBS_STORE": "s3",
        "HUBBUB_BLOBS_S3_BUCKET": "chat.files-1",
        "HUBBUB_BLOBS_S3_PREFIX": "hubbub/files/",
        "HUBBUB_FILES_KEEP_DAYS": "0",
    }
    assert place.load(bucket).config.blobs.s3_endpoint is None
    for endpoint in ("https://s3.example.org", "https://[::1]:9000/", "https://s3.example.org/storage/v1/s3"):
        config = place.load(bucket | {"HUBBUB_BLOBS_S3_ENDPOINT": endpoint}).config
        assert config.blobs.s3_endpoint == endpoint
    clear = {"HUBBUB_BLOBS_S3_ENDPOINT": "http://127.0.0.1:9000", "HUBBUB_BLOBS_S3_ALLOW_HTTP": "on"}
    assert place.load(bucket | clear).config.blobs.s3_allow_http
    (problem,) = place.problems(bucket, {"--data": ":memory:"})
    assert "blobs.store: must be directory where nothing is kept" in problem


def test_a_secret_is_never_shown(place: Place) -> None:
    keys = {"HUBBUB_BLOBS_S3_ACCESS_KEY": "id-of-it", "HUBBUB_BLOBS_S3_SECRET_KEY": "very-secret"}
    loaded = place.load(keys)
    assert loaded.config.blobs.s3_secret_key == "very-secret"
    place.toml.write_text("[blobs]\ns3_secret_key = 1234567\n")
    problems = place.problems()
    assert f"{place.toml}: blobs.s3_secret_key: must be text" in problems
    for said in (as_toml(loaded.config, loaded.sources), repr(loaded.config), *problems):
        assert not any(secret in said for secret in ("id-of-it", "very-secret", "1234567"))
    shown = as_toml(loaded.config, loaded.sources)
    source = "environment HUBBUB_BLOBS_S3_SECRET_KEY"
    assert f"# s3_secret_key is set, and not shown  # {source}" in shown.splitlines()


def test_a_certificate_and_its_key_are_tried(place: Place) -> None:
    authority = trustme.CA()
    one, other = (authority.issue_cert("localhost") for _ in range(2))
    one.cert_chain_pems[0].write_to_path("cert.pem")
    one.private_key_pem.write_to_path("key.pem")
    other.private_key_pem.write_to_path("other.pem")
    place.load({"HUBBUB_TLS_CERT": "cert.pem", "HUBBUB_TLS_KEY": "key.pem"})
    for cert, key in (("cert.pem", "other.pem"), (__file__, "key.pem"), ("cert.pem", __file__)):
        (problem,) = place.problems({"HUBBUB_TLS_CERT": cert, "HUBBUB_TLS_KEY": key})
        start = f"environment HUBBUB_TLS_CERT: tls.cert: {cert!r} and {key!r} are not a certificate chain"
        assert problem.startswith(start)


def test_an_encrypted_key_is_refused_and_nobody_is_asked(place: Place) -> None:
    issued = trustme.CA().issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path("cert.pem")
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    sealed = BestAvailableEncryption(b"secret")
    Path("key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))
    (problem,) = place.problems({"HUBBUB_TLS_CERT": "cert.pem", "HUBBUB_TLS_KEY": "key.pem"})
    assert problem.startswith("environment HUBBUB_TLS_KEY: tls.key: 'key.pem' is encrypted")


def test_dotenv_lines(place: Place) -> None:
    place.dotenv.write_text(
        "# a comment\n\n"
        "export HUBBUB_LIMITS_MAX_LINE = 10 # a remark\n"
        "HUBBUB_NAME='it # is'\n"
        'HUBBUB_DATA="a b"\r\n'
        "HUBBUB_LOG_LEVEL=error\n"
        "HUBBUB_LOG_LEVEL=debug\n"
        "CLIENT_LOG_LEVEL=DEBUG\n"
    )
    config = place.load().config
    assert (config.limits.max_line, config.server.name, config.server.data) == (10, "it # is", "a b")
    assert config.log.level == "debug"


def test_an_unreadable_dotenv_line_is_named_by_its_number_alone(place: Place) -> None:
    place.dotenv.write_text("A=1\nsecret words\nB='open\n1C=2\n")
    assert place.problems() == [f"{place.dotenv}:{line}: is not NAME=VALUE" for line in (2, 3, 4)]


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("127.0.0.1:8080", Listen("127.0.0.1", 8080)),
        ("localhost:0", Listen("localhost", 0)),
        ("[::1]:65535=http", Listen("::1", 65_535, "http")),
        ("chat.example.org:1=protobuf", Listen("chat.example.org", 1, "protobuf")),
    ],
)
def test_a_listener(text: str, listen: Listen) -> None:
    assert parse_listen(text) == listen
    assert text.startswith(listen.address)


@pytest.mark.parametrize(
    "text",
    [
        *("", "8080", ":8080", "host:", "host:65536", "host:-1", "host:８０", "host:00000080"),
        *("::1:80", "[::1]", "[host]:1", "[::1:80", "a b:1", "ho\nst:1", "http://host:1"),
        *("host:1=", "host:1=tls", "host:1=text=text"),
    ],
)
def test_what_is_no_listener(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_listen(text)


def test_durability_is_a_word_or_a_time(place: Place) -> None:
    assert parse_durability(place.load().config.server.durability) is None
    config = place.load(flags={"--durability": "interval=250"}).config
    assert parse_durability(config.server.durability) == 0.25


@pytest.mark.parametrize(
    ("platform", "data"),
    [
        ("linux", ".local/share/hubbub"),
        ("darwin", "Library/Application Support/Hubbub"),
        ("win32", "AppData/Local/Hubbub"),
    ],
)
def test_data_is_kept_where_the_platform_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, data: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    assert Config().server.data == str(tmp_path / data)
    monkeypatch.setenv("XDG_DATA_HOME", "/x")
    assert Config().server.data == "/x/hubbub"
