"""A dead letter is open until its topic has it, whatever becomes of the connection in between."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

import pytest
from confluent_kafka import KafkaError

from eventconsumer_workers import letterbox
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.dead_letters import EXHAUSTED, MALFORMED, Letter
from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.letterbox import LetterBox
from eventconsumer_workers.opened import Opened
from tests.unit.workers.stand_ins import Counting, Topic, messages

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[LetterBox, Counting]]:
    """Return a maker of letter boxes whose producers are these, one after the other."""

    def make(*producers: Topic) -> tuple[LetterBox, Counting]:
        coming = iter(producers)
        monkeypatch.setattr(letterbox, "Producer", lambda *_, **__: next(coming))
        observer = Counting()
        return LetterBox(Settings(kind=Kind.AUDIT), observer), observer

    return make


class Received(Opened):
    """A message whose end can be seen."""


def letters(count: int, *, value: bytes = b"{", cause: str = MALFORMED) -> list[Letter]:
    return [Letter(one, "no event", cause) for one in messages(*range(count), value=value)]


def test_a_letter_is_open_until_the_topic_has_it(opened: Callable[..., tuple[LetterBox, Counting]]) -> None:
    topic = Topic()
    topic.answers = False
    box, observer = opened(topic)
    (letter,) = letters(1)
    box.add([letter])
    assert (box.has_settled(box.last()), box.has(letter.number)) == (False, False)
    topic.answers = True
    assert (box.has_settled(box.last()), box.has(letter.number)) == (True, True)
    assert (topic.taken, observer.causes) == ([b"{"], {MALFORMED: 1})


def test_the_topic_has_no_letter_that_was_not_given_to_be_sent(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    box, _ = opened()
    (letter,) = letters(1)
    assert (box.has(letter.number), box.has(7)) == (False, False)


def test_what_is_answered_between_two_commits_is_counted_with_the_next(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    box, observer = opened(Topic())
    box.add(letters(2))
    assert box.has(2)
    box.settle()
    assert observer.causes == {MALFORMED: 2}


def test_a_letter_is_counted_and_told_once_however_often_there_is_a_commit(
    opened: Callable[..., tuple[LetterBox, Counting]], caplog: pytest.LogCaptureFixture
) -> None:
    box, observer = opened(Topic())
    for _ in range(2):
        box.add(letters(1))
        box.settle()
        box.settle()
        assert box.has_settled(box.last())
    assert (observer.causes, len(caplog.records)) == ({MALFORMED: 2}, 2)


def test_a_letter_under_way_holds_nothing_of_the_batch_of_its_message(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    topic = Topic()
    topic.answers = False
    box, _ = opened(topic)
    (message,) = messages(0)
    record = Received(message, b"{")
    alive = ref(record)
    box.add([Letter(record, "no event")])
    del record
    assert (alive(), box.has(box.last())) == (None, False)


def test_later_letters_do_not_keep_earlier_ones_open(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    topic = Topic()
    box, _ = opened(topic)
    box.add(letters(1))
    first = box.last()
    assert box.has_settled(first)
    topic.answers = False
    box.add(letters(1))
    assert (box.has_settled(first), box.has_settled(box.last())) == (True, False)


def test_without_letters_there_is_nothing_to_wait_for_and_no_connection(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    box, _ = opened()
    box.add([])
    box.settle()
    assert box.has_settled(box.last())


def test_refused_letters_are_said_and_sent_again_by_a_new_producer(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    first, second = Topic(KafkaError.UNKNOWN_TOPIC_OR_PART), Topic()
    box, observer = opened(first, second)
    box.add(letters(3, cause=EXHAUSTED))
    with pytest.raises(NotDone, match=r"1 dead letters did not reach task-events-dlq: .*[Uu]nknown topic"):
        box.settle()
    assert box.stuck()
    box.settle()
    assert (len(first.taken), len(second.taken), box.stuck()) == (2, 1, False)
    assert observer.causes == {EXHAUSTED: 3}


def test_an_absent_broker_keeps_every_letter_open(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    silent, back = Topic(), Topic()
    silent.answers = False
    box, _ = opened(silent, back)
    box.add(letters(2))
    with pytest.raises(NotDone, match="2 dead letters did not reach task-events-dlq: no answer"):
        box.settle()
    box.settle()
    assert back.taken == [b"{", b"{"]


def test_a_producer_that_can_not_even_queue_is_replaced(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    box, _ = opened(Topic(refuses=True), working := Topic())
    box.add(letters(1))
    with pytest.raises(NotDone, match="1 dead letters"):
        box.settle()
    box.settle()
    assert working.taken == [b"{"]


def test_letters_that_are_too_large_together_are_sent_alone_and_whole_at_once(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    together, alone = Topic(*[KafkaError.MSG_SIZE_TOO_LARGE] * 2), Topic()
    box, observer = opened(together, alone)
    box.add(letters(2, value=b"x" * 100_000))
    box.settle()
    box.add(letters(1))
    box.settle()
    assert (together.taken, alone.taken) == ([b"{"], [b"x" * 100_000] * 2)
    assert observer.causes == {MALFORMED: 3}


@pytest.mark.parametrize(("refusals", "left"), [(1, 65_536), (2, 1024)])
def test_a_letter_that_is_too_large_alone_is_shortened_until_the_topic_takes_it(
    opened: Callable[..., tuple[LetterBox, Counting]], refusals: int, left: int
) -> None:
    too_large = KafkaError.MSG_SIZE_TOO_LARGE
    box, _ = opened(Topic(too_large), alone := Topic(*[too_large] * refusals))
    box.add(letters(1, value=b"x" * 100_000))
    box.settle()
    assert alone.taken == [b"x" * left]


def test_a_letter_that_the_topic_takes_in_no_size_stays_open(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    too_large = KafkaError.MSG_SIZE_TOO_LARGE
    box, _ = opened(Topic(too_large), Topic(*[too_large] * 3), later := Topic())
    box.add(letters(1, value=b"x" * 100_000))
    with pytest.raises(NotDone, match=r"1 dead letters did not reach task-events-dlq: .*[Ss]ize"):
        box.settle()
    box.settle()
    assert later.taken == [b"x" * 1024]


def test_letters_that_do_not_fit_into_the_queue_follow_in_order(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    topic = Topic(room=2)
    box, _ = opened(topic)
    sent = [Letter(one, "no event") for n in range(5) for one in messages(n, value=b"%d" % n)]
    box.add(sent)
    assert box.stuck()
    box.settle()
    assert topic.taken == [b"0", b"1", b"2", b"3", b"4"]


def test_letters_that_do_not_fit_in_several_rounds_are_sent_once(
    opened: Callable[..., tuple[LetterBox, Counting]],
) -> None:
    topic = Topic(room=2)
    box, _ = opened(topic)
    box.add([Letter(one, "no event") for n in range(9) for one in messages(n, value=b"%d" % n)])
    box.settle()
    assert topic.taken == [b"%d" % n for n in range(9)]


def test_a_flood_of_letters_is_told_in_few_lines(
    opened: Callable[..., tuple[LetterBox, Counting]], caplog: pytest.LogCaptureFixture
) -> None:
    box, observer = opened(Topic())
    box.add(letters(100))
    box.settle()
    assert [record.message for record in caplog.records][-1] == "Set aside 95 more messages"
    assert (len(caplog.records), observer.causes[MALFORMED]) == (6, 100)
