"""Pages: reading messages off a stream that holds other things too, a bounded piece at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from hubbub.core.answers import MessageView
from hubbub.core.modifications import prefix, view
from hubbub.core.ports import Reader
from hubbub.core.settings import MessageSettings

_PIECE: Final = 128  # entries read together: at 64 KiB each they are still 8 MiB
_FRAME: Final = 512  # bytes of a message besides its text: names, ids, positions


class Page(msgspec.Struct, frozen=True):
    """Up to `limit` messages from offset `start` on, going up (`step` 1) or down (-1).

    As an answer: the `views` in the order of the walk, whether there are `more`, and if so, `start` is
    where to go on.
    """

    start: int
    step: int
    limit: int
    views: Sequence[MessageView] = ()
    more: bool = False

    def in_order(self) -> Sequence[MessageView]:
        """The messages, oldest first."""
        return self.views if self.step > 0 else self.views[::-1]


def page(reader: Reader, stream: str, wanted: Page, settings: MessageSettings) -> Page:
    """Read a page. It ends early where its text gets too long, or too much of the stream is no message."""
    first, last = reader.first(stream), reader.head(stream).offset
    step, limit = wanted.step, wanted.limit
    offset = min(wanted.start, last) if step < 0 else max(wanted.start, first)
    began = offset
    enough = settings.history_entries
    # One more than asked for says whether there are more; a few of them will not be messages.
    piece = min(limit + 1 + limit // 8, _PIECE)
    get, keys, named = reader.get, prefix(stream), settings.reaction_users
    views: list[MessageView] = []
    size = 0
    while first <= offset <= last and abs(offset - began) < enough:
        if step < 0:
            records = reader.entries(stream, max(first, offset - piece + 1), offset)[::-1]
        else:
            records = reader.entries(stream, offset, min(last, offset + piece - 1))
        for record in records:
            shown = view(record, get(f"{keys}{record.offset:x}"), named)
            if shown is None:
                continue
            content = shown.content
            size += _FRAME + len(content) if content.isascii() and not shown.reactions else _size(shown)
            if len(views) >= limit or (views and size > settings.history_bytes):
                return Page(record.offset, step, limit, views, more=True)
            views.append(shown)
        offset += step * piece
    return Page(offset, step, limit, views, more=first <= offset <= last)


def views_at(
    reader: Reader, places: Sequence[tuple[str, int]], settings: MessageSettings
) -> tuple[list[MessageView], bool]:
    """The messages at these places, without those that are gone; True: there are more than fit a page."""
    views: list[MessageView] = []
    size = 0
    for stream, offset in places:
        for record in reader.entries(stream, offset, offset):
            shown = view(record, reader.get(f"{prefix(stream)}{offset:x}"), settings.reaction_users)
            if shown is None or shown.deleted:
                continue
            size += _size(shown)
            if views and size > settings.history_bytes:
                return views, True
            views.append(shown)
    return views, False


def _size(shown: MessageView) -> int:
    content = shown.content
    size = _FRAME + (len(content) if content.isascii() else len(content.encode("utf-8", "surrogatepass")))
    for reaction in shown.reactions:
        size += 4 * (len(reaction.emoji) + sum(map(len, reaction.users)))
    return size
