"""A redrive runs within a worker's memory, and passes a letter by only when the broker has it elsewhere."""

from __future__ import annotations

from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, KafkaError, Message, TopicPartition

from eventconsumer_workers import redriver
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.redrive import Choice
from eventconsumer_workers.redriver import RedriveError, batch_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Sequence

TOPIC, DEAD_LETTERS = "task-events", "task-events-dlq"
WRITTEN_AT = 1_768_473_000_000


class Letters:
    """A consumer of so many letters that are all the same."""

    def __init__(self, letter: Message, count: int) -> None:
        self._letters: Iterator[Message] = islice(iter(lambda: letter, None), count)

    def poll(self, timeout: float) -> Message | None:
        assert timeout > 0
        return next(self._letters, None)


@pytest.mark.parametrize(
    "large",
    [
        Message("orders-dlq", 0, 5, b"k", b"x" * 1_000_000),
        Message("orders-dlq", 0, 5, b"k", b"{}", headers=[("own", b"x" * 1_000_000)]),
    ],
    ids=["by its value", "by its headers"],
)
def test_large_letters_are_taken_few_at_once(large: Message) -> None:
    assert len(batch_of(Letters(large, 500), 500)) == 5


def test_small_letters_are_taken_together_up_to_what_was_asked_for_or_is_there() -> None:
    small = Message("orders-dlq", 0, 5, b"k", b"{}")
    assert [len(batch_of(Letters(small, there), 500)) for there in (0, 3, 900)] == [0, 3, 500]


class Reading:
    """A member of the redrive's group, whose topic holds these letters in partition 0."""

    def __init__(self, letters: Sequence[Message]) -> None:
        self.letters = letters
        self.committed_at = 0
        self._next = 0

    def list_topics(self, topic: str, _: float) -> Any:
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None, partitions=[0])})

    def committed(self, places: list[TopicPartition], _: float) -> list[TopicPartition]:
        return [TopicPartition(place.topic, place.partition, self.committed_at) for place in places]

    def get_watermark_offsets(self, *_: object) -> tuple[int, int]:
        return 0, len(self.letters)

    def assign(self, places: list[TopicPartition]) -> None:
        for place in places:
            self._next = place.offset

    def subscribe(self, _: list[str]) -> None:
        self._next = self.committed_at

    def poll(self, _: float) -> Message | None:
        self._next += 1
        return self.letters[self._next - 1] if self._next <= len(self.letters) else None

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(DEAD_LETTERS, 0)]

    def position(self, _: list[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(DEAD_LETTERS, 0, self._next)]

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        self.committed_at = offsets[0].offset

    def close(self) -> None: ...


class Sending:
    """A producer whose broker gives these answers, then takes everything; None is no answer at all."""

    def __init__(self, *answers: KafkaError | None, room: int = 1000) -> None:
        self.taken: list[tuple[str, int, int]] = []
        self._answers = list(answers)
        self._room = room
        self._queue: list[tuple[tuple[str, int, int], Callable[..., None]]] = []

    def list_topics(self, topic: str, _: float) -> Any:
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None, partitions=[0, 1, 2])})

    def produce(
        self, topic: str, *, partition: int, timestamp: int, on_delivery: Callable[..., None], **_: Any
    ) -> None:
        if len(self._queue) >= self._room:
            raise BufferError
        self._queue.append(((topic, partition, timestamp), on_delivery))

    def poll(self, seconds: float) -> None:
        self.flush(seconds)

    def flush(self, _: float) -> int:
        queue, self._queue = self._queue, []
        silent = 0
        for sent, told in queue:
            answer = self._answers.pop(0) if self._answers else True
            if answer is None:
                silent += 1
                continue
            if answer is True:
                self.taken.append(sent)
            told(None if answer is True else answer, None)
        return silent


def letter(offset: int, topic: str = TOPIC) -> Message:
    headers: list[tuple[str, str | bytes | None]] = [
        ("dlq_topic", topic.encode()),
        ("dlq_partition", b"2"),
    ]
    at = (TIMESTAMP_CREATE_TIME, WRITTEN_AT)
    return Message(DEAD_LETTERS, 0, offset, b"k", b"not json", headers, None, at)


def redriver_of(monkeypatch: pytest.MonkeyPatch, reading: Reading, sending: Sending) -> redriver._Redriver:
    monkeypatch.setattr(redriver, "Consumer", lambda *_, **__: reading)
    monkeypatch.setattr(redriver, "Producer", lambda *_, **__: sending)
    return redriver._Redriver(Settings(kind=Kind.NOTIFICATION), Choice(TOPIC, max_rounds=3), rate=None)


def redriven(monkeypatch: pytest.MonkeyPatch, reading: Reading, sending: Sending) -> Counter[str]:
    """Send all letters of the topic back."""
    one = redriver_of(monkeypatch, reading, sending)
    one.count()
    return one.redrive()


@pytest.mark.parametrize(
    ("answer", "words"),
    [(None, "no answer"), (KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), "too large")],
)
def test_letters_that_could_not_be_sent_stay_where_they_are(
    monkeypatch: pytest.MonkeyPatch, answer: KafkaError | None, words: str
) -> None:
    reading = Reading([letter(0), letter(1)])
    with pytest.raises(RedriveError, match=f"stay where they are: .*{words}"):
        redriven(monkeypatch, reading, Sending(answer))
    assert reading.committed_at == 0
    assert redriven(monkeypatch, reading, Sending()) == {"": 2}
    assert reading.committed_at == 2


def test_a_letter_that_stays_keeps_its_time_and_one_that_goes_back_is_of_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sending = Sending()
    reading = Reading([letter(0), letter(1, topic="invoices")])
    assert redriven(monkeypatch, reading, sending) == {"": 1, "of another topic": 1}
    assert sending.taken == [(TOPIC, 2, 0), (DEAD_LETTERS, 0, WRITTEN_AT)]


def test_letters_that_do_not_fit_into_the_queue_follow_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    sending = Sending(room=1)
    reading = Reading([letter(0), letter(1), letter(2)])
    assert redriven(monkeypatch, reading, sending) == {"": 3}
    assert (sending.taken, reading.committed_at) == ([(TOPIC, 2, 0)] * 3, 3)


def test_what_was_not_taken_by_an_earlier_run_is_all_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading([letter(0), letter(1), letter(2)])
    reading.committed_at = 2
    one = redriver_of(monkeypatch, reading, Sending())
    assert (one.count(), one.redrive()) == ({"": 1}, {"": 1})
    assert (one.count(), one.redrive()) == ({}, {})
