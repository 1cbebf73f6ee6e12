"""The one module that talks to Kafka: it receives batches, commits what is done and sends dead letters.

Invariants: an offset is committed only after ``done`` was called for the messages before it, and only while
its partition is ours. A partition that is revoked takes along its messages that are not done: the next owner
gets them again. A commit that fails is sent again with the next one, so it is late at worst.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, cast

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from eventconsumer_workers import dead_letters
from eventconsumer_workers.credentials import client_config
from eventconsumer_workers.dead_letters import Origin
from eventconsumer_workers.handlers import NotDone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eventconsumer_workers.config import Settings
    from eventconsumer_workers.handlers import BatchHandler

__all__ = ["Message", "Subscription", "consumer_config", "producer_config", "topic_id"]

_log = logging.getLogger(__name__)

_BATCH = 2000
_WAIT_SECONDS = 1.0
_LAST_COMMIT_SECONDS = 5.0
# Less than the session's timeout, in which no other member gets our partitions.
_LEASE_SECONDS = 8.0
_DEAD_LETTER_SECONDS = 5.0
_ID_SECONDS = 5.0


def consumer_config(settings: Settings) -> dict[str, str | int | bool]:
    """Return librdkafka's settings for a worker's consumer."""
    return {
        **client_config(settings),
        "group.id": settings.kafka_group_id,
        "auto.offset.reset": settings.kafka_auto_offset_reset,
        "enable.auto.commit": False,
        # Only the partitions that move stop, and only for the move.
        "partition.assignment.strategy": "cooperative-sticky",
        # A killed worker's partitions wait this long for a new owner.
        "session.timeout.ms": 10_000,
        "heartbeat.interval.ms": 3_000,
        # The default pauses a full second whenever the prefetch queue is full: the main brake on a backlog.
        "fetch.queue.backoff.ms": 10,
        "queued.max.messages.kbytes": settings.kafka_fetch_ahead_kbytes,
        # New partitions and a topic that is created late are noticed within this time.
        "topic.metadata.refresh.interval.ms": 30_000,
    }


def producer_config(settings: Settings) -> dict[str, str | int | bool]:
    """Return librdkafka's settings for the producer of dead letters."""
    return {
        **client_config(settings),
        "enable.idempotence": True,
        "delivery.timeout.ms": int(_DEAD_LETTER_SECONDS * 1000),
        # A message near the broker's limit must not pass it by the headers that are added to it.
        "compression.type": "zstd",
        "message.max.bytes": 64 * 1024 * 1024,
    }


def topic_id(settings: Settings) -> str | None:
    """Return Kafka's id of the topic, or None where there is none; raise ``NotDone`` when Kafka can't say."""
    admin = AdminClient({**client_config(settings)}, logger=_log)
    asked = admin.describe_topics(TopicCollection([settings.kafka_topic]), request_timeout=_ID_SECONDS)
    try:
        found = asked[settings.kafka_topic].result(_ID_SECONDS)
    except (KafkaException, FutureTimeoutError) as fault:
        raise NotDone(f"the id of topic {settings.kafka_topic} cannot be asked for: {fault}") from fault
    return str(found.topic_id) if found.topic_id else None


