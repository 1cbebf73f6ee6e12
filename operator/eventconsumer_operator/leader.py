"""Which of several operators works: the holder of a Lease, and only while nobody else can have it.

Never two writers. The holder may write for ``HOLD`` seconds after it *sent* its last renewal. Another takes
the Lease at the earliest ``DURATION`` seconds after it *saw* that renewal, which is later than the sending;
each measures with its own clock, so clocks need not agree. A write is refused once the time is over, and one
on its way is given up then; the seconds between the two are for what is inside the API server already.
A change of the Lease names the version it was decided on, so of two candidates one wins. A holder that ends
in good order clears the Lease, and the next one need not wait.

Times are of a clock that goes on while the machine sleeps. What is left is a process that is frozen between
its last look at the clock and the sending of one request; such a write is of what the resource says, and the
new holder, which lists and watches all along, sets it right.

An own module because the client's election neither clears the Lease at its end nor tells how long it holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eventconsumer_operator.models import Manifest

logger = logging.getLogger(__name__)

DURATION = 12
"""After how many seconds without a renewal another may take the Lease."""
HOLD = 10.0
"""For how many seconds a renewal lets its sender write."""
RENEW = 3.0
RETRY = 1.0
"""Seconds between renewals, and between two attempts of whoever has it not."""
_OVER = float("-inf")


class Lease(Protocol):
    """One Lease, as the API server keeps it; both methods may raise an error that ``expected`` marks."""

    async def read(self) -> Manifest | None:
        """Return the Lease, or None where there is none."""
        ...

    async def write(self, lease: Manifest) -> Manifest:
        """Create the Lease, or replace the version it names; return it as it then is."""
        ...


@dataclass(frozen=True)
class Seen:
    """One version of the Lease, and since when a candidate has known it."""

    version: str
    holder: str
    duration: float
    since: float


def look(before: Seen | None, lease: Manifest, *, now: float) -> Seen:
    """Return what a candidate knows after a look at the Lease."""
    version, spec = str(lease["metadata"].get("resourceVersion", "")), lease.get("spec", {})
    if before is not None and before.version == version:
        return before
    return Seen(version, spec.get("holderIdentity") or "", spec.get("leaseDurationSeconds") or DURATION, now)


def free(seen: Seen, me: str, *, now: float) -> bool:
    """Tell whether a candidate may take the Lease: it is its own, nobody's, or was not renewed in time."""
    return seen.holder in {"", me} or now >= seen.since + seen.duration


def held(lease: Manifest | None, me: str, *, now: datetime) -> Manifest:
    """Return the Lease as ``me`` takes or renews it; an empty ``me`` clears it."""
    metadata, spec = (lease or {}).get("metadata", {}), (lease or {}).get("spec", {})
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    renewed: Manifest = {"holderIdentity": me or None, "leaseDurationSeconds": DURATION, "renewTime": stamp}
    if me and spec.get("holderIdentity") != me:
        renewed |= {"acquireTime": stamp, "leaseTransitions": spec.get("leaseTransitions", -1) + 1}
    return {"metadata": metadata, "spec": spec | renewed}


class Election:
    """One candidate, which leads as long as it holds the Lease."""

    def __init__(self, me: str) -> None:
        """Stand as ``me``, a name that no other living process has."""
        self._me = me
        self._known: Manifest | None = None
        self._seen: Seen | None = None
        self._until = _OVER
        self._said = ""

    def seconds_left(self) -> float:
        """Return for how many seconds writing is allowed; 0 or less where it is not."""
        return self._until - _now()

    async def run(self, lease: Lease, lead: Callable[[], Awaitable[None]]) -> None:
        """Stand until cancelled, and run ``lead`` while leading; it is cancelled when the Lease is lost."""
        try:
            while True:
                if await self._attempt(lease):
                    logger.info("%s leads", self._me)
                    await self._lead(lease, lead)
                    logger.warning("%s leads no more: the lease could not be renewed", self._me)
                await asyncio.sleep(RETRY)
        finally:
            await self._resign(lease)

    async def _lead(self, lease: Lease, lead: Callable[[], Awaitable[None]]) -> None:
        leading = asyncio.ensure_future(lead())
        renewing = asyncio.create_task(self._renew(lease), name="lease")
        try:
            done, _ = await asyncio.wait({leading, renewing}, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            for task in (leading, renewing):
                task.cancel()
            await asyncio.gather(leading, renewing, return_exceptions=True)

    async def _renew(self, lease: Lease) -> None:
        """Renew until the time is over."""
        while True:
            await asyncio.sleep(RENEW)
            while not await self._attempt(lease):
                if self.seconds_left() <= 0:
                    return
                await asyncio.sleep(RETRY)

    async def _attempt(self, lease: Lease) -> bool:
        """Take or renew the Lease if that may be; tell whether it is ours now."""
        try:
            if self._known is None:
                self._known = await lease.read()
                if self._known is not None:
                    self._seen = look(self._seen, self._known, now=_now())
            if self._known is not None and self._seen is not None and not self._free():
                self._known = None
                return False
            sent = _now()
            self._known = await lease.write(held(self._known, self._me, now=datetime.now(UTC)))
        except Exception as failure:
            if not getattr(failure, "expected", False):
                raise
            self._say(str(failure))
            self._known = None
            return False
        self._seen = look(self._seen, self._known, now=_now())
        self._until = sent + HOLD
        self._said = ""
        return True

    def _free(self) -> bool:
        """Tell whether the Lease may be taken; one that another holds ends our own time at once."""
        if self._seen is None:
            return True
        if self._seen.holder != self._me:
            self._until = _OVER
        return free(self._seen, self._me, now=_now())

    def _say(self, failure: str) -> None:
        if failure != self._said:
            self._said = failure
            logger.warning("the lease can't be had: %s", failure)

    async def _resign(self, lease: Lease) -> None:
        """Write no more, and clear the Lease if it is ours."""
        left, self._until = self.seconds_left(), _OVER
        if left > 0 and self._known is not None:
            with contextlib.suppress(Exception):  # It runs out by itself.
                await lease.write(held(self._known, "", now=datetime.now(UTC)))


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
