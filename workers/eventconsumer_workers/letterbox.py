"""Sends dead letters, and knows which of them the topic has.

The invariant: a letter is open from ``add`` until the topic has acknowledged it, whatever becomes of the
connection in between, and ``settle`` returns only when none is open. Letters are sent while the worker goes
on; only who is about to commit waits for them.
"""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException, Producer

from eventconsumer_workers import logs
from eventconsumer_workers.client_settings import producer_config
from eventconsumer_workers.handlers import NotDone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from confluent_kafka import Message

    from eventconsumer_workers.config import Settings
    from eventconsumer_workers.dead_letters import Letter
    from eventconsumer_workers.handlers import Observer

_log = logging.getLogger(__name__)

_SETTLE_SECONDS = 6.0
_FULL_QUEUE_SECONDS = 0.1
# A flood of bad messages must not become as many lines.
_LINES = 5


class LetterBox:
    """The open dead letters of one worker; used by one thread."""

    def __init__(self, settings: Settings, observer: Observer) -> None:
        self._settings = settings
        self._observer = observer
        self._producer: Producer | None = None
        self._open: dict[int, Letter] = {}
        self._unsent: list[Letter] = []
        self._untold: list[Letter] = []
        self._number = 0
        self._fault = "no answer"
        self._broken = False

    def add(self, letters: Iterable[Letter]) -> None:
        """Send letters without waiting for the answer; whatever fails is sent again by ``settle``."""
        for letter in letters:
            self._number += 1
            letter.number = self._number
            self._open[letter.number] = letter
            self._unsent.append(letter)
        self._send()

    def last(self) -> int:
        """Return the number of the newest letter."""
        return self._number

    def has_settled(self, number: int) -> bool:
        """Return whether the topic has every letter up to this number, without waiting for it."""
        if self._open and self._producer is not None:
            self._producer.poll(0)
            self._tell()
        return not self._open or next(iter(self._open)) > number

    def stuck(self) -> bool:
        """Return whether letters have to be sent again, which ``settle`` does."""
        return bool(self._unsent)

    def settle(self) -> None:
        """Return when the topic has all letters that were added; raise ``NotDone`` when it will not yet."""
        if not self._open:
            return
        before = (-1, -1)
        # Further rounds are for letters that did not fit into the queue, and for those that are cut.
        while self._open and not self._broken and before != (before := (len(self._open), len(self._unsent))):
            self._send()
            self._flush()
        if self._open:
            self._start_anew()
            topic = self._settings.kafka_dead_letter_topic
            raise NotDone(f"{len(self._open)} dead letters did not reach {topic}: {self._fault}")
        self._tell()

    def _send(self) -> None:
        if not self._unsent:
            return
        if self._producer is None:
            self._producer = Producer(producer_config(self._settings), logger=_log)
        unsent, self._unsent = self._unsent, []
        for place, letter in enumerate(unsent):
            try:
                self._produce(self._producer, letter)
            except BufferError:
                # The queue is full: give the broker a moment, and leave what does not fit for later.
                self._producer.poll(_FULL_QUEUE_SECONDS)
                try:
                    self._produce(self._producer, letter)
                except BufferError:
                    self._unsent += unsent[place:]
                    return

    def _produce(self, producer: Producer, letter: Letter) -> None:
        try:
            producer.produce(
                self._settings.kafka_dead_letter_topic,
                value=letter.value(),
                key=letter.record.key(),
                headers=letter.headers(self._settings.kafka_group_id),
                on_delivery=partial(self._delivered, letter),
            )
        except KafkaException as fault:
            self._refused(letter, fault.args[0])

    def _delivered(self, letter: Letter, fault: KafkaError | None, _: Message) -> None:
        if fault is None:
            letter.settled = True
            self._open.pop(letter.number, None)
            self._untold.append(letter)
        else:
            self._refused(letter, fault)

    def _refused(self, letter: Letter, fault: KafkaError) -> None:
        self._fault = fault.str()
        self._unsent.append(letter)
        if fault.code() == KafkaError.MSG_SIZE_TOO_LARGE and not letter.truncated:
            letter.truncated = True
            _log.error(
                "%s refuses partition %s offset %s for its size: its dead letter has the first bytes only",
                self._settings.kafka_dead_letter_topic,
                letter.record.partition(),
                letter.record.offset(),
            )
        else:
            self._broken = True

    def _flush(self) -> None:
        if self._producer is not None:
            self._producer.flush(_SETTLE_SECONDS)

    def _start_anew(self) -> None:
        # A producer that failed may be so for good; the next attempt gets a new one and all that is open.
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(0)
        self._producer = None
        self._broken = False
        self._unsent = list(self._open.values())

    def _tell(self) -> None:
        settled, self._untold = self._untold, []
        for letter in settled[:_LINES]:
            _log.warning(
                "Set aside partition %s offset %s: %s",
                letter.record.partition(),
                letter.record.offset(),
                letter.error,
                extra=logs.place(letter.record),
            )
        if len(settled) > _LINES:
            _log.warning("Set aside %d more messages", len(settled) - _LINES)
        for cause, count in Counter(letter.cause for letter in settled).items():
            self._observer.dead_lettered(count, cause)
