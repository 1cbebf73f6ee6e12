"""What a person reads: one word, numbers that are true or unknown, in every state."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_operator.checks import OWNERSHIP_CHECKS, TOPIC_CHECKS, connection_of, first_finding
from eventconsumer_operator.conditions import stamp
from eventconsumer_operator.lag import Lag, LagState, PartitionLag
from eventconsumer_operator.membership import Member
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.status import duration, report, unreadable
from eventconsumer_operator.world import Observation
from tests.unit.operator.builders import NOW, THREE, consumer, deployment, observation, resource, world

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.world import World

OLDER = ObjectKey("other", "older")
UNASKED = {"observation": None}
AWAY = {"observation": observation(None, state=LagState.UNKNOWN, behind_seconds=None, topic_exists=None)}
FAILING = deployment(ready=0)
FAILING["status"]["conditions"] = [
    {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods"},
]


STRANGER = (Member("console-consumer", "/10.0.0.9", THREE),)
BROKEN = {
    "metadata": {"name": "x"},
    "status": {
        "containerStatuses": [{"image": "a/b:1", "state": {"waiting": {"reason": "ImagePullBackOff"}}}],
    },
}
UNSCHEDULABLE = {
    "metadata": {"name": "x"},
    "status": {
        "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node fits"}
        ],
    },
}


def said(seen: World) -> Manifest:
    findings = [first_finding(seen, TOPIC_CHECKS), first_finding(seen, OWNERSHIP_CHECKS)]
    return report(seen, connection_of(seen), [finding for finding in findings if finding], now=NOW)


def condition(status: Manifest, name: str) -> Manifest:
    return next(entry for entry in status["conditions"] if entry["type"] == name)


def since(ago: timedelta, reason: str = "WorkersStarting") -> Manifest:
    """Build the status of a consumer whose workers have been missing for so long."""
    missing = {"type": "WorkersAvailable", "status": "False", "reason": reason}
    return {"conditions": [missing | {"lastTransitionTime": stamp(NOW - ago)}]}


WORDS: dict[str, tuple[dict[str, Any], tuple[str, str, str, str], str]] = {
    "ready and nothing unread": ({}, ("1/1", "0", "0s", "CaughtUp"), "True"),
    "ready and records wait": (
        {"observation": observation(600, behind_seconds=9)},
        ("1/1", "600", "9s", "Consuming"),
        "True",
    ),
    "Kafka can't be asked": (AWAY, ("1/1", "unknown", "unknown", "LagUnknown"), "True"),
    "Kafka was not asked yet": (UNASKED, ("1/1", "unknown", "unknown", "LagUnknown"), "True"),
    "some partitions gave no answer": (
        {"observation": observation(5, state=LagState.PARTIAL)},
        ("1/1", "5+", "0s", "LagUnknown"),
        "True",
    ),
    "those that answered have no lag": (
        {"observation": observation(0, state=LagState.PARTIAL)},
        ("1/1", "0+", "0s", "LagUnknown"),
        "True",
    ),
    "latest and nothing committed": (
        {"observation": observation(0, state=LagState.UNCOMMITTED)},
        ("1/1", "0", "0s", "Uncommitted"),
        "True",
    ),
    "ready, few records wait, and they are worked on": (
        {"observation": observation(100, behind_seconds=1)},
        ("1/1", "100", "1s", "CaughtUp"),
        "True",
    ),
    "more records wait at every look": (
        {"observation": observation(600, earlier=(300, 400, 500))},
        ("1/1", "600", "0s", "FallingBehind"),
        "True",
    ),
    "all is read, and not by its worker": (
        {"observation": observation(0, members=0, who=())},
        ("1/1", "0", "0s", "MembersMissing"),
        "True",
    ),
    "all is read, and a stranger is in the group": (
        {"observation": observation(0, who=STRANGER)},
        ("1/1", "0", "0s", "ForeignMembers"),
        "True",
    ),
    "more records wait at every look, and a stranger is in the group": (
        {"observation": observation(600, earlier=(300, 400, 500), who=STRANGER)},
        ("1/1", "600", "0s", "FallingBehind"),
        "True",
    ),
    "asked for none and none runs": (
        {"consumer": consumer(replicas=0), "deployment": deployment(replicas=0, ready=0)},
        ("0/0", "0", "0s", "Stopped"),
        "True",
    ),
    "asked for none and one still runs": (
        {"consumer": consumer(replicas=0), "deployment": deployment(replicas=1)},
        ("1/0", "0", "0s", "WorkersStopping"),
        "False",
    ),
    "asked for two and three still run": (
        {"consumer": consumer(replicas=2), "deployment": deployment(replicas=3, ready=3)},
        ("3/2", "0", "0s", "WorkersStopping"),
        "False",
    ),
    "paused and none runs": (
        {"consumer": consumer(paused=True, replicas=3), "deployment": deployment(replicas=0, ready=0)},
        ("0/0", "0", "0s", "Paused"),
        "True",
    ),
    "paused and records wait": (
        {
            "consumer": consumer(paused=True),
            "deployment": deployment(replicas=0, ready=0),
            "observation": observation(600, behind_seconds=9),
        },
        ("0/0", "600", "9s", "Paused"),
        "True",
    ),
    "paused and one still runs": (
        {"consumer": consumer(paused=True), "deployment": deployment(replicas=1)},
        ("1/0", "0", "0s", "WorkersStopping"),
        "False",
    ),
    "an older one has the group and nothing runs": (
        {"group_owner": OLDER, "deployment": None},
        ("0/0", "0", "0s", "GroupConflict"),
        "False",
    ),
    "an older one has the group and one was stopped": (
        {"group_owner": OLDER, "deployment": deployment(replicas=0, ready=0)},
        ("0/0", "0", "0s", "GroupConflict"),
        "False",
    ),
    "the topic is missing and nothing runs": (
        {"topic": None, "deployment": None} | UNASKED,
        ("0/1", "unknown", "unknown", "TopicNotFound"),
        "False",
    ),
    "the topic vanished and workers run": ({"topic": None}, ("1/1", "0", "0s", "TopicNotFound"), "False"),
    "no worker is ready yet": (
        {"deployment": deployment(ready=0)},
        ("0/1", "0", "0s", "WorkersStarting"),
        "False",
    ),
    "Kubernetes says workers can't start": (
        {"deployment": FAILING},
        ("0/1", "0", "0s", "WorkersUnavailable"),
        "False",
    ),
    "a pod complains about its image": (
        {"deployment": deployment(ready=0), "pods": (BROKEN,)},
        ("0/1", "0", "0s", "WorkersUnavailable"),
        "False",
    ),
    "a pod finds no node yet": (
        {"deployment": deployment(ready=0), "pods": (UNSCHEDULABLE,)},
        ("0/1", "0", "0s", "WorkersStarting"),
        "False",
    ),
    "a pod finds no node for more than a minute": (
        {
            "deployment": deployment(ready=0),
            "pods": (UNSCHEDULABLE,),
            "status": since(timedelta(seconds=61)),
        },
        ("0/1", "0", "0s", "WorkersUnavailable"),
        "False",
    ),
    "a pod that is not wanted complains": (
        {"consumer": consumer(replicas=0), "deployment": deployment(ready=0), "pods": (BROKEN,)},
        ("0/0", "0", "0s", "WorkersStopping"),
        "False",
    ),
    "none is wanted, and the Deployment was just made for none": (
        {
            "consumer": consumer(replicas=0),
            "deployment": deployment(replicas=0, ready=0, seen=0),
            "observation": observation(0),
        },
        ("0/0", "0", "0s", "Stopped"),
        "True",
    ),
    "none is wanted, and what a worker would run has just changed": (
        {
            "consumer": consumer(replicas=0),
            "deployment": deployment(replicas=0, ready=0, generation=3, seen=2),
            "observation": observation(0),
        },
        ("0/0", "0", "0s", "Stopped"),
        "True",
    ),
    "none is wanted any more, and one is still there": (
        {
            "consumer": consumer(replicas=0),
            "deployment": deployment(generation=2, seen=1) | {"spec": {"replicas": 0}},
        },
        ("1/0", "0", "0s", "WorkersStopping"),
        "False",
    ),
    "a new version is not rolled out yet": (
        {"deployment": deployment(generation=2, seen=1)},
        ("1/1", "0", "0s", "WorkersStarting"),
        "False",
    ),
    "workers are missing for more than a minute": (
        {"deployment": deployment(ready=0), "status": since(timedelta(seconds=61))},
        ("0/1", "0", "0s", "WorkersUnavailable"),
        "False",
    ),
    "workers are missing for less than a minute": (
        {"deployment": deployment(ready=0), "status": since(timedelta(seconds=59))},
        ("0/1", "0", "0s", "WorkersStarting"),
        "False",
    ),
    "workers start after a long wait for the topic": (
        {"deployment": deployment(ready=0), "status": since(timedelta(hours=3), "WaitingForTopic")},
        ("0/1", "0", "0s", "WorkersStarting"),
        "False",
    ),
    "the name is taken": (
        {"deployment": deployment(uid="another")},
        ("0/1", "0", "0s", "NameConflict"),
        "False",
    ),
}


@pytest.mark.parametrize(("parts", "words", "ready"), WORDS.values(), ids=WORDS.keys())
def test_columns(parts: dict[str, Any], words: tuple[str, ...], ready: str) -> None:
    status = said(world(**parts))

    assert tuple(status["summary"].values()) == words
    assert condition(status, "Ready")["status"] == ready


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
