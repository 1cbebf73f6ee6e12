"""Groups on a real broker, followed by a real poller: what tests of lag, verdict and members share."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from confluent_kafka import TopicPartition

from eventconsumer_operator.access import Access
from eventconsumer_operator.lag import LagState
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.poller import Poller
from eventconsumer_operator.questions import Target
from eventconsumer_operator.status import report
from tests.support.broker_client import BrokerClient
from tests.support.conditions import condition
from tests.support.members import silent_member
from tests.support.sure_producer import SureProducer
from tests.unit.operator.builders import NOW, consumer, deployment, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractContextManager

    from dev.kafka import LocalBroker
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.world import Observation

KEY = ObjectKey("tasks", "notification-service")
WORKER = "notification-service-5d4f7c-x7k2p"


def produce(broker: LocalBroker, topic: str, *, partition: int = 0, count: int = 1) -> None:
    producer = SureProducer(broker.bootstrap_servers)
    for number in range(count):
        producer.produce(topic, value=str(number), partition=partition)
    producer.await_delivery()


def commit(broker: LocalBroker, topic: str, *, partition: int, offset: int, group: str = "") -> None:
    BrokerClient(broker.bootstrap_servers).commit(group or topic, TopicPartition(topic, partition, offset))


def target(
    broker: LocalBroker, topic: str, start_from: str = "earliest", dead_letter_topic: str | None = None
) -> Target:
    return Target(Access(broker.bootstrap_servers), topic, topic, start_from, dead_letter_topic)


def member(
    broker: LocalBroker, group: str, *, topic: str | None = None, client_id: str = WORKER, **settings: str
) -> AbstractContextManager[None]:
    """Have a consumer in a group that reads and never commits; it is named as a worker's pod is."""
    return silent_member(
        broker.bootstrap_servers, group, topic=topic or group, client_id=client_id, **settings
    )


@asynccontextmanager
async def polling(*followed: tuple[ObjectKey, Target], patience: float = 3.0) -> AsyncIterator[Poller]:
    poller = Poller(interval=0.3, timeout=patience, changed=lambda _: None)
    for key, wanted in followed:
        poller.follow(key, wanted)
    task = asyncio.create_task(poller.run())
    yield poller
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def observed(
    poller: Poller, key: ObjectKey, until: Callable[[Observation], bool], *, within: float = 30
) -> Observation:
    """Wait for an observation; fail after ``within`` s with what was last seen."""
    seen: Observation | None = None
    try:
        async with asyncio.timeout(within):
            while seen is None or not until(seen):
                await asyncio.sleep(0.05)
                seen = poller.observation(key)
    except TimeoutError as late:
        message = f"waited {within:.0f} s in vain; last seen: {seen}"
        raise AssertionError(message) from late
    return seen


def answered(seen: Observation) -> bool:
    """Tell whether Kafka said all, or why not: a new partition has no leader for a moment."""
    said_all = seen.lag.state in {LagState.KNOWN, LagState.UNCOMMITTED}
    return said_all or seen.topic_exists is False or seen.fault is not None


def observe(wanted: Target, until: Callable[[Observation], bool] = answered) -> Observation:
    async def story() -> Observation:
        async with polling((KEY, wanted)) as poller:
            return await observed(poller, KEY, until)

    return asyncio.run(story())


def said(seen: Observation, before: Manifest | None = None, *, replicas: int = 1) -> Manifest:
    """Return the status that the operator writes of an observation while all workers are ready."""
    return report(
        world(
            consumer=consumer(replicas=replicas),
            deployment=deployment(replicas=replicas, ready=replicas),
            observation=seen,
            status=before or {},
        ),
        None,
        [],
        now=NOW,
    )


def status_with(
    wanted: Target,
    expected: tuple[str, str],
    *,
    each: Callable[[], Any] = lambda: None,
    replicas: int = 1,
    within: float = 40,
) -> Manifest:
    """Follow a group until a condition has a reason; ``each`` happens at every look."""

    async def story() -> Manifest:
        status: Manifest = {}
        last: object = None
        async with polling((KEY, wanted)) as poller, asyncio.timeout(within):
            while condition(status, expected[0]).get("reason") != expected[1] if status else True:
                seen = poller.observation(KEY)
                if seen is not None and seen.observed_at != last:
                    last = seen.observed_at
                    status = said(seen, status, replicas=replicas)
                    await asyncio.to_thread(each)
                await asyncio.sleep(0.05)
        return status

    return asyncio.run(story())
