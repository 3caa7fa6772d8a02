"""Short ways to ask about messages in a House, and to say what came back."""

from __future__ import annotations

from collections.abc import Sequence

from core.house import House
from hubbub.core.answers import Accepted, Answer, History, MessageView
from hubbub.core.commands import GetHistory
from hubbub.core.entries import Record
from hubbub.core.errors import Code, Refusal
from hubbub.core.model import Session
from hubbub.core.ports import Reader

LOBBY = "room:1"


def accepted(answer: Answer | None) -> Accepted:
    assert isinstance(answer, Accepted), answer
    return answer


def refused(answer: Answer | None, code: Code) -> Refusal:
    assert isinstance(answer, Refusal), answer
    assert answer.code is code
    return answer


def page(house: House, session: Session, asked: GetHistory) -> History:
    answer = house.done(session, asked)
    assert isinstance(answer, History), answer
    return answer


def messages(house: House, session: Session, with_: str | None = None) -> list[MessageView]:
    return page(house, session, GetHistory(with_=with_, limit=500)).messages


def everything(reader: Reader, stream: str = LOBBY) -> Sequence[Record]:
    return reader.entries(stream, 1, reader.head(stream).offset)
