"""What a person reads: one word, numbers that are true or unknown, in every state."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_operator.conditions import stamp
from eventconsumer_operator.lag import Lag, LagState, PartitionLag
from eventconsumer_operator.mounts import volumes
from eventconsumer_operator.security import SecretKey, Security, Tls
from eventconsumer_operator.status import duration, unreadable
from eventconsumer_operator.world import Observation
from tests.support.conditions import condition
from tests.unit.operator.builders import NOW, consumer, deployment, kafka, observation, resource, user, world
from tests.unit.operator.statuses import AWAY, BROKEN, FAILING, OLDER, UNSCHEDULABLE, said

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.world import World

CREATING = {"waiting": {"reason": "ContainerCreating"}}


@pytest.mark.parametrize(
    ("name", "parts"),
    [("Paused", {"consumer": consumer(paused=True)}), ("GroupConflict", {"group_owner": OLDER})],
)
def test_a_condition_that_applies_is_true_and_is_absent_else(name: str, parts: dict[str, Any]) -> None:
    assert condition(said(world(**parts)), name)["status"] == "True"
    assert name not in {entry["type"] for entry in said(world())["conditions"]}


def test_a_lost_group_is_told_with_the_one_that_has_it() -> None:
    told = condition(said(world(group_owner=OLDER)), "GroupConflict")["message"]
    assert told.startswith(
        "consumer group notification-service belongs to the older EventConsumer other/older"
    )


def test_a_topic_that_vanished_is_no_fault_of_workers_that_run_and_no_conflict() -> None:
    status = said(world(topic=None))

    assert condition(status, "TopicReady")["reason"] == "TopicNotFound"
    assert condition(status, "WorkersAvailable")["status"] == "True"
    assert condition(status, "GroupConflict") == {}


def test_whether_the_user_can_be_used_is_told_where_one_is_asked_for() -> None:
    known = consumer(userRef={"name": "reader"})
    there = said(world(consumer=known, kafka=kafka("mtls"), user=user()))
    missing = said(world(consumer=known, kafka=kafka("mtls")))

    assert condition(said(world()), "UserReady") == {}
    assert (condition(there, "UserReady")["status"], condition(there, "Ready")["status"]) == ("True", "True")
    assert condition(missing, "UserReady")["status"] == "False"
    assert (
        condition(missing, "UserReady")["reason"] == condition(missing, "Ready")["reason"] == "UserNotFound"
    )


def test_unknown_lag_is_null_and_never_zero() -> None:
    status = said(world(**AWAY))

    assert [status[name] for name in ("lag", "maxPartitionLag", "behindSeconds")] == [None] * 3
    assert status["lagState"] == "Unknown"


def test_a_fault_of_kubernetes_is_told_in_its_own_words() -> None:
    status = said(world(deployment=FAILING))
    assert (
        condition(status, "WorkersAvailable")["message"] == "0 of 1 workers are ready: exceeded quota: pods"
    )


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        (BROKEN, "ImagePullBackOff: image a/b:1 can't be pulled"),
        (UNSCHEDULABLE, "Unschedulable: no node fits"),
    ],
)
def test_what_a_pod_complains_about_is_told_with_its_name(pod: Manifest, words: str) -> None:
    status = said(world(deployment=deployment(ready=0), pods=(pod,)))
    assert condition(status, "Ready")["message"] == f"0 of 1 workers are ready: pod x: {words}"


def unready(*, since: float, **parts: Any) -> World:
    """Build a world whose worker has been missing for so many seconds."""
    missing = {"type": "WorkersAvailable", "status": "False", "reason": "WorkersStarting"}
    then = stamp(NOW - timedelta(seconds=since))
    late = {"conditions": [missing | {"lastTransitionTime": then}]}
    return world(**{"deployment": deployment(ready=0), "status": late} | parts)


def progressing(status: str, *, ago: float, message: str = "") -> Manifest:
    """Build a Deployment whose controller last got further so many seconds ago, or gave up."""
    made = deployment(ready=0)
    then = stamp(NOW - timedelta(seconds=ago))
    made["status"]["conditions"] = [
        {"type": "Progressing", "status": status, "lastUpdateTime": then, "message": message}
    ]
    return made


def test_workers_that_get_further_are_still_on_their_way_after_a_minute() -> None:
    assert said(unready(since=90))["summary"]["status"] == "WorkersUnavailable"
    rolling = unready(since=90, deployment=progressing("True", ago=30))
    assert said(rolling)["summary"]["status"] == "WorkersStarting"
    anew = deployment(ready=0)
    anew["metadata"]["creationTimestamp"] = stamp(NOW - timedelta(seconds=30))
    assert said(unready(since=90, deployment=anew))["summary"]["status"] == "WorkersStarting"


def test_a_deployment_that_gives_up_is_told_in_its_own_words() -> None:
    status = said(world(deployment=progressing("False", ago=5, message="deadline exceeded")))

    assert status["summary"]["status"] == "WorkersUnavailable"
    assert condition(status, "Ready")["message"] == "0 of 1 workers are ready: deadline exceeded"


def test_the_secrets_that_a_worker_mounts_are_named_once_it_is_late() -> None:
    creating = {"metadata": {"name": "x"}, "status": {"containerStatuses": [{"state": CREATING}]}}
    mounting = deployment(ready=0)
    mounting["spec"]["template"] = {"spec": {"volumes": volumes(Security(Tls(SecretKey("authority", "ca"))))}}

    early, late = (
        condition(said(unready(since=since, deployment=mounting, pods=(creating,))), "Ready")["message"]
        for since in (30, 90)
    )

    assert early == "0 of 1 workers are ready"
    assert late.endswith("it mounts keys of these Secrets, and all have to be there: authority")


def test_a_scale_subresource_finds_replicas_and_selector() -> None:
    status = said(world())

    assert (status["replicas"], status["readyReplicas"]) == (1, 1)
    assert status["selector"] == (
        "app.kubernetes.io/name=eventconsumer-worker,app.kubernetes.io/instance=notification-service"
    )


def test_a_spec_that_can_not_be_read_is_said() -> None:
    status = unreadable(resource(worker={"type": "new"}), ValueError("unknown type"), now=NOW)

    assert status["summary"]["status"] == "InvalidSpec"
    assert condition(status, "Ready")["message"] == "this operator can't read the spec: unknown type"


def test_expired_records_are_said_where_people_look() -> None:
    lost = Observation(lag=Lag(LagState.KNOWN, 2, 2, 3, expired=5), observed_at=NOW)
    status = said(world(observation=lost))

    assert condition(status, "Ready")["message"].endswith("5 records expired before they were read")
    assert condition(status, "DataLoss")["status"] == "True"
    assert condition(status, "DataLoss")["message"].startswith("5 records expired")
    assert status["summary"]["status"] == "RecordsExpired"


def test_without_data_loss_nothing_is_said_of_it() -> None:
    assert "DataLoss" not in {entry["type"] for entry in said(world())["conditions"]}


def test_partitions_raw_lag_and_dead_letters_stand_beside_the_lag() -> None:
    figures = (PartitionLag(2, 7, 3, 0, 10),)
    status = said(world(observation=observation(7, worst=figures, dead_letters=4)))

    assert status["partitions"] == [{"partition": 2, "lag": 7, "committed": 3, "logStart": 0, "logEnd": 10}]
    assert (status["rawLag"], status["deadLetters"]) == (7, 4)


def test_workers_that_came_after_kafka_was_asked_are_not_yet_missed() -> None:
    late: dict[str, Any] = {"who": (), "group_state": "Empty"}
    early = said(world(observation=observation(0, **late), crew_since=NOW))
    in_time = said(world(observation=observation(0, **late), crew_since=NOW - timedelta(seconds=1)))

    assert condition(early, "ConsumersJoined")["reason"] == "Rebalancing"
    assert condition(in_time, "ConsumersJoined")["reason"] == "MembersMissing"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "unknown"), (0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (200_000, "2d")],
)
def test_a_duration_reads_like_kubectl_s_age(seconds: int | None, text: str) -> None:
    assert duration(seconds) == text
