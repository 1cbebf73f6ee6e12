"""Stand-ins in memory for what the loop speaks to: a membership, a topic for dead letters, an observer.

They do what a test tells them, at once and on its own thread, so that each decision can be looked at by
itself. The real ones are in the integration tests.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException

from eventconsumer_workers.sorting import sort
from tests.support.events import encoded
from tests.support.records import record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from confluent_kafka import Message

    from eventconsumer_workers.broker import Listener
    from eventconsumer_workers.handlers import Batch
    from eventconsumer_workers.sorting import Sorted
    from eventconsumer_workers.watermark import Place


def messages(
    *offsets: int, partition: int = 0, key: bytes | None = b"k", value: bytes = b""
) -> list[Message]:
    """Return messages at these offsets: events, or what ``value`` says."""
    return [
        record(value or encoded(title=f"{partition}/{offset}"), partition=partition, offset=offset, key=key)
        for offset in offsets
    ]


def read(records: Sequence[Message]) -> Sorted:
    """Sort messages as a worker does that wants all events."""
    return sort(records, frozenset())


class Membership:
    """A membership whose ``receive`` is the next step of a script; after the last one the worker stops."""

    joined = True

    def __init__(self, *script: Callable[[Listener], list[Message]] | list[Message]) -> None:
        self.stop = threading.Event()
        self.certain = True
        self.begun_at: dict[int, int] = {}
        self.committed: dict[int, int] = {}
        self.commits = 0
        self.given_back: dict[int, int] = {}
        self.confirmed = 0
        self.closed = False
        self.during_hold: deque[Callable[[Listener], object]] = deque()
        self._script = deque(script)
        self._put_back: list[Message] = []
        self._listener: Listener

    def subscribe(self, listener: Listener) -> None:
        """Give the worker partitions 0 and 1."""
        self._listener = listener
        self.begun_at = dict(listener.assigned({0, 1}))

    def receive(self, *, limit: int, wait: float) -> list[Message]:
        """Return what was put back, or do the next step of the script."""
        del limit, wait
        if self._put_back:
            batch, self._put_back = self._put_back, []
            return batch
        if not self._script:
            self.stop.set()
            return []
        step = self._script.popleft()
        return step if isinstance(step, list) else step(self._listener)

    def put_back(self, batch: list[Message]) -> None:
        """Keep messages for the next ``receive``."""
        self._put_back = batch

    def hold(self, seconds: float) -> None:
        """Let happen what is to happen while the worker waits."""
        del seconds
        if self.during_hold:
            self.during_hold.popleft()(self._listener)

    def commit(self, places: Iterable[Place]) -> None:
        """Note what is committed."""
        self.commits += 1
        self.committed.update({place.partition: place.offset for place in places})

    def then_revoke(self, *partitions: int) -> None:
        """Add a step to the script that takes partitions away, in order."""

        def step(_: Listener) -> list[Message]:
            self.revoke(*partitions)
            return []

        self._script.append(step)

    def revoke(self, *partitions: int) -> None:
        """Take partitions away, in order."""
        places = self._listener.revoked(partitions)
        self.given_back = {place.partition: place.offset for place in places}

    def sure(self) -> bool:
        """Return whether the membership is certain."""
        return self.certain

    def confirm(self) -> None:
        """Become certain, as the group does when it answers."""
        self.confirmed += 1
        self.certain = True

    def close(self) -> None:
        """Leave."""
        self.closed = True


class Topic:
    """A producer of dead letters, and what its topic has; ``faults`` are the answers that come first."""

    def __init__(self, *faults: int, room: int = 1000, refuses: bool = False) -> None:
        self.taken: list[bytes | None] = []
        self.answers = True
        self._faults = deque(faults)
        self._room = room
        self._refuses = refuses
        self._queue: list[tuple[bytes | None, Callable[..., None]]] = []

    def produce(self, topic: str, *, value: bytes | None, on_delivery: Callable[..., None], **_: Any) -> None:
        """Queue a message."""
        del topic
        if self._refuses:
            raise KafkaException(KafkaError(KafkaError._MSG_TIMED_OUT))
        if len(self._queue) >= self._room:
            raise BufferError
        self._queue.append((value, on_delivery))

    def poll(self, seconds: float) -> None:
        """Answer what is queued, unless it is full for longer than that."""
        if not seconds:
            self.flush(seconds)

    def flush(self, seconds: float) -> None:
        """Answer what is queued."""
        del seconds
        queue, self._queue = self._queue, self._queue if not self.answers else []
        for value, answer in queue if self.answers else ():
            fault = self._faults.popleft() if self._faults else None
            if fault is None:
                self.taken.append(value)
            answer(None if fault is None else KafkaError(fault), None)

    def purge(self) -> None:
        """Forget what is queued."""
        self._queue.clear()


class Counting:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()
        self.partitions = 0

    def handled(self, count: int, seconds: float) -> None:
        assert seconds >= 0
        self.counts["handled"] += count

    def filtered(self, count: int) -> None:
        self.counts["filtered"] += count

    def retried(self, count: int) -> None:
        self.counts["retried"] += count

    def dead_lettered(self, count: int, cause: str) -> None:
        self.causes[cause] += count

    def queued(self, count: int) -> None:
        self.counts["queued"] = count

    def assigned(self, count: int) -> None:
        self.partitions = count


class Handling:
    """A handler of batches: each call answers with the next of ``outcomes``, then with success."""

    def __init__(self, *outcomes: Exception, assignments: Sequence[Exception] = ()) -> None:
        self.handled: list[tuple[int | None, int | None]] = []
        self.calls = 0
        self.gone: list[tuple[str, set[int]]] = []
        self._outcomes = deque(outcomes)
        self._assignments = deque(assignments)

    def handle(self, batch: Batch) -> None:
        """Fail as told, or note where the events were."""
        self.calls += 1
        if self._outcomes:
            raise self._outcomes.popleft()
        self.handled += [(one.partition(), one.offset()) for one in batch.records]

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Fail as told, or begin each partition at 7."""
        if self._assignments:
            raise self._assignments.popleft()
        return dict.fromkeys(partitions, 7)

    def revoked(self, partitions: Collection[int]) -> None:
        """Note it."""
        self.gone.append(("revoked", set(partitions)))

    def lost(self, partitions: Collection[int]) -> None:
        """Note it."""
        self.gone.append(("lost", set(partitions)))

    def close(self) -> None:
        """Hold nothing."""
