"""Ports: what the domain needs from outside, and exactly what it may rely on.

One contract suite per port (`tests/contracts/`) runs on every implementation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from hubbub.core.answers import Answer
from hubbub.core.entries import Change, Entry, Group, Kept, Position, Record
from hubbub.core.errors import Refusal
from hubbub.core.events import Event, FileFailure
from hubbub.core.file_commands import SendChunk
from hubbub.core.file_records import Offer, Upload

ResultT = TypeVar("ResultT")


class JournalUnavailableError(Exception):
    """The journal takes no entries now; it may later, without a restart."""

    def __init__(self, reason: str, *, read_only: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.read_only = read_only


class JournalSink(Protocol):
    """Who is told what became of appends: the service."""

    def committed(self, groups: Sequence[Group]) -> None:
        """These are kept. Called in commit order, never from within `append`."""
        ...

    def failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        """These are not kept, and never will be."""
        ...


class Reader(Protocol):
    """What can be read of a journal: committed things only, as they are at one moment."""

    def head(self, stream: str) -> Position:
        """The stream's last committed position."""
        ...

    def first(self, stream: str) -> int:
        """The lowest offset that is still kept; head + 1 where none is."""
        ...

    def entries(self, stream: str, first: int, last: int) -> Sequence[Record]:
        """The records with offsets `first` … `last`, both included, as far as they are kept, in order.

        An erased one is there, with the body `Erased`, and nothing is left of its id and its time.
        """
        ...

    def get(self, key: str) -> bytes | None:
        """The keyed record of that name."""
        ...

    def scan(self, prefix: str) -> Iterable[tuple[str, bytes]]:
        """The keyed records whose name begins so, sorted by name."""
        ...

    def streams(self, prefix: str) -> Iterable[str]:
        """The streams whose name begins so and that ever had an entry."""
        ...


class Journal(Protocol):
    """Keeps entries on streams, and records by key.

    - *Atomic*: the entries and changes of one append are all kept, or none.
    - *Order*: appends commit in the order in which they were made; a later one may fail where an
      earlier one succeeded, and where one fails, all that were in flight behind it fail too.
    - *Once*: each ticket is told exactly once, by `committed` or `failed`, later than its `append` returned.
    - *Positions*: on each stream, offsets count 1, 2, 3 … without holes over everything that is
      committed, other nodes' entries (`ticket` None) included. They are known at the commit, not before.
      A position is (epoch, offset); the epoch changes only when continuity cannot be proved.
    - *Reading*: what `committed` was told can be read from within that call on.
    - *Durability*: what `committed` was told survives whatever this journal promises to survive.
    """

    def open(self, sink: JournalSink) -> None:
        """Begin. Called once, before the first append."""
        ...

    def append(self, entries: Sequence[Entry], changes: Sequence[Change] = ()) -> int:
        """Take entries and changes, return their ticket (rising). Never blocks.

        Raises JournalUnavailableError.
        """
        ...

    def head(self, stream: str) -> Position:
        """The stream's last committed position."""
        ...

    def read(
        self,
        query: Callable[[Reader], ResultT],
        then: Callable[[ResultT | JournalUnavailableError], None],
    ) -> None:
        """Run `query`, and tell `then` what it returned, later than this call returns.

        `query` must change nothing: it is run anew where the disk had to be waited for. Nothing is
        committed between its last run and `then`. What is damaged is told as an error, never as if sound.
        """
        ...

    def look(self, query: Callable[[Reader], ResultT]) -> ResultT:
        """Run `query` at once, waiting for the disk: for the start, before anybody is served."""
        ...

    def recent(self) -> Iterator[Kept]:
        """The latest entries that have an `author`, oldest first: what retries can still come for."""
        ...

    async def close(self) -> None:
        """Finish what is in flight, then take no more."""
        ...


class Passwords(Protocol):
    """Hashes passwords, slowly on purpose, beside the loop. `digest` is the password's SHA-256 in hex."""

    def hash(self, digest: str, then: Callable[[str | None], None]) -> bool:
        """Tell `then` what to store of it; None: there was no memory for it, say.

        False: too many are waiting, and nothing will be told.
        """
        ...

    def verify(self, digest: str, stored: str | None, then: Callable[[bool | None], None]) -> bool:
        """Tell `then` whether it is the password; None: it could not be tried. The result False as above.

        Without `stored` it takes as long, and is not.
        """
        ...


class SearchIndex(Protocol):
    """Finds messages by their words. It may lag behind the journal, and can be built anew from it."""

    def add(self, records: Sequence[Record]) -> None:
        """These are committed: follow what was said, edited, deleted. Never blocks."""
        ...

    def trim(self, stream: str, first: int) -> None:
        """Everything of the stream below offset `first` goes: forget its words. Never blocks."""
        ...

    def find(
        self,
        query: str,
        streams: Sequence[str],
        limit: int,
        then: Callable[[Sequence[tuple[str, int]] | None], None],
        before: tuple[str, int] | None = None,
    ) -> bool:
        """Tell `then` the (stream, offset) of the newest `limit` messages in `streams` that have all words.

        With `before`, of those that were said before that one. It may be deleted by now: then from the next
        one of its stream on, or else all, so that some are told once more, and none is left out.
        None: there is no index now (it is being built). False: too many are waiting; nothing will be told.
        """
        ...


