"""One lag poller for all EventConsumers: it asks each Kafka cluster on its own, and says whose lag changed.

A cluster that does not answer makes the lag of its own consumers unknown and delays nobody else's. Questions
are shared: one for the partitions and two for the ends of all topics of a cluster, one for each group's
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

from eventconsumer_operator.broker import Broker, Unreachable, all_of
from eventconsumer_operator.lag import UNKNOWN, Offsets, lag, position, unread
from eventconsumer_operator.world import Observation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eventconsumer_operator.broker import Group, Place
    from eventconsumer_operator.names import ObjectKey

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """What is asked for one EventConsumer."""

    bootstrap_servers: str
    topic: str
    group: str
    start_from: str


@dataclass(frozen=True)
class Answers:
    """Everything one Kafka cluster said in one round."""

    partitions: Mapping[str, list[int]]
    committed: Mapping[str, Mapping[Place, int]]
    starts: Mapping[Place, int]
    ends: Mapping[Place, int]
    groups: Mapping[str, Group | None]

    def offsets(self, target: Target) -> dict[int, Offsets]:
        """Return the offsets of every partition of a target's topic."""
        places = [(target.topic, number) for number in self.partitions.get(target.topic, [])]
        committed = self.committed[target.group]
        return {
            place[1]: Offsets(
                committed=committed.get(place), start=self.starts.get(place), end=self.ends.get(place)
            )
            for place in places
        }


class Poller:
    """Knows the newest observation of every EventConsumer that is followed."""

    def __init__(self, *, interval: float, timeout: float, changed: Callable[[ObjectKey], None]) -> None:
        """Ask every ``interval`` seconds, wait ``timeout`` seconds for answers, call ``changed`` on news."""
        self._interval = interval
        self._timeout = timeout
        self._changed = changed
        self._targets: dict[ObjectKey, Target] = {}
        self._observations: dict[ObjectKey, Observation] = {}
        self._clusters: dict[str, Broker] = {}
        self._rounds: dict[str, asyncio.Task[None]] = {}
        self._silent: set[str] = set()
        self._written_at: dict[tuple[str, Place, int], float] = {}
        self._wake = asyncio.Event()
        self.turned_at = time.monotonic()
        """When the loop last turned; a probe reads it."""

    def follow(self, key: ObjectKey, target: Target) -> None:
        """Observe an EventConsumer from now on; a new or changed one is asked for at once."""
        if self._targets.get(key) != target:
            self._targets[key] = target
            self._observations.pop(key, None)
            self._wake.set()

    def forget(self, key: ObjectKey) -> None:
        """Stop observing an EventConsumer."""
        self._targets.pop(key, None)
        self._observations.pop(key, None)

    def observation(self, key: ObjectKey) -> Observation | None:
        """Return the newest observation, or None where Kafka was not asked yet."""
        return self._observations.get(key)

    async def run(self) -> None:
        """Ask until cancelled."""
        try:
            while True:
                self.turned_at = time.monotonic()
                self._wake.clear()
                await self._start_rounds()
                await self._pause()
        finally:
            for running in self._rounds.values():
                running.cancel()
            await asyncio.gather(*self._rounds.values(), return_exceptions=True)

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), self._interval)
        except TimeoutError:
            return
        # Resources often come several at a time: a moment later all of them share one round.
        await asyncio.sleep(0.2)

    async def _start_rounds(self) -> None:
        """Begin one round for each cluster whose last round has ended."""
        by_cluster: dict[str, dict[ObjectKey, Target]] = defaultdict(dict)
        for key, target in self._targets.items():
            by_cluster[target.bootstrap_servers][key] = target
        for servers, targets in by_cluster.items():
            running = self._rounds.get(servers)
            if running is None or running.done():
                self._rounds[servers] = asyncio.create_task(
                    self._round(servers, targets), name=f"lag of {servers}"
                )
        for servers in set(self._clusters) - set(by_cluster):
            if self._rounds[servers].done():
                await self._hang_up(servers)
                del self._rounds[servers]

    async def _round(self, servers: str, targets: Mapping[ObjectKey, Target]) -> None:
        try:
            observations = await self._observe(servers, targets)
        except Unreachable as failure:
            self._say_silent(servers, failure)
            # The client may never find a group's coordinator again after an outage; a new one does at once.
            await self._hang_up(servers)
            observations = {key: Observation(UNKNOWN, datetime.now(UTC)) for key in targets}
        except Exception:
            logger.exception("the lag of consumers at %s could not be observed", servers)
            observations = {key: Observation(UNKNOWN, datetime.now(UTC)) for key in targets}
        else:
            self._say_answering(servers)
        for key, observation in observations.items():
            self._note(key, targets[key], observation)

    async def _hang_up(self, servers: str) -> None:
        broker = self._clusters.pop(servers, None)
        if broker is not None:
            await broker.close()

    async def _observe(
        self, servers: str, targets: Mapping[ObjectKey, Target]
    ) -> dict[ObjectKey, Observation]:
        if servers not in self._clusters:
            self._clusters[servers] = Broker(servers, timeout=self._timeout)
        broker = self._clusters[servers]
        answers = await ask(broker, targets.values())
        now = datetime.now(UTC)
        offsets = {key: answers.offsets(target) for key, target in targets.items()}
        written_at = await self._oldest_unread(servers, targets, offsets)
        return {
            key: observe(target, offsets[key], answers, written_at=written_at.get(key, ()), now=now)
            for key, target in targets.items()
        }

    async def _oldest_unread(
        self,
        servers: str,
        targets: Mapping[ObjectKey, Target],
        offsets: Mapping[ObjectKey, Mapping[int, Offsets]],
    ) -> dict[ObjectKey, tuple[float | None, ...]]:
        """Return for each EventConsumer when the first unread record of each partition was written."""
        positions = {key: first_unread(target, offsets[key]) for key, target in targets.items()}
        wanted = {
            (servers, place, offset) for places in positions.values() for place, offset in places.items()
        }
        for known in [entry for entry in self._written_at if entry[0] == servers and entry not in wanted]:
            del self._written_at[known]
        # Groups stand at different offsets of one partition, and a read can only start at one of them: one a
        # round.
        missing: dict[Place, int] = {}
        for entry in wanted - self._written_at.keys():
            missing.setdefault(entry[1], entry[2])
        if missing:
            for place, moment in (await self._clusters[servers].written_at(missing)).items():
                self._written_at[servers, place, missing[place]] = moment
        return {
            key: tuple(self._written_at.get((servers, place, offset)) for place, offset in places.items())
            for key, places in positions.items()
        }

    def _note(self, key: ObjectKey, target: Target, observation: Observation) -> None:
        if self._targets.get(key) != target:
            return
        before = self._observations.get(key)
        self._observations[key] = observation
        if before is None or replace(before, observed_at=observation.observed_at) != observation:
            self._changed(key)

    def _say_silent(self, servers: str, failure: Unreachable) -> None:
        if servers not in self._silent:
            self._silent.add(servers)
            logger.warning(
                "Kafka at %s can't be asked, so the lag of its consumers is unknown: %s", servers, failure
            )

    def _say_answering(self, servers: str) -> None:
        if servers in self._silent:
            self._silent.discard(servers)
            logger.info("Kafka at %s answers again", servers)


