"""The settings that are limits, with what they mean: read off the docstrings beside them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from typing import Final

import msgspec

from hubbub.server.config import Config
from hubbub.wire.admin_payloads import Limits, LimitSection, LimitShown

_SECTIONS: Final = (
    *("limits", "timers", "rooms", "messages", "accounts", "guests", "gateway", "files", "storage", "http"),
)
"""Those with limits. Where the server listens, where it keeps things and by which keys, is told nobody."""


def show_limits(config: Config) -> Limits:
    """Every number and switch of these sections."""
    return Limits([_section(name, getattr(config, name)) for name in _SECTIONS])


def _section(name: str, part: msgspec.Struct) -> LimitSection:
    texts = explanations(type(part))
    limits = []
    for field in msgspec.structs.fields(part):
        value = getattr(part, field.name)
        if value is None or isinstance(value, int | float):
            default = None if field.default is msgspec.NODEFAULT else field.default
            limits.append(LimitShown(f"{name}.{field.name}", value, default, texts.get(field.name, "")))
    return LimitSection(name, _joined(inspect.getdoc(type(part)) or ""), limits)


@cache
def explanations(section: type[msgspec.Struct]) -> dict[str, str]:
    """What stands below each setting of a section. {}: its source is not there (an archive, say)."""
    try:
        [tree] = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    except OSError:
        return {}
    assert isinstance(tree, ast.ClassDef)  # noqa: S101 (the source of one)
    texts: dict[str, str] = {}
    for setting, below in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(setting, ast.AnnAssign) and isinstance(setting.target, ast.Name):
            text = below.value if isinstance(below, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                texts[setting.target.id] = _joined(text.value)
    return texts


def _joined(text: str) -> str:
    return " ".join(text.split())