class BlobsUnavailableError(Exception):
    """The store cannot do this now; it may later, without a restart. The text is for the operator."""

    def __init__(self, reason: str, *, full: bool = False) -> None:
        """`full`: there is no space left for it."""
        super().__init__(reason)
        self.reason = reason
        self.full = full


class Blobs(Protocol):
    """Keeps whole files by their content: the key is its SHA-256 in 64 lower-case hexadecimal digits.

    - *Whole*: a blob is there with all of its bytes, or not at all, also after a crash at any moment.
    - *Durable*: what `put` returned from survives whatever the store promises to survive.
    - *Once*: to put a digest that is there changes nothing; to delete one that is not, neither.
    - *The digest is the caller's word*: the store does not compute it again.
    - Nothing blocks the loop, and no thread runs Python in a loop. All but `close` raise
      BlobsUnavailableError where the store fails.
    """

    async def put(self, digest: str, source: str) -> None:
        """Keep a copy of the local file `source`, which is whole and stays as it is."""
        ...

    async def size(self, digest: str) -> int | None:
        """Bytes of it; None: it is not there."""
        ...

    def descriptor(self, digest: str) -> int | None:
        """A new descriptor of the blob as a local file, to be closed by the caller; None: it is none."""
        ...

    async def read(self, digest: str, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset` on; fewer only at its end."""
        ...

    async def delete(self, digest: str) -> None:
        """Give its space back."""
        ...

    def all(self) -> AsyncIterator[tuple[str, int]]:
        """Digest and size of everything that is there, in no order."""
        ...

    async def close(self) -> None:
        """Use it no more."""
        ...


class Claims(Protocol):
    """Who holds a name. Answered at once here; by an internal command in a cluster.

    A key is held by one owner at a time; claiming what one holds succeeds; releasing what one does not
    hold does nothing.
    """

    def claim(self, key: str, owner: int) -> bool:
        """Hold `key` for `owner`. False: somebody else holds it."""
        ...

    def release(self, key: str, owner: int) -> None:
        """Give it back."""
        ...


def claim_all(claims: Claims, kind: str, keys: Sequence[str], owner: int) -> bool:
    """Hold all keys of a name, or none."""
    for held, key in enumerate(keys):
        if not claims.claim(kind + key, owner):
            for other in keys[:held]:
                claims.release(kind + other, owner)
            return False
    return True


SessionT = TypeVar("SessionT", contravariant=True)


class Outlet(Protocol[SessionT]):
    """Where answers and events leave the domain: the fan-out.

    - *Order*: what one session originates is seen in that order by every receiver, across streams.
    - *Joins*: after `subscribe`, a session gets what is sent on the stream from then on, and nothing older.
    - *Answers first*: the answer to a publish reaches its session before the event that it became.
    - Nothing needs to leave before `flush`.
    """

    def subscribe(self, session: SessionT, stream: str) -> None:
        """The session receives the stream's events from now on."""
        ...

    def unsubscribe(self, session: SessionT, stream: str) -> None:
        """It no longer does."""
        ...

    def publish(self, stream: str, event: Event, origin: SessionT | None) -> None:
        """An event for all who are subscribed to `stream`, caused by `origin`."""
        ...

    def send(self, stream: str, sessions: Sequence[SessionT], event: Event, origin: SessionT | None) -> None:
        """An event for these sessions, on a stream that nobody is subscribed to."""
        ...

    def answer(self, session: SessionT, request: object, answer: Answer) -> None:
        """The answer to a request that `handle` left open."""
        ...

    def dismiss(self, session: SessionT, reason: str) -> None:
        """Say goodbye to the session and close it: `replaced`, `policy`, `disabled`."""
        ...

    def flush(self) -> None:
        """Everything up to here leaves now."""
        ...


class Carrier(Protocol[SessionT]):
    """Moves the bytes of files. The domain says who sends to whom; how they pass, the server knows.

    - *Later*: nothing begins before the call has returned, and answers to requests before it are out.
    - *Told once*: `Transfers.ended`, or `Uploading.stored` or `interrupted`, is told of each that was begun.
    - *Half is never whole*: a receiver cannot take a transfer that broke off for one that is done.
    """

    def relay(self, offer: Offer, sender: SessionT, receiver: SessionT, offset: int) -> None:
        """Ask `sender` for the file from `offset` on, and hand it to `receiver`."""
        ...

    def serve(self, offer: Offer, sender: SessionT, sink: object) -> None:
        """The same, to somebody who fetches it by HTTP."""
        ...

    def keep(self, upload: Upload, sender: SessionT) -> None:
        """Ask `sender` for what is missing of the upload, and keep it."""
        ...

    def chunk(self, session: SessionT, chunk: SendChunk) -> Refusal | None:
        """Take bytes that `session` sends as a request of its own."""
        ...

    def stop(self, id: str, reason: FileFailure, message: str) -> bool:
        """Break it off. False: there is no such transfer, and nothing will be told."""
        ...
