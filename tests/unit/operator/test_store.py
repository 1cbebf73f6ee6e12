"""What is remembered of what was seen, and whom it concerns."""

from __future__ import annotations

from typing import Any

import pytest

from eventconsumer_operator.affected import affected
from eventconsumer_operator.indexes import BY_GROUP
from eventconsumer_operator.names import CLAIMS, DEPLOYMENTS, EVENT_CONSUMERS, KAFKAS, PODS, TOPICS, ObjectKey
from eventconsumer_operator.store import Store
from tests.unit.operator.builders import deployment, kafka, resource, topic

KEY = ObjectKey("tasks", "notification-service")


def seen(
    version: int, *, uid: str = "u-1", name: str = KEY.name, namespace: str = KEY.namespace
) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": uid, "resourceVersion": str(version)}
    return {"metadata": metadata | {"managedFields": ["a lot"]}}


def version(store: Store) -> str | None:
    found = store.get(DEPLOYMENTS, KEY)
    return found["metadata"]["resourceVersion"] if found else None


def test_an_older_version_that_arrives_late_changes_nothing() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    store.put(DEPLOYMENTS, seen(9))
    assert version(store) == "10"


@pytest.mark.parametrize("answered", [10, 12])
def test_what_a_write_or_a_listing_answered_is_not_told(answered: int) -> None:
    store = Store()
    store.hear(DEPLOYMENTS, seen(11))
    store.put(DEPLOYMENTS, seen(answered))
    assert [store.told(DEPLOYMENTS, seen(number)) for number in (11, 12)] == [True, False]


def test_a_watch_tells_though_a_write_answered_first() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(12))
    assert not store.told(DEPLOYMENTS, seen(11))
    store.hear(DEPLOYMENTS, seen(11))
    assert (store.told(DEPLOYMENTS, seen(11)), version(store)) == (True, "12")


def test_what_is_told_to_be_gone_while_it_is_listed_is_told() -> None:
    store = Store()
    store.hear(DEPLOYMENTS, seen(10))
    store.remove(DEPLOYMENTS, seen(13))
    assert store.told(DEPLOYMENTS, seen(12))


def test_a_new_object_of_the_same_name_replaces_the_old_one() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    store.put(DEPLOYMENTS, seen(3, uid="u-2"))
    assert version(store) == "3"


def test_a_late_deletion_of_the_old_object_leaves_the_new_one() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(12, uid="u-2"))
    store.remove(DEPLOYMENTS, seen(11))
    assert version(store) == "12"


def test_a_deleted_object_is_forgotten() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    store.remove(DEPLOYMENTS, seen(11))
    assert version(store) is None


def test_what_was_not_found_is_forgotten_until_a_listing_shows_it() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    store.lose(DEPLOYMENTS, seen(10))
    assert version(store) is None
    store.put(DEPLOYMENTS, seen(10))
    assert version(store) == "10"


@pytest.mark.parametrize("heard", [seen(11), seen(11, uid="u-2")], ids=["changed", "made again"])
def test_what_was_not_found_is_kept_where_more_was_heard_of_it_since(heard: dict[str, Any]) -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    store.hear(DEPLOYMENTS, heard)
    store.lose(DEPLOYMENTS, seen(10))
    assert version(store) == "11"


def test_a_listing_forgets_what_vanished_unheard() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    store.settle(DEPLOYMENTS, [], at=20)
    assert version(store) is None


def test_a_listing_keeps_what_is_newer_than_itself() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(21))
    store.settle(DEPLOYMENTS, [], at=20)
    assert version(store) == "21"


def test_a_listing_keeps_what_it_shows() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    store.settle(DEPLOYMENTS, [KEY], at=20)
    assert version(store) == "10"


def test_a_listing_under_way_never_brings_back_what_is_gone() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    store.remove(DEPLOYMENTS, seen(11))
    store.put(DEPLOYMENTS, seen(10))
    assert version(store) is None


def test_an_object_that_left_the_watch_and_came_back_is_kept() -> None:
    store = Store()
    store.remove(DEPLOYMENTS, seen(11))
    store.put(DEPLOYMENTS, seen(12))
    assert version(store) == "12"


def test_a_listing_of_one_namespace_says_nothing_about_another() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    store.settle(DEPLOYMENTS, [], at=20, namespaces=["other"])
    assert version(store) == "10"


