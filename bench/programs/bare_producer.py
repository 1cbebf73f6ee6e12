"""The ceiling of a relay: an idempotent producer that publishes so many events from memory, in one go.

It prints its rate in events a second. The client has its default settings but for what order and durability
need.
"""

from __future__ import annotations

import os
import sys
import time

from confluent_kafka import Producer

from bench import topics


def main() -> None:
    """Publish once."""
    events = [topics.task_event(number) for number in range(int(sys.argv[1]))]
    topic = os.environ["KAFKA_TOPIC"]
    producer = Producer(
        {
            "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
            "enable.idempotence": True,
            "queue.buffering.max.messages": len(events) + 1,
        }
    )
    producer.list_topics(topic, 30)
    start = time.perf_counter()
    for key, value in events:
        producer.produce(topic, key=key, value=value)
    if left := producer.flush(60):
        raise TimeoutError(f"{left} events did not reach {topic}")
    print(len(events) / (time.perf_counter() - start))


if __name__ == "__main__":
    main()
