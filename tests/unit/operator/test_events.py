"""What is published under Events, and when."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from eventconsumer_operator.events import event
from eventconsumer_operator.tidings import Tiding, Troubles
from tests.unit.operator.builders import NOW, UID, consumer

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest

ABOUT = consumer().metadata
RECREATED = Tiding("TopicRecreated", "made again", good=False)


def status(**conditions: str) -> Manifest:
    """Build a status of conditions, each given as ``status/reason``."""
    return {
        "conditions": [
            dict(zip(("type", "status", "reason", "message"), (kind, *text.split("/"), "m"), strict=True))
            for kind, text in conditions.items()
        ]
    }


WELL = status(Ready="True/WorkersReady", KeepingUp="True/CaughtUp")
STARTING = status(Ready="False/WorkersStarting", KeepingUp="Unknown/LagUnknown")
NO_TOPIC = status(Ready="False/TopicNotFound", TopicReady="False/TopicNotFound")
STALLED = status(Ready="True/WorkersReady", KeepingUp="False/Stalled")


def told(*statuses: Manifest, troubles: Troubles | None = None) -> list[tuple[str, bool]]:
    """Return the reasons told while one status followed the other."""
    troubles = troubles or Troubles()
    return [
        (tiding.reason, tiding.good) for old, new in pairwise(statuses) for tiding in troubles.after(old, new)
    ]


def test_an_event_is_about_its_resource() -> None:
    made = event(ABOUT, RECREATED, now=NOW)

    assert made["involvedObject"] == {
        "apiVersion": "eventconsumer.dev/v1beta1",
        "kind": "EventConsumer",
        "name": "notification-service",
        "namespace": "tasks",
        "uid": UID,
    }
    assert (made["type"], made["reason"], made["message"]) == ("Warning", "TopicRecreated", "made again")


def test_one_reason_has_one_event_whatever_its_message_and_time() -> None:
    one = event(ABOUT, RECREATED, now=NOW)
    later = event(ABOUT, Tiding("TopicRecreated", "once more", good=False), now=NOW + timedelta(hours=1))
    another = event(ABOUT, Tiding("TopicNotFound", "made again", good=False), now=NOW)

    assert one["metadata"] == later["metadata"] != another["metadata"]


def test_a_long_message_is_cut_where_the_api_server_would_refuse_it() -> None:
    assert event(ABOUT, Tiding("AclMissing", "m" * 2000, good=False), now=NOW)["message"] == "m" * 1024


def test_what_went_well_is_no_warning() -> None:
    assert event(ABOUT, Tiding("CaughtUp", "m", good=True), now=NOW)["type"] == "Normal"


def test_a_resource_that_starts_and_runs_is_no_event() -> None:
    assert told({}, STARTING, WELL) == []


def test_trouble_is_told_once_and_so_is_its_end() -> None:
    seen = told({}, NO_TOPIC, NO_TOPIC, STARTING, WELL, WELL)
    assert seen == [("TopicNotFound", False), ("WorkersReady", True)]


def test_a_verdict_that_comes_and_goes_is_told_once_until_it_ends() -> None:
    behind = status(Ready="True/WorkersReady", KeepingUp="False/FallingBehind")
    recovering = status(Ready="True/WorkersReady", KeepingUp="False/Recovering")
    seen = told(WELL, behind, recovering, behind, recovering, WELL)
    assert seen == [("FallingBehind", False), ("CaughtUp", True)]


def test_another_trouble_of_the_same_condition_is_told() -> None:
    unavailable = status(Ready="False/WorkersUnavailable")
    assert told(NO_TOPIC, unavailable) == [("WorkersUnavailable", False)]


def test_a_restarted_operator_tells_nothing_anew_and_still_tells_the_end() -> None:
    assert told(STALLED, STALLED) == []
    assert told(STALLED, WELL) == [("CaughtUp", True)]


@pytest.mark.parametrize("asked", ["Stopped", "Paused", "ScaledToZero"])
def test_what_was_asked_for_is_no_trouble(asked: str) -> None:
    assert told(WELL, status(Ready=f"True/{asked}", KeepingUp="False/Stopped")) == []


def test_a_verdict_from_before_the_workers_came_is_not_told() -> None:
    starting = status(Ready="False/WorkersStarting", KeepingUp="False/Stopped")
    nobody = status(Ready="True/WorkersReady", KeepingUp="False/Stopped")
    assert told(starting, nobody, WELL) == []
    assert told(starting, nobody, nobody) == [("Stopped", False)]


def test_a_verdict_on_workers_that_are_on_their_way_is_not_told() -> None:
    stopped = status(Ready="True/Stopped", KeepingUp="False/Stopped")
    starting = status(Ready="False/WorkersStarting", KeepingUp="False/Stopped")
    assert told(stopped, starting, WELL) == []


def test_lost_records_are_told_when_they_are_lost() -> None:
    lost = status(Ready="True/WorkersReady", DataLoss="True/RecordsExpired")
    assert told(WELL, lost, lost, WELL) == [("RecordsExpired", False)]
