"""Takes events from the outbox to Kafka, in order, at least once.

Invariants: an event leaves the outbox only after Kafka acknowledged it; events of one task are published in
the order of its changes; nothing that happens to one event, or to Kafka, stops the thread. A crash between
acknowledgement and deletion publishes an event again with the same event_id, at most one batch of them.

One relay serves one database. Two would each publish every event.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_api.publisher import Outcome
from eventconsumer_api.storage import outbox
from eventconsumer_api.storage.database import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_api.publisher import Delivery, Publisher
    from eventconsumer_api.storage.database import Database
    from eventconsumer_api.storage.outbox import WaitingEvent

_log = logging.getLogger(__name__)

_BATCH = 500
# The relay is woken at each commit. Looking uncalled finds what another process, or a person, left.
_LOOK_EVERY_SECONDS = 5.0
# After a commit the relay lets others join its batch: fewer deletions leave the disk to the requests.
_GATHER_SECONDS = 0.01
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 15.0
_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Settlement:
    """What follows from the reports on a batch."""

    acknowledged: Sequence[int]
    """Sequences to delete."""
    refused: Sequence[WaitingEvent]
    """Events to try alone, in this order."""
    failure: str | None
    """Why the first failed event failed; it and all failed ones stay."""


def settle(events: Sequence[WaitingEvent], deliveries: Sequence[Delivery]) -> Settlement:
    """Sort a batch by its reports, up to the first failure for each task.

    Behind a failure, the later events of the same task stay too, even acknowledged ones: publishing them
    again keeps the last word on a task with its last event.
    """
    acknowledged, refused, failure = [], [], None
    stopped: set[str] = set()
    for event, delivery in zip(events, deliveries, strict=True):
        if delivery.outcome is Outcome.FAILED:
            stopped.add(event.key)
            failure = failure or delivery.reason
        elif event.key in stopped:
            continue
        elif delivery.outcome is Outcome.REFUSED:
            refused.append(event)
        else:
            acknowledged.append(event.sequence)
    return Settlement(acknowledged, refused, failure)


class Relay:
    """The thread between outbox and Kafka; `wake` it after each commit."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox-relay")

    def start(self) -> None:
        """Begin with what an earlier process left in the outbox."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is an event to publish; costs nothing and may be called from any thread."""
        self._woken.set()

    def alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Finish what is in flight, for at most 5 s, and end; what is not acknowledged stays."""
        self._stopping.set()
        self._woken.set()
        self._publisher.give_up_within(_GRACE_SECONDS)
        self._thread.join()
        self._publisher.close()

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            # Cleared before the look: a commit after it sets the event again and is not missed.
            self._woken.clear()
            try:
                failure, more = self._publish_batch()
            except DatabaseUnavailable as unavailable:
                failure, more = f"database: {unavailable}", False
            except Exception as unforeseen:  # noqa: BLE001  # one bad turn must not silence all later events
                _log.exception("The relay failed to publish a batch")
                failure, more = type(unforeseen).__name__, False
            if failure is not None and not self._stopping.is_set():
                _log.warning("Events stay in the outbox, next try in %.1f s: %s", pause, failure)
                self._stopping.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                continue
            pause = _FIRST_PAUSE_SECONDS
            if not more and self._woken.wait(_LOOK_EVERY_SECONDS):
                self._stopping.wait(_GATHER_SECONDS)

    def _publish_batch(self) -> tuple[str | None, bool]:
        """Publish up to one batch; return why events failed, if any did, and whether more may wait."""
        with self._database.read() as connection:
            events = outbox.waiting(connection, limit=_BATCH)
        if not events:
            self._publisher.tend()
            return None, False
        settlement = settle(events, self._publisher.publish(events))
        if settlement.acknowledged:
            with self._database.write() as connection:
                outbox.remove(connection, settlement.acknowledged)
        failure = settlement.failure
        for event in settlement.refused:
            if failure is not None:
                break
            failure = self._publish_alone(event)
        return failure, len(events) == _BATCH

    def _publish_alone(self, event: WaitingEvent) -> str | None:
        """Publish an event refused in company, set it aside if refused alone; return why it failed.

        A broker measures a whole request, so a refusal of many says nothing about any single one of them.
        """
        (delivery,) = self._publisher.publish([event])
        if delivery.outcome is Outcome.FAILED:
            return delivery.reason
        with self._database.write() as connection:
            if delivery.outcome is Outcome.ACKNOWLEDGED:
                outbox.remove(connection, [event.sequence])
            else:
                outbox.reject(connection, event.sequence, delivery.reason)
                _log.error(
                    "Kafka refuses event %d of task %s: %s", event.sequence, event.key, delivery.reason
                )
        return None
