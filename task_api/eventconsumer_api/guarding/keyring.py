"""The keys of the identity provider: kept for five minutes, fetched anew when a token names an unknown one.

Invariants: a provider that is away takes nothing from keys that are known; tokens with made-up key ids make
at most one request to it every ten seconds; only keys for the accepted algorithms are on the ring, so no
published key of another kind can verify anything.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING, Any

from jwt import PyJWKClient, PyJWKSet

from eventconsumer_api.guarding.refusals import CannotTell, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from jwt import PyJWK

_log = logging.getLogger(__name__)

_FRESH_SECONDS = 300.0
_ASK_AGAIN_SECONDS = 10.0
_PATIENCE_SECONDS = 5.0


def from_url(url: str) -> Callable[[], Any]:
    """Return what fetches a JWKS, without following redirects."""
    return PyJWKClient(url, cache_jwk_set=False, timeout=_PATIENCE_SECONDS).fetch_data


def from_file(path: Path) -> Callable[[], Any]:
    """Return what reads a JWKS."""
    return lambda: json.loads(path.read_bytes())


class Keyring:
    """Keys by their id; ``load`` gets the provider's JWKS and may take its time."""

    def __init__(
        self,
        load: Callable[[], Any],
        algorithms: Sequence[str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._algorithms = algorithms
        self._now = now
        self._keys: dict[str | None, PyJWK] = {}
        self._asked_at: float | None = None
        self._fresh_until = 0.0
        self._asking = asyncio.Lock()

    async def key(self, key_id: str | None) -> PyJWK:
        """Return the key with this id, or the only one there is for None.

        Raises Refused for a key the provider does not have, CannotTell when it never told its keys.
        """
        found = self._find(key_id)
        # Of many requests that find an old key, one asks; the others go on with it.
        if found is None or (self._now() >= self._fresh_until and not self._asking.locked()):
            await self._ask()
            found = self._find(key_id)
        if found is not None:
            return found
        if not self._fresh_until:
            raise CannotTell("The identity provider's keys can't be had at the moment.")
        raise Refused("The token is signed with a key that its issuer does not have.")

    def _find(self, key_id: str | None) -> PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def _ask(self) -> None:
        async with self._asking:
            if self._asked_at is not None and self._now() < self._asked_at + _ASK_AGAIN_SECONDS:
                return
            self._asked_at = self._now()
            try:
                told = PyJWKSet.from_dict(await asyncio.to_thread(self._load))
            except Exception as failure:  # noqa: BLE001  # a server of others may answer anything
                _log.warning("The identity provider's keys can't be had: %s", failure)
                return
            self._keys = {key.key_id: key for key in told.keys if self._counts(key)}
            self._fresh_until = self._now() + _FRESH_SECONDS

    def _counts(self, key: PyJWK) -> bool:
        return key.algorithm_name in self._algorithms and key.public_key_use in {None, "sig"}
