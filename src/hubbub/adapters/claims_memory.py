"""Names held in this process: the one server of a home or a team."""

from __future__ import annotations


class MemoryClaims:
    """Implements `core.ports.Claims`."""

    def __init__(self) -> None:
        self._owners: dict[str, int] = {}

    def claim(self, key: str, owner: int) -> bool:
        """See the port."""
        return self._owners.setdefault(key, owner) == owner

    def release(self, key: str, owner: int) -> None:
        """See the port."""
        if self._owners.get(key) == owner:
            del self._owners[key]
