"""What has to be done once at Kafka for an EventConsumer, without holding up whoever reconciles.

An errand is tried until it succeeds or is called off, each time its outcome changes the EventConsumer is
looked at again, and doing it twice does no harm: a restart of the operator loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eventconsumer_operator.broker import IN_FLIGHT, Broker
from eventconsumer_operator.outcome import Outcome
from eventconsumer_operator.refusals import Occupied, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from eventconsumer_operator.access import Access
    from eventconsumer_operator.names import ObjectKey

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 2.0


class Errand(Protocol):
    """Something to do at one Kafka cluster."""

    @property
    def access(self) -> Access:
        """Return the way to that cluster."""

    async def attempt(self, broker: Broker) -> Outcome:
        """Try it once; Unreachable where Kafka did not answer."""


@dataclass(frozen=True, slots=True)
class CommitEnds:
    """Let a group that never committed begin at the records written from now on.

    A worker that starts from the latest record takes that for the moment of its first poll; whatever was
    written between the resource's creation and that moment would be passed over.
    """

    access: Access
    group: str
    topic: str

    async def attempt(self, broker: Broker) -> Outcome:
        """Commit the topic's ends, unless the group has committed anything or somebody is in it."""
        # As in ``questions.ask``: describing the group keeps librdkafka from a crash.
        await broker.group(self.group)
        if await broker.committed(self.group):
            return Outcome.DONE
        numbers = (await broker.partitions([self.topic])).get(self.topic, [])
        if numbers is None:
            raise Unreachable(f"the operator may not describe topic {self.topic}")
        if not numbers:
            return Outcome.NO_TOPIC
        ends = await broker.ends([(self.topic, number) for number in numbers])
        if len(ends) < len(numbers):
            raise Unreachable(f"not every partition of {self.topic} said where it ends")
        try:
            await broker.commit(self.group, ends)
        except Occupied:
            logger.info("group %s has members already: they decide where it begins", self.group)
        return Outcome.DONE


@dataclass(frozen=True, slots=True)
class DeleteGroup:
    """Delete a consumer group with its offsets."""

    access: Access
    group: str

    async def attempt(self, broker: Broker) -> Outcome:
        """Delete the group unless somebody is in it."""
        try:
            await broker.delete_group(self.group)
        except Occupied:
            return Outcome.NOT_EMPTY
        return Outcome.DONE


@dataclass(frozen=True, slots=True)
class RenewGroup:
    """Have Kafka keep the offsets of a group that nobody is in for another while."""

    access: Access
    group: str
    topic: str
    turn: int
    """Which time it is: another turn is another errand."""

    async def attempt(self, broker: Broker) -> Outcome:
        """Renew the group, unless somebody is in it, which renews it too, or it has no place to keep."""
        found = await broker.group(self.group)
        if found is None or found.state != "Empty":
            return Outcome.DONE
        if any(topic == self.topic for topic, _ in await broker.committed(self.group)):
            try:
                await broker.renew(self.group, self.topic, by_commit=found.renewed_by_commit)
            except Occupied:
                logger.info("group %s has members again: they keep its offsets", self.group)
        return Outcome.DONE


@dataclass(slots=True)
class _Record:
    errand: Errand
    outcome: Outcome | None = None
    task: asyncio.Task[None] | None = None


class Errands:
    """At most one errand for each EventConsumer."""

    def __init__(self, *, timeout: float, changed: Callable[[ObjectKey], None]) -> None:
        """Wait ``timeout`` seconds for each answer, call ``changed`` when an outcome changed."""
        self._timeout = timeout
        self._changed = changed
        self._records: dict[ObjectKey, _Record] = {}
        self._brokers: dict[Access, tuple[Broker, int]] = {}
        self._gate = asyncio.Semaphore(IN_FLIGHT)

    def run(self, key: ObjectKey, errand: Errand) -> Outcome | None:
        """Begin an errand unless it is under way; return how it last went, None where it has not ended."""
        record = self._records.get(key)
        if record is None or record.errand != errand:
            self.call_off(key)
            record = self._records[key] = _Record(errand)
            record.task = asyncio.create_task(self._until_done(key, record), name=f"errand for {key.name}")
        return record.outcome

    def outcome(self, key: ObjectKey, errand: Errand) -> Outcome | None:
        """Return how this errand last went, None where it was not begun or has not ended."""
        record = self._records.get(key)
        return record.outcome if record and record.errand == errand else None

    def call_off(self, key: ObjectKey) -> None:
        """Forget an errand, done or not."""
        record = self._records.pop(key, None)
        if record is not None and record.task is not None:
            record.task.cancel()

    async def stop(self) -> None:
        """Call off every errand and wait until that is so."""
        tasks = [record.task for record in self._records.values() if record.task is not None]
        for key in list(self._records):
            self.call_off(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _until_done(self, key: ObjectKey, record: _Record) -> None:
        while record.outcome is not Outcome.DONE:
            outcome = await self._attempt(key, record)
            if outcome is not record.outcome:
                record.outcome = outcome
                self._changed(key)
            if outcome is not Outcome.DONE:
                await asyncio.sleep(AGAIN_SECONDS)
        record.task = None

    async def _attempt(self, key: ObjectKey, record: _Record) -> Outcome:
        errand = record.errand
        # Said once, when it begins to fail, and not with every attempt.
        level = logging.DEBUG if record.outcome is Outcome.UNREACHABLE else logging.WARNING
        try:
            async with self._gate, self._broker(errand.access) as broker:
                return await errand.attempt(broker)
        except Unreachable as failure:
            logger.log(
                level, "%s: Kafka at %s can't be asked: %s", "/".join(key), errand.access.servers, failure
            )
        except Exception:  # one errand's bug must not end its retries
            logger.log(level, "%s: %s failed", "/".join(key), errand, exc_info=True)
        return Outcome.UNREACHABLE

    @asynccontextmanager
    async def _broker(self, access: Access) -> AsyncIterator[Broker]:
        """Share one connection a cluster among those who need it now; the last one closes it."""
        broker, users = self._brokers.get(access) or (Broker(access, timeout=self._timeout), 0)
        self._brokers[access] = broker, users + 1
        try:
            yield broker
        finally:
            broker, users = self._brokers.pop(access)
            if users > 1:
                self._brokers[access] = broker, users - 1
            else:
                await broker.close()
