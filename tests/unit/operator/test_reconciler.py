"""One EventConsumer's story told from the beginning: where Kafka is asked, and what is said meanwhile."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_operator.access import Access
from eventconsumer_operator.cluster import NotLeading, Unavailable
from eventconsumer_operator.errands import DeleteGroup
from eventconsumer_operator.names import CLAIMS, DEPLOYMENTS, EVENT_CONSUMERS, FINALIZER, ObjectKey
from eventconsumer_operator.outcome import Outcome
from eventconsumer_operator.verdict import Look
from tests.support.conditions import condition
from tests.unit.operator.builders import observation, resource
from tests.unit.operator.reconciling import KEY, Answer, Reconciling

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS = {"bootstrapServers": "elsewhere:9092", "topic": "a-events"}


def running(**place: Any) -> Reconciling:
    """Return a consumer whose workers run at a place."""
    story = Reconciling()
    story.has_topic("a", "x")
    story.has_topic("b", "y", ready="False")
    story.edit(**place)
    story.reconcile()
    return story


def renamed(story: Reconciling) -> None:
    story.edit(topicRef={"name": "b"}, deletionPolicy="Delete")


def relabelled(story: Reconciling) -> None:
    story.has_topic("a", "y", ready="False", version=2)
    story.edit(topicRef={"name": "a"}, deletionPolicy="Delete")


ON_X: dict[str, Any] = {"topicRef": {"name": "a"}}
EXTERNAL: dict[str, Any] = {"topicRef": None, "kafka": ADDRESS}
MOVES: dict[str, tuple[dict[str, Any], Callable[[Reconciling], None], str]] = {
    "a topicRef that names a topic of another Kafka": (ON_X, renamed, "x:9092"),
    "a KafkaTopic that is labelled for another Kafka": (ON_X, relabelled, "x:9092"),
    "a topicRef in the place of spec.kafka": (EXTERNAL, renamed, "elsewhere:9092"),
}
CASES = pytest.mark.parametrize(("place", "move", "servers"), MOVES.values(), ids=MOVES.keys())


@CASES
def test_workers_that_stay_where_they_are_have_the_lag_of_that_kafka(
    place: dict[str, Any], move: Callable[[Reconciling], None], servers: str
) -> None:
    story = running(**place)
    move(story)
    story.reconcile()
    assert story.workers_at() == (servers, "a-events")
    assert (story.target().access, story.target().topic) == (Access(servers), "a-events")


@CASES
def test_a_group_is_deleted_at_the_kafka_that_the_workers_were_at(
    place: dict[str, Any], move: Callable[[Reconciling], None], servers: str
) -> None:
    story = running(**place)
    move(story)
    story.delete(finalizers=[FINALIZER])
    story.reconcile()
    assert story.stored(DEPLOYMENTS)["spec"]["replicas"] == 0
    story.reconcile()
    assert story.errands.begun == [DeleteGroup(Access(servers), "notification-service")]


def test_workers_go_to_the_other_kafka_once_its_topic_is_ready_and_so_does_the_question() -> None:
    story = running(**ON_X)
    renamed(story)
    story.has_topic("b", "y", version=2)
    story.reconcile()
    assert story.workers_at() == ("y:9092", "b-events")
    assert story.target().access == Access("y:9092")


def test_a_changed_topic_has_no_lag_until_kafka_was_asked_about_it() -> None:
    story = running(topicRef={"name": "a"})
    story.has_topic("c", "x")
    story.poller.says["x:9092", "a-events"] = observation(5000)
    assert story.reconcile()["lag"] == 5000
    story.edit(topicRef={"name": "c"})
    status = story.reconcile()
    assert (status["observedGeneration"], status["topic"]) == (2, "c-events")
    assert (status["lag"], status["lagState"], status["observedAt"]) == (None, "Unknown", None)
    assert condition(status, "KeepingUp")["status"] == "Unknown"


def test_the_number_of_workers_is_held_while_nothing_is_known_of_a_changed_topic() -> None:
    scaling = {"min": 1, "max": 3, "targetLag": 100}
    story = running(topicRef={"name": "a"}, scaling=scaling)
    story.poller.says["x:9092", "a-events"] = observation(0)
    story.reconcile()
    story.has_topic("c", "x")
    story.edit(topicRef={"name": "c"}, scaling=scaling)
    shared = (Look(0.0, 5000, 60, (0, 0, 0), (1700, 1700, 1600)),)
    story.poller.says["x:9092", "a-events"] = observation(5000, window=shared)
    status = story.reconcile()
    assert (status["scaling"]["desired"], status["scaling"]["reason"]) == (1, "LagUnknown")
    assert story.stored(DEPLOYMENTS)["spec"]["replicas"] == 1


def test_a_corrected_spec_kafka_is_not_judged_by_what_kafka_said_of_the_one_before() -> None:
    story = running(topicRef=None, kafka=ADDRESS | {"topic": "a-evnets"})
    story.poller.says["elsewhere:9092", "a-evnets"] = observation(None, topic_exists=False)
    assert condition(story.reconcile(), "TopicReady")["reason"] == "TopicNotFound"
    story.edit(topicRef=None, kafka=ADDRESS)
    assert condition(story.reconcile(), "TopicReady")["status"] == "True"
    assert story.workers_at() == ("elsewhere:9092", "a-events")


def from_latest(outcome: Outcome) -> Reconciling:
    """Return a new consumer that starts from the latest record, after Kafka was asked where that is."""
    story = Reconciling()
    story.has_topic("a", "x")
    story.poller.says["x:9092", "a-events"] = observation(0)
    story.edit(topicRef={"name": "a"}, startFrom="latest")
    story.errands.ends_as = outcome
    return story


def test_no_worker_starts_from_the_latest_record_before_kafka_said_where_that_is() -> None:
    story = from_latest(Outcome.UNREACHABLE)
    status = story.reconcile()
    assert condition(status, "TopicReady")["reason"] == "KafkaUnreachable"
    assert story.store.get(DEPLOYMENTS, KEY) is None
    story.errands.ends_as = Outcome.DONE
    assert condition(story.reconcile(), "Ready")["status"] == "True"


def test_workers_that_run_already_need_no_place_to_start_from() -> None:
    story = from_latest(Outcome.DONE)
    story.reconcile()
    story.errands.begun.clear()
    story.errands.ends_as = Outcome.UNREACHABLE
    assert condition(story.reconcile(), "Ready")["status"] == "True"
    assert story.errands.begun == []


@pytest.mark.parametrize(
    ("kind", "name"), [(DEPLOYMENTS, KEY.name), (CLAIMS, f"{KEY.name}-audit")], ids=["Deployment", "claim"]
)
def test_what_belongs_to_someone_else_is_left_as_it_is_and_nothing_is_made_beside_it(
    kind: str, name: str
) -> None:
    story = Reconciling()
    story.has_topic("a", "x")
    story.poller.says["x:9092", "a-events"] = observation(0)
    story.edit(topicRef={"name": "a"}, worker={"type": "audit"})
    path = story.reconciler.cluster._path(kind, ObjectKey("tasks", name))
    foreign = {"metadata": {"name": name, "namespace": "tasks", "uid": "f"}, "spec": {"replicas": 7}}
    story.api.objects[path] = copy.deepcopy(foreign)
    status = story.reconcile()
    assert condition(status, "WorkersAvailable")["reason"] == "NameConflict"
    assert story.api.objects[path] == foreign
    assert [one for one in story.api.objects if f"/{DEPLOYMENTS}/" in one or f"/{CLAIMS}/" in one] == [path]


OTHERS = "example.com/archive"


def test_the_finalizer_of_another_stays_beside_ours_and_after_it() -> None:
    story = running(topicRef={"name": "a"})
    story.edit(topicRef={"name": "a"}, deletionPolicy="Delete")
    story.has_finalizers(OTHERS)
    story.reconcile()
    assert story.stored(EVENT_CONSUMERS)["metadata"]["finalizers"] == [OTHERS, FINALIZER]
    story.edit(topicRef={"name": "a"})
    story.delete(finalizers=[OTHERS, FINALIZER])
    story.reconcile()
    assert story.written_to_the_resource()["finalizers"] == [OTHERS]


def test_a_spec_that_can_not_be_read_is_said_and_leaves_the_workers_that_run() -> None:
    story = running(topicRef={"name": "a"})
    before = story.stored(DEPLOYMENTS)
    story.edit(topicRef={"name": "a"}, worker={"type": "of-a-later-release"})
    status = story.reconcile()
    assert status["summary"]["status"] == condition(status, "Ready")["reason"] == "InvalidSpec"
    assert story.stored(DEPLOYMENTS) == before


def test_a_deleted_resource_whose_spec_can_not_be_read_is_let_go() -> None:
    story = running(topicRef={"name": "a"})
    story.edit(topicRef={"name": "a"}, worker={"type": "of-a-later-release"})
    story.delete(finalizers=[FINALIZER])
    story.reconcile()
    assert story.written_to_the_resource()["finalizers"] == []
    assert story.store.get(EVENT_CONSUMERS, KEY) is None


def test_what_is_as_it_should_be_is_neither_applied_again_nor_told_of() -> None:
    story = running(topicRef={"name": "a"})
    story.poller.says["x:9092", "a-events"] = observation(0)
    story.reconcile()
    before = story.api.version
    story.reconcile()
    assert story.api.version == before
    assert [path for path in story.api.objects if "/events/" in path] == []


def test_lag_that_moves_on_is_written_once_in_an_interval_and_looked_at_again() -> None:
    story = running(topicRef={"name": "a"})
    story.poller.says["x:9092", "a-events"] = observation(5000)
    story.reconcile()
    story.again.clear()
    story.poller.says["x:9092", "a-events"] = observation(9000)
    assert story.reconcile()["lag"] == 5000
    assert story.again == {KEY}


WEBHOOK = "Internal error occurred: failed calling webhook"


def behind_a_broken_webhook() -> Reconciling:
    """Return a consumer that was edited since the API server takes in no Deployment."""
    story = running(topicRef={"name": "a"})
    story.poller.says["x:9092", "a-events"] = observation(0)
    assert condition(story.reconcile(), "Ready")["status"] == "True"
    story.api.failing["/deployments/"] = Answer(500, {"message": f"{WEBHOOK}:\n{'x' * 9999}"})
    story.edit(topicRef={"name": "a"}, replicas=2)
    story.poller.says["x:9092", "a-events"] = observation(50_000)
    return story


def failing(story: Reconciling) -> dict[str, Any]:
    """Reconcile in vain, and return the last status that was written."""
    with pytest.raises(Unavailable, match=WEBHOOK):
        story.reconcile()
    return story.api.written[-1]


def test_an_api_server_that_fails_once_is_asked_again_before_anything_is_said() -> None:
    story = behind_a_broken_webhook()
    assert failing(story)["observedGeneration"] == 1


def test_one_that_goes_on_failing_is_told_of_and_so_is_lag() -> None:
    story = behind_a_broken_webhook()
    failing(story)
    status = failing(story)
    ready = condition(status, "Ready")
    assert (status["observedGeneration"], status["lag"]) == (2, 50_000)
    assert (ready["status"], ready["reason"]) == ("False", "ApplyRefused")
    assert ready["message"].startswith(WEBHOOK)
    assert len(ready["message"]) <= 1024


def test_what_was_told_of_it_ends_with_it_and_the_next_failure_is_a_first_one_again() -> None:
    story = behind_a_broken_webhook()
    failing(story)
    failing(story)
    broken = story.api.failing.copy()
    story.api.failing.clear()
    assert condition(story.reconcile(), "Ready")["status"] == "True"
    story.api.failing |= broken
    story.edit(topicRef={"name": "a"}, replicas=3)
    assert condition(failing(story), "Ready")["status"] == "True"


def test_a_refusal_is_told_at_once_and_lag_with_it() -> None:
    story = behind_a_broken_webhook()
    story.api.failing["/deployments/"] = Answer(403, {"message": "exceeded quota: pods"})
    status = story.reconcile()
    assert (condition(status, "Ready")["message"], status["lag"]) == ("exceeded quota: pods", 50_000)


def test_whoever_leads_no_more_says_nothing() -> None:
    story = behind_a_broken_webhook()
    failing(story)
    story.terms = iter([0.0, 60.0])
    with pytest.raises(NotLeading):
        story.reconcile()
    assert story.api.written[-1]["observedGeneration"] == 1


def test_a_resource_that_went_unheard_is_let_go_and_its_workers_are_not_started_for_ever() -> None:
    story = running(topicRef={"name": "a"})
    story.poller.says["x:9092", "a-events"] = observation(0)
    story.reconcile()
    story.vanish()
    story.poller.says["x:9092", "a-events"] = observation(None)
    story.reconcile()
    story.api.objects.clear()
    story.reconcile()
    assert (story.api.objects, story.poller.target(KEY), story.reconciler.memories) == ({}, None, {})


def test_who_waited_for_the_group_of_a_resource_that_went_unheard_is_looked_at() -> None:
    story = running(topicRef={"name": "a"})
    waiting = resource("waiting", groupId=KEY.name)
    waiting["metadata"] |= {"uid": "w", "creationTimestamp": "2026-11-21T11:00:00Z"}
    story.store.put(EVENT_CONSUMERS, waiting)
    story.poller.says["x:9092", "a-events"] = observation(0)
    story.vanish()
    story.reconcile()
    assert ObjectKey("tasks", "waiting") in story.again
