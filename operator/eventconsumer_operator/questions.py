"""What one Kafka cluster is asked in one round, and what its answers say about one EventConsumer.

Questions are shared: one for the partitions and one for the ends of all topics of a cluster, sometimes one
for their starts, one for each group's offsets and state. What Kafka keeps from the operator is told apart
from what is not there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eventconsumer_operator.broker import IN_FLIGHT
from eventconsumer_operator.lag import Offsets, lag, position, unread, worst
from eventconsumer_operator.refusals import Denial, allowed
from eventconsumer_operator.together import each_of
from eventconsumer_operator.world import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from eventconsumer_operator.access import Access
    from eventconsumer_operator.broker import Broker
    from eventconsumer_operator.described import Group
    from eventconsumer_operator.growth import Dated
    from eventconsumer_operator.records import Place


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for one EventConsumer."""

    access: Access
    topic: str
    group: str
    start_from: str
    dead_letter_topic: str | None = None

    def asks_as(self, other: Target) -> bool:
        """Say whether the other asks the same servers the same, be it by another certificate or password."""
        return self.access.servers == other.access.servers and self == replace(other, access=self.access)


@dataclass(frozen=True)
class Answers:
    """Everything one Kafka cluster said in one round."""

    partitions: Mapping[str, list[int]]
    committed: Mapping[str, Mapping[Place, int] | None]
    """None where Kafka keeps it from us."""
    starts: Mapping[Place, int]
    ends: Mapping[Place, int]
    groups: Mapping[str, Group | None]
    denied_topics: frozenset[str] = frozenset()

    def offsets(self, target: Target) -> dict[int, Offsets]:
        """Return the offsets of every partition of a target's topic."""
        places = [(target.topic, number) for number in self.partitions.get(target.topic, [])]
        committed = self.committed[target.group]
        if committed is None:
            return {}
        return {
            place[1]: Offsets(
                committed=committed.get(place), start=self.starts.get(place), end=self.ends.get(place)
            )
            for place in places
        }

    def denied(self, target: Target) -> str | None:
        """Return what Kafka keeps from the operator of what a target needs, and what helps."""
        kept = [f"topic {target.topic}"] if target.topic in self.denied_topics else []
        kept += [f"group {target.group}"] if self.committed[target.group] is None else []
        if not kept:
            return None
        return f"the operator's own user may not describe {' and '.join(kept)}: give it that ACL"

    def topics_of(self, targets: Iterable[Target]) -> list[str]:
        """Return those topics of the targets that there are."""
        return sorted({target.topic for target in targets if target.topic in self.partitions})

    def letters_left(self, topic: str | None) -> int | None:
        """Return how many dead letters no redrive has taken, by their offsets; None where that is unknown."""
        places = [(topic, number) for number in self.partitions.get(topic, [])] if topic else []
        if not places or any(place not in self.starts or place not in self.ends for place in places):
            return None
        taken = self.committed.get(redrive_group(str(topic)))
        if taken is None:
            return None
        begin = {place: max(self.starts[place], taken.get(place, 0)) for place in places}
        return sum(max(0, self.ends[place] - begin[place]) for place in places)


def redrive_group(dead_letter_topic: str) -> str:
    """Return the group that the workers' command `redrive` reads a dead-letter topic with."""
    return f"{dead_letter_topic}.redrive"


async def ask(broker: Broker, targets: Iterable[Target]) -> Answers:
    """Ask one cluster everything its targets need, committed offsets before end offsets."""
    listed = list(targets)
    dead_letters = {target.dead_letter_topic for target in listed if target.dead_letter_topic}
    topics = sorted({target.topic for target in listed} | dead_letters)
    # First, alone: a cluster that is down costs one timeout, not one for each group.
    described = await broker.partitions(topics)
    partitions = {topic: numbers for topic, numbers in described.items() if numbers is not None}
    redrives = {redrive_group(topic) for topic in dead_letters & partitions.keys()}
    groups = sorted({target.group for target in listed} | redrives)
    # Before the committed offsets: librdkafka crashes on those of a group whose coordinator is still loading
    # or has moved (its issue 5040), and describing the group finds that out unharmed. Among many it looks for
    # each group's coordinator anew, so there those that are listed as empty need not be described.
    states = await broker.groups(groups)
    places = {(topic, number): (topic, number) for topic, numbers in partitions.items() for number in numbers}

    async def committed(group: str) -> dict[Place, int] | None:
        answer = await allowed(broker.committed(group))
        if isinstance(answer, Denial):
            return None
        # All groups share the names of places: there are twelve thousand offsets of a thousand groups.
        return {places[place]: offset for place, offset in answer.items() if place in places}

    told = await each_of(committed, groups, at_once=IN_FLIGHT)
    ends = await broker.ends(places)
    readers = {(target.topic, target.group) for target in listed}
    readers |= {(topic, redrive_group(topic)) for topic in dead_letters & partitions.keys()}
    starts = await broker.starts(ends, unread=_unread(readers, partitions, told, ends))
    return Answers(
        partitions=partitions,
        committed=told,
        starts=starts,
        ends=ends,
        groups=states,
        denied_topics=frozenset(described.keys() - partitions.keys()),
    )


def _unread(
    readers: Iterable[tuple[str, str]],
    partitions: Mapping[str, list[int]],
    committed: Mapping[str, Mapping[Place, int] | None],
    ends: Mapping[Place, int],
) -> set[Place]:
    """Return the partitions that some reader, a topic and a group, has not read to the end."""
    return {
        place
        for topic, group in readers
        if (offsets := committed[group]) is not None
        for place in ((topic, number) for number in partitions.get(topic, []))
        if place in ends and offsets.get(place) != ends[place]
    }


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
    written_at: Iterable[Dated | None],
    now: datetime,
) -> Observation:
    """Put one EventConsumer's observation together; a number that could not be had is None, never 0."""
    total = lag(offsets, start_from=target.start_from)
    behind, estimated = _behind(total.total, list(written_at), now)
    group = answers.groups.get(target.group)
    return Observation(
        lag=total,
        observed_at=now,
        topic_exists=None if target.topic in answers.denied_topics else target.topic in answers.partitions,
        behind_seconds=behind,
        behind_estimated=estimated,
        group_state=group.state if group else None,
        members=len(group.members) if group else None,
        topic=target.topic,
        dead_letters=answers.letters_left(target.dead_letter_topic),
        who=group.members if group else None,
        worst=worst(offsets, start_from=target.start_from),
        fault=answers.denied(target),
    )


def _behind(
    total: int | None, written_at: list[Dated | None], now: datetime
) -> tuple[int | None, bool | None]:
    """Return the age of the oldest unread record in seconds, and whether it is an estimate."""
    if total == 0:
        return 0, False
    moments = [moment for moment in written_at if moment is not None]
    if total is None or not moments or len(moments) < len(written_at):
        return None, None
    oldest = min(moments)
    return max(0, int(now.timestamp() - oldest.at)), oldest.estimated
