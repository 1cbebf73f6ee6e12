"""Topics that are filled for measuring: what is in them is known to the message."""

from __future__ import annotations

from dataclasses import dataclass
from random import getrandbits
from typing import TYPE_CHECKING

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS = ("task.created", "task.completed")
_EVENT = (
    '{"event_type": "%s", "data": {"task_id": "%s", "title": "%s", "status": "pending", "owner_id": null}, '
    '"metadata": {"correlation_id": "%s", "source": "task-api"}, "event_id": "%s", '
    '"occurred_at": "2026-01-15T10:30:00.000000+00:00"}'
)
_POISON = (b"\xff\xfe not UTF-8", b'{"event_type": 7', b"null", b"[]", b"{}")


@dataclass(frozen=True)
class Topic:
    """A filled topic; its dead letters go to the topic of its name and `-dlq`, which is there too."""

    name: str
    partitions: int
    messages: int

    @property
    def dead_letters(self) -> Topic:
        """The topic of this one's dead letters."""
        return Topic(f"{self.name}-dlq", 1, 0)


def create(bootstrap_servers: str, *topics: Topic, config: dict[str, str] | None = None) -> None:
    """Create topics with those for their dead letters."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 2})
    wanted = [both for topic in topics for both in (topic, topic.dead_letters)]
    made = admin.create_topics(
        [NewTopic(topic.name, topic.partitions, 1, config=config or {}) for topic in wanted]
    )
    for future in made.values():
        future.result(30)


def fill(bootstrap_servers: str, topic: Topic, message: Callable[[int], tuple[str, bytes]]) -> None:
    """Put the backlog into a topic: key and value by the message's number."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "linger.ms": 50,
            "batch.size": 1_000_000,
            # A topic that was just created refuses the first messages, which must not come behind the others.
            "enable.idempotence": True,
        }
    )
    for number in range(topic.messages):
        key, value = message(number)
        while True:
            try:
                producer.produce(topic.name, value=value, key=key)
                break
            except BufferError:
                producer.poll(0.1)
    if left := producer.flush(60):
        raise TimeoutError(f"{left} messages did not reach {topic.name}")


def task_event(number: int) -> tuple[str, bytes]:
    """Return one event about a task of its own."""
    task_id = new_id()
    return task_id, event(_KINDS[number % 2], task_id)


def one_of_a_hundred_is_poison(number: int) -> tuple[str, bytes]:
    """Return an event, and for each hundredth number bytes that are none."""
    key, value = task_event(number)
    return (key, _POISON[number // 100 % len(_POISON)]) if number % 100 == 0 else (key, value)


def of_a_hundred_tasks(number: int) -> tuple[str, bytes]:
    """Return an event about one of a hundred tasks; its title is its number, for the order to be seen."""
    task_id = f"task-{number % 100}"
    return task_id, event("task.created", task_id, title=str(number))


def event(kind: str, task_id: str, *, title: str = "Write the capstone lesson") -> bytes:
    """Return the bytes of an event as the Task API writes it: about 380 of them."""
    return (_EVENT % (kind, task_id, title, new_id(), new_id())).encode()


def new_id() -> str:
    """Return a random UUID; ``uuid4`` would take longer than all the rest of filling a topic."""
    digits = f"{getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
