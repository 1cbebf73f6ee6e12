"""Takes events from the outbox to Kafka, in order, at least once.

Invariants: an event leaves the outbox only after Kafka acknowledged it; events of one task are published in
the order of its changes; nothing that happens to one event, or to Kafka, stops the thread. A crash between
acknowledgement and deletion publishes an event again with the same event_id, at most one batch of them, and
in a backlog two: there, one is deleted while the next is published (`departure`). The next one leaves the
outbox only after the one before has: else a task's earlier events, published again, would be its last.

Of all processes on one database one publishes (`storage.turn`); the relays of the others stand by. One that
was frozen, and wakes after another took over, may still send what it had handed to the Kafka client: at most
one batch, of events that the other has published too. Whoever goes by event_id sees each in its place.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from eventconsumer_api.departure import Departure
from eventconsumer_api.encoding import EncodingDelayed
from eventconsumer_api.settlement import published, settle
from eventconsumer_api.storage import deliveries, outbox
from eventconsumer_api.storage.database import DatabaseUnavailable
from eventconsumer_api.storage.outbox import WaitingEvent
from eventconsumer_api.storage.turn import SILENT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eventconsumer_api.bell import Bell
    from eventconsumer_api.metrics import Metrics
    from eventconsumer_api.publisher import Outgoing, Publisher, Receipt
    from eventconsumer_api.settlement import Settlement
    from eventconsumer_api.storage.database import Database
    from eventconsumer_api.storage.outbox import WaitingRow
    from eventconsumer_api.storage.turn import Turn

    Encode = Callable[[WaitingRow], Outgoing]

_log = logging.getLogger(__name__)

_BATCH = 10_000
# The relay is woken at each commit. Looking uncalled finds what another process, or a person, left, and keeps
# the turn: it has to be well below SILENT_SECONDS.
_LOOK_EVERY_SECONDS = 4.0
_TRY_TURN_EVERY_SECONDS = 2.0
# After a commit the relay lets others join its batch: fewer deletions leave the disk to the requests.
_GATHER_SECONDS = 0.01
# While many commit, fewer and larger batches cost them less, and an event waits not much longer.
_MANY = 8
_GATHER_MANY_SECONDS = 0.03
_FIRST_PAUSE_SECONDS = 0.5
# The turn outlasts a pause: its session spoke within the 3 s before, and would end 10 s after that.
_LONGEST_PAUSE_SECONDS = 6.0
_GRACE_SECONDS = 5.0
_PRUNE_EVERY = 500


@dataclass(frozen=True, slots=True)
class Way:
    """What a relay moves events with."""

    turn: Turn
    bell: Bell
    encode: Encode
    publisher: Publisher


class Relay:
    """The thread between outbox and Kafka; `wake` it after each commit."""

    def __init__(self, database: Database, way: Way, metrics: Metrics) -> None:
        self._database = database
        self._departure = Departure()
        self._turn = way.turn
        self._bell = way.bell
        self._encode = way.encode
        self._publisher = way.publisher
        self._metrics = metrics
        self._noted = 0
        self._gather = _GATHER_SECONDS
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox-relay")

    def start(self) -> None:
        """Begin with what an earlier process left in the outbox."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is an event to publish; costs little and may be called from any thread."""
        self._bell.ring()

    def alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Finish what is in flight, for at most 5 s, and end; what is not acknowledged stays."""
        self._stopping.set()
        self._bell.ring()
        self._publisher.give_up_within(_GRACE_SECONDS)
        self._thread.join()
        self._departure.close()
        self._publisher.close()
        self._turn.give_up()

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            failure = _attempt(self._go_on)
            self._metrics.leads(leads=self._turn.held)
            if failure is None:
                pause = _FIRST_PAUSE_SECONDS
            elif not self._stopping.is_set():
                _log.warning("Events stay in the outbox, next try in %.1f s: %s", pause, failure)
                self._stopping.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        if failure := _attempt(self._departure.over):
            _log.warning("Published events stay in the outbox and will come again: %s", failure)

    def _go_on(self) -> str | None:
        """Publish a batch, wait for one, or stand by; return why events failed, if any did."""
        if not self._turn.held and not self._turn.take():
            self._stand_by()
            return None
        failure, more = self._publish_batch()
        if failure is None and not more and self._turn.wait(_LOOK_EVERY_SECONDS):
            self._stopping.wait(self._gather)
        return failure

    def _stand_by(self) -> None:
        """Pass on that there are new events, until it is time to ask for the turn again."""
        self._metrics.leads(leads=False)
        until = time.monotonic() + _TRY_TURN_EVERY_SECONDS
        while (left := until - time.monotonic()) > 0 and not self._stopping.is_set():
            if self._turn.wait(left):
                self._turn.pass_on()
                self._stopping.wait(_GATHER_SECONDS)

    def _publish_batch(self) -> tuple[str | None, bool]:
        """Publish up to one batch; return why events failed, if any did, and whether more may wait."""
        looked_at = time.clock_gettime(time.CLOCK_BOOTTIME)
        leaving = self._departure.rows()
        with self._turn.read() as connection:
            events = outbox.waiting(connection, limit=_BATCH, besides=leaving)
        self._gather = _GATHER_SECONDS if len(events) < _MANY else _GATHER_MANY_SECONDS
        if not events:
            self._departure.over()
            self._publisher.tend()
            return None, False
        started = time.clock_gettime(time.CLOCK_BOOTTIME)
        if started - looked_at > SILENT_SECONDS / 2:
            # Frozen in between, perhaps for long: first see whether it is still our turn.
            return None, True
        receipt = self._publisher.publish(events, self._encode, meanwhile=self._turn.keep)
        settlement = settle(events, receipt.deliveries)
        self._metrics.published(
            len(settlement.acknowledged), time.clock_gettime(time.CLOCK_BOOTTIME) - started
        )
        self._depart(events, receipt, settlement)
        return settlement.failure, len(events) == _BATCH

    def _depart(self, events: Sequence[WaitingRow], receipt: Receipt, settlement: Settlement) -> None:
        """Let go what Kafka has, once the batch before is gone: at once, or while the next is published."""
        self._departure.over()
        # Who took over meanwhile may publish the batch before again, and this one has to follow it.
        self._turn.keep()
        settle_it = partial(self._settle, events, receipt, settlement)
        if len(settlement.acknowledged) == _BATCH:
            self._departure.begin([event[0] for event in events], settle_it)
        else:
            settle_it()

    def _settle(self, events: Sequence[WaitingRow], receipt: Receipt, settlement: Settlement) -> None:
        if not settlement.acknowledged and not settlement.refused:
            return
        noted = published(events, receipt, settlement, datetime.now(UTC))
        with self._database.write() as connection:
            outbox.remove(connection, [events[position][0] for position in settlement.acknowledged])
            for position in settlement.refused:
                outbox.reject(connection, events[position][0], receipt.deliveries[position].reason)
            if noted:
                deliveries.note(connection, noted)
            self._noted += len(noted)
            if self._noted >= _PRUNE_EVERY:
                deliveries.prune(connection)
                self._noted = 0
        for position in settlement.refused:
            event = WaitingEvent._make(events[position])
            reason = receipt.deliveries[position].reason
            _log.error("Event %s of task %s is set aside: %s", event.id, event.key, reason)
        _log.info("Published %d events", len(settlement.acknowledged))


def _attempt(step: Callable[[], str | None]) -> str | None:
    """Take a step; return why it failed, if it did."""
    try:
        return step()
    except DatabaseUnavailable as unavailable:
        return f"database: {unavailable}"
    except EncodingDelayed as delay:
        return str(delay)
    except Exception as unforeseen:  # noqa: BLE001  # one bad turn must not silence all later events
        _log.exception("The relay failed to publish a batch")
        return type(unforeseen).__name__
