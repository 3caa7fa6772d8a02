"""Messages with their offsets, as people read them in the text dialect, and the same read back.

    #12 Alice: hello                        in a history; each line of a message has it all in front
    #13 Bob (reply to #12, edited): hi
    #14 Bob (deleted)
    #12 * 👍 2, 🎉 1                        what people put to it
    #12 Alice in den: hello                 in what a search found; `to Bob` in a private talk

A name has neither blanks nor colons, so nobody can write one line that reads as another.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from hubbub.core.answers import MessageView, Reaction
from hubbub.wire.text_files import with_file

_LINE: Final = re.compile(
    r"#([0-9]{1,16}) "
    r"(?:\* (?P<signs>.*)|(?P<sender>[^\s:()*]+)(?: in (?P<room>[^\s:()]+)| to (?P<to>[^\s:()]+))?"
    r"(?: \((?P<marks>[^)]*)\))?(?:: (?P<content>.*)|(?P<bare>)))",
    re.DOTALL,
)
_REPLY: Final = re.compile(r"reply to #([0-9]{1,16})")
_SIGN: Final = re.compile(r"(\S+) ([0-9]{1,16})")


def message_lines(view: MessageView, said: Callable[[str, str], str], *, placed: bool) -> str:
    """A message as it stands now. `said` puts a prefix before each line; `placed`: say where it was said."""
    head = f"#{view.offset} {view.sender}"
    if placed:
        head += f" in {view.room}" if view.room is not None else f" to {view.to}"
    marks = [] if view.reply_to is None else [f"reply to #{view.reply_to}"]
    if view.deleted:
        return f"{head} ({', '.join([*marks, 'deleted'])})"
    if view.edited_at is not None:
        marks.append("edited")
    content = view.content if view.file is None else with_file(view.content, view.file)
    lines = said(f"{head} ({', '.join(marks)}): " if marks else f"{head}: ", content)
    if view.reactions:
        signs = ", ".join(f"{one.emoji} {one.count}" for one in view.reactions)
        lines += "\n" + said(f"#{view.offset} * ", signs.replace("\n", " "))
    return lines


def read_line(line: str) -> MessageView | None:
    """One line of the above: a message of several lines, or with signs, comes as several of its offset.

    The sender of signs is "". None: the line is none of these.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    offset, marks = int(found[1]), found["marks"] or ""
    if found["signs"] is not None:
        signs = [Reaction(emoji, int(count), []) for emoji, count in _SIGN.findall(found["signs"])]
        return MessageView("", 0, "", "", "", "", offset, "", reactions=signs)
    if found["content"] is None and "deleted" not in marks:
        return None
    reply = _REPLY.search(marks)
    return MessageView(
        found["sender"],
        0,
        found["content"] or "",
        "",
        "",
        "",
        offset,
        "",
        room=found["room"],
        to=found["to"],
        reply_to=int(reply[1]) if reply is not None else None,
        edited_at="" if "edited" in marks else None,
        deleted="deleted" in marks,
    )
