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
from eventconsumer_operator.cluster_settings import ClusterSettings
from eventconsumer_operator.lag import UNKNOWN, Offsets, lag, position, unread, worst
from eventconsumer_operator.records import FirstRecords
from eventconsumer_operator.verdict import look, slide
from eventconsumer_operator.world import Observation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eventconsumer_operator.broker import Group
    from eventconsumer_operator.names import ObjectKey
    from eventconsumer_operator.records import Place
    from eventconsumer_operator.verdict import Look

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """What is asked for one EventConsumer."""

    bootstrap_servers: str
    topic: str
    group: str
    start_from: str
    dead_letter_topic: str | None = None


@dataclass(frozen=True)
class Answers:
    """Everything one Kafka cluster said in one round."""

    partitions: Mapping[str, list[int]]
    committed: Mapping[str, Mapping[Place, int]]
    starts: Mapping[Place, int]
    ends: Mapping[Place, int]
    groups: Mapping[str, Group | None]
    redriven: Mapping[str, Mapping[Place, int]]
    """Up to where redrives have read each dead-letter topic; absent where that can't be known."""

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

    def topics_of(self, targets: Iterable[Target]) -> list[str]:
        """Return those topics of the targets that there are."""
        return sorted({target.topic for target in targets if target.topic in self.partitions})

    def letters_left(self, topic: str | None) -> int | None:
        """Return how many dead letters no redrive has taken, by their offsets; None where that is unknown."""
        places = [(topic, number) for number in self.partitions.get(topic, [])] if topic else []
        if not places or any(place not in self.starts or place not in self.ends for place in places):
            return None
        taken = self.redriven.get(str(topic))
        if taken is None:
            return None
        begin = {place: max(self.starts[place], taken.get(place, 0)) for place in places}
        return sum(max(0, self.ends[place] - begin[place]) for place in places)


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
        self._records: dict[str, FirstRecords] = {}
        self._settings: dict[str, ClusterSettings] = {}
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
        by_cluster: dict[str, dict[ObjectKey, Target]] = defaultdict(dict)
        for key, target in self._targets.items():
            by_cluster[target.bootstrap_servers][key] = target
        for servers, targets in by_cluster.items():
            running = self._rounds.get(servers)
            asked = {
                key: target for key, target in targets.items() if everybody or key not in self._observations
            }
            if asked and (running is None or running.done()):
                self._rounds[servers] = asyncio.create_task(
                    self._round(servers, asked), name=f"lag of {servers}"
                )
        for servers in set(self._clusters) - set(by_cluster):
            if self._rounds[servers].done():
                await self._hang_up(servers)
                self._records.pop(servers, None)
                del self._rounds[servers]

    async def _round(self, servers: str, targets: Mapping[ObjectKey, Target]) -> None:
        try:
            observations = await self._observe(servers, targets)
        except Unreachable as failure:
            self._say_silent(servers, failure)
            # The client may never find a group's coordinator again after an outage; a new one does at once.
            await self._hang_up(servers)
            observations = self._unknown(targets)
        except Exception:
            logger.exception("the lag of consumers at %s could not be observed", servers)
            observations = self._unknown(targets)
        else:
            self._say_answering(servers)
        for key, observation in observations.items():
            self._note(key, targets[key], observation)
        if self._targets.keys() - self._observations.keys():
            # Somebody came while this round went on, and found it closed.
            self._wake.set()

    async def _hang_up(self, servers: str) -> None:
        broker = self._clusters.pop(servers, None)
        if broker is not None:
            await broker.close()

    def _unknown(self, targets: Iterable[ObjectKey]) -> dict[ObjectKey, Observation]:
        now = datetime.now(UTC)
        return {key: Observation(UNKNOWN, now, window=self._window(key)) for key in targets}

    def _window(self, key: ObjectKey) -> tuple[Look, ...]:
        before = self._observations.get(key)
        return before.window if before else ()

    async def _observe(
        self, servers: str, targets: Mapping[ObjectKey, Target]
    ) -> dict[ObjectKey, Observation]:
        if servers not in self._clusters:
            self._clusters[servers] = Broker(servers, timeout=self._timeout)
        broker = self._clusters[servers]
        answers = await ask(broker, targets.values())
        settings = self._settings.setdefault(servers, ClusterSettings())
        await settings.learn(broker, answers.topics_of(targets.values()))
        now = datetime.now(UTC)
        records = self._records.setdefault(servers, FirstRecords())
        offsets = {key: answers.offsets(target) for key, target in targets.items()}
        positions = {key: first_unread(target, offsets[key]) for key, target in targets.items()}
        await records.learn(
            broker, (place for places in positions.values() for place in places.items()), answers.ends
        )
        seen = {
            key: self._look(
                key,
                target,
                records.mark(offsets[key], positions[key], answers.ends),
                answers=answers,
                records=records,
                now=now,
            )
            for key, target in targets.items()
        }
        return {
            key: replace(
                one,
                retention=settings.retention(targets[key].topic),
                offsets_kept=settings.offsets_kept,
            )
            for key, one in seen.items()
        }

    def _look(
        self,
        key: ObjectKey,
        target: Target,
        offsets: Mapping[int, Offsets],
        *,
        answers: Answers,
        records: FirstRecords,
        now: datetime,
    ) -> Observation:
        """Put one EventConsumer's observation together and remember the look."""
        written_at = [records.written_at(at) for at in first_unread(target, offsets).items()]
        seen = observe(target, offsets, answers, written_at=written_at, now=now)
        newest = look(
            offsets, seen.lag, start_from=target.start_from, behind=seen.behind_seconds, at=time.monotonic()
        )
        window = self._window(key)
        return replace(seen, window=slide(window, newest, every=self._interval) if newest else window)

    def _note(self, key: ObjectKey, target: Target, observation: Observation) -> None:
        if self._targets.get(key) != target:
            return
        before = self._observations.get(key)
        self._observations[key] = observation
        changed = before is None or replace(before, observed_at=observation.observed_at) != observation
        # While records wait, the window alone can change the verdict.
        if changed or observation.lag.total:
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
    dead_letters = {target.dead_letter_topic for target in listed if target.dead_letter_topic}
    topics, groups = (
        sorted({target.topic for target in listed} | dead_letters),
        sorted({target.group for target in listed}),
    )
    # First, alone: a cluster that is down costs one timeout, not one for each group.
    partitions = await broker.partitions(topics)
    # Before the committed offsets: librdkafka crashes on those of a group whose coordinator is still loading
    # (its issue 5040), and listing or describing the group finds that out unharmed.
    states = await broker.groups(groups)
    committed = await all_of(*(broker.committed(group) for group in groups))
    redriven = await _redriven(broker, sorted(dead_letters & partitions.keys()))
    places = [(topic, number) for topic, numbers in partitions.items() for number in numbers]
    starts, ends = await broker.log_ends(places)
    return Answers(
        partitions=partitions,
        committed=dict(zip(groups, committed, strict=True)),
        starts=starts,
        ends=ends,
        groups=states,
        redriven=redriven,
    )


async def _redriven(broker: Broker, dead_letters: list[str]) -> dict[str, Mapping[Place, int]]:
    groups = [redrive_group(topic) for topic in dead_letters]
    try:
        # Before the offsets, for the same reason as above.
        await broker.groups(groups)
        taken = await all_of(*(broker.committed(group) for group in groups))
    except Unreachable as failure:
        # Whoever may not look at a redrive still learns the lag.
        logger.debug("How far dead letters were sent back can't be known: %s", failure)
        return {}
    return dict(zip(dead_letters, taken, strict=True))


def redrive_group(dead_letter_topic: str) -> str:
    """Return the group that the workers' command `redrive` reads a dead-letter topic with."""
    return f"{dead_letter_topic}.redrive"


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
        members=len(group.members) if group else None,
        topic=target.topic,
        dead_letters=answers.letters_left(target.dead_letter_topic),
        who=group.members if group else None,
        worst=worst(offsets, start_from=target.start_from),
    )


def _behind(total: int | None, written_at: list[float | None], now: datetime) -> int | None:
    if total == 0:
        return 0
    moments = [moment for moment in written_at if moment is not None]
    if total is None or not moments or len(moments) < len(written_at):
        return None
    return max(0, int(now.timestamp() - min(moments)))
