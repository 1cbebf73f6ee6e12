"""N: the relay that a tutorial writes: take the oldest event, publish it, flush, delete it, then the next."""

from __future__ import annotations

import os

from confluent_kafka import Producer

from eventconsumer_api.storage import outbox
from eventconsumer_api.storage.database import Database


def main() -> None:
    """Publish until nothing waits."""
    database = Database(os.environ["DATABASE_URL"])
    producer = Producer(
        {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "enable.idempotence": True}
    )
    while True:
        with database.write() as connection:
            found = outbox.waiting(connection, limit=1)
            if not found:
                return
            [(sequence, _, key, _, payload, *_)] = found
            producer.produce(os.environ["KAFKA_TOPIC"], key=key, value=payload)
            producer.flush()
            outbox.remove(connection, [sequence])


if __name__ == "__main__":
    main()
