"""Who is behind a name, or a connection: also somebody who is gone, where that was lately."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from hubbub.observe.kernel.verdict import LET_GO, PARTED

if TYPE_CHECKING:
    from hubbub.server.session import Connection
    from hubbub.server.surroundings import Departed, Surroundings


class Whose(NamedTuple):
    """Somebody, by name and number."""

    name: str
    id: int


def named(shared: Surroundings[Connection], name: str) -> Whose | None:
    """Who has that name; or who had it until we let him go, since he is to hear why."""
    found = shared.service.people.known(name)
    if found is not None:
        return Whose(found.name, found.id)
    wanted = name.casefold()
    left = departed(shared, lambda one: one.user is not None and one.user.casefold() == wanted)
    if left is None or left.reason not in LET_GO or left.user is None or left.user_id is None:
        return None
    return Whose(left.user, left.user_id)


def departed(shared: Surroundings[Connection], is_he: Callable[[Departed], bool]) -> Departed | None:
    """The last connection of his that closed, if that was lately."""
    since = shared.clock() - PARTED
    lately = takewhile(lambda one: one.at > since, reversed(shared.departed))
    return next(filter(is_he, lately), None)


def behind(
    shared: Surroundings[Connection], number: int, gone: Mapping[int, Departed]
) -> tuple[str | None, str | None]:
    """The name of a connection, and of who is or was behind it; `gone` has those that closed, by number."""
    one, left = shared.open.get(number), gone.get(number)
    if one is not None:
        return one.name, None if one.user is None else one.user.name
    return (None, None) if left is None else (left.name, left.user)
