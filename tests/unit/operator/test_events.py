"""What is published under Events."""

from __future__ import annotations

from datetime import timedelta

import pytest

from eventconsumer_operator.events import event
from eventconsumer_operator.names import Reason
from tests.unit.operator.builders import NOW, UID, consumer

ABOUT = consumer().metadata


def test_an_event_is_about_its_resource() -> None:
    told = event(ABOUT, Reason.TOPIC_RECREATED, "made again", now=NOW)

    assert told["involvedObject"] == {
        "apiVersion": "eventconsumer.dev/v1beta1",
        "kind": "EventConsumer",
        "name": "notification-service",
        "namespace": "tasks",
        "uid": UID,
    }
    assert (told["reason"], told["message"]) == ("TopicRecreated", "made again")


def test_the_same_happening_has_the_same_name_at_any_time() -> None:
    one = event(ABOUT, Reason.TOPIC_RECREATED, "made again", now=NOW)
    later = event(ABOUT, Reason.TOPIC_RECREATED, "made again", now=NOW + timedelta(hours=1))
    another = event(ABOUT, Reason.TOPIC_RECREATED, "made once more", now=NOW)

    assert one["metadata"] == later["metadata"] != another["metadata"]


@pytest.mark.parametrize(
    ("reason", "kind"), [(Reason.GROUP_DELETED, "Normal"), (Reason.GROUP_RETAINED, "Warning")]
)
def test_what_went_as_asked_is_no_warning(reason: Reason, kind: str) -> None:
    assert event(ABOUT, reason, "m", now=NOW)["type"] == kind
