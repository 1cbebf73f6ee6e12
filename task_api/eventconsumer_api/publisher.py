"""Kafka as the relay sees it: hand over events in order, learn what became of each. Only here is the client.

Invariant: events with one key reach their partition in the order they were handed over. The producer is
idempotent and never times a message out, so an outage delays a batch and leaves no gap in it that a later
event could slip through.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException, Producer

from eventconsumer_api.events import headers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import Message

    from eventconsumer_api.storage.outbox import WaitingEvent

_log = logging.getLogger(__name__)

_SLICE_SECONDS = 0.5
_FIRST_WARNING_SECONDS = 5.0
_NEXT_WARNING_SECONDS = 60.0

_REFUSALS = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG_SIZE, KafkaError.INVALID_RECORD})


class Outcome(Enum):
    """What became of an event."""

    ACKNOWLEDGED = auto()
    REFUSED = auto()
    """The broker looked at it and will not take it; asking again gives the same answer."""
    FAILED = auto()
    """It may or may not be in the topic; it has to be published again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of an event, and why."""

    outcome: Outcome
    reason: str = ""


def judge(error: KafkaError | None) -> Delivery:
    """Sort a delivery report into the three outcomes."""
    if error is None:
        return Delivery(Outcome.ACKNOWLEDGED)
    outcome = Outcome.REFUSED if error.code() in _REFUSALS else Outcome.FAILED
    return Delivery(outcome, f"{error.name()}: {error.str()}")


class Publisher:
    """An idempotent producer for one topic, used by one thread at a time."""

    def __init__(self, *, bootstrap_servers: str, topic: str, client_id: str) -> None:
        self._topic = topic
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
        self._must_renew = False
        self._producer = self._connect()

    def publish(self, events: Sequence[WaitingEvent]) -> list[Delivery]:
        """Hand over the events and wait, through outages too, until it is known what became of each."""
        deliveries = [Delivery(Outcome.FAILED, "not sent")] * len(events)
        if self._must_renew:
            self.close()
            self._producer = self._connect()
            self._must_renew = False

        for position, event in enumerate(events):

            def report(error: KafkaError | None, message: Message, position: int = position) -> None:
                deliveries[position] = self._noted(error, message)

            try:
                self._producer.produce(
                    self._topic,
                    key=event.key,
                    value=event.payload,
                    headers=headers(event),
                    on_delivery=report,
                )
            except KafkaException as failure:
                deliveries[position] = self._noted(failure.args[0], None)
                break
        self._wait_for_reports()
        return deliveries

    def tend(self) -> None:
        """Let the client say what it has to say, in the log, while there is nothing to publish."""
        self._producer.poll(0)

    def give_up_within(self, seconds: float) -> None:
        """Let `publish`, a call in progress too, end after ``seconds`` or once no broker is reachable."""
        self._give_up_at = time.monotonic() + seconds

    def close(self) -> None:
        """Drop what has no report yet and leave the cluster."""
        self._producer.purge()
        self._producer.flush(_SLICE_SECONDS)

    def _connect(self) -> Producer:
        return Producer(self._config, logger=logging.getLogger(f"{__name__}.librdkafka"))

    def _noted(self, error: KafkaError | None, message: Message | None) -> Delivery:
        if error is None and message is not None:
            self._unreachable = False
            _log.info(
                "Event delivered: topic=%s, partition=%s, offset=%s",
                message.topic(),
                message.partition(),
                message.offset(),
            )
        elif error is not None:
            self._renew_after(error)
        return judge(error)

    def _renew_after(self, error: KafkaError) -> None:
        # A producer that met a fatal error refuses all further work: only a new one can go on. Reports have
        # its code without the flag, the error callback has the flag with the code of the cause.
        if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001  # the client's public name for it
            self._must_renew = True

    def _note_error(self, error: KafkaError) -> None:
        self._last_error = error.str()
        self._renew_after(error)
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  # the client's public name for it
            self._unreachable = True

    def _wait_for_reports(self) -> None:
        started = time.monotonic()
        warn_at = started + _FIRST_WARNING_SECONDS
        warned = False
        while self._producer.flush(_SLICE_SECONDS):
            now = time.monotonic()
            if self._give_up_at is not None and (self._unreachable or now > self._give_up_at):
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
