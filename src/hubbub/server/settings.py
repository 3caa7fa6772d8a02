"""Where the settings come from: flags, the environment, `.env`, `hubbub.toml`, defaults, in this order.

Every value keeps the name of its source, and every fault names source, key and what is allowed, so that
`hubbub config show` and `check` can say why the server does what it does.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Final, NamedTuple, get_args

import msgspec

from hubbub.server import checks, dotenv
from hubbub.server.config import DEFAULT_LISTEN, MEMORY, SECRETS, Config, parse_listen

DEFAULT: Final = "default"

FLAGS: Final[Mapping[str, str]] = {
    "--listen": "server.listen",
    "--data": "server.data",
    "--durability": "server.durability",
    "--demo": "server.demo",
    "--name": "server.name",
    "--limits": "limits.enforce",
    "--probes": "probes.mode",
    "--log-level": "log.level",
    "--log-format": "log.format",
    "--tls-cert": "tls.cert",
    "--tls-key": "tls.key",
}
"""The flags that are settings."""

_NOT_SETTINGS: Final = frozenset({"HUBBUB_REQUIRE_ALL"})  # read by the tests
_BOOLEANS: Final = dict.fromkeys(("on", "yes", "true", "1"), True) | dict.fromkeys(
    ("off", "no", "false", "0"), False
)


class Problem(NamedTuple):
    """What is wrong, and where it was said. `key` is empty where a whole file is at fault."""

    source: str
    key: str
    reason: str

    def __str__(self) -> str:
        """One line for people."""
        return ": ".join(part for part in self if part)


class SettingsError(Exception):
    """The settings cannot be used."""

    def __init__(self, problems: Sequence[Problem], loaded: Loaded) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)
        self.loaded = loaded
        """What they are all the same, unchecked, with defaults for what cannot be read: to be looked at."""


class Loaded(NamedTuple):
    """The settings, the source of each that is not a default (by `section.key`), and what was not known."""

    config: Config
    sources: Mapping[str, str]
    unknown: tuple[Problem, ...]


def load(
    flags: Mapping[str, str | Sequence[str]],
    environ: Mapping[str, str],
    dotenv_path: Path,
    toml_path: Path | None = None,
) -> Loaded:
    """Read all sources. `flags` is keyed as `FLAGS`; `toml_path` None means `hubbub.toml`, if it is there.

    Raises `SettingsError` with every problem found.
    """
    reading = _Reading()
    reading.toml(toml_path or Path("hubbub.toml"), required=toml_path is not None)
    beside = reading.dotenv(dotenv_path)
    environment = {name: _Variable(value, f"environment {name}") for name, value in environ.items() if value}
    reading.variables(beside)
    reading.variables(environment, beside)
    for flag, given in flags.items():
        if isinstance(given, str):
            reading.take_text(FLAGS[flag], given, flag)
        else:
            reading.take(FLAGS[flag], list(given), flag)
    reading.add_listener((beside | environment).get("WEBSOCKET_ADDR"))
    demo, source = reading.taken.get("server.demo", (False, ""))
    if demo and "server.data" not in reading.taken:  # what is tried out is not mixed with what is kept
        reading.take("server.data", MEMORY, source)

    sections: dict[str, dict[str, object]] = {}
    for key, (value, _) in reading.taken.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, {})[name] = value
    config = msgspec.convert(sections, Config)
    sources = {key: source for key, (_, source) in reading.taken.items()}
    faults = [Problem(sources.get(key, ""), key, reason) for key, reason in checks.check(config)]
    loaded = Loaded(config, sources, tuple(reading.unknown))
    if reading.problems or faults:
        raise SettingsError([*reading.problems, *faults, *reading.unknown], loaded)
    return loaded


class _Variable(NamedTuple):
    value: str
    source: str


_NONE: Final[Mapping[str, _Variable]] = {}


def _types() -> dict[str, type]:
    return {
        f"{section.name}.{key.name}": key.type
        for section in msgspec.structs.fields(Config)
        for key in msgspec.structs.fields(section.type)
    }


@dataclass
class _Reading:
    """The values taken so far; a later source replaces an earlier one's."""

    types: dict[str, type] = field(default_factory=_types)
    taken: dict[str, tuple[object, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unknown: list[Problem] = field(default_factory=list)

    def take(self, key: str, value: object, source: str, *, strict: bool = True) -> None:
        """Convert what was said for `key`. Not strict: text that stands for a number or a truth value."""
        kind = self.types[key]
        try:
            self.taken[key] = (msgspec.convert(value, kind, strict=strict), source)
        except msgspec.ValidationError:
            said = "" if key in SECRETS else f", not {value!r}"
            self.problems.append(Problem(source, key, f"must be {_allowed(kind)}{said}"))

    def take_text(self, key: str, text: str, source: str) -> None:
        """Take what a flag or a variable says, where everything is text."""
        value: object = text
        if self.types[key] == list[str]:
            value = [item.strip() for item in text.split(",") if item.strip()]
        elif self.types[key] in (bool, bool | None):
            value = _BOOLEANS.get(text.lower(), text)
        elif key == "log.level":
            value = text.lower()
        self.take(key, value, source, strict=False)

    def toml(self, path: Path, *, required: bool) -> None:
        """Take what a TOML file says; its values have types of their own."""
        try:
            sections = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if required:
                self.problems.append(Problem(str(path), "", "there is no such file"))
            return
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            self.problems.append(Problem(str(path), "", f"cannot be read: {error}"))
            return
        known = dict.fromkeys(key.partition(".")[0] for key in self.types)
        for section, keys in sections.items():
            if section not in known or not isinstance(keys, dict):
                reason = f"is not a section; there are {', '.join(known)}"
                self.problems.append(Problem(str(path), section, reason))
                continue
            for name, value in keys.items():
                if f"{section}.{name}" in self.types:
                    self.take(f"{section}.{name}", value, str(path))
                else:
                    names = (key.partition(".")[2] for key in self.types if key.startswith(f"{section}."))
                    reason = f"is not a setting; there are {', '.join(names)}"
                    self.problems.append(Problem(str(path), f"{section}.{name}", reason))

    def dotenv(self, path: Path) -> dict[str, _Variable]:
        """Return the variables of a `.env` file, if there is one."""
        try:
            variables, unreadable = dotenv.parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(Problem(str(path), "", f"cannot be read: {error}"))
            return {}
        self.problems += [Problem(f"{path}:{line}", "", "is not NAME=VALUE") for line in unreadable]
        return {
            name: _Variable(value, f"{path}:{line} {name}")
            for name, (value, line) in variables.items()
            if value
        }

    def variables(self, variables: Mapping[str, _Variable], below: Mapping[str, _Variable] = _NONE) -> None:
        """Take variables. Names of Hubbub's own win over the other programs' names it knows.

        Of a host and a port, which make one setting, the one that is not there may stand in `below`.
        """
        host, port = variables.get("SERVER_HOST"), variables.get("SERVER_PORT")
        if host or port:
            host, port = host or below.get("SERVER_HOST"), port or below.get("SERVER_PORT")
            default = parse_listen(DEFAULT_LISTEN)
            name = host.value.strip("[]") if host else default.host
            address = f"{f'[{name}]' if ':' in name else name}:{port.value if port else default.port}"
            source = ", ".join(variable.source for variable in (host, port) if variable)
            self.take("server.listen", [address], source)
        if level := variables.get("SERVER_LOG_LEVEL"):
            self.take_text("log.level", level.value, level.source)
        keys = {f"HUBBUB_{key.replace('.', '_').upper()}": key for key in self.types}
        short = {
            name.replace("_SERVER_", "_"): key for name, key in keys.items() if key.startswith("server.")
        }
        for name, variable in sorted(
            variables.items(), key=lambda item: item[0] in keys
        ):  # the long name wins
            key = keys.get(name) or short.get(name)
            if key is not None:
                self.take_text(key, variable.value, variable.source)
            elif name.startswith("HUBBUB_") and name not in _NOT_SETTINGS:
                near = difflib.get_close_matches(name, [*keys, *short], n=1, cutoff=0.8)
                hint = f"; did you mean {near[0]}?" if near else "; `hubbub config show` names all"
                self.unknown.append(Problem(variable.source, "", f"is not a setting{hint}"))

    def add_listener(self, variable: _Variable | None) -> None:
        """Listen there as well, whoever named the other listeners."""
        if variable is None:
            return
        taken, source = self.taken.get("server.listen", ([DEFAULT_LISTEN], DEFAULT))
        listeners = msgspec.convert(taken, list[str])
        if variable.value not in listeners:
            self.taken["server.listen"] = ([*listeners, variable.value], f"{source} and {variable.source}")


def _allowed(kind: object) -> str:
    """Say in words what a setting of this type may be."""
    words: dict[object, str] = {
        bool: "on or off (true or false)",
        int: "a whole number",
        float: "a number",
        str: "text",
        list[str]: "a list of texts",
    }
    if kind in words:
        return words[kind]
    options = [option for option in get_args(kind) if option is not NoneType]
    return " or ".join(option if isinstance(option, str) else _allowed(option) for option in options)
