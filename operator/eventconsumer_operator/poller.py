"""One lag poller for all EventConsumers: it asks each Kafka cluster on its own, and says whose lag changed.

A cluster that does not answer makes the lag of its own consumers unknown and delays nobody else's. Questions
are shared: one for the partitions and one for the ends of all topics of a cluster, one for each group's
offsets and state.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eventconsumer_operator import metrics
from eventconsumer_operator.broker import Broker
from eventconsumer_operator.cluster_settings import ClusterSettings
from eventconsumer_operator.growth import Dated, Growth
from eventconsumer_operator.lag import UNKNOWN, Offsets
from eventconsumer_operator.questions import Answers, Target, ask, first_unread, observe
from eventconsumer_operator.records import FirstRecords
from eventconsumer_operator.refusals import Unreachable
from eventconsumer_operator.verdict import look, slide
from eventconsumer_operator.world import Observation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from eventconsumer_operator.access import Access
    from eventconsumer_operator.names import ObjectKey
    from eventconsumer_operator.records import Position
    from eventconsumer_operator.verdict import Look

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sources:
    """Everything that one round's observations of one Kafka cluster are put together from."""

    answers: Answers
    records: FirstRecords
    growth: Growth
    settings: ClusterSettings
    now: datetime
    at: float
    """The same moment in seconds on a clock that never goes back."""

    def offsets(self, target: Target) -> dict[int, Offsets]:
        """Return the offsets of a target's partitions, marked where no record is left among them."""
        offsets = self.answers.offsets(target)
        return self.records.mark(offsets, first_unread(target, offsets), self.answers.ends)

    def dated(self, position: Position) -> Dated | None:
        """Return when the first record from a position on was written: as it says itself, or about when."""
        said = self.records.written_at(position)
        if said is not None:
            return Dated(said, estimated=False)
        about = self.growth.written_at(position)
        return Dated(about, estimated=True) if about is not None else None


