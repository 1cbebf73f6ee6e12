"""What an EventConsumer owns, whole, against golden files.

Each ``tests/data/input/NAME.yaml`` must give ``tests/data/golden/NAME.yaml``; tests/data/README.md says how
to renew those files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from eventconsumer_operator import desired
from eventconsumer_operator.connection import Connection
from eventconsumer_operator.models import EventConsumer
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.pod_template import Image
from tests.unit.operator.builders import UID, consumer, world

DATA = Path(__file__).resolve().parents[2] / "data"
CONNECTION = Connection("events-kafka-bootstrap.tasks.svc:9092", "task-events")
IMAGE = Image("eventconsumer/workers:0.1.0", "IfNotPresent")
KEY = ObjectKey("tasks", "older")
INPUTS = sorted(path.stem for path in (DATA / "input").glob("*.yaml"))


def owned(name: str) -> list[dict[str, Any]]:
    body = yaml.safe_load((DATA / "input" / f"{name}.yaml").read_text())
    body["metadata"]["uid"] = UID
    resource = EventConsumer.model_validate(body)
    claim = desired.claim(resource)
    return [*([claim] if claim else []), desired.deployment(resource, CONNECTION, IMAGE)]


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_gives_its_golden_objects(name: str) -> None:
    golden = DATA / "golden" / f"{name}.yaml"
    objects = owned(name)
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(yaml.safe_dump_all(objects, sort_keys=False))

    assert list(yaml.safe_load_all(golden.read_text())) == objects


@pytest.mark.parametrize(
    "change",
    [
        {"replicas": 3},
        {"groupId": "another"},
        {"eventTypes": ["task.updated"]},
        {"startFrom": "latest"},
        {"delivery": {"deadLetterTopic": "elsewhere"}},
        {"template": {"env": [{"name": "LOG_LEVEL", "value": "debug"}]}},
        {"template": {"labels": {"team": "tasks"}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_edited_field_changes_the_deployment(change: dict[str, Any]) -> None:
    before = desired.deployment(consumer(), CONNECTION, IMAGE)
    after = desired.deployment(consumer(**change), CONNECTION, IMAGE)
    assert desired.fingerprint(before) != desired.fingerprint(after)


def test_a_given_number_of_workers_wins_over_the_spec_s() -> None:
    stopped = desired.deployment(consumer(replicas=3), CONNECTION, IMAGE, replicas=0)
    assert stopped["spec"]["replicas"] == 0


@pytest.mark.parametrize("parts", [{"consumer": consumer(paused=True, replicas=3)}, {"group_owner": KEY}])
def test_a_pause_and_a_lost_group_ask_for_no_worker(parts: dict[str, Any]) -> None:
    assert world(**parts).replicas == 0


def test_the_topic_s_id_marks_the_pods_beside_the_user_s_annotations() -> None:
    resource = consumer(template={"annotations": {"team": "tasks"}})
    known = Connection("kafka:9092", "task-events", "an-id")

    spec = desired.deployment(resource, known, IMAGE)["spec"]

    assert spec["template"]["metadata"]["annotations"] == {
        "team": "tasks",
        "eventconsumer.dev/topic-id": "an-id",
    }


def test_the_same_resource_gives_the_same_fingerprint() -> None:
    one, other = (desired.fingerprint(desired.deployment(consumer(), CONNECTION, IMAGE)) for _ in range(2))
    assert one == other


def test_a_user_s_label_never_takes_the_place_of_the_selector_s() -> None:
    resource = consumer(template={"labels": {"app.kubernetes.io/instance": "another"}})
    spec = desired.deployment(resource, CONNECTION, IMAGE)["spec"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
