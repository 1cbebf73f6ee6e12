"""`eventconsumer-worker redrive`: sends dead letters back to the topic they came from.

It reads as the group ``<dead-letter topic>.redrive``, whose committed offsets say which letters were taken;
the operator counts the rest. The invariant: that position moves over a letter only when the broker has the
letter somewhere else, back in its topic or, for one that was not chosen, again at the end of the dead-letter
topic. So a redrive that is killed goes on where it was, and sends at most what it did last a second time.
Each letter goes to the partition that its message came from, behind which later events of its key come.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from pydantic import ValidationError

from eventconsumer_workers import logs
from eventconsumer_workers.client_settings import consumer_config, producer_config
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.credentials import CredentialsError
from eventconsumer_workers.record_headers import header_bytes, header_list
from eventconsumer_workers.redrive import Choice, headers_back, partition_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_workers.dead_letters import Headers

_log = logging.getLogger(__name__)

_BATCH = 500
# Letters that are moved together are held twice, as they were read and as they are sent.
_BATCH_BYTES = 4 * 1024 * 1024
_SENT_BYTES = 16 * 1024
_ANSWER_SECONDS = 30.0
_FIRST_SECONDS = 1.0
_MORE_SECONDS = 0.1
_IDLE_SECONDS = 30.0
_BY_KEY = -1


class RedriveError(Exception):
    """The redrive can't go on; the text says why."""


def run(words: Sequence[str]) -> int:
    """Send letters back as the command line says; return the exit code."""
    logs.configure(logs.Format.TEXT, sys.stdout)
    options = _parser().parse_args(words)
    try:
        # The kind chooses defaults of the work on events, which has no part in this.
        settings = Settings(kind=Kind.NOTIFICATION)
        choice = _choice(options, settings.kafka_topic)
        redriver = _Redriver(settings, choice, rate=options.rate)
        _say(redriver.count(), "would be" if options.dry_run else "to be")
        if not options.dry_run:
            _say(redriver.redrive(), "were")
    except (RedriveError, ValidationError, CredentialsError, KafkaException) as fault:
        _log.error("%s", fault)
        return 1
    return 0


