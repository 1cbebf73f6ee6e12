"""The least that a chained audit log takes in Python: decode a batch, chain its lines, write them to disk.

It is no audit worker: nothing malformed is looked for, no id is known after a restart, nothing is committed,
closed or compressed, and what a failed write loses is lost. What it takes beside B0 is what decoding, SHA-256
and memory cost, and what the worker takes beside it is what its promises cost.

It prints the rate in messages a second, from the first batch to the last of `BENCH_MESSAGES`.
"""

from __future__ import annotations

import gc
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec
from confluent_kafka import Consumer

from eventconsumer_workers.audit.chain import Head, Incoming, extend, now
from eventconsumer_workers.client_settings import consumer_config
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.envelope import TaskEvent

_BATCH = 500
_KNOWN_IDS = 65_536
_LARGEST_GROUP_BYTES = 2 * 1024 * 1024


class _Disk:
    """Writes groups of lines, each on disk when it ended, while the next is made."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_DSYNC)
        self._writer = ThreadPoolExecutor(1)
        self._writing: Future[int] | None = None
        self._blocks: list[bytes] = []
        self._length = 0

    def add(self, lines: bytes) -> None:
        """Take lines, and write what there is unless a write is underway and more has room."""
        self._blocks.append(lines)
        self._length += len(lines)
        if self._writing is None or self._writing.done() or self._length > _LARGEST_GROUP_BYTES:
            self.settle()
            self._writing = self._writer.submit(os.writev, self._file, self._blocks)
            self._blocks, self._length = [], 0

    def settle(self) -> None:
        """Wait until what was begun is on disk."""
        if self._writing is not None:
            self._writing.result()


def main() -> None:
    """Drain the topic once."""
    expected = int(os.environ["BENCH_MESSAGES"])
    topic = os.environ["KAFKA_TOPIC"]
    decode = msgspec.json.Decoder(TaskEvent).decode
    disk = _Disk(Path(os.environ["AUDIT_LOG_PATH"]))
    head, known = Head(topic, 0), set[str]()
    consumer = Consumer(consumer_config(Settings(kind=Kind.AUDIT)))
    consumer.subscribe([topic])
    gc.disable()
    taken, first, started = 0, 0, 0.0
    with Path(os.devnull).open("w") as console:
        while taken < expected:
            batch = consumer.consume(_BATCH, 1.0)
            if batch and not started:
                started, first = time.perf_counter(), len(batch)
            taken += len(batch)
            values = [value for message in batch if (value := message.value()) is not None]
            events = list(map(decode, values))
            ids = [event.event_id for event in events]
            if not known.isdisjoint(ids):
                raise ValueError("the topic has an event twice")
            known = known if len(known) < _KNOWN_IDS else set()
            known.update(ids)
            offsets = list(range(taken - len(batch), taken))
            added = extend(head, Incoming(0, offsets, ids, values, []), audited_at=now())
            head = added.head
            disk.add(added.lines)
            console.writelines(f"AUDIT: {event.event_type} - {event.data.task_id}\n" for event in events)
    disk.settle()
    print((taken - first) / (time.perf_counter() - started))
    consumer.close()


if __name__ == "__main__":
    main()