class Poller:
    """Knows the newest observation of every EventConsumer that is followed."""

    def __init__(self, *, interval: float, timeout: float, changed: Callable[[ObjectKey], None]) -> None:
        """Ask every ``interval`` seconds, wait ``timeout`` seconds for answers, call ``changed`` on news."""
        self._interval = interval
        self._timeout = timeout
        self._changed = changed
        self._targets: dict[ObjectKey, Target] = {}
        self._observations: dict[ObjectKey, Observation] = {}
        self._unasked: set[ObjectKey] = set()
        self._clusters: dict[Access, Broker] = {}
        self._rounds: dict[Access, asyncio.Task[None]] = {}
        self._silent: set[Access] = set()
        self._records: dict[Access, FirstRecords] = {}
        self._growth: dict[Access, Growth] = {}
        self._settings: dict[Access, ClusterSettings] = {}
        self._wake = asyncio.Event()
        self.turned_at = time.monotonic()
        """When the loop last turned; a probe reads it."""

    def follow(self, key: ObjectKey, target: Target) -> None:
        """Observe an EventConsumer from now on; a new or changed one is asked for at once."""
        before = self._targets.get(key)
        if before == target:
            return
        self._targets[key] = target
        if before is None or not target.asks_as(before):
            self._observations.pop(key, None)
        self._unasked.add(key)
        self._wake.set()

    def forget(self, key: ObjectKey) -> None:
        """Stop observing an EventConsumer."""
        self._targets.pop(key, None)
        self._observations.pop(key, None)
        self._unasked.discard(key)

    def target(self, key: ObjectKey) -> Target | None:
        """Return what is asked for an EventConsumer, or None where it is not followed."""
        return self._targets.get(key)

    def observation(self, key: ObjectKey) -> Observation | None:
        """Return the newest observation, or None where Kafka was not asked yet."""
        return self._observations.get(key)

    async def run(self) -> None:
        """Ask until cancelled; what was answered in an earlier run may be hours old and is forgotten."""
        self._observations.clear()
        self._records.clear()
        self._growth.clear()
        self._settings.clear()
        self._silent.clear()
        next_look = time.monotonic()
        try:
            while True:
                self.turned_at = time.monotonic()
                self._wake.clear()
                everybody = self.turned_at >= next_look
                if everybody:
                    next_look = self.turned_at + self._interval
                await self._start_rounds(everybody=everybody)
                await self._pause(next_look - self.turned_at)
        finally:
            for running in self._rounds.values():
                running.cancel()
            await asyncio.gather(*self._rounds.values(), return_exceptions=True)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return
        # Resources often come several at a time: a moment later all of them share one round.
        await asyncio.sleep(0.2)

    async def _start_rounds(self, *, everybody: bool) -> None:
        """Begin one round for each cluster whose last round has ended: of all, or of those who are new."""
        by_cluster: dict[Access, dict[ObjectKey, Target]] = defaultdict(dict)
        for key, target in self._targets.items():
            by_cluster[target.access][key] = target
        for access, targets in by_cluster.items():
            running = self._rounds.get(access)
            asked = {key: target for key, target in targets.items() if everybody or key in self._unasked}
            if asked and (running is None or running.done()):
                self._unasked.difference_update(asked)
                self._rounds[access] = asyncio.create_task(
                    self._round(access, asked), name=f"lag of {access.servers}"
                )
        # Also those that never answered, which have no connection.
        for access in self._rounds.keys() - by_cluster.keys():
            if self._rounds[access].done():
                await self._leave(access, followed=by_cluster.keys())

    async def _round(self, access: Access, targets: Mapping[ObjectKey, Target]) -> None:
        try:
            with metrics.lag_refresh_seconds.time():
                await self._observe(access, targets)
        except Unreachable as failure:
            self._say_silent(access, failure)
            # The client may never find a group's coordinator again after an outage; a new one does at once.
            await self._hang_up(access)
            self._note_unknown(targets, failure.fix)
        except Exception:
            logger.exception("the lag of consumers at %s could not be observed", access.servers)
            self._note_unknown(targets)
        else:
            self._say_answering(access)
        if self._unasked:
            # Somebody came while this round went on, and found it closed.
            self._wake.set()

    async def _leave(self, access: Access, *, followed: Collection[Access]) -> None:
        """Forget a way to a cluster that nobody is followed over any more."""
        await self._hang_up(access)
        self._records.pop(access, None)
        self._growth.pop(access, None)
        self._settings.pop(access, None)
        self._silent.discard(access)
        del self._rounds[access]
        # A renewed CA makes another way to the same servers.
        if access.servers not in {other.servers for other in followed}:
            metrics.kafka_up.remove(access.servers)

    async def _hang_up(self, access: Access) -> None:
        broker = self._clusters.pop(access, None)
        if broker is not None:
            await broker.close()

    def _note_unknown(self, targets: Mapping[ObjectKey, Target], fault: str | None = None) -> None:
        now = datetime.now(UTC)
        for key, target in targets.items():
            self._note(key, target, Observation(UNKNOWN, now, window=self._window(key), fault=fault))

    def _window(self, key: ObjectKey) -> tuple[Look, ...]:
        before = self._observations.get(key)
        return before.window if before else ()

    async def _observe(self, access: Access, targets: Mapping[ObjectKey, Target]) -> None:
        """Ask a cluster, and note what it says of each target.

        What is worked out for one target is dropped before the next one: a thousand of them at the same time
        would make up much of this process.
        """
        broker = await self._broker(access)
        answers = await ask(broker, targets.values())
        settings = self._settings.setdefault(access, ClusterSettings())
        await settings.learn(broker, answers.topics_of(targets.values()))
        now, at = datetime.now(UTC), time.monotonic()
        records = self._records.setdefault(access, FirstRecords())
        wanted = {
            position
            for target in targets.values()
            for position in first_unread(target, answers.offsets(target)).items()
        }
        growth = self._growth.setdefault(access, Growth())
        growth.note(answers.ends, wanted, at=now.timestamp())
        # A log that stands still is read once: it shows whether its last offsets are records at all.
        await records.learn(
            broker,
            wanted,
            answers.ends,
            needless=lambda one: growth.moving(one[0]) and growth.written_at(one) is not None,
        )
        del wanted
        sources = Sources(answers, records, growth, settings, now=now, at=at)
        for key, target in targets.items():
            self._note(key, target, self._look(key, target, sources))
            # A thousand looks in one go would hold up every watch and every write meanwhile.
            await asyncio.sleep(0)

    async def _broker(self, access: Access) -> Broker:
        """Return the one connection to a cluster; renewed credentials make a new one."""
        known = self._clusters.get(access)
        if known is not None and known.outdated:
            await self._hang_up(access)
        if access not in self._clusters:
            self._clusters[access] = Broker(access, timeout=self._timeout)
        return self._clusters[access]

    def _look(self, key: ObjectKey, target: Target, sources: Sources) -> Observation:
        """Put one EventConsumer's observation together and remember the look."""
        offsets = sources.offsets(target)
        written_at = [sources.dated(at) for at in first_unread(target, offsets).items()]
        seen = observe(target, offsets, sources.answers, written_at=written_at, now=sources.now)
        newest = look(
            offsets, seen.lag, start_from=target.start_from, behind=seen.behind_seconds, at=sources.at
        )
        window = self._window(key)
        return replace(
            seen,
            window=slide(window, newest, every=self._interval) if newest else window,
            retention=sources.settings.retention(target.topic),
            offsets_kept=sources.settings.offsets_kept,
        )

    def _note(self, key: ObjectKey, target: Target, observation: Observation) -> None:
        if self._targets.get(key) != target:
            return
        before = self._observations.get(key)
        self._observations[key] = observation
        changed = before is None or replace(before, observed_at=observation.observed_at) != observation
        # While records wait, the window alone can change the verdict.
        if changed or observation.lag.total:
            self._changed(key)

    def _say_silent(self, access: Access, failure: Unreachable) -> None:
        metrics.kafka_up.labels(access.servers).set(0)
        if access not in self._silent:
            self._silent.add(access)
            logger.warning(
                "Kafka at %s can't be asked, so the lag of its consumers is unknown: %s",
                access.servers,
                failure.fix or failure,
            )

    def _say_answering(self, access: Access) -> None:
        metrics.kafka_up.labels(access.servers).set(1)
        if access in self._silent:
            self._silent.discard(access)
            logger.info("Kafka at %s answers again", access.servers)
