"""Kafka as the relay sees it: hand over events in order, learn what became of each. Only here is the client.

Invariant: events with one key reach their partition in the order they were handed over. The producer is
idempotent, never times a message out and ends itself rather than leave a gap: neither an outage nor a refusal
lets a later event slip past an earlier one.

Each step here is taken for every event, so it allocates little and keeps less: a message is built when its
turn comes, and nothing of it stays but its report. What stays by the thousand is what the garbage collector
walks through, again and again, and that took a third of the relay's time.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from confluent_kafka import KafkaError, KafkaException, Producer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from confluent_kafka import Message

    from eventconsumer_api.kafka_security import KafkaCredentials

_log = logging.getLogger(__name__)

_SLICE_SECONDS = 0.5
_FIRST_WARNING_SECONDS = 5.0
_NEXT_WARNING_SECONDS = 60.0
_PLACES = 100
_ANY_PARTITION = -1
_NOW = 0

_Event = TypeVar("_Event")

_REFUSALS = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG_SIZE, KafkaError.INVALID_RECORD})


Outgoing = tuple[str, "str | bytes", "list[tuple[str, str | bytes | None]]"]
"""A message to publish: its key, its value and its headers."""


class Unpublishable(Exception):  # noqa: N818  # what is wrong is the event, and not the program
    """An event can never become a message, and the text says why."""


class Outcome(Enum):
    """What became of a message."""

    ACKNOWLEDGED = auto()
    REFUSED = auto()
    """It is no message, or Kafka will not take it; asking again gives the same answer."""
    FAILED = auto()
    """It may or may not be in the topic; it has to be published again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message, and why."""

    outcome: Outcome
    reason: str = ""


ACKNOWLEDGED = Delivery(Outcome.ACKNOWLEDGED)
_NOT_SENT = Delivery(Outcome.FAILED, "not sent")


class Place(NamedTuple):
    """Where in the topic a message is, and which one of those handed over it was."""

    position: int
    partition: int
    offset: int


@dataclass(slots=True)
class Receipt:
    """What became of the messages handed over, in their order."""

    deliveries: list[Delivery]
    places: list[Place] = field(default_factory=list)
    """Places of those of the last hundred messages that were acknowledged."""

    def failed(self) -> list[int]:
        """Return the positions of messages that have to be published again."""
        return [place for place, delivery in enumerate(self.deliveries) if delivery.outcome is Outcome.FAILED]


def judge(error: KafkaError) -> Delivery:
    """Sort the report of a message that was sent by itself: refused for good, or failed for now."""
    outcome = Outcome.REFUSED if error.code() in _REFUSALS else Outcome.FAILED
    return Delivery(outcome, f"{error.name()}: {error.str()}")


class Publisher:
    """An idempotent producer for one topic, used by one thread at a time.

    Messages travel together, and a broker refuses them together: a refusal says nothing of any single one,
    and the producer ends, so that nothing overtakes what was refused. Another one then sends each by itself,
    until a batch has passed without a refusal.
    """

    def __init__(
        self, *, bootstrap_servers: str, topic: str, client_id: str, credentials: KafkaCredentials
    ) -> None:
        self._topic = topic
        self._credentials = credentials
        self._config = {
            "bootstrap.servers": bootstrap_servers,
            "client.id": client_id,
            "acks": "all",
            "enable.idempotence": True,
            "message.timeout.ms": 0,  # never: the outbox is the place to wait, and order needs it
            "linger.ms": 5,
            "partitioner": "murmur2_random",  # as Java clients choose, so a key stays put if one takes over
            "reconnect.backoff.max.ms": 2000,  # a broker that returns is found within two seconds
            "socket.keepalive.enable": True,
            "log_level": 2,  # silent: it logs each attempt to connect; we log what that means
            "error_cb": self._note_error,
        }
        self._give_up_at: float | None = None
        self._last_error = "no answer"
        self._unreachable = False
        self._ended = False
        self._one_by_one = False
        self._receipt = Receipt([])
        self._places_from = 0
        self._reports: list[Callable[[KafkaError | None, Message], None]] = []
        self._producer = self._connect()

    def publish(
        self,
        events: Sequence[_Event],
        encode: Callable[[_Event], Outgoing],
        *,
        meanwhile: Callable[[], None],
    ) -> Receipt:
        """Hand over events and wait, through outages too, until it is known what became of each.

        ``encode`` makes the message of an event, or raises Unpublishable. ``meanwhile`` is called every half
        second of waiting. If either raises anything else, what has not left us is dropped.
        """

        def send(positions: Iterable[int]) -> None:
            try:
                self._hand_over(events, positions, encode, receipt)
                self._wait_for_reports(meanwhile)
            except BaseException:
                if len(self._producer):
                    self._ended = True
                    self.close()
                raise

        if self._ended or self._credentials.renewed():
            self._renew()
        receipt = self._expect(len(events))
        send(range(len(events)))
        if self._ended and not self._one_by_one and self._give_up_at is None:
            self._one_by_one = True
            self._renew()
            send(receipt.failed())
        elif self._one_by_one and all(each.outcome is Outcome.ACKNOWLEDGED for each in receipt.deliveries):
            self._one_by_one = False
            self._ended = True
        return receipt

    def tend(self) -> None:
        """Let the client say what it has to say, in the log, while there is nothing to publish."""
        self._producer.poll(0)

    def give_up_within(self, seconds: float) -> None:
        """Let `publish`, a call in progress too, end after ``seconds`` or once no broker is reachable."""
        self._give_up_at = time.monotonic() + seconds

    def close(self) -> None:
        """Drop what has no report yet and leave the cluster."""
        self._producer.purge()
        self._flush()

    def _connect(self) -> Producer:
        company = {"batch.num.messages": 1} if self._one_by_one else {"enable.gapless.guarantee": True}
        config = self._config | self._credentials.config() | company
        return Producer(config, logger=logging.getLogger(f"{__name__}.librdkafka"))

    def _renew(self) -> None:
        self.close()
        self._producer = self._connect()
        self._ended = False

    def _expect(self, count: int) -> Receipt:
        """Open the receipt of the next reports; earlier messages have theirs, or their client has ended."""
        self._receipt = Receipt([_NOT_SENT] * count)
        self._places_from = count - _PLACES
        for position in range(len(self._reports), count):
            self._reports.append(partial(self._report, position))
        return self._receipt

    def _hand_over(
        self,
        events: Sequence[_Event],
        positions: Iterable[int],
        encode: Callable[[_Event], Outgoing],
        receipt: Receipt,
    ) -> None:
        produce, topic, reports = self._producer.produce, self._topic, self._reports
        for position in positions:
            try:
                key, value, headers = encode(events[position])
                # All by their places: arguments with names take the client a quarter longer.
                produce(topic, value, key, _ANY_PARTITION, reports[position], None, _NOW, headers)
            except Unpublishable as unfit:
                receipt.deliveries[position] = Delivery(Outcome.REFUSED, str(unfit))
            except KafkaException as failure:
                receipt.deliveries[position] = judge(failure.args[0])
                # One that is too large for any broker is refused here; all else ends the batch.
                if receipt.deliveries[position].outcome is Outcome.FAILED:
                    self._ended_by(failure.args[0])
                    break

    def _report(self, position: int, error: KafkaError | None, message: Message) -> None:
        receipt = self._receipt
        if error is None:
            self._unreachable = False
            receipt.deliveries[position] = ACKNOWLEDGED
            if position >= self._places_from:
                receipt.places.append(Place(position, message.partition() or 0, message.offset() or 0))
            return
        self._ended_by(error)
        verdict = judge(error)
        if verdict.outcome is Outcome.REFUSED and not self._one_by_one:
            verdict = Delivery(Outcome.FAILED, verdict.reason)
        receipt.deliveries[position] = verdict

    def _ended_by(self, error: KafkaError) -> None:
        # A producer that met a fatal error refuses all further work: only a new one can go on. Reports have
        # its code without the flag, the error callback has the flag with the code of the cause.
        if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001  # the client's public name for it
            self._ended = True

    def _note_error(self, error: KafkaError) -> None:
        self._ended_by(error)
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  # the client's public name for it
            self._unreachable = True
        else:
            # Why each of them is down was told before: a refused connection, a wrong password.
            self._last_error = error.str()

    def _flush(self) -> int:
        try:
            return self._producer.flush(_SLICE_SECONDS)
        except (KafkaException, SystemError):
            # This is how the client tells that it met a fatal error; the reports follow.
            self._ended = True
            return len(self._producer)

    def _wait_for_reports(self, meanwhile: Callable[[], None]) -> None:
        started = time.monotonic()
        warn_at = started + _FIRST_WARNING_SECONDS
        warned = False
        while self._flush():
            now = time.monotonic()
            meanwhile()
            if self._give_up_at is not None and (self._unreachable or now > self._give_up_at):
                self._producer.purge()
            elif self._credentials.renewed():
                # With the old ones it may wait for ever. What has no report yet is published anew.
                self._ended = True
                self._producer.purge()
            elif now > warn_at:
                warned, warn_at = True, now + _NEXT_WARNING_SECONDS
                _log.warning(
                    "No answer from Kafka for %.0f s, events stay in the outbox: %s",
                    now - started,
                    self._last_error,
                )
        if warned and self._give_up_at is None:
            _log.info("Kafka answers again after %.0f s", time.monotonic() - started)