def test_a_listing_of_one_namespace_forgets_what_vanished_there() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    store.settle(DEPLOYMENTS, [], at=20, namespaces=[KEY.namespace])
    assert version(store) is None


def test_of_a_kind_that_is_served_no_more_nothing_is_left() -> None:
    store = Store()
    store.put(TOPICS, topic())
    store.settle_unserved(TOPICS)
    assert store.keys(TOPICS) == frozenset()


def test_a_kind_that_is_not_served_is_known_as_such_until_it_is_listed() -> None:
    store = Store()
    store.settle_unserved(TOPICS)
    assert not store.serves(TOPICS)
    store.settle(TOPICS, [], at=1)
    assert store.serves(TOPICS)


def test_the_bookkeeping_of_field_managers_is_not_kept() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    kept = store.get(DEPLOYMENTS, KEY)
    assert kept
    assert "managedFields" not in kept["metadata"]


def test_of_a_pod_only_what_decisions_read_is_kept() -> None:
    store = Store()
    store.put(
        PODS, seen(10) | {"spec": {"a": "lot"}, "status": {"podIP": "10.0.0.1", "qosClass": "Burstable"}}
    )
    assert store.get(PODS, KEY) == {
        "metadata": {k: v for k, v in seen(10)["metadata"].items() if k != "managedFields"},
        "status": {"podIP": "10.0.0.1", "conditions": [], "containerStatuses": []},
    }


def test_an_object_is_found_by_what_it_says_now_and_no_more_by_what_it_said() -> None:
    store = Store()
    store.put(EVENT_CONSUMERS, resource("one", groupId="old"))
    store.put(EVENT_CONSUMERS, resource("one", groupId="new"))
    assert store.find(EVENT_CONSUMERS, BY_GROUP, "old") == {}
    assert set(store.find(EVENT_CONSUMERS, BY_GROUP, "new")) == {ObjectKey("tasks", "one")}


def test_a_deleted_object_is_found_by_nothing() -> None:
    store = Store()
    store.put(EVENT_CONSUMERS, resource("one", groupId="shared"))
    store.put(EVENT_CONSUMERS, resource("two", groupId="shared"))
    store.remove(EVENT_CONSUMERS, resource("one", groupId="shared"))
    assert store.keys_by(EVENT_CONSUMERS, BY_GROUP, "shared") == {ObjectKey("tasks", "two")}


def test_what_a_reader_does_to_an_object_stays_with_the_reader() -> None:
    store = Store()
    store.put(DEPLOYMENTS, seen(10))
    taken = store.get(DEPLOYMENTS, KEY)
    assert taken
    taken["metadata"].clear()
    assert version(store) == "10"


LABELLED = {
    "metadata": {"name": "x", "namespace": "tasks", "labels": {"app.kubernetes.io/instance": KEY.name}}
}
ELSEWHERE = topic() | {"metadata": topic()["metadata"] | {"namespace": "other"}}


@pytest.mark.parametrize(
    ("kind", "manifest", "expected"),
    [
        pytest.param(EVENT_CONSUMERS, resource("new"), {ObjectKey("tasks", "new")}, id="a resource, itself"),
        pytest.param(DEPLOYMENTS, deployment(), {KEY}, id="a Deployment, its owner"),
        pytest.param(CLAIMS, LABELLED, {KEY}, id="a claim that lost its owner, whom its label names"),
        pytest.param(PODS, LABELLED, {KEY}, id="a pod, whom its label names"),
        pytest.param(TOPICS, topic(), {KEY}, id="a KafkaTopic, those that read it"),
        pytest.param(TOPICS, ELSEWHERE, set(), id="a KafkaTopic of another namespace, nobody"),
        pytest.param(KAFKAS, kafka(), {KEY}, id="a Kafka, those that read its topics"),
    ],
)
def test_a_changed_object_concerns(kind: str, manifest: dict[str, Any], expected: set[ObjectKey]) -> None:
    store = Store()
    store.put(EVENT_CONSUMERS, resource())
    store.put(EVENT_CONSUMERS, resource("another", topicRef={"name": "other-topic"}))
    store.put(TOPICS, topic())

    assert affected(kind, manifest, store) == expected