async def ask(broker: Broker, targets: Iterable[Target]) -> Answers:
    """Ask one cluster everything its targets need, committed offsets before end offsets."""
    listed = list(targets)
    topics, groups = sorted({target.topic for target in listed}), sorted({target.group for target in listed})
    # First, alone: a cluster that is down costs one timeout, not one for each group.
    partitions = await broker.partitions(topics)
    # Before the committed offsets: librdkafka crashes on those of a group whose coordinator is still loading
    # (its issue 5040), and describing the group finds that out unharmed.
    states = await all_of(*(broker.group(group) for group in groups))
    committed = await all_of(*(broker.committed(group) for group in groups))
    places = [(topic, number) for topic, numbers in partitions.items() for number in numbers]
    starts, ends = await broker.log_ends(places)
    return Answers(
        partitions=partitions,
        committed=dict(zip(groups, committed, strict=True)),
        starts=starts,
        ends=ends,
        groups=dict(zip(groups, states, strict=True)),
    )


def first_unread(target: Target, offsets: Mapping[int, Offsets]) -> dict[Place, int]:
    """Return the first unread offset of each partition that lags."""
    return {
        (target.topic, number): position(entry, start_from=target.start_from)
        for number, entry in offsets.items()
        if entry.start is not None and entry.end is not None and unread(entry, start_from=target.start_from)
    }


def observe(
    target: Target,
    offsets: Mapping[int, Offsets],
    answers: Answers,
    *,
    written_at: Iterable[float | None],
    now: datetime,
) -> Observation:
    """Put one EventConsumer's observation together; a number that could not be had is None, never 0."""
    total = lag(offsets, start_from=target.start_from)
    group = answers.groups.get(target.group)
    return Observation(
        lag=total,
        observed_at=now,
        topic_exists=target.topic in answers.partitions,
        behind_seconds=_behind(total.total, list(written_at), now),
        group_state=group.state if group else None,
        members=group.members if group else None,
    )


def _behind(total: int | None, written_at: list[float | None], now: datetime) -> int | None:
    if total == 0:
        return 0
    moments = [moment for moment in written_at if moment is not None]
    if total is None or not moments or len(moments) < len(written_at):
        return None
    return max(0, int(now.timestamp() - min(moments)))