class Subscription:
    """Membership of the worker's group, from ``subscribe`` to ``close``; used by one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        callbacks = {"on_commit": self._on_commit, "error_cb": _report}
        self._consumer = Consumer({**consumer_config(settings), **callbacks}, logger=_log)
        self._dead_letters: Producer | None = None
        self._ours: set[int] = set()
        self._revoked: set[int] = set()
        self._ahead: list[Message] = []
        self._uncommitted: dict[int, TopicPartition] = {}
        self._holding = False
        self._confirmed = 0.0
        self._handler: BatchHandler | None = None
        self.joined = False
        """Whether the group has given this member its share, which may be no partition at all."""

    def subscribe(self, handler: BatchHandler) -> None:
        """Join the group; the handler hears of the partitions that come and go."""
        self._handler = handler
        self._consumer.subscribe(
            [self._settings.kafka_topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def receive(self) -> list[Message]:
        """Return the next messages: at once when there are some, empty after a second without any."""
        if self._holding:
            self._consumer.resume(self._consumer.assignment())
            self._holding = False
        batch, self._ahead = self._ahead, []
        if not batch:
            # poll() wakes for the first message, consume() takes along what has arrived by then: to ask
            # consume() for both would make it wait until the batch is full.
            first = self._consumer.poll(_WAIT_SECONDS)
            if first is None:
                self._commit()
                return []
            batch = [first]
        # What has been returned is ours; a rebalance inside consume() outdates what was held before it.
        self._revoked.clear()
        self._confirmed = time.monotonic()
        rest = self._consumer.consume(_BATCH - len(batch), 0)
        if self._revoked:
            batch = [message for message in batch if message.partition() not in self._revoked]
        return [message for message in batch + rest if message.error() is None or _refuse(message)]

    def still_ours(self) -> bool:
        """Say whether the last look at the group is so recent that nobody else has our partitions."""
        return time.monotonic() - self._confirmed < _LEASE_SECONDS

    def hold(self, seconds: float) -> None:
        """Stay a member of the group for so long without taking further messages, while work waits."""
        self._holding = True
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._consumer.pause(self._consumer.assignment())
            message = self._consumer.poll(left)
            self._confirmed = time.monotonic()
            if message is not None:
                self._ahead.append(message)

    def done(self, batch: Iterable[Message]) -> None:
        """Commit the offsets after these messages, which need no further work."""
        last = {_partition(message): message for message in batch}
        for partition, message in last.items():
            if partition in self._ours and partition not in self._revoked:
                self._uncommitted[partition] = _after(message)
        self._commit()

    def set_aside(self, rejected: Sequence[tuple[Message, str]]) -> None:
        """Send messages to the dead-letter topic; return when it has them all, else raise ``NotDone``."""
        if self._dead_letters is None:
            self._dead_letters = Producer(producer_config(self._settings), logger=_log)
        faults: list[KafkaError] = []

        def delivered(fault: KafkaError | None, _: Message) -> None:
            if fault is not None:
                faults.append(fault)

        for message, reason in rejected:
            self._dead_letters.produce(
                self._settings.kafka_dead_letter_topic,
                value=message.value(),
                key=message.key(),
                headers=self._dead_letter_headers(message, reason),
                on_delivery=delivered,
            )
        self._dead_letters.flush()
        if faults:
            # A producer that failed may be so for good; the next attempt gets a new one.
            self._dead_letters = None
            topic = self._settings.kafka_dead_letter_topic
            raise NotDone(f"{len(faults)} dead letters did not reach {topic}: {faults[0].str()}")

    def close(self) -> None:
        """Commit what is done and leave the group; wait a few seconds at most for an absent broker."""
        deadline = time.monotonic() + _LAST_COMMIT_SECONDS
        self._commit()
        while self._uncommitted and time.monotonic() < deadline:
            self.hold(0.1)
        if self._uncommitted:
            _log.warning(
                "Leaving without an answer to the last commit; its messages come again after the restart"
            )
            self._uncommitted.clear()
        self._consumer.close()

    def _dead_letter_headers(self, message: Message, reason: str) -> dead_letters.Headers:
        origin = Origin(
            self._settings.kafka_topic, _partition(message), _offset(message), self._settings.kafka_group_id
        )
        original = cast("dead_letters.Headers", message.headers() or [])
        return dead_letters.headers(original, reason=reason, origin=origin)

    def _commit(self) -> None:
        if self._uncommitted:
            self._consumer.commit(offsets=list(self._uncommitted.values()), asynchronous=True)

    def _on_commit(self, fault: KafkaError | None, offsets: list[TopicPartition]) -> None:
        if fault is not None:
            _log.warning("A commit failed and will be repeated: %s", fault.str())
        for committed in offsets:
            waiting = self._uncommitted.get(committed.partition)
            if fault is None and committed.error is None and waiting and waiting.offset <= committed.offset:
                del self._uncommitted[committed.partition]

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.joined = True
        numbers = {partition.partition for partition in partitions}
        self._ours |= numbers
        if self._handler is not None and (places := self._handler.assigned(numbers)):
            for partition in partitions:
                partition.offset = places.get(partition.partition, partition.offset)
            consumer.incremental_assign(partitions)
        _log.info("Assigned partitions: %s", _numbers(partitions))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        going = [self._uncommitted[p.partition] for p in partitions if p.partition in self._uncommitted]
        if going:
            try:
                consumer.commit(offsets=going, asynchronous=False)
            except KafkaException as fault:
                _log.warning("The commit of revoked partitions failed, their messages come again: %s", fault)
        self._forget(partitions)
        if self._handler is not None:
            self._handler.revoked({partition.partition for partition in partitions})
        _log.info("Revoked partitions: %s", _numbers(partitions))

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._forget(partitions)
        if self._handler is not None:
            self._handler.lost({partition.partition for partition in partitions})
        _log.warning("Lost partitions, nothing is committed for them: %s", _numbers(partitions))

    def _forget(self, partitions: list[TopicPartition]) -> None:
        gone = {partition.partition for partition in partitions}
        self._ours -= gone
        self._revoked |= gone
        self._ahead = [message for message in self._ahead if message.partition() not in gone]
        for partition in gone:
            self._uncommitted.pop(partition, None)


def _after(message: Message) -> TopicPartition:
    # The leader epoch lets a broker notice that the log was cut behind this offset; -1 stands for unknown.
    epoch = message.leader_epoch()
    return TopicPartition(
        cast("str", message.topic()),
        _partition(message),
        _offset(message) + 1,
        leader_epoch=-1 if epoch is None else epoch,
    )


# The client's types allow None here because of its error messages; one that was received has both.
def _partition(message: Message) -> int:
    return cast("int", message.partition())


def _offset(message: Message) -> int:
    return cast("int", message.offset())


def _refuse(message: Message) -> bool:
    fault = message.error()
    if fault is not None and fault.fatal():
        raise KafkaException(fault)
    _log.warning("Kafka: %s", fault)
    return False


def _report(fault: KafkaError) -> None:
    _log.warning("Kafka: %s", fault.str())


def _numbers(partitions: list[TopicPartition]) -> str:
    return (
        ", ".join(str(number) for number in sorted(partition.partition for partition in partitions)) or "none"
    )
