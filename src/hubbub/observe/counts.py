"""What is counted while the server works: plain integers, raised where something happens.

Nothing here is made a second time and nothing is computed: `server.sampling` looks at it once a second, and
`/metrics` when it is asked. The fan-out counts by batch, never by member.
"""

from __future__ import annotations

from hubbub.core.errors import Code
from hubbub.observe.histograms import Histogram


class Counts:
    """One server's. All grow only, but `taken`."""

    __slots__ = (
        "commit",
        "deliveries",
        "delivery",
        "dismissed",
        "lag",
        "logins",
        "logins_failed",
        "messages",
        "moves",
        "refusals",
        "refused",
        "sync",
        "taken",
        "throttled",
        "welcomed",
    )

    def __init__(self) -> None:
        self.messages = 0
        """Kept and told, in rooms and talks."""
        self.deliveries = 0
        """One message written to one connection."""
        self.delivery = Histogram()
        """From the oldest request of a commit group to the last write of what it told."""
        self.commit = Histogram()
        """From the first append of a commit group until it is kept, for each append in it."""
        self.sync = Histogram()
        """What the disk took for one of them."""
        self.lag = Histogram()
        """By how much the event loop came too late to a timer."""
        self.taken = 0.0
        """While a commit group is told: when its oldest append was taken (`time.monotonic`); else 0."""
        self.moves = 0
        """Connections that came, went, logged in or out: whether it is worth counting them again."""
        self.welcomed = 0
        """Connections whose dialect became known."""
        self.dismissed = 0
        """Connections that an admin closed."""
        self.refused = 0
        """Connections that were closed unserved."""
        self.throttled = 0
        """Requests that had to wait for the rate of their connection."""
        self.refusals: dict[Code, int] = {}
        """Requests that were refused, by code."""
        self.logins = 0
        self.logins_failed: dict[Code, int] = {}

    # -- `adapters.commit_times.CommitTimes`

    def committed(self, seconds: float, appends: int) -> None:
        """See the port."""
        self.commit.record(seconds, appends)

    def synced(self, seconds: float) -> None:
        """See the port."""
        self.sync.record(seconds)

    # -- by code

    def refuse(self, code: Code) -> None:
        """A request was refused."""
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def fail_login(self, code: Code) -> None:
        """Somebody was not let in."""
        self.logins_failed[code] = self.logins_failed.get(code, 0) + 1
