"""The bare `poll()`: one message after the other, and how many milliseconds old each one was."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

from confluent_kafka import Consumer


def main() -> None:
    """Read until told to stop."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
            "group.id": os.environ["KAFKA_GROUP_ID"],
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([os.environ["KAFKA_TOPIC"]])
    while not stop.is_set():
        message = consumer.poll(1.0)
        value = None if message is None or message.error() is not None else message.value()
        if value is not None:
            sent = int(json.loads(value)["data"]["title"])
            print(f"age {(time.time_ns() - sent) / 1e6:.3f}", flush=True)
    consumer.close()


if __name__ == "__main__":
    main()
