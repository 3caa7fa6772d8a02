"""The clock: whether something keeps it in time, and what the server's says."""

from __future__ import annotations

import ctypes
import sys
import time
from email.utils import parsedate_to_datetime
from typing import Final

from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.fetching import UnreachableError
from hubbub.server.doctor.report import Notes

SKEW: Final = 2.0
"""Seconds that two clocks may differ by before it is worth a word."""
RELEASED: Final = 1_790_000_000
"""Unix time before which this version was not there (September 2026): a clock that says so is wrong."""
_UNSYNC: Final = 0x0040  # STA_UNSYNC: nothing has set it in time (adjtimex(2))
_ERROR: Final = 5  # TIME_ERROR, which STA_UNSYNC brings, too


class _Timex(ctypes.Structure):
    """struct timex of linux/timex.h, up to what is read; the rest is room for what the kernel writes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("_rest", ctypes.c_char * 256),
    )


def clock(deployment: Deployment, notes: Notes) -> None:
    """Times of messages, logs, and the ends of certificates and logins go by it."""
    now = time.time()
    if now < RELEASED:
        date = time.strftime("%Y-%m-%d", time.gmtime(now))
        notes.fail(f"The clock says {date}, which is past.", "Set it, and let NTP keep it.")
    _synchronised(notes)
    _compared(deployment, notes)


def _synchronised(notes: Notes) -> None:
    known = unsynchronised()
    if known is None:
        notes.note("This system does not tell whether something keeps its clock in time.")
    elif known:
        notes.warn(
            "Nothing keeps this machine's clock in time.",
            "Run chrony, systemd-timesyncd or another NTP client (in a container: on its host).",
            synchronised=False,
        )
    else:
        notes.ok("The clock is kept in time.", synchronised=True)


def unsynchronised() -> bool | None:
    """Ask the kernel (adjtimex(2), which anybody may read). None: it does not say."""
    if not sys.platform.startswith("linux"):
        return None
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    if state < 0:  # refused, as by a container's filter of system calls
        return None
    return bool(timex.status & _UNSYNC) or state == _ERROR


def _compared(deployment: Deployment, notes: Notes) -> None:
    try:
        visit = deployment.visit()
    except UnreachableError:
        return
    if visit.version is None:  # a stranger's clock, or a proxy's
        return
    difference = apart(visit.answer.headers.get("date", ""), visit.began, visit.ended)
    if difference is None:
        return
    if abs(difference) < SKEW:
        notes.ok(f"The server's clock and this one agree within {SKEW:g} s.", difference=difference)
        return
    notes.warn(
        f"What answers at {visit_name(deployment)} is {abs(difference):,.0f} s "
        f"{'ahead of' if difference > 0 else 'behind'} this machine.",
        "One of the two clocks is wrong: let NTP keep both.",
        difference=difference,
    )


def visit_name(deployment: Deployment) -> str:
    """The URL, for a sentence."""
    return deployment.url.url if deployment.url is not None else "the URL"


def apart(date: str, began: float, ended: float) -> float | None:
    """Seconds by which a Date header is ahead of us at least; negative: behind. None: it is no date.

    It has whole seconds, and was written at some moment between our question and its answer.
    """
    try:
        told = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    if told > ended:
        return told - ended
    if told + 1 < began:
        return told + 1 - began
    return 0.0
