"""Which of several EventConsumers with one group runs, and who is looked at again when that changes."""

from __future__ import annotations

from typing import Any

import pytest

from eventconsumer_operator.affected import affected
from eventconsumer_operator.connection import Connection
from eventconsumer_operator.desired import deployment as desired_deployment
from eventconsumer_operator.groups import group_owner, heir
from eventconsumer_operator.names import DEPLOYMENTS, EVENT_CONSUMERS, KAFKAS, TOPICS, ObjectKey
from eventconsumer_operator.pod_template import Image
from eventconsumer_operator.store import Store
from tests.unit.operator.builders import consumer, kafka, resource, topic

NEW = ObjectKey("tasks", "new")
FIRST, SECOND = "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z"


def claimant(
    name: str,
    *,
    created: str = FIRST,
    uid: str = "u-2",
    namespace: str = "tasks",
    deleted: str | None = None,
    **spec: Any,
) -> dict[str, Any]:
    body = resource(name, **{"groupId": "shared"} | spec)
    body["metadata"] |= {"namespace": namespace, "creationTimestamp": created, "uid": uid}
    if deleted:
        body["metadata"]["deletionTimestamp"] = deleted
    return body


def holding(*bodies: dict[str, Any]) -> Store:
    store = Store()
    store.put(TOPICS, topic())
    store.put(KAFKAS, kafka())
    for body in bodies:
        store.put(EVENT_CONSUMERS, body)
    return store


ADDRESS = {"bootstrapServers": "elsewhere:9092, events-plain:9092", "topic": "x"}
ELSEWHERE = {"bootstrapServers": "elsewhere:9092", "topic": "x"}
RIVALS: dict[str, tuple[list[dict[str, Any]], ObjectKey | None]] = {
    "nobody else": ([], None),
    "an older one": ([claimant("old")], ObjectKey("tasks", "old")),
    "a younger one": ([claimant("younger", created="2026-11-21T12:00:00Z")], None),
    "one of the same second with a smaller uid": (
        [claimant("twin", created=SECOND, uid="t")],
        ObjectKey("tasks", "twin"),
    ),
    "one of the same second with a greater uid": ([claimant("twin", created=SECOND, uid="v")], None),
    "an older one of another group": ([claimant("old", groupId="another")], None),
    "an older one whose name is the group": (
        [claimant("shared", groupId=None)],
        ObjectKey("tasks", "shared"),
    ),
    "an older one on another Kafka": ([claimant("old", topicRef=None, kafka=ELSEWHERE)], None),
    "an older one in another namespace, on a server in common": (
        [claimant("old", namespace="other", topicRef=None, kafka=ADDRESS)],
        ObjectKey("other", "old"),
    ),
    "an older one through another listener": (
        [claimant("old", listener="external")],
        ObjectKey("tasks", "old"),
    ),
    "an older one whose topic is missing": ([claimant("old", topicRef={"name": "missing"})], None),
    "two older ones, of which the oldest counts": (
        [claimant("old", created="2026-11-21T10:30:00Z"), claimant("oldest", uid="u-3")],
        ObjectKey("tasks", "oldest"),
    ),
    "an older one that is being deleted and still has its pods": (
        [claimant("old", deleted=SECOND)],
        ObjectKey("tasks", "old"),
    ),
}


@pytest.mark.parametrize(("rivals", "expected"), RIVALS.values(), ids=RIVALS.keys())
def test_the_group_belongs_to_the_oldest(rivals: list[dict[str, Any]], expected: ObjectKey | None) -> None:
    store = holding(claimant("new", created=SECOND, uid="u"), *rivals)
    assert group_owner(NEW, store) == expected


def test_an_older_one_whose_topic_vanished_has_its_group_while_its_workers_run() -> None:
    store = holding(claimant("new", created=SECOND, uid="u"), claimant("old", topicRef={"name": "missing"}))
    place = Connection("events-plain:9092", "task-events")
    store.put(DEPLOYMENTS, desired_deployment(consumer("old"), place, Image("workers", "IfNotPresent")))

    assert group_owner(NEW, store) == ObjectKey("tasks", "old")


@pytest.mark.parametrize(
    ("rivals", "expected"),
    [
        pytest.param([], None, id="nobody"),
        pytest.param([claimant("y", created=SECOND)], ObjectKey("tasks", "y"), id="one that waits for it"),
        pytest.param([claimant("y", deleted=SECOND)], None, id="nobody that goes as well"),
        pytest.param([claimant("y", topicRef=None, kafka=ELSEWHERE)], None, id="nobody of another Kafka"),
    ],
)
def test_who_stays_with_the_group(rivals: list[dict[str, Any]], expected: ObjectKey | None) -> None:
    assert heir(NEW, holding(claimant("new", uid="u"), *rivals)) == expected


def test_a_deleted_resource_concerns_those_that_wait_for_its_group() -> None:
    waiting = ObjectKey("other", "new")
    store = holding(claimant("new", namespace="other"), claimant("unconcerned", groupId="another"))

    assert affected(EVENT_CONSUMERS, claimant("old"), store) == {ObjectKey("tasks", "old"), waiting}


def test_a_changed_kafka_concerns_those_that_share_a_group_with_its_readers() -> None:
    outsider = claimant("new", namespace="other", topicRef=None, kafka=ADDRESS)
    store = holding(claimant("old"), outsider)

    assert affected(KAFKAS, kafka(), store) == {ObjectKey("tasks", "old"), ObjectKey("other", "new")}
