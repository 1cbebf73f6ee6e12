"""The only module that talks to Kafka: what one cluster knows about topics and consumer groups.

It asks for everything in as few questions as there are kinds of it, never joins a group and never creates a
topic. It writes to a group only while nobody is in it: its first offsets, or its end. Every question ends
within ``timeout`` seconds; a broker that can't be asked raises Unreachable.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from confluent_kafka import (
    Consumer,
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec

from eventconsumer_operator.log_starts import LogStarts
from eventconsumer_operator.membership import Member
from eventconsumer_operator.records import Peeked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Iterable, Mapping
    from concurrent.futures import Future

    from eventconsumer_operator.records import Place

Answer = TypeVar("Answer")

IN_FLIGHT = 50
"""How many groups are asked about at the same time: more gains nothing and only fills the broker's queue."""

_LOG_NOTHING = 0
_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # the client leaves it untyped
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # same
_PEEK_BYTES = 65536


class Unreachable(Exception):  # noqa: N818  # reads as what happened: "except Unreachable"
    """The Kafka cluster did not answer in time."""


class Occupied(Exception):  # noqa: N818  # reads as what happened: "except Occupied"
    """The consumer group has members, so Kafka keeps it as it is."""


_OCCUPIED = frozenset({KafkaError.NON_EMPTY_GROUP, KafkaError.UNKNOWN_MEMBER_ID})
_NO_SUCH_THING = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.GROUP_ID_NOT_FOUND})


@dataclass(frozen=True)
class Group:
    """What a consumer group is doing."""

    state: str
    members: tuple[Member, ...]


