"""The `.env` file beside the program: `KEY=VALUE` lines.

Only what Hubbub needs of that loose format: `export` before a name, quotes around a value, `#` comments.
No expansion of `$NAME`, so that a value is what one reads. A library for it would be one more
dependency, and start-up time, for these lines.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*
        (?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>[^'"\s#][^#]*|(?=\s*(?:\#|$))))
        \s*(?:\#.*)?""",
    re.VERBOSE,
)


class Variable(NamedTuple):
    """A value and the line it stands in, counted from 1."""

    value: str
    line: int


def parse(text: str) -> tuple[dict[str, Variable], list[int]]:
    """Return the variables by name (the last of a name counts), and the numbers of unreadable lines.

    An unreadable line is named by number alone: it may hold a secret.
    """
    variables: dict[str, Variable] = {}
    unreadable: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            unreadable.append(number)
            continue
        value = match["single"] or match["double"] or (match["bare"] or "").rstrip()
        variables[match["name"]] = Variable(value, number)
    return variables, unreadable
