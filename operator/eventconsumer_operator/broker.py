"""Talks to Kafka, beside the peeker and the visitor: what a cluster knows about topics and groups.

It asks for everything in as few questions as there are kinds of it and never creates a topic. It touches a
group only while nobody is in it: its first offsets, its end, or a short visit that renews it. Every question
ends within ``timeout`` seconds; a broker that can't be asked raises Unreachable.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from confluent_kafka import (
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec

from eventconsumer_operator import metrics
from eventconsumer_operator.credentials import CredentialsError, client_settings, mark
from eventconsumer_operator.described import Group, described
from eventconsumer_operator.log_starts import LogStarts
from eventconsumer_operator.peeker import Peeker
from eventconsumer_operator.refusals import Denial, Denied, Occupied, Unreachable, allowed
from eventconsumer_operator.together import all_of, each_of
from eventconsumer_operator.visitor import visit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from concurrent.futures import Future

    from eventconsumer_operator.access import Access
    from eventconsumer_operator.records import Peeked, Place

IN_FLIGHT = 50
"""How many groups are asked about at the same time: more gains nothing and only fills the broker's queue."""

_COORDINATORS_REMEMBERED = 11
"""Of how many groups librdkafka keeps the coordinator in mind, also of one that has moved meanwhile."""
_LOG_NOTHING = 0
_CLIENT_ID = "eventconsumer-operator"
_REFUSED = (
    "Kafka refuses the operator's credentials: renew the Secret that the chart's kafkaCredentials name for it"
)
_NO_TLS = "no encrypted connection comes about: the CA, or the operator's certificate, does not fit"
_REFUSALS = {
    KafkaError._AUTHENTICATION: _REFUSED,  # noqa: SLF001  # its public name
    KafkaError._SSL: _NO_TLS,  # noqa: SLF001  # same
}
"""What helps against errors that the client tells beside its answers; stable, as it becomes status."""
_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # the client leaves it untyped
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # same


_OCCUPIED = frozenset({KafkaError.NON_EMPTY_GROUP, KafkaError.UNKNOWN_MEMBER_ID})
_DENIED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
_NO_SUCH_THING = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.GROUP_ID_NOT_FOUND,
        KafkaError.TOPIC_EXCEPTION,  # A name that no topic can have.
    }
)


