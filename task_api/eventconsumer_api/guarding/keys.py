"""API keys as the guard sees them: looked up in the database, and remembered for a few seconds.

Invariant: a key that was revoked counts for five seconds more at most. Only keys that count are remembered,
by their hash.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from eventconsumer_api.api_keys import hash_of
from eventconsumer_api.guarding.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventconsumer_api.principal import Principal

_REMEMBER_SECONDS = 5.0
_REMEMBER_KEYS = 1000


class Keys:
    """Tells who bears an API key; ``look_up`` asks the database."""

    def __init__(
        self, look_up: Callable[[str], Principal | None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._look_up = look_up
        self._now = now
        self._known: dict[str, tuple[Principal, float]] = {}

    async def bearer(self, key: str) -> Principal:
        """Return the key's subject; raises Refused."""
        known, until = self._known.get(hash_of(key), (None, 0.0))
        if known is not None and self._now() < until:
            return known
        found = await asyncio.to_thread(self._look_up, key)
        if found is None:
            self._known.pop(hash_of(key), None)
            raise Refused("The API key is unknown or was revoked.")
        if len(self._known) >= _REMEMBER_KEYS:
            self._known.clear()
        self._known[hash_of(key)] = (found, self._now() + _REMEMBER_SECONDS)
        return found
