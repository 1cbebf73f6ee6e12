"""The picture of the live page in the README: taken from a running Task API whose Kafka is away for a while.

Nothing in it is made up: a real broker stops answering, events gather in the outbox, drain when it is back,
and gather again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from dev.browser import browser
from dev.kafka import LocalBroker
from dev.steps import say, step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PICTURE = Path(__file__).parents[1] / "docs" / "task-page.png"
_TOPIC = "task-events"
_SIZE = (1280, 1000)
_START_SECONDS = 30.0

_BEFORE = ("Book the train to Hamburg", "Order lunch for Thursday", "Renew the certificate")
_AWAY = (
    "Call the landlord",
    "Write the release notes",
    "Water the plants",
    "Pay the invoice",
    "Back up the notes",
)
_BETWEEN = ("Review the audit query", "Send the invitations")
_AWAY_AGAIN = ("Plan the summer party", "Fix the bicycle light", "Buy groceries", "Answer the letter")


def take() -> None:
    """Take the picture anew; it needs a minute and a half."""
    with step("The picture of the page"), LocalBroker() as broker, tempfile.TemporaryDirectory() as folder:
        # Kept until the topic is there: the client goes with its last name.
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        admin.create_topics([NewTopic(_TOPIC, 3, 1)])[_TOPIC].result(timeout=30)
        with _api(Path(folder), broker) as url, browser(*_SIZE) as window:
            window.get(url)
            with httpx2.Client(base_url=url, timeout=30) as http:
                _live(http, broker)
            PICTURE.parent.mkdir(exist_ok=True)
            PICTURE.write_bytes(window.get_screenshot_as_png())
    say(f"{PICTURE}: {PICTURE.stat().st_size // 1024} KiB")


def _live(http: httpx2.Client, broker: LocalBroker) -> None:
    """Let tasks be made and changed while Kafka goes and comes."""
    first, second, _ = _add(http, _BEFORE, every=2)
    http.post(f"/tasks/{first}/complete")
    broker.pause()
    away = _add(http, _AWAY * 2, every=1.5)
    http.patch(f"/tasks/{away[1]}", json={"status": "in_progress"})
    broker.resume()
    time.sleep(15)
    third, _ = _add(http, _BETWEEN, every=3)
    http.post(f"/tasks/{second}/complete")
    time.sleep(5)
    broker.pause()
    away = _add(http, _AWAY_AGAIN, every=2)
    http.post(f"/tasks/{third}/complete")
    http.patch(f"/tasks/{away[1]}", json={"status": "in_progress"})
    time.sleep(6)


def _add(http: httpx2.Client, titles: Sequence[str], *, every: float) -> list[str]:
    made = []
    for title in titles:
        made.append(str(http.post("/tasks", json={"title": title}).json()["id"]))
        time.sleep(every)
    return made


@contextmanager
def _api(folder: Path, broker: LocalBroker) -> Iterator[str]:
    """Run a Task API of this tree and give its address."""
    log = folder / "api.log"
    environment = os.environ | {
        "AUTH": "none",
        "DATABASE_URL": f"sqlite:///{folder}/tasks.db",
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "KAFKA_TOPIC": _TOPIC,
        "HOST": "127.0.0.1",
        "PORT": "0",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "eventconsumer_api"], env=environment, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while (found := re.search(r"running on (http://\S+)", log.read_text())) is None:
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"the Task API did not start:\n{log.read_text()}")
            time.sleep(0.1)
        yield found[1]
    finally:
        # A broker that is frozen would let the API finish its last batch in vain.
        broker.resume()
        process.terminate()
        process.wait(_START_SECONDS)
