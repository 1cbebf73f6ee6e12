"""The worker's membership of its group: it receives messages and commits how far they are done.

Invariants: only what the loop calls done is committed, and only while its partition is ours. A partition that
is revoked takes along its messages that are not done: the next owner gets them again. A commit that fails is
sent again with the next one, so it is late at worst.
"""

from __future__ import annotations

import logging
import time
from threading import Thread
from typing import TYPE_CHECKING, Protocol, cast

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from eventconsumer_workers.client_settings import consumer_config
from eventconsumer_workers.inquiry import committed_places
from eventconsumer_workers.lease import Lease
from eventconsumer_workers.watermark import Place, first_places

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from eventconsumer_workers.config import Settings

__all__ = ["Message", "Subscription"]

_log = logging.getLogger(__name__)

_AHEAD_SECONDS = 0.001
_LAST_COMMIT_SECONDS = 5.0
_LEAVE_SECONDS = 8.0
# Of the session's timeout, in which no other member gets our partitions.
_LEASE_SHARE = 0.8


class Listener(Protocol):
    """Who works on the partitions; called while the loop receives, on its thread."""

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Take over partitions; return the offsets to begin at where they are not the committed ones."""

    def revoked(self, partitions: Collection[int]) -> Iterable[Place]:
        """Give partitions back; return how far they are done, to be committed before they go."""

    def lost(self, partitions: Collection[int]) -> None:
        """Forget partitions that may have another owner already."""


class Subscription:
    """Membership of the worker's group, from ``subscribe`` to ``close``; used by one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        callbacks = {"on_commit": self._on_commit, "error_cb": _report}
        self._consumer = Consumer({**consumer_config(settings), **callbacks}, logger=_log)
        self._listener: Listener | None = None
        self._ours: set[int] = set()
        self._gone: set[int] = set()
        self._ahead: list[Message] = []
        self._uncommitted: dict[int, Place] = {}
        self._committed: dict[int, Place] = {}
        self._begun: dict[int, Place] = {}
        self._notes: dict[int, str] = {}
        self._holding = False
        self._refused = False
        self._unanswered = False
        self._lease = Lease(_LEASE_SHARE * settings.group_session_seconds)
        self.joined = False
        """Whether the group has given this member its share, which may be no partition at all."""

    def subscribe(self, listener: Listener) -> None:
        """Join the group; the listener hears of the partitions that come and go."""
        self._listener = listener
        self._consumer.subscribe(
            [self._settings.kafka_topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def receive(self, *, limit: int, wait: float) -> list[Message]:
        """Return the next messages: at once when there are some, empty after ``wait`` seconds without any."""
        if len(self._ahead) >= limit:
            # There is no room for what a poll may bring, and the group has to hear of us all the same.
            self.hold(_AHEAD_SECONDS)
            batch, self._ahead = self._ahead[:limit], self._ahead[limit:]
        else:
            batch = self._polled(limit, wait)
        if any(map(Message.error, batch)):
            batch = [message for message in batch if message.error() is None or _refuse(message)]
        if len(self._begun) < len(self._ours):
            self._note_begin(batch)
        return batch

    def _polled(self, limit: int, wait: float) -> list[Message]:
        if self._holding:
            self._consumer.resume(self._consumer.assignment())
            self._holding = False
        # poll() wakes for the first message, consume() takes along what has arrived by then: to ask
        # consume() for both would make it wait until the batch is full.
        first = self._consumer.poll(_AHEAD_SECONDS if self._ahead else wait)
        batch, self._ahead = self._ahead, []
        if first is not None:
            batch.append(first)
        if not batch:
            return []
        # What has been returned is ours; a rebalance inside consume() outdates what was held before it.
        self._gone.clear()
        if len(batch) < limit:
            rest = self._consumer.consume(limit - len(batch), 0)
            if self._gone:
                batch = [message for message in batch if message.partition() not in self._gone]
            batch += rest
        return batch

    def notes(self, partitions: Collection[int]) -> Mapping[int, str]:
        """Return what stands beside the committed offsets; raise ``NotDone`` when Kafka can't say."""
        found = committed_places(self._consumer, self._settings.kafka_topic, partitions)
        self._notes = {place.partition: place.metadata for place in found if place.metadata}
        return self._notes

    def put_back(self, batch: list[Message]) -> None:
        """Take back the messages of the last ``receive``, to return them first the next time."""
        self._ahead = batch + self._ahead

    def hold(self, seconds: float) -> None:
        """Stay a member of the group for so long without taking further messages, while work waits."""
        self._holding = True
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._consumer.pause(self._consumer.assignment())
            message = self._consumer.poll(left)
            if message is not None:
                self._ahead.append(message)

    def still_ours(self) -> bool:
        """Say whether nobody else can have our partitions yet; may be asked from any thread."""
        return self._lease.holds()

    def sure(self) -> bool:
        """Say whether the membership was confirmed recently enough to begin work on messages."""
        return self._lease.fresh()

    def confirm(self) -> None:
        """Ask the group whether we are a member still; ``sure`` says so when it has answered yes.

        The question is a commit that changes nothing: the group takes it from a member of now only.
        """
        if self._lease.asked_just_now():
            return
        places = list({**self._begun, **self._committed, **self._uncommitted}.values())
        if places:
            self._send_commit(places)

    def commit(self, places: Iterable[Place]) -> None:
        """Commit how far partitions are done, and what earlier commits left unanswered."""
        self._note_done(places)
        if self._uncommitted:
            self._send_commit(list(self._uncommitted.values()))

    def close(self) -> None:
        """Leave the group; wait a few seconds at most for an absent broker's answer to the last commit."""
        deadline = time.monotonic() + _LAST_COMMIT_SECONDS
        while self._uncommitted and time.monotonic() < deadline:
            self.hold(0.1)
            if self._refused:
                # In the middle of a rebalance the group takes no commit; a moment later it does.
                self._send_commit(list(self._uncommitted.values()))
        if self._uncommitted:
            _log.warning(
                "Leaving without an answer to the last commit; its messages come again after the restart"
            )
            self._unanswered = True
            self._uncommitted.clear()
        self._leave()

    def _leave(self) -> None:
        # The client waits for the answer to each commit: a minute and more, where the broker is silent.
        leaving = Thread(target=self._consumer.close, name="leave", daemon=True)
        leaving.start()
        leaving.join(_LEAVE_SECONDS)
        if leaving.is_alive():
            self._listener = None
            _log.warning("Leaving without a word: the group waits for the session to end")

    def _send_commit(self, places: list[Place]) -> None:
        self._lease.ask()
        self._refused = False
        self._consumer.commit(offsets=self._offsets(places), asynchronous=True)

    def _offsets(self, places: Iterable[Place]) -> list[TopicPartition]:
        topic = self._settings.kafka_topic
        return [
            TopicPartition(
                topic, place.partition, place.offset, metadata=place.note, leader_epoch=place.epoch
            )
            for place in places
        ]

    def _on_commit(self, fault: KafkaError | None, offsets: list[TopicPartition]) -> None:
        self._lease.answered(yes=fault is None)
        if fault is not None:
            self._refused = True
            _log.warning("A commit failed and will be repeated: %s", fault.str())
            return
        for committed in offsets:
            if committed.error is None:
                note = committed.metadata or ""
                # The client says None for the epoch of a place that was committed without one.
                epoch = cast("int | None", committed.leader_epoch)
                place = Place(committed.partition, committed.offset, -1 if epoch is None else epoch, note)
                self._note_committed(place)

    def _note_done(self, places: Iterable[Place]) -> None:
        # Work that outlasts its partition is told of later, when another member may be further on there.
        for place in places:
            if place.partition in self._ours:
                self._uncommitted[place.partition] = place

    def _note_begin(self, batch: list[Message]) -> None:
        # Nothing behind a partition's first message is done yet, so committing that place changes nothing.
        for place in first_places(batch, known=self._begun):
            self._begun[place.partition] = place._replace(note=self._notes.get(place.partition, ""))

    def _note_committed(self, place: Place) -> None:
        waiting = self._uncommitted.get(place.partition)
        # At one offset the note may have moved on since the commit that was answered.
        if waiting is not None and (waiting.offset < place.offset or _same(waiting, place)):
            del self._uncommitted[place.partition]
        if place.partition in self._ours:
            self._committed[place.partition] = place

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.joined = True
        self._lease.renew()
        # A partition that went away while it was paused comes back paused: the next receive resumes it.
        self._holding = True
        numbers = {partition.partition for partition in partitions}
        self._ours |= numbers
        _log.info("Assigned partitions: %s", _numbers(numbers))
        if self._listener is not None and (places := self._listener.assigned(numbers)):
            for partition in partitions:
                partition.offset = places.get(partition.partition, partition.offset)
            consumer.incremental_assign(partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = {partition.partition for partition in partitions}
        if self._listener is not None:
            self._note_done(self._listener.revoked(numbers))
        going = [place for place in self._uncommitted.values() if place.partition in numbers]
        # A broker that has not answered for seconds would hold up our end for a minute more.
        if going and not self._unanswered:
            try:
                consumer.commit(offsets=self._offsets(going), asynchronous=False)
            except KafkaException as fault:
                _log.warning("The commit of revoked partitions failed, their messages come again: %s", fault)
        self._forget(numbers)
        _log.info("Revoked partitions: %s", _numbers(numbers))

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = {partition.partition for partition in partitions}
        self._forget(numbers)
        if self._listener is not None:
            self._listener.lost(numbers)
        _log.warning("Lost partitions, nothing is committed for them: %s", _numbers(numbers))

    def _forget(self, gone: set[int]) -> None:
        self._ours -= gone
        self._gone |= gone
        self._ahead = [message for message in self._ahead if message.partition() not in gone]
        for partition in gone:
            self._uncommitted.pop(partition, None)
            self._committed.pop(partition, None)
            self._begun.pop(partition, None)


def _refuse(message: Message) -> bool:
    fault = message.error()
    if fault is not None and fault.fatal():
        raise KafkaException(fault)
    _log.warning("Kafka: %s", fault)
    return False


def _same(place: Place, other: Place) -> bool:
    return (place.offset, place.note) == (other.offset, other.note)


def _report(fault: KafkaError) -> None:
    _log.warning("Kafka: %s", fault.str())


def _numbers(partitions: Iterable[int]) -> str:
    return ", ".join(str(number) for number in sorted(partitions)) or "none"
