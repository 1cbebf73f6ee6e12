"""`make demo`, as a newcomer sees it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.support.kubernetes import Kubernetes

CONSUMERS = ("notification-service", "audit-service")


def lags(demo: str, consumer: str) -> list[str]:
    """Return what the LAG column showed for a consumer, in the order in which the demo printed it."""
    return re.findall(rf"^{consumer} +task-events +\d+/\d+ +(\S+)", demo, flags=re.MULTILINE)


def test_lag_was_seen_at_600_and_then_at_0_for_both_consumers(demo: str) -> None:
    for consumer in CONSUMERS:
        seen = lags(demo, consumer)
        assert "600" in seen, demo
        assert seen[-1] == "0", demo


def test_it_prints_three_notifications(demo: str) -> None:
    assert (
        len(re.findall(r"NOTIFICATION: New task created - 'Demo task \d+' \(ID: [0-9a-f-]{36}\)", demo)) == 3
    )


def test_it_counts_every_event_exactly_once_in_the_audit_log(demo: str) -> None:
    assert "of the 600 tasks just posted 600 are there, 0 events are there twice" in demo


def test_it_says_what_to_try_next(demo: str) -> None:
    assert "kubectl get eventconsumers -n tasks --watch" in demo


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_its_row_is_ready_in_the_right_group_with_lag_0(kubernetes: Kubernetes, consumer: str) -> None:
    row = eventually("lag 0", lambda: kubernetes.row(consumer), until=lambda row: row["LAG"] == "0")
    assert (row["TOPIC"], row["READY"]) == ("task-events", "1/1")
    assert kubernetes.status(consumer)["groupId"] == consumer
