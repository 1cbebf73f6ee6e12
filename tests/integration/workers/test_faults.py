"""Workers that are killed, frozen, replaced and fed with garbage lose nothing and keep each key in order.

EVENTCONSUMER_KILLS=100 makes the kills as many as the goal says.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Self

import pytest

from tests.support.events import encoded
from tests.support.eventually import eventually
from tests.support.flow import KILLS, KILLS_SECONDS, SOON

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.workers.conftest import StartWorker
    from tests.support.broker_client import BrokerClient
    from tests.support.worker_process import WorkerProcess

KEYS = 20


class Flow:
    """Publishes numbered events of several keys until it is told to end."""

    def __init__(self, client: BrokerClient, topic: str, *, pause: float = 0.05) -> None:
        self.sent: Counter[str] = Counter()
        self._client = client
        self._topic = topic
        self._pause = pause
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._enough.wait(self._pause):
            key = f"key-{sum(self.sent.values()) % KEYS}"
            self._client.publish_message(
                self._topic, value=encoded(title=str(self.sent[key])), key=key.encode(), headers=[]
            )
            self.sent[key] += 1


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def event_worker(worker: StartWorker, notes: Path) -> Callable[..., WorkerProcess]:
    def make(**environment: str) -> WorkerProcess:
        told = {"HANDLER_CONCURRENCY": "8", "DELIVERY_BACKOFF_SECONDS": "0.05", **environment}
        return worker("notification", str(notes), module="tests.support.event_worker", **told)

    return make


def noted(notes: Path) -> list[tuple[str, int]]:
    """Return key and number of each note, in the order they were written."""
    lines = notes.read_text().splitlines() if notes.exists() else []
    return [(key, int(number)) for key, number, _ in map(str.split, lines)]


def missing(notes: Path, sent: Counter[str]) -> int:
    """Return how many events were never handled."""
    return sum(sent.values()) - len(set(noted(notes)))


def assert_in_order(notes: Path) -> None:
    """Fail where an event was handled for the first time before an earlier one of its key."""
    seen: Counter[str] = Counter()
    for key, number in noted(notes):
        assert number <= seen[key], f"{key}: {number} came before {seen[key]}"
        seen[key] = max(seen[key], number + 1)


def await_all_committed(client: BrokerClient, topic: str) -> None:
    """Wait until the group stands at the end of every partition that has events."""
    ends = {partition: end for partition, end in client.end_offsets(topic).items() if end}
    eventually(
        "all is committed",
        lambda: client.committed_offsets(f"{topic}-notification", topic),
        until=lambda committed: ends.items() <= committed.items(),
    )


@pytest.mark.timeout(KILLS_SECONDS)
def test_kills_at_random_moments_lose_nothing_and_keep_each_key_in_order(
    event_worker: Callable[..., WorkerProcess], client: BrokerClient, topic: str, notes: Path
) -> None:
    chance = random.Random(7)  # noqa: S311  # no secret, the same moments each time
    workers = [event_worker(**SOON) for _ in range(3)]
    with Flow(client, topic, pause=0.02) as flow:
        for one in workers:
            one.start()
        eventually("work goes on", lambda: noted(notes))
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.05, 2))
            killed = chance.choice(workers)
            killed.kill()
            killed.start()
    eventually("all is handled", lambda: missing(notes, flow.sent), until=lambda left: left == 0, within=120)
    assert_in_order(notes)


def test_a_clean_rollout_repeats_nothing(
    event_worker: Callable[..., WorkerProcess], client: BrokerClient, topic: str, notes: Path
) -> None:
    workers = [event_worker().start() for _ in range(2)]
    with Flow(client, topic, pause=0.01) as flow:
        eventually("work goes on", lambda: noted(notes))
        for one in workers:
            event_worker().start().await_ready()
            assert one.stop() == 0
    eventually("all is handled", lambda: missing(notes, flow.sent), until=lambda left: left == 0)
    assert [note for note, times in Counter(noted(notes)).items() if times > 1] == []
    assert_in_order(notes)


def test_a_frozen_worker_neither_commits_nor_handles_what_it_has_lost(
    event_worker: Callable[..., WorkerProcess], client: BrokerClient, topic: str, notes: Path
) -> None:
    frozen, other = event_worker(**SOON), event_worker(**SOON)
    with Flow(client, topic) as flow:
        frozen.start()
        eventually("it works", lambda: noted(notes))
        frozen.send(signal.SIGSTOP)
        other.start()
        eventually("the other has everything", lambda: len(set(noted(notes))) > 100 + KEYS)
    eventually("all is handled", lambda: missing(notes, flow.sent), until=lambda left: left == 0)
    await_all_committed(client, topic)
    before = len(noted(notes))
    frozen.send(signal.SIGCONT)
    eventually("it knows", lambda: "Lost partitions" in frozen.output() or "Revoked" in frozen.output())
    assert frozen.stop() == 0, frozen.output()
    await_all_committed(client, topic)
    # One event may have been inside the handler when it froze.
    assert len(noted(notes)) - before <= 8


def test_garbage_among_events_is_set_aside_byte_for_byte_and_no_event_is_lost(
    worker: StartWorker, client: BrokerClient, topic: str, dead_letter_topic: str
) -> None:
    chance = random.Random(11)  # noqa: S311  # no secret, the same garbage each time
    good = [encoded(title=f"good {number}") for number in range(1000)]
    bad = huge(chance)
    bad += [garbage(chance, number) for number in range(len(bad), 1000)]
    mixed = [*good, *bad]
    chance.shuffle(mixed)
    client.publish(topic, mixed)
    process = worker("notification").start()
    lines = eventually(
        "all good ones are told",
        lambda: process.lines("NOTIFICATION: "),
        until=lambda found: len(found) >= len(good),
    )
    assert len(lines) == len(good)
    await_all_committed(client, topic)
    letters = client.messages(dead_letter_topic, count=sum(client.end_offsets(dead_letter_topic).values()))
    found = Counter(letter.value() for letter in letters)
    # Where the broker stands still for seconds, a letter comes twice.
    assert (found >= Counter(bad), found.keys()) == (True, Counter(bad).keys())


def huge(chance: random.Random) -> list[bytes | None]:
    """Return what is no event and about as large as the broker takes."""
    return [
        b"x" * 1_048_000,
        chance.randbytes(1_000_000),
        b"[" * 1_000_000,
        encoded(title="y" * 1_000_000)[:-1],
        encoded(title="bad" + "y" * 1_000_000).replace(b"bad", b"\xff\xfe"),
    ]


def garbage(chance: random.Random, number: int) -> bytes | None:
    """Return bytes that are no event, in one of the ways there are."""
    event = encoded(title="bad")
    ways: list[Callable[[], bytes | None]] = [
        lambda: None,
        lambda: b"",
        lambda: chance.randbytes(chance.randrange(1, 2000)),
        lambda: event[: chance.randrange(1, len(event) - 1)],
        lambda: event.replace(b"bad", b"\xff\xfe"),
        lambda: encoded(title=number),
        lambda: b"x" * 100_000,
        lambda: b"[" * 5_000,
    ]
    return chance.choice(ways)()


def test_a_failing_event_becomes_a_dead_letter_while_other_keys_go_on(
    event_worker: Callable[..., WorkerProcess],
    client: BrokerClient,
    topic: str,
    dead_letter_topic: str,
    notes: Path,
) -> None:
    for key, title in [("a", "failing"), ("a", "1"), ("b", "never"), ("c", "flaky"), ("c", "2"), ("d", "3")]:
        client.publish_message(topic, value=encoded(title=title), key=key.encode(), headers=[("own", b"1")])
    event_worker(DELIVERY_ATTEMPTS="3").start()
    found = {
        str(letter.key()): dict(letter.headers() or [])
        for letter in client.messages(dead_letter_topic, count=2)
    }
    eventually("the rest is handled", lambda: notes.read_text().split("\n"), until=lambda own: len(own) == 5)
    lines = notes.read_text().splitlines()
    assert sorted(lines) == ["a 1 1", "c 2 1", "c flaky 2", "d 3 1"]
    assert lines.index("c flaky 2") < lines.index("c 2 1")
    assert (found["b'a'"]["dlq_error"], found["b'a'"]["dlq_attempts"]) == (b"it is failing", b"3")
    assert (found["b'b'"]["dlq_error"], found["b'b'"]["dlq_attempts"]) == (b"it says never", b"1")
    assert found["b'a'"]["own"] == b"1"
    await_all_committed(client, topic)
