"""What each worker does with events: one module a worker, and one of two protocols.

A ``BatchHandler`` is given all events of a batch at once, on the thread that polls Kafka: for work that is
quick and gains from being done together (lines of a log, a group commit). An ``EventHandler`` is given one
event at a time and may be slow (a request to a service): several threads call it at once, never two of them
for the same key, and within a key the events keep their order.

Both call work done only when it would survive a crash, because the offsets are committed next. Both must bear
a repetition: delivery is at least once.

How work that is not done is told:

- ``NotDone``: something around the worker stands in the way (a full disk, an absent database). It is asked
  for again and again, with growing pauses, and no attempt is counted. A ``BatchHandler`` is given nothing
  else meanwhile; for an ``EventHandler`` only later events of the same key wait.
- ``Retry``: this one event failed for now. It counts as an attempt; the next one comes after a pause, in
  which later events of the same key wait and all others go on. After the last attempt it is a dead letter.
- ``Reject``: this one event will never succeed. It becomes a dead letter at once.

Any other exception of an ``EventHandler``, ``SystemExit`` too, counts as ``Retry``; of a ``BatchHandler`` it
ends the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from eventconsumer_workers.envelope import Event


class NotDone(Exception):  # noqa: N818  # a state of the work, which a later attempt changes
    """The work could not be done now; nothing is lost, and it will be asked for again."""


class Retry(Exception):  # noqa: N818  # a wish, not a fault
    """This event failed for now; ``seconds`` is how long to wait at least, where the handler knows."""

    def __init__(self, why: str, *, seconds: float = 0.0) -> None:
        super().__init__(why)
        self.seconds = seconds


class Reject(Exception):  # noqa: N818  # a verdict, not a fault
    """This event will never succeed: it goes to the dead letters, and the text says why."""


class Record(Protocol):
    """A message as Kafka has it: the original bytes of an event, and where they are."""

    def topic(self) -> str | None: ...  # noqa: D102
    def partition(self) -> int | None: ...  # noqa: D102
    def offset(self) -> int | None: ...  # noqa: D102
    def key(self) -> bytes | None: ...  # noqa: D102
    def value(self) -> bytes | None: ...  # noqa: D102
    def headers(self) -> Headers | None: ...  # noqa: D102
    def timestamp(self) -> tuple[int, int]: ...  # noqa: D102
    def leader_epoch(self) -> int | None: ...  # noqa: D102


Headers: TypeAlias = "list[tuple[str, str | bytes | None]] | dict[str, str | bytes | None]"
"""A record's headers: what was received is always a list; the client's types allow both."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one or more partitions, in order within each, beside the records they were read from."""

    events: Sequence[Event]
    records: Sequence[Record]
    """As long as ``events``: the record of each."""
    still_ours: Callable[[], bool]
    """Whether the membership was confirmed so recently that no other worker can have our partitions yet.

    Ask it right before writing what cannot be taken back, and raise ``NotDone`` when it says no: after a
    process was frozen, its partitions may have gone to another worker. The loop then finds out, drops what is
    lost and hands over the rest again.
    """


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event to handle, on one of several threads."""

    event: Event
    record: Record
    attempt: int
    """1 at first."""
    still_ours: Callable[[], bool]
    """As in ``Batch``, and no longer once the partition has gone.

    The loop asks it before each attempt, so only a long handler needs to.
    """


@dataclass(frozen=True, slots=True)
class Underway:
    """Work that was begun."""

    settle: Callable[[], None]
    """Waits for its end; raises ``NotDone`` when it can't be done now."""
    ended: Callable[[], bool]
    """Whether there is nothing to wait for."""


class BatchHandler(Protocol):
    """A worker's work by the batch; called by one thread."""

    def handle(self, batch: Batch) -> Underway | None:
        """Do the work for these events, in their order; raise ``NotDone`` when it has to be tried again.

        Or only begin it, and return what waits for its end: the work of several batches may be under way, and
        ends in their order. After ``NotDone``, of either, and when partitions are lost, what was begun and
        has not ended is given again. The handler waits rather than to have too much under way.
        """

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Take these partitions over; return where to go on if the handler knows better than Kafka.

        A handler that keeps offsets beside its output returns those; others return nothing. Raise ``NotDone``
        when they cannot be known now; it is asked again before any message of these partitions is read.
        """

    def revoked(self, partitions: Collection[int]) -> None:
        """Give these partitions back; what was handled is committed before another worker goes on."""

    def lost(self, partitions: Collection[int]) -> None:
        """Forget these partitions and write nothing for them: another worker may have them already."""

    def close(self) -> None:
        """Let go of what the handler holds."""


@runtime_checkable
class EventHandler(Protocol):
    """A worker's work by the event; called by several threads, one of them at a time for each key."""

    def deliver(self, delivery: Delivery) -> None:
        """Do the work for this event; raise ``Retry``, ``Reject`` or ``NotDone`` when it is not done."""

    def close(self) -> None:
        """Let go of what the handler holds; a call that takes longer than 10 s may be cut short by this."""


class Observer(Protocol):
    """What the loop tells about its work, from any thread and by the batch; ``metrics.Metrics`` is one."""

    def handled(self, count: int, seconds: float) -> None:
        """Count a call of the handler that finished so many events."""

    def filtered(self, count: int) -> None:
        """Count events that pass by because their type is not wanted."""

    def retried(self, count: int) -> None:
        """Count events that are tried once more."""

    def dead_lettered(self, count: int, cause: str) -> None:
        """Count messages that the dead-letter topic has: malformed, rejected or exhausted."""

    def queued(self, count: int) -> None:
        """Note how many messages are taken and not finished."""

    def assigned(self, count: int) -> None:
        """Note how many partitions are ours."""