class Broker:
    """One Kafka cluster, over one connection that all its consumers share."""

    def __init__(self, bootstrap_servers: str, *, timeout: float) -> None:
        """Prepare a connection; nothing is sent before the first question."""
        self._timeout = timeout
        # librdkafka repeats a refused connection many times a minute; the poller says it once, when it
        # changes.
        self._settings: dict[str, Any] = {
            "bootstrap.servers": bootstrap_servers,
            "client.id": "eventconsumer-operator",
            "log_level": _LOG_NOTHING,
            "socket.timeout.ms": int(timeout * 1000),
            "socket.connection.setup.timeout.ms": int(timeout * 1000),
            "reconnect.backoff.max.ms": 2000,
            "allow.auto.create.topics": False,
        }
        self._admin = AdminClient(self._settings)
        self._peeker: Consumer | None = None
        self._starts = LogStarts()
        self._gate = asyncio.Semaphore(IN_FLIGHT)

    async def close(self) -> None:
        """Give up the connection, when every question has ended; no other can follow."""
        await asyncio.to_thread(self._release)

    def _release(self) -> None:
        # Dropping the client waits for its threads to end, so it is done in a thread of its own.
        del self._admin
        if self._peeker is not None:
            self._peeker.close()

    async def partitions(self, topics: Collection[str]) -> dict[str, list[int]]:
        """Return the partitions of each topic; a topic that does not exist is absent from the answer."""
        futures = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=self._timeout)
        answers = await all_of(*(self._answer(future) for future in futures.values()))
        return {
            topic: [partition.id for partition in answer.partitions]
            for topic, answer in zip(futures, answers, strict=True)
            if answer is not None
        }

    async def committed(self, group: str) -> dict[Place, int]:
        """Return every offset a group has committed."""
        async with self._gate:
            futures = self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group)], request_timeout=self._timeout
            )
            answer = await self._answer(futures[group])
        listed = answer.topic_partitions if answer is not None else []
        return {(entry.topic, entry.partition): entry.offset for entry in listed if entry.offset >= 0}

    async def commit(self, group: str, positions: Mapping[Place, int]) -> None:
        """Commit offsets for a group that nobody is in; Occupied where somebody is."""
        places = [TopicPartition(*place, offset) for place, offset in positions.items()]
        futures = self._admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, places)], request_timeout=self._timeout
        )
        answer = await self._answer(futures[group])
        if answer is None:
            raise Unreachable(f"the topic of {group}'s offsets is not there")
        # Kafka answers for each partition, also where the reason is the group's.
        for entry in answer.topic_partitions:
            if entry.error is not None:
                kind = Occupied if entry.error.code() in _OCCUPIED else Unreachable
                raise kind(f"{entry.topic}-{entry.partition}: {entry.error.str()}")

    async def delete_group(self, group: str) -> None:
        """Delete a group and its offsets, if there is one; Occupied where somebody is in it."""
        futures = self._admin.delete_consumer_groups([group], request_timeout=self._timeout)
        await self._answer(futures[group])

    async def log_ends(self, places: Collection[Place]) -> tuple[dict[Place, int], dict[Place, int]]:
        """Return the first and the next offset of each partition; one without an answer is absent.

        The first ones may be some seconds old.
        """
        now = time.monotonic()
        stale = self._starts.unknown(places, at=now)
        ends, starts = await all_of(self._offsets(places, _LATEST), self._offsets(stale, _EARLIEST))
        self._starts.learn(starts, asked=stale, at=now)
        outdated = self._starts.outdated(ends)
        self._starts.learn(await self._offsets(outdated, _EARLIEST), asked=outdated, at=now)
        return self._starts.of(places), ends

    async def groups(self, groups: Collection[str]) -> dict[str, Group | None]:
        """Return the state and members of each group; None where there is no answer.

        A group that is listed as empty has no members to be asked for, which saves most questions.
        """
        empty = await self._empty_groups()
        asked = [group for group in groups if group not in empty]
        answers = await all_of(*(self.group(group) for group in asked))
        return dict.fromkeys(groups, Group("Empty", ())) | dict(zip(asked, answers, strict=True))

    async def group(self, group: str) -> Group | None:
        """Return a group's state and members, in either protocol; None where there is no answer."""
        async with self._gate:
            futures = self._admin.describe_consumer_groups([group], request_timeout=self._timeout)
            answer = await self._answer(futures[group])
        if answer is None:
            return None
        members = tuple(sorted(_member(entry) for entry in answer.members))
        words = answer.state.name.replace("PREPARING_REBALANCING", "PREPARING_REBALANCE").split("_")
        return Group(state="".join(word.capitalize() for word in words), members=members)

    async def topic_settings(self, topics: Collection[str]) -> dict[str, dict[str, str]]:
        """Return each topic's settings; one that may not be read is absent."""
        asked = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics]
        futures = self._admin.describe_configs(asked, request_timeout=self._timeout)
        answers = await asyncio.gather(
            *(self._answer(future) for future in futures.values()), return_exceptions=True
        )
        return {
            resource.name: {name: entry.value or "" for name, entry in answer.items()}
            for resource, answer in zip(futures, answers, strict=True)
            if answer is not None and not isinstance(answer, BaseException)
        }

    async def offsets_kept(self) -> float | None:
        """Return for how many seconds an empty group's offsets are kept; None where that is not told."""
        try:
            cluster = await self._answer(self._admin.describe_cluster(request_timeout=self._timeout))
            node = ConfigResource(ConfigResource.Type.BROKER, str(cluster.nodes[0].id))
            answer = await self._answer(
                self._admin.describe_configs([node], request_timeout=self._timeout)[node]
            )
            return float(answer["offsets.retention.minutes"].value) * 60
        except (Unreachable, KeyError, IndexError, TypeError):
            return None

    async def peek(self, positions: Mapping[Place, int]) -> Peeked:
        """Return what comes next from each position on; what could not be read in time is absent."""
        return await asyncio.to_thread(self._peek, dict(positions))

    async def _empty_groups(self) -> frozenset[str]:
        """Return the groups without members; none where a broker can't tell yet, so all are asked then."""
        future = self._admin.list_consumer_groups(
            request_timeout=self._timeout, states={ConsumerGroupState.EMPTY}
        )
        answer = await self._answer(future)
        if answer is None or answer.errors:
            return frozenset()
        return frozenset(listing.group_id for listing in answer.valid)

    async def _offsets(self, places: Iterable[Place], spec: OffsetSpec) -> dict[Place, int]:
        wanted = {TopicPartition(topic, partition): spec for topic, partition in places}
        if not wanted:
            return {}
        futures = self._admin.list_offsets(wanted, request_timeout=self._timeout)
        answers = await asyncio.gather(
            *(self._answer(future) for future in futures.values()), return_exceptions=True
        )
        found = {
            (place.topic, place.partition): answer.offset
            for place, answer in zip(futures, answers, strict=True)
            if answer is not None and not isinstance(answer, BaseException) and answer.offset >= 0
        }
        failure = next((answer for answer in answers if isinstance(answer, BaseException)), None)
        if failure is not None and not found:
            raise failure
        return found

    async def _answer(self, future: Future[Any]) -> Any:
        """Wait for an answer; None where Kafka answers that there is no such thing."""
        try:
            # The client keeps its own deadline; ours only makes sure that nothing waits for ever. Its future
            # is shielded: the client completes it from its own thread and must not find it cancelled.
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), self._timeout + 1)
        except KafkaException as failure:
            error = failure.args[0]
            if error.code() in _NO_SUCH_THING:
                return None
            if error.code() in _OCCUPIED:
                raise Occupied(error.str()) from failure
            raise Unreachable(error.str()) from failure
        except TimeoutError as failure:
            raise Unreachable("no answer in time") from failure

    def _peek(self, positions: dict[Place, int]) -> Peeked:
        """Read one record from each position on. Runs in a thread, one at a time a broker."""
        peeker = self._peeking()
        peeker.assign(
            [TopicPartition(topic, partition, offset) for (topic, partition), offset in positions.items()]
        )
        found = Peeked()
        deadline = time.monotonic() + self._timeout / 2
        try:
            while (
                positions.keys() - found.written_at.keys() - found.ended.keys()
                and (left := deadline - time.monotonic()) > 0
            ):
                message = peeker.poll(min(left, 0.2))
                if message is None:
                    continue
                place = (str(message.topic()), int(message.partition() or 0))
                if _is_end(message):
                    # Also reached after the first record: only an end without any record says something.
                    if place not in found.written_at:
                        found.ended[place] = message.offset() or 0
                elif message.error() is None and place not in found.written_at:
                    found.written_at[place] = message.timestamp()[1] / 1000
                    peeker.pause([TopicPartition(*place)])
        finally:
            # A pause outlives the assignment, and would silence the partition's next read.
            peeker.resume([TopicPartition(*place) for place in found.written_at])
            peeker.unassign()
        return found

    def _peeking(self) -> Consumer:
        if self._peeker is None:
            self._peeker = Consumer(
                self._settings
                | {
                    # Required by the client; without subscribe and commit no group of this name comes to be.
                    "group.id": "eventconsumer-operator",
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "auto.offset.reset": "error",
                    "isolation.level": "read_committed",
                    "enable.partition.eof": True,
                    "fetch.message.max.bytes": _PEEK_BYTES,
                    "queued.max.messages.kbytes": 1024,
                    "fetch.wait.max.ms": 100,
                }
            )
        return self._peeker


def _member(description: Any) -> Member:
    assigned = description.assignment.topic_partitions if description.assignment else None
    return Member(
        client_id=description.client_id or "",
        host=description.host or "",
        partitions=tuple(sorted((place.topic, place.partition) for place in assigned or [])),
    )


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001  # its public name


async def all_of(*questions: Awaitable[Answer]) -> list[Answer]:
    """Wait for all questions to end, then return their answers or raise the first failure.

    Unlike a bare gather it leaves no question running behind a failure, so the client can be closed then.
    """
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
