"""What librdkafka is told about the group."""

from __future__ import annotations

import pytest

from eventconsumer_workers.client_settings import consumer_config
from eventconsumer_workers.config import Kind, Settings


@pytest.mark.parametrize(("session_seconds", "heartbeat_ms"), [(6, 1800), (10, 3000), (1800, 3000)])
def test_members_hear_of_a_rebalance_within_seconds_however_long_a_session_is(
    session_seconds: int, heartbeat_ms: int
) -> None:
    settings = Settings(
        kind=Kind.AUDIT, kafka_bootstrap_servers="kafka:9092", group_session_seconds=session_seconds
    )
    assert consumer_config(settings)["heartbeat.interval.ms"] == heartbeat_ms
