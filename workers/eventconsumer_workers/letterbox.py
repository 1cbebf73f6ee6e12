"""Sends dead letters, and knows which of them the topic has.

The invariant: a letter is open from ``add`` until the topic has acknowledged it, whatever becomes of the
connection in between, and ``settle`` returns only when none is open. Letters are sent while the worker goes
on; only who is about to commit waits for them.

The topic's limit of size is for a batch, so letters may be refused for a size that none of them has. What was
refused goes by a producer whose batches are of one letter; the others go on in large ones.
"""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException, Producer

from eventconsumer_workers.client_settings import producer_config
from eventconsumer_workers.dead_letters import unsealed
from eventconsumer_workers.handlers import NotDone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from confluent_kafka import Message

    from eventconsumer_workers.config import Settings
    from eventconsumer_workers.dead_letters import Letter, Posting
    from eventconsumer_workers.handlers import Observer

_log = logging.getLogger(__name__)

_SETTLE_SECONDS = 6.0
_FULL_QUEUE_SECONDS = 0.1
# A flood of bad messages must not become as many lines.
_LINES = 5
# The second one is for what is larger than the files of the topic's log.
_TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})


class LetterBox:
    """The open dead letters of one worker; used by one thread."""

    def __init__(self, settings: Settings, observer: Observer) -> None:
        self._settings = settings
        self._observer = observer
        self._producers: dict[bool, Producer] = {}
        self._open: dict[int, bytes] = {}
        self._unsent: list[int] = []
        self._untold: list[bytes] = []
        self._settled: Counter[str] = Counter()
        self._number = 0
        self._refusals = 0
        self._fault = "no answer"
        self._broken = False

    def add(self, letters: Iterable[Letter]) -> None:
        """Send letters without waiting for the answer; whatever fails is sent again by ``settle``."""
        self._send()
        for letter in letters:
            self._number += 1
            letter.number = self._number
            posting = letter.posting(self._settings.kafka_group_id)
            self._open[letter.number] = posting.sealed()
            if self._unsent or not self._queued(letter.number, posting):
                self._unsent.append(letter.number)
        if self._open:
            # The sooner a letter can go, the less memory waits with it.
            self._hear()

    def has(self, number: int) -> bool:
        """Return whether the topic has acknowledged the letter of this number."""
        return 0 < number <= self._number and number not in self._open

    def last(self) -> int:
        """Return the number of the newest letter."""
        return self._number

    def has_settled(self, number: int) -> bool:
        """Return whether the topic has every letter up to this number, without waiting for it."""
        if self._open:
            self._hear()
        self._tell()
        return not self._open or next(iter(self._open)) > number

    def stuck(self) -> bool:
        """Return whether letters have to be sent again, which ``settle`` does."""
        return bool(self._unsent)

    def settle(self) -> None:
        """Return when the topic has all letters that were added; raise ``NotDone`` when it will not yet."""
        if not self._open:
            self._tell()
            return
        before = None
        # Further rounds are for letters that did not fit into the queue, and for those that were too large.
        while self._open and not self._broken and before != (before := self._state()):
            self._send()
            self._flush()
        if self._open:
            self._start_anew()
            topic = self._settings.kafka_dead_letter_topic
            raise NotDone(f"{len(self._open)} dead letters did not reach {topic}: {self._fault}")
        self._tell()

    def _state(self) -> tuple[int, int, int]:
        return len(self._open), len(self._unsent), self._refusals

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        for place, number in enumerate(unsent):
            if not self._queued(number, unsealed(self._open[number])):
                self._unsent += unsent[place:]
                return

    def _queued(self, number: int, posting: Posting) -> bool:
        """Hand a letter to the producer; return False where the queue stays full."""
        producer = self._producer(alone=posting.refusals > 0)
        try:
            self._produce(producer, number, posting)
        except BufferError:
            # The queue is full: give the broker a moment, and leave what does not fit for later.
            producer.poll(_FULL_QUEUE_SECONDS)
            try:
                self._produce(producer, number, posting)
            except BufferError:
                return False
        return True

    def _producer(self, *, alone: bool) -> Producer:
        if alone not in self._producers:
            self._producers[alone] = Producer(producer_config(self._settings, alone=alone), logger=_log)
        return self._producers[alone]

    def _produce(self, producer: Producer, number: int, posting: Posting) -> None:
        key, value, headers = posting.sent()
        try:
            producer.produce(
                self._settings.kafka_dead_letter_topic,
                value=value,
                key=key,
                headers=headers,
                on_delivery=partial(self._delivered, number, posting.cause),
            )
        except KafkaException as fault:
            self._refused(number, fault.args[0])

    def _delivered(self, number: int, cause: str, fault: KafkaError | None, _: Message) -> None:
        if number not in self._open:
            return
        if fault is None:
            sealed = self._open.pop(number)
            self._settled[cause] += 1
            if len(self._untold) < _LINES:
                self._untold.append(sealed)
        else:
            self._refused(number, fault)

    def _refused(self, number: int, fault: KafkaError) -> None:
        self._fault = fault.str()
        self._unsent.append(number)
        smaller = unsealed(self._open[number]).refused() if fault.code() in _TOO_LARGE else None
        if smaller is None:
            self._broken = True
        else:
            self._open[number] = smaller.sealed()
            self._refusals += 1

    def _hear(self) -> None:
        """Take the answers that have come."""
        for producer in self._producers.values():
            producer.poll(0)

    def _flush(self) -> None:
        for producer in self._producers.values():
            producer.flush(_SETTLE_SECONDS)

    def _start_anew(self) -> None:
        # A producer that failed may be so for good; the next attempt gets a new one and all that is open.
        for producer in self._producers.values():
            producer.purge()
            producer.flush(0)
        self._producers.clear()
        self._broken = False
        self._unsent = list(self._open)

    def _tell(self) -> None:
        if not self._settled:
            return
        for posting in map(unsealed, self._untold):
            origin = posting.origin
            _log.warning(
                "Set aside partition %s offset %s%s: %s",
                origin.partition,
                origin.offset,
                ", shortened for its size" if posting.refusals > 1 else "",
                posting.error,
                extra={"topic": origin.topic, "partition": origin.partition, "offset": origin.offset},
            )
        if (further := self._settled.total() - len(self._untold)) > 0:
            _log.warning("Set aside %d more messages", further)
        for cause, count in self._settled.items():
            self._observer.dead_lettered(count, cause)
        self._untold.clear()
        self._settled.clear()
