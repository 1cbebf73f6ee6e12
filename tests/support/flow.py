"""Events that keep coming while a test breaks things, from a relay that publishes some of them twice."""

from __future__ import annotations

import json
import os
import random
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.events import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.broker_client import BrokerClient

KILLS = int(os.environ.get("EVENTCONSUMER_KILLS", "5"))
"""How often the tests kill what they test; 100 are the full proof."""
KILLS_SECONDS = 200 + 15 * KILLS
"""How long such a test may take on a busy machine."""
SOON = {"GROUP_SESSION_SECONDS": "2"}
"""Environment of a worker whose partitions need not wait long for another when it is killed."""
_EVERY_SECONDS = 0.02
_BATCH = 20


class Flow:
    """What was published so far: each event once."""

    def __init__(self, client: BrokerClient, topic: str) -> None:
        self.sent: list[str] = []
        self._client = client
        self._topic = topic
        self._enough = threading.Event()

    def stop(self) -> None:
        """Publish nothing more."""
        self._enough.set()

    def run(self) -> None:
        """Publish until told to stop; some batches again, as a relay that died before it noted them."""
        while not self._enough.wait(_EVERY_SECONDS):
            events = [event() for _ in range(_BATCH)]
            values = [json.dumps(one).encode() for one in events]
            self._client.publish(self._topic, values)
            self.sent += [one["event_id"] for one in events]
            if random.random() < 0.1:  # noqa: S311  # any batch is as good as another
                self._client.publish(self._topic, values)


@contextmanager
def flowing(client: BrokerClient, topic: str) -> Iterator[Flow]:
    """Publish in the background for as long as the block lasts."""
    flow = Flow(client, topic)
    thread = threading.Thread(target=flow.run)
    thread.start()
    try:
        yield flow
    finally:
        flow.stop()
        thread.join()
