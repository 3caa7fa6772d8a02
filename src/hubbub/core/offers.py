"""Offers: which files are on offer, between whom, and who is at their two ends just now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, takewhile
from typing import Final, Generic, Literal, TypeVar

from msgspec.structs import replace

from hubbub.core import file_records as records
from hubbub.core import names
from hubbub.core.answers import OfferView
from hubbub.core.entries import Change
from hubbub.core.errors import Code, Refusal
from hubbub.core.file_records import Offer
from hubbub.core.model import Session, User
from hubbub.core.ports import Reader
from hubbub.core.settings import FileSettings

SessionT = TypeVar("SessionT", bound=Session)

State = Literal["offered", "direct", "running", "confirming", "interrupted"]
"""`direct`: the two try to reach each other. `confirming`: the receiver is to say what the whole is."""
OPEN: Final = ("offered", "direct", "interrupted")
"""Those in which it can be accepted."""


class Live(Generic[SessionT]):
    """An offer, and who is at its two ends."""

    __slots__ = ("confirms", "elsewhere", "offer", "offset", "receiver", "sender", "since", "state")

    def __init__(self, offer: Offer, sender: SessionT | None) -> None:
        self.offer = offer
        self.sender = sender
        """The connection that offered it, and has the file; None: it is gone."""
        self.receiver: SessionT | None = None
        """The connection that accepted it."""
        self.elsewhere: list[SessionT] = []
        """Devices of the receiver that were told that another one takes it. They are not asked anew where a
        line only drops: who has the most of it is back in a moment."""
        self.offset = 0
        """From where on the receiver wants it."""
        self.confirms = False
        """Whether the receiver says what arrived, and nobody is told that it is done before."""
        self.state: State = "offered"
        self.since = offer.created
        """When it came into this state (Unix time)."""

    @property
    def open(self) -> bool:
        """Whether it can be accepted."""
        return self.state in OPEN


class Offers(Generic[SessionT]):
    """All of them, by id and by person."""

    def __init__(self, settings: FileSettings, clock: Callable[[], float]) -> None:
        """`clock` gives Unix time in seconds."""
        self._settings = settings
        self._clock = clock
        self._live: dict[str, Live[SessionT]] = {}
        self._of: dict[int, dict[str, Live[SessionT]]] = {}
        self._done: dict[str, Offer] = {}

    def load(self, reader: Reader) -> None:
        """Take in what is kept."""
        offers = [records.read_offer(value) for _, value in reader.scan(records.OFFERS)]
        for offer in sorted(offers, key=lambda one: one.created):
            if offer.done is None:
                self.add(Live(offer, None))
            else:
                self._done[offer.id] = offer

    def __iter__(self) -> Iterator[Live[SessionT]]:
        """Each of them; some may be removed meanwhile."""
        return iter(list(self._live.values()))

    def add(self, live: Live[SessionT]) -> None:
        """It is on offer from now on."""
        offer = live.offer
        self._live[offer.id] = live
        for id in (offer.sender_id, offer.to_id):
            self._of.setdefault(id, {})[offer.id] = live

    def remove(self, live: Live[SessionT]) -> bool:
        """It no longer is. False: it was not."""
        offer = live.offer
        if self._live.pop(offer.id, None) is None:
            return False
        for id in dict.fromkeys((offer.sender_id, offer.to_id)):
            theirs = self._of[id]
            del theirs[offer.id]
            if not theirs:
                del self._of[id]
        return True

    def finish(self, live: Live[SessionT], digest: str) -> list[Change]:
        """It has arrived, with that digest: the changes that keep this, and forget the oldest of too many."""
        self.remove(live)
        done = self._done[live.offer.id] = replace(live.offer, done=digest)
        surplus = len(self._done) - self._settings.max_offers_total
        oldest = list(islice(self._done, max(0, surplus)))
        for id in oldest:
            del self._done[id]
        return [records.put_offer(done), *map(records.drop_offer, oldest)]

    def done(self, id: str) -> Offer | None:
        """An offer that arrived not long ago."""
        return self._done.get(id)

    def expired(self) -> list[Change]:
        """Forget what arrived long ago, and the changes for that."""
        old = self._clock() - self._settings.offer_seconds
        ids = list(takewhile(lambda id: self._done[id].created < old, self._done))
        for id in ids:
            del self._done[id]
        return [records.drop_offer(id) for id in ids]

    def enter(self, live: Live[SessionT], state: State) -> None:
        """It is in that state from now on."""
        live.state, live.since = state, self._clock()

    # -- finding

    def get(self, id: str) -> Live[SessionT] | None:
        """The offer of that id."""
        return self._live.get(id)

    def of(self, id: int) -> list[Live[SessionT]]:
        """The offers to a person and by it, the oldest first."""
        return list(self._of.get(id, {}).values())

    def meant(
        self, user: User, id: str | None, sender: str | None, filename: str | None
    ) -> Live[SessionT] | None:
        """The offer to somebody that has that id; or the oldest open one of that sender and name, of which
        those go before whose sender is here: somebody else may have had the name before.
        """
        if id is not None:
            live = self._live.get(id)
            return live if live is not None and live.offer.to_id == user.id else None
        wanted = names.normal(sender, names.USER_LIMIT) if sender is not None else None
        key = names.key(wanted) if isinstance(wanted, str) else None
        found = [
            live
            for live in self.of(user.id)
            if live.offer.to_id == user.id
            and live.open
            and filename in (None, live.offer.filename)
            and (sender is None or key == names.key(live.offer.sender))
        ]
        return min(found, key=lambda live: live.sender is None, default=None)

    def shown(self, user: User) -> list[OfferView]:
        """As that person is told them."""
        return [
            OfferView(
                one.offer.id,
                one.offer.sender,
                one.offer.filename,
                one.offer.size,
                one.state if one.state in ("offered", "interrupted") else "running",
                one.offer.to,
            )
            for one in self.of(user.id)
        ]

    # -- limits

    def bad_hello(self, hello: str | None) -> Refusal | None:
        """Why these words for the other side's program are not passed on."""
        most = self._settings.max_hello
        if hello is None or len(hello.encode()) <= most:
            return None
        return Refusal(Code.TOO_LARGE, f"More than {most} bytes.", field="hello", limit="files.max_hello")

    def refusal(self, user: User, size: int) -> Refusal | None:
        """Why somebody may not offer another file of that size."""
        settings = self._settings
        if not 0 <= size <= settings.max_live_size:
            message = f"A file has 0 to {settings.max_live_size} bytes."
            code = Code.BAD_REQUEST if size < 0 else Code.TOO_LARGE
            return Refusal(code, message, field="size", limit="files.max_live_size")
        mine = sum(1 for live in self.of(user.id) if live.offer.sender_id == user.id)
        if mine >= settings.max_offers:
            message = f"You have {mine} open offers, which is the limit. Cancel one."
            return Refusal(Code.RATE_LIMITED, message, limit="files.max_offers", retry_after=60.0)
        if len(self._live) >= settings.max_offers_total:
            message = f"There are {len(self._live)} open offers, which is the limit."
            return Refusal(Code.RATE_LIMITED, message, limit="files.max_offers_total", retry_after=60.0)
        return None
