"""The ceiling: take messages in batches with the worker's own client settings and do nothing with them.

It prints the rate in messages a second, from the first batch to the last of `BENCH_MESSAGES`.
"""

from __future__ import annotations

import os
import time

from confluent_kafka import Consumer

from eventconsumer_workers.client_settings import consumer_config
from eventconsumer_workers.config import Kind, Settings

_BATCH = 500


def main() -> None:
    """Drain the topic once."""
    expected = int(os.environ["BENCH_MESSAGES"])
    consumer = Consumer(consumer_config(Settings(kind=Kind.NOTIFICATION)))
    consumer.subscribe([os.environ["KAFKA_TOPIC"]])
    taken, first, started = 0, 0, 0.0
    while taken < expected:
        batch = consumer.consume(_BATCH, 1.0)
        if batch and not started:
            started, first = time.perf_counter(), len(batch)
        taken += len(batch)
    print((taken - first) / (time.perf_counter() - started))
    consumer.close()


if __name__ == "__main__":
    main()
