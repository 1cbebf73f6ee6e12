"""What to do about one KafkaTopic, and what its status says: decisions without any connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CLUSTER_LABEL = "strimzi.io/cluster"
FINALIZER = "strimzi.io/topic-operator"
_PAUSE = "strimzi.io/pause-reconciliation"
_DECREASE = "Decreasing partitions not supported"
_RENAME = "Changing spec.topicName is not supported"

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Topic:
    """A topic as the broker has it; ``config`` holds only what was set on the topic itself."""

    id: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """Why a KafkaTopic is not Ready, in Strimzi's words."""

    reason: str
    message: str


@dataclass(frozen=True)
class Create:
    """Make the topic; no partitions means the broker's default."""

    partitions: int | None
    config: Mapping[str, str]


@dataclass(frozen=True)
class Grow:
    """Give the topic this many partitions in all."""

    partitions: int


@dataclass(frozen=True)
class Configure:
    """Change the topic's settings; None takes one back to the broker's default."""

    changes: Mapping[str, str | None]


Action = Create | Grow | Configure


def topic_name(resource: Manifest) -> str:
    """Return the name of the topic that a KafkaTopic stands for."""
    return str(resource.get("spec", {}).get("topicName") or resource["metadata"]["name"])


def cluster_of(resource: Manifest) -> str | None:
    """Return the name of the Kafka resource that a KafkaTopic belongs to."""
    name: str | None = (resource["metadata"].get("labels") or {}).get(CLUSTER_LABEL)
    return name


def deleting(resource: Manifest) -> bool:
    """Tell whether a resource is on its way out."""
    return "deletionTimestamp" in resource["metadata"]


def paused(resource: Manifest) -> bool:
    """Tell whether a KafkaTopic is to be left alone."""
    return bool((resource["metadata"].get("annotations") or {}).get(_PAUSE) == "true")


def owner(resource: Manifest, resources: Iterable[Manifest]) -> Manifest:
    """Return the KafkaTopic that manages the topic of ``resource``: the oldest that names it."""
    rivals = (
        other
        for other in resources
        if topic_name(other) == topic_name(resource) and cluster_of(other) == cluster_of(resource)
    )
    return min(rivals, key=_age)


def conflict(resource: Manifest, resources: Iterable[Manifest]) -> Problem | None:
    """Find that another KafkaTopic manages the topic already."""
    first = owner(resource, resources)["metadata"]
    if first["name"] == resource["metadata"]["name"]:
        return None
    ref = f"Ref{{namespace='{first['namespace']}', name='{first['name']}'}}"
    return Problem("ResourceConflict", f"Managed by {ref}")


def refusal(resource: Manifest, topic: Topic | None) -> Problem | None:
    """Find a change that Kafka or Strimzi cannot make."""
    known = resource.get("status", {}).get("topicName")
    if known and known != topic_name(resource):
        return Problem("NotSupported", _RENAME)
    wanted = resource.get("spec", {}).get("partitions")
    if topic and wanted and wanted < topic.partitions:
        return Problem("NotSupported", _DECREASE)
    return None


def actions(resource: Manifest, topic: Topic | None) -> list[Action]:
    """Return what brings the broker's topic to what a KafkaTopic asks for."""
    spec = resource.get("spec", {})
    partitions, config = spec.get("partitions"), settings(spec.get("config") or {})
    if topic is None:
        return [Create(partitions, config)]
    found: list[Action] = []
    if partitions and partitions > topic.partitions:
        found.append(Grow(partitions))
    changes: dict[str, str | None] = {key: None for key in topic.config if key not in config}
    changes |= {key: value for key, value in config.items() if topic.config.get(key) != value}
    if changes:
        found.append(Configure(changes))
    return found


def settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Write a KafkaTopic's settings as Kafka spells them."""
    return {key: _spelled(value) for key, value in config.items()}


def status(resource: Manifest, topic: Topic | None, problem: Problem | None, *, now: str) -> Manifest:
    """Return a KafkaTopic's status; the time of its condition moves only with the condition."""
    before = resource.get("status", {})
    if paused(resource):
        wanted, topic_id = {"type": "ReconciliationPaused", "status": "True"}, None
    elif problem:
        wanted = {"type": "Ready", "status": "False", "reason": problem.reason, "message": problem.message}
        topic_id = before.get("topicId")
    else:
        wanted, topic_id = {"type": "Ready", "status": "True"}, topic.id if topic else None
    fields: Manifest = {
        "conditions": [condition(wanted, before, now=now)],
        "observedGeneration": resource["metadata"]["generation"],
        "topicName": before.get("topicName") or topic_name(resource),
    }
    return fields | ({"topicId": topic_id} if topic_id else {})


def condition(wanted: Manifest, before: Manifest, *, now: str) -> Manifest:
    """Return a condition with its transition time: the old one where nothing else changed."""
    for old in before.get("conditions") or []:
        if {key: value for key, value in old.items() if key != "lastTransitionTime"} == wanted:
            return dict(old)
    return wanted | {"lastTransitionTime": now}


def _age(resource: Manifest) -> tuple[str, str]:
    return resource["metadata"]["creationTimestamp"], resource["metadata"]["name"]


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(_spelled, value)) if isinstance(value, list) else str(value)
