"""What `kubectl get` shows of an EventConsumer, in every state: how many, how far, and one word."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_operator.conditions import stamp
from eventconsumer_operator.lag import LagState
from eventconsumer_operator.membership import Member
from eventconsumer_operator.names import Reason
from tests.support.conditions import condition
from tests.unit.operator.builders import NOW, THREE, consumer, deployment, observation, world
from tests.unit.operator.statuses import AWAY, BROKEN, FAILING, OLDER, UNSCHEDULABLE, said

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest

UNASKED = {"observation": None}
STRANGER = (Member("console-consumer", "/10.0.0.9", THREE),)


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


@pytest.mark.parametrize("parts", [parts for parts, _, _ in WORDS.values()], ids=WORDS.keys())
def test_every_condition_gives_one_of_the_reasons_and_a_sentence(parts: dict[str, Any]) -> None:
    for entry in said(world(**parts))["conditions"]:
        assert entry["reason"] in set(Reason)
        assert " " in entry["message"]
