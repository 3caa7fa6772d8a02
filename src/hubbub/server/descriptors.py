"""How many sockets and files the process may have open (RLIMIT_NOFILE)."""

from __future__ import annotations

import contextlib

from hubbub.observe.server_log import ServerLog


def raise_descriptor_limit(connections: int, log: ServerLog) -> None:
    """Let the process open as many sockets as it may have to (RLIMIT_NOFILE, soft up to hard)."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 1024  # for listeners, the log's files and the loop itself
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        with contextlib.suppress(ValueError, OSError):  # only root may raise the hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, wanted))
            hard = wanted
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < connections:
        log.warned(
            "the system allows fewer descriptors than limits.max_connections (see ulimit -Hn)",
            descriptors=str(allowed),
        )
