"""`hubbub config show` and `check`."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping

import msgspec

from hubbub.cli.settings import WRONGLY_ASKED, load_settings, tell
from hubbub.server.config import SECRETS, Config
from hubbub.server.settings import DEFAULT


def show(arguments: Namespace) -> int:
    """Print every setting as TOML, its source as a comment."""
    loaded = load_settings(arguments)
    if isinstance(loaded, int):
        return loaded
    tell(loaded.unknown)
    print(as_toml(loaded.config, loaded.sources))
    return 0


def check(arguments: Namespace) -> int:
    """Name every fault; unknown HUBBUB_ variables are faults here."""
    loaded = load_settings(arguments)
    if isinstance(loaded, int):
        return loaded
    if loaded.unknown:
        tell(loaded.unknown)
        return WRONGLY_ASKED
    print("The settings are fine.")
    return 0


def as_toml(config: Config, sources: Mapping[str, str]) -> str:
    """Write all settings. TOML has no null: a setting that is not set is a comment, as a secret is."""
    lines: list[str] = []
    for section in msgspec.structs.fields(config):
        lines.append(f"[{section.name}]")
        part = getattr(config, section.name)
        for field in msgspec.structs.fields(part):
            key, value = f"{section.name}.{field.name}", getattr(part, field.name)
            text = f"# {field.name} is not set" if value is None else f"{field.name} = {_literal(value)}"
            if value is not None and key in SECRETS:
                text = f"# {field.name} is set, and not shown"
            lines.append(f"{text}  # {sources.get(key, DEFAULT)}")
        lines.append("")
    return "\n".join(lines)


def _literal(value: str | float | list[str]) -> str:
    """A TOML value (toml.io, v1.0.0): JSON's, but for DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