class _Redriver:
    """One run over the letters that are there when it starts."""

    def __init__(self, settings: Settings, choice: Choice, *, rate: float | None) -> None:
        self._letters = settings.kafka_dead_letter_topic
        self._choice = choice
        self._rate = rate
        # At a slow rate few are taken at once, so that the group hears from this member in time.
        self._batch = _BATCH if rate is None else min(_BATCH, max(1, int(10 * rate)))
        self._config = {
            **consumer_config(settings),
            "group.id": f"{self._letters}.redrive",
            "auto.offset.reset": "earliest",
            # It runs in a worker's pod, beside the worker and within the same memory.
            "queued.max.messages.kbytes": _BATCH_BYTES // 1024,
            "fetch.max.bytes": _BATCH_BYTES,
        }
        # For where a message's partition is gone: as the Task API, Java's clients and Debezium choose.
        by_key = {"partitioner": "murmur2_random"}
        # A topic's limit of size is for what is sent together, and what is refused ends the redrive.
        small = {"batch.size": _SENT_BYTES}
        self._producer = Producer({**producer_config(settings), **by_key, **small}, logger=_log)
        self._partitions: frozenset[int] = frozenset()
        self._fault: KafkaError | None = None
        self._chosen = 0

    def count(self) -> Counter[str]:
        """Return how many letters would go back ("") and how many stay, by the reason."""
        found: Counter[str] = Counter()
        consumer = Consumer(self._config, logger=_log)
        try:
            ends = self._open_ends(consumer)
            consumer.assign([TopicPartition(self._letters, number, at) for number, (at, _) in ends.items()])
            while ends:
                for letter in self._some(consumer, ends):
                    found[self._choice.left(letter) or ""] += 1
        finally:
            consumer.close()
        self._chosen = found[""]
        return found

    def redrive(self) -> Counter[str]:
        """Send the chosen letters back; where none is chosen, leave everything as it is."""
        done: Counter[str] = Counter()
        if not self._chosen:
            return done
        self._partitions = self._partitions_of_the_topic()
        consumer = Consumer(self._config, logger=_log)
        try:
            ends = self._open_ends(consumer)
            consumer.subscribe([self._letters])
            while ends:
                letters = self._some(consumer, ends)
                for letter in letters:
                    done[self._move(letter)] += 1
                self._commit(consumer, letters)
        finally:
            consumer.close()
        return done

    def _partitions_of_the_topic(self) -> frozenset[int]:
        topic = self._choice.topic
        found = self._producer.list_topics(topic, _ANSWER_SECONDS).topics[topic]
        if found.error is not None:
            raise RedriveError(f"{topic}: {found.error.str()}")
        return frozenset(found.partitions)

    def _open_ends(self, consumer: Consumer) -> dict[int, tuple[int, int]]:
        """Return where reading begins and ends in each partition that has letters left."""
        found = consumer.list_topics(self._letters, _ANSWER_SECONDS).topics[self._letters]
        if found.error is not None:
            raise RedriveError(f"{self._letters}: {found.error.str()}")
        places = [TopicPartition(self._letters, number) for number in found.partitions]
        ends = {}
        for place in consumer.committed(places, _ANSWER_SECONDS):
            start, end = consumer.get_watermark_offsets(place, _ANSWER_SECONDS)
            at = max(start, place.offset)
            if at < end:
                ends[place.partition] = (at, end)
        return ends

    def _some(self, consumer: Consumer, ends: dict[int, tuple[int, int]]) -> list[Message]:
        """Return letters before the ends, and strike out the partitions that are read to their ends."""
        deadline = time.monotonic() + _IDLE_SECONDS
        while not (batch := batch_of(consumer, self._batch)):
            self._strike_out(consumer, ends)
            if not ends:
                return []
            if time.monotonic() > deadline:
                waiting = ", ".join(map(str, sorted(ends)))
                raise RedriveError(f"nothing came of partitions {waiting}: does another redrive have them?")
        for message in batch:
            if (fault := message.error()) is not None:
                raise RedriveError(f"{self._letters}: {fault.str()}")
        letters = [
            letter
            for letter in batch
            if letter.partition() in ends
            and cast("int", letter.offset()) < ends[cast("int", letter.partition())][1]
        ]
        self._strike_out(consumer, ends)
        return letters

    @staticmethod
    def _strike_out(consumer: Consumer, ends: dict[int, tuple[int, int]]) -> None:
        # A position moves over control records as well, which are no letters.
        for place in consumer.position(consumer.assignment()):
            if place.partition in ends and place.offset >= ends[place.partition][1]:
                del ends[place.partition]

    def _move(self, letter: Message) -> str:
        left = self._choice.left(letter)
        if left is None:
            if self._rate:
                time.sleep(1 / self._rate)
            came_from = partition_back(letter, self._partitions)
            place = TopicPartition(self._choice.topic, _BY_KEY if came_from is None else came_from)
            self._send(place, letter, headers_back(letter))
        else:
            place = TopicPartition(self._letters, cast("int", letter.partition()))
            self._send(place, letter, header_list(letter))
        return left or ""

    def _send(self, place: TopicPartition, letter: Message, headers: Headers) -> None:
        # A letter that stays keeps its time, by which the topic forgets it one day; 0 stands for now.
        written_at = letter.timestamp()[1] if place.topic == self._letters else 0
        while True:
            try:
                self._producer.produce(
                    place.topic,
                    partition=place.partition,
                    value=letter.value(),
                    key=letter.key(),
                    headers=headers,
                    timestamp=written_at,
                    on_delivery=self._delivered,
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def _delivered(self, fault: KafkaError | None, _: Message) -> None:
        self._fault = self._fault or fault

    def _commit(self, consumer: Consumer, letters: Sequence[Message]) -> None:
        if not letters:
            return
        left = self._producer.flush(_ANSWER_SECONDS)
        if left or self._fault is not None:
            words = self._fault.str() if self._fault else "no answer"
            raise RedriveError(f"letters could not be sent, and stay where they are: {words}")
        last = {cast("int", letter.partition()): cast("int", letter.offset()) for letter in letters}
        consumer.commit(
            offsets=[TopicPartition(self._letters, number, offset + 1) for number, offset in last.items()],
            asynchronous=False,
        )


class Letters(Protocol):
    """What letters are taken from: a consumer."""

    def poll(self, timeout: float) -> Message | None:
        """Return the next letter, or None where none comes in so many seconds."""


def batch_of(letters: Letters, most: int) -> list[Message]:
    """Return the next letters, of a few megabytes in all; empty where none comes in a second."""
    batch: list[Message] = []
    size = 0
    while len(batch) < most and size < _BATCH_BYTES:
        message = letters.poll(_MORE_SECONDS if batch else _FIRST_SECONDS)
        if message is None:
            break
        batch.append(message)
        size += len(message.value() or b"") + header_bytes(header_list(message))
    return batch


def _say(found: Counter[str], tense: str) -> None:
    print(f"{found['']} dead letters {tense} sent back")  # noqa: T201  # the command's answer
    for reason, count in sorted(found.items()):
        if reason:
            print(f"{count} left: {reason}")  # noqa: T201  # the same


def _choice(options: argparse.Namespace, topic: str) -> Choice:
    return Choice(
        topic,
        options.max_rounds,
        options.error,
        options.type,
        options.key,
        options.group,
        options.since,
        options.until,
        options.partition,
        options.offset,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="eventconsumer-worker redrive",
        description="Send dead letters back to the topic they came from, as the messages they were.",
        epilog="Letters that are not chosen stay. All groups that follow the topic get the messages again.",
    )
    parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")
    parser.add_argument("--error", help="only letters whose error contains this text")
    parser.add_argument("--type", help="only events of this type")
    parser.add_argument("--key", help="only letters of this key")
    parser.add_argument("--group", help="only letters that this consumer group has set aside")
    parser.add_argument("--since", type=_time, help="only letters written at this time or later (ISO 8601)")
    parser.add_argument("--until", type=_time, help="only letters written before this time (ISO 8601)")
    parser.add_argument("--partition", type=int, help="only letters from this partition of the topic")
    parser.add_argument("--offset", type=int, help="only the letter from this offset of the topic")
    parser.add_argument("--rate", type=_positive, help="messages a second at most; without it, all at once")
    parser.add_argument(
        "--max-rounds", type=int, default=3, help="leave what was sent back so often already (default: 3)"
    )
    return parser


def _time(text: str) -> datetime:
    time_ = datetime.fromisoformat(text)
    return time_ if time_.tzinfo else time_.replace(tzinfo=UTC)


def _positive(text: str) -> float:
    number = float(text)
    if number <= 0:
        raise ValueError(text)
    return number
