"""Retention on a real broker: its settings, and records that will expire unread."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from eventconsumer_operator.access import Access
from eventconsumer_operator.broker import Broker
from eventconsumer_operator.retention import Retention
from tests.integration.operator.following import (
    commit,
    observe,
    produce,
    said,
    status_with,
    target,
)
from tests.support.broker_client import BrokerClient
from tests.support.conditions import condition
from tests.support.sure_producer import SureProducer

if TYPE_CHECKING:
    from dev.kafka import LocalBroker

HOUR = 3600


def topic_with(broker: LocalBroker, **settings: str) -> str:
    """Make a topic with settings of its own; underscores stand for dots."""
    name = f"retention-{uuid.uuid4().hex[:8]}"
    config = {key.replace("_", "."): value for key, value in settings.items()}
    BrokerClient(broker.bootstrap_servers).create_topic(name, config=config)
    return name


def written_ago(broker: LocalBroker, topic: str, seconds: int) -> None:
    """Write a record as if it had been written so long ago."""
    producer = SureProducer(broker.bootstrap_servers)
    producer.produce(topic, key=b"a", value=b"old", timestamp=int((time.time() - seconds) * 1000))
    producer.await_delivery()


def test_records_that_nobody_reads_are_told_of_before_they_expire(broker: LocalBroker) -> None:
    topic = topic_with(broker, retention_ms=str(HOUR * 1000))
    # Told in whole seconds, an age may seem to grow at half its pace, and then twice the time is told.
    written_ago(broker, topic, HOUR - 140)

    status = status_with(target(broker, topic), ("RetentionRisk", "ExpiringByTime"))

    risk = condition(status, "RetentionRisk")
    assert risk["status"] == "True"
    assert "expire in less than 5 minutes" in risk["message"]


@pytest.mark.parametrize("settings", [{"cleanup_policy": "compact"}, {"retention_ms": "-1"}, {}])
def test_a_topic_that_keeps_them_is_no_risk(broker: LocalBroker, settings: dict[str, str]) -> None:
    topic = topic_with(broker, **settings)
    written_ago(broker, topic, HOUR - 240)

    seen = observe(target(broker, topic), lambda seen: len(seen.window) >= 6)

    assert condition(said(seen), "RetentionRisk") == {}
    assert seen.lag.total == 1


def test_the_settings_of_all_topics_are_told_at_once(broker: LocalBroker, topic: str) -> None:
    other = topic_with(broker, retention_ms="1000", retention_bytes="2000")

    async def story() -> tuple[dict[str, dict[str, str]], float | None]:
        asked = Broker(Access(broker.bootstrap_servers), timeout=5.0)
        try:
            return await asked.topic_settings([topic, other, "nobody-made-this"]), await asked.offsets_kept()
        finally:
            await asked.close()

    settings, kept = asyncio.run(story())

    assert Retention.of(settings[other]) == Retention(1.0, 2000)
    assert Retention.of(settings[topic]) == Retention(7 * 24 * HOUR, None)
    assert "nobody-made-this" not in settings
    assert kept == 7 * 24 * HOUR


def test_a_group_that_falls_back_in_a_log_that_is_cut_by_size_is_told_of(broker: LocalBroker) -> None:
    topic = topic_with(broker, retention_bytes="100000000", retention_ms="-1")
    produce(broker, topic, count=100)
    # What retention does when the log has grown too large.
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    [cut] = admin.delete_records([TopicPartition(topic, 0, 50)]).values()
    assert cut.result().low_watermark == 50
    commit(broker, topic, partition=0, offset=55)

    status = status_with(
        target(broker, topic), ("RetentionRisk", "ExpiringBySize"), each=lambda: produce(broker, topic)
    )

    assert condition(status, "RetentionRisk")["status"] == "True"
    assert condition(status, "DataLoss") == {}
