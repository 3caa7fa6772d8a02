"""The events that a server's log names, with their fields. Everything logged by the server is here.

`connection` is the id that a connection has for its lifetime; lines of one connection are found by it.
Content, passwords and tokens have no field, so they cannot come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hubbub.core.errors import Code
from hubbub.observe.counts import Counts
from hubbub.observe.tail import Tail

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


class ServerLog:
    """Tells the operator, and counts what is counted by its lines.

    `debug` says whether `received` and `sent` are written: ask before calling them.
    """

    __slots__ = ("_log", "counts", "debug", "tail")

    def __init__(
        self,
        logger: FilteringBoundLogger,
        *,
        debug: bool = False,
        counts: Counts | None = None,
        tail: Tail | None = None,
    ) -> None:
        """`tail`: what keeps the lines of `logger`."""
        self._log = logger
        self.counts = Counts() if counts is None else counts
        self.debug = debug
        self.tail = Tail() if tail is None else tail

    def listening(self, addresses: Sequence[str]) -> None:
        """The server takes connections."""
        self._log.info("listening", addresses=", ".join(addresses))

    def warned(self, message: str, **fields: str) -> None:
        """Something that the operator should look at (a setting that is not known, say)."""
        self._log.warning(message, **fields)

    def observing(self, sentence: str) -> None:
        """Where the figures of the kernel come from, in a sentence."""
        self._log.info(sentence)

    def positions_begin_anew(self) -> None:
        """The last stop was not in order, and what was acknowledged may be lost: clients hear of a gap."""
        self._log.warning("positions begin a new epoch: what was acknowledged last may be lost")

    def journal_read_only(self, reason: str) -> None:
        """Nothing can be kept; what is kept can be read."""
        self._log.error("read-only", reason=reason)

    def journal_writable(self) -> None:
        """It can again."""
        self._log.info("writable again")

    def commit_slow(self, seconds: float, appends: int) -> None:
        """The disk took long over these, and all who wrote waited for it."""
        self._log.warning("slow commit", seconds=round(seconds, 3), appends=appends)

    def compacted(self, segments: int, before: int, after: int) -> None:
        """Space was given back: so many segments became one, with their bytes before and after."""
        self._log.info("compacted", segments=segments, before=before, after=after)

    def compaction_failed(self, code: int, reason: str) -> None:
        """The process that should have done it did not; nothing is changed by that."""
        self._log.error("compaction failed", code=code, reason=reason)

    def journal_left(self, seconds: float) -> None:
        """The disk did not finish in time; what it has not, was not acknowledged."""
        self._log.error("the journal did not close in time", seconds=seconds)

    def certificate_loaded(self, path: str) -> None:
        """TLS uses this file from now on."""
        self._log.info("certificate loaded", path=path)

    def draining(self, connections: int, seconds: float) -> None:
        """No new connections are taken; those that are there have this long to finish."""
        self._log.info("draining", connections=connections, seconds=seconds)

    def stopped(self) -> None:
        """All is closed."""
        self._log.info("stopped")

    def connection_refused(self, peer: str, reason: str) -> None:
        """A connection was closed unserved (a limit, a handshake, silence)."""
        self.counts.refused += 1
        self._log.info("connection refused", peer=peer, reason=reason)

    def connection_opened(self, connection: str, peer: str, dialect: str, *, secure: bool) -> None:
        """A connection stands and its dialect is known."""
        self.counts.welcomed += 1
        self._log.info("connection opened", connection=connection, peer=peer, dialect=dialect, secure=secure)

    def connection_closed(
        self,
        connection: str,
        peer: str,
        user: str | None,
        reason: str,
        seconds: float,
    ) -> None:
        """It is closed: why, and how long it stood."""
        self._log.info(
            "connection closed",
            connection=connection,
            peer=peer,
            user=user,
            reason=reason,
            seconds=round(seconds, 3),
        )

    def connection_dismissed(self, connection: str, by: str) -> None:
        """An admin closed it."""
        self.counts.dismissed += 1
        self._log.warning("connection dismissed", connection=connection, by=by)

    def login(self, connection: str, peer: str, user: str, user_id: int, *, resumed: bool = False) -> None:
        """Somebody is in. `resumed`: a dropped session was taken back."""
        self.counts.logins += 1
        self._log.info("login", connection=connection, peer=peer, user=user, user_id=user_id, resumed=resumed)

    def login_refused(self, connection: str, peer: str, user: str | None, code: Code) -> None:
        """Somebody may not come in."""
        self.counts.fail_login(code)
        self._log.warning("login refused", connection=connection, peer=peer, user=user, code=code.value)

    def administered(self, by: str, by_id: int, operation: str, subject: str, result: str) -> None:
        """An admin had something done over HTTP, or was refused (`result` is `ok`, or why not)."""
        self._log.info(
            "administered", by=by, by_id=by_id, operation=operation, subject=subject, result=result
        )

    def request(self, peer: str, method: str, path: str, status: int, seconds: float) -> None:
        """An HTTP request was answered. `path` is without its query, which may hold secrets. Debug level."""
        self._log.debug(
            "request", peer=peer, method=method, path=path, status=status, seconds=round(seconds, 4)
        )

    def request_refused(self, peer: str, status: int, reason: str) -> None:
        """An HTTP request was not understood, or may not be served (Host, Origin)."""
        self._log.info("request refused", peer=peer, status=status, reason=reason)

    def received(self, connection: str, verb: str, size: int) -> None:
        """A request came, of so many bytes. Debug level."""
        self._log.debug("received", connection=connection, verb=verb, size=size)

    def sent(self, kind: str, size: int, receivers: int) -> None:
        """An answer or event went out, of so many bytes, to so many. Debug level."""
        self._log.debug("sent", kind=kind, size=size, receivers=receivers)

    def failed(self, doing: str, error: BaseException, connection: str | None = None) -> None:
        """Our own fault, with its traceback: none of this goes to the peer."""
        self._log.error("failed", doing=doing, connection=connection, exc_info=error)
