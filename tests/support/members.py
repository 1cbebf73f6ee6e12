"""Members of a consumer group that do nothing for it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from confluent_kafka import Consumer

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def silent_member(
    bootstrap_servers: str, group: str, *, topic: str, client_id: str, **settings: str
) -> Iterator[None]:
    """Have a consumer in a group, or on its way into it, that reads and never commits."""
    joined = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": group,
            "client.id": client_id,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            **settings,
        }
    )
    joined.subscribe([topic])
    leaving = threading.Event()

    def stay() -> None:
        while not leaving.is_set():
            joined.poll(0.1)

    staying = threading.Thread(target=stay, name=client_id)
    staying.start()
    try:
        yield
    finally:
        leaving.set()
        staying.join()
        joined.close()