class Broker:
    """One Kafka cluster, over one connection that all its consumers share."""

    def __init__(self, access: Access, *, timeout: float) -> None:
        """Prepare a connection, or raise Unreachable without credentials; the first question connects."""
        self._timeout = timeout
        self._access = access
        self._refusal: str | None = None
        self._mark = mark(access)
        # librdkafka repeats a refused connection many times a minute; the poller says it once, when it
        # changes.
        self._settings: dict[str, Any] = {
            **self._who_asks(),
            "client.id": _CLIENT_ID,
            "log_level": _LOG_NOTHING,
            "socket.timeout.ms": int(timeout * 1000),
            "socket.connection.setup.timeout.ms": int(timeout * 1000),
            "reconnect.backoff.max.ms": 2000,
            "allow.auto.create.topics": False,
            "error_cb": self._hear,
        }
        self._admin = AdminClient(self._settings)
        self._peeker = Peeker(self._settings, timeout=timeout)
        self._starts = LogStarts()
        self._gate = asyncio.Semaphore(IN_FLIGHT)

    @property
    def outdated(self) -> bool:
        """Tell whether the credentials were renewed since this connection was made."""
        return mark(self._access) != self._mark

    def _who_asks(self) -> dict[str, str]:
        if self._access.fault:
            raise Unreachable(self._access.fault, fix=self._access.fault)
        try:
            return client_settings(self._access)
        except CredentialsError as failure:
            raise Unreachable(
                str(failure), fix=f"the operator's credentials are not all there: {failure}"
            ) from failure

    def _hear(self, error: KafkaError) -> None:
        """Note why servers can't be connected to: questions only end for want of an answer."""
        self._refusal = _REFUSALS.get(error.code(), self._refusal)

    def _unreachable(self, message: str) -> Unreachable:
        self._admin.poll(0)  # Has the client tell what it heard.
        return Unreachable(message, fix=self._refusal)

    async def close(self) -> None:
        """Give up the connection, when every question has ended; no other can follow."""
        await asyncio.to_thread(self._release)

    def _release(self) -> None:
        # Dropping the client waits for its threads to end, so it is done in a thread of its own.
        del self._admin
        self._peeker.close()

    async def partitions(self, topics: Collection[str]) -> dict[str, list[int] | None]:
        """Return the partitions of each topic, None where Kafka keeps them from us.

        A topic that does not exist is absent from the answer.
        """
        _count("DescribeTopics")
        futures = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=self._timeout)
        answers = await all_of(*(allowed(self._answer(future)) for future in futures.values()))
        return {
            topic: None if isinstance(answer, Denial) else [partition.id for partition in answer.partitions]
            for topic, answer in zip(futures, answers, strict=True)
            if answer is not None
        }

    async def committed(self, group: str) -> dict[Place, int]:
        """Return every offset a group has committed."""
        async with self._gate:
            _count("ListConsumerGroupOffsets")
            futures = self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group)], request_timeout=self._timeout
            )
            answer = await self._answer(futures[group])
        listed = answer.topic_partitions if answer is not None else []
        return {(entry.topic, entry.partition): entry.offset for entry in listed if entry.offset >= 0}

    async def commit(self, group: str, positions: Mapping[Place, int]) -> None:
        """Commit offsets for a group that nobody is in; Occupied where somebody is."""
        await self._commit(group, [TopicPartition(*place, offset) for place, offset in positions.items()])

    async def renew(self, group: str, topic: str, *, by_commit: bool) -> None:
        """Have the time begin anew after which Kafka drops an empty group's offsets; no position moves.

        Kafka counts it from the last commit in a group of the newer protocol, or one that never had members;
        in others from the moment when the last member left, and there a commit changes nothing.
        """
        if not by_commit:
            visiting = asyncio.to_thread(visit, self._settings, group, topic, timeout=2 * self._timeout)
            if not await visiting:
                raise Unreachable(f"group {group} could not be joined in time")
            return
        futures = self._admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group)], request_timeout=self._timeout
        )
        answer = await self._answer(futures[group])
        listed = answer.topic_partitions if answer is not None else []
        # The very same objects go back: the offsets with their metadata.
        await self._commit(group, [entry for entry in listed if entry.topic == topic and entry.offset >= 0])

    async def _commit(self, group: str, places: list[TopicPartition]) -> None:
        _count("AlterConsumerGroupOffsets")
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
        _count("DeleteConsumerGroups")
        futures = self._admin.delete_consumer_groups([group], request_timeout=self._timeout)
        await self._answer(futures[group])

    async def ends(self, places: Collection[Place]) -> dict[Place, int]:
        """Return the next offset of each partition; one without an answer is absent."""
        return await self._offsets(places, _LATEST)

    async def starts(self, ends: Mapping[Place, int], *, unread: Collection[Place]) -> dict[Place, int]:
        """Return the first offset of each partition of ``ends``; one without an answer is absent.

        Where somebody has ``unread`` records it is some seconds old at most.
        """
        now = time.monotonic()
        asked = self._starts.unknown(ends, unread=unread, at=now)
        self._starts.learn(await self._offsets(asked, _EARLIEST), asked=asked, at=now)
        outdated = self._starts.outdated(ends)
        self._starts.learn(await self._offsets(outdated, _EARLIEST), asked=outdated, at=now)
        return self._starts.of(ends)

    async def groups(self, groups: Collection[str]) -> dict[str, Group | None]:
        """Return the state and members of each group; None where there is no answer.

        A group that is listed as empty has no members to be asked for, which saves most questions where there
        are many. A few are all described: see ``questions.ask`` for what else that finds out.
        """
        empty = await self._empty_groups() if len(groups) > _COORDINATORS_REMEMBERED else ()
        asked = (group for group in groups if group not in empty)
        answers = await each_of(lambda group: allowed(self.group(group)), asked, at_once=IN_FLIGHT)
        told = {group: None if isinstance(one, Denial) else one for group, one in answers.items()}
        return dict.fromkeys(groups, Group("Empty", ())) | told

    async def group(self, group: str) -> Group | None:
        """Return a group's state and members, in either protocol; None where there is no answer."""
        async with self._gate:
            _count("DescribeConsumerGroups")
            futures = self._admin.describe_consumer_groups([group], request_timeout=self._timeout)
            answer = await self._answer(futures[group])
        return None if answer is None else described(answer, visitor=_CLIENT_ID)

    async def topic_settings(self, topics: Collection[str]) -> dict[str, dict[str, str]]:
        """Return each topic's settings; one that may not be read is absent."""
        asked = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics]
        _count("DescribeConfigs")
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
            _count("DescribeCluster")
            cluster = await self._answer(self._admin.describe_cluster(request_timeout=self._timeout))
            node = ConfigResource(ConfigResource.Type.BROKER, str(cluster.nodes[0].id))
            _count("DescribeConfigs")
            answer = await self._answer(
                self._admin.describe_configs([node], request_timeout=self._timeout)[node]
            )
            return float(answer["offsets.retention.minutes"].value) * 60
        except (Unreachable, KeyError, IndexError, TypeError):
            return None

    async def peek(self, positions: Mapping[Place, int]) -> Peeked:
        """Return what comes next from each position on; what could not be read in time is absent."""
        _count("Fetch")
        return await asyncio.to_thread(self._peeker.peek, dict(positions))

    async def _empty_groups(self) -> frozenset[str]:
        """Return the groups without members; none where a broker can't tell yet, so all are asked then."""
        _count("ListConsumerGroups")
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
        _count("ListOffsets")
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
            if error.code() in _DENIED:
                raise Denied(error.str()) from failure
            raise self._unreachable(error.str()) from failure
        except TimeoutError as failure:
            raise self._unreachable("no answer in time") from failure


def _count(api: str) -> None:
    metrics.kafka_requests.labels(api).inc()
