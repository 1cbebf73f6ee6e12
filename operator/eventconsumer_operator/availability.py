"""Whether the workers run that the resource asks for, and what keeps them from it. Pure.

Workers on their way are given a minute before they count as missing, counted from their Deployment's last
progress; what their pods complain about is said at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from eventconsumer_operator.conditions import Answer, moment
from eventconsumer_operator.lag import UNKNOWN, LagState
from eventconsumer_operator.mounts import secrets
from eventconsumer_operator.names import ConditionType, Reason
from eventconsumer_operator.pods import Trouble, trouble, unmounted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_operator.findings import Finding
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.world import World

STARTING = timedelta(minutes=1)
"""How long workers may be on their way before they count as unavailable."""
IN_MOTION = frozenset({Reason.WORKERS_STARTING, Reason.WORKERS_STOPPING})
"""The reasons that pass by themselves, or become another one within ``STARTING``."""
_NOTHING_WAITS = "no record waits, and spec.scaling.min is 0, so no worker runs"
_NOBODY_KNOWS = "spec.scaling.min is 0 and no worker runs; whether a record waits is not known"


def workers_available(world: World, findings: Sequence[Finding], now: datetime) -> Answer:
    """Answer whether as many workers run as the resource asks for, in the version it asks for."""
    about = ConditionType.WORKERS_AVAILABLE
    fault = next((finding for finding in findings if finding.condition is about), None)
    if fault:
        return Answer(about, "False", fault.reason, fault.message)
    if world.deployment is None:
        return Answer(about, "False", Reason.WAITING_FOR_TOPIC, "no worker was started yet")
    wanted, ready = world.replicas, world.count("availableReplicas")
    if _settled(world):
        return Answer(about, "True", *_as_asked(world, ready))
    late = now - _waiting_since(world, now) > STARTING
    found = _trouble(world, wanted, late=late)
    failed = late or (found is not None and found.lasting)
    running = world.count("replicas")
    if running > wanted and not failed:
        return Answer(about, "False", Reason.WORKERS_STOPPING, f"{running} workers run, and {wanted} should")
    reason = Reason.WORKERS_UNAVAILABLE if failed else Reason.WORKERS_STARTING
    why = f": {found.text}" if found else ""
    return Answer(about, "False", reason, f"{ready} of {wanted} workers are ready{why}")


def _as_asked(world: World, ready: int) -> tuple[Reason, str]:
    """Return what to say of workers that are as many as they should be."""
    if world.consumer.spec.paused:
        return Reason.PAUSED, "paused, as spec.paused is true"
    if world.replicas:
        return Reason.WORKERS_READY, f"{ready} of {world.replicas} workers are ready"
    if world.scaled:
        return Reason.SCALED_TO_ZERO, _NOTHING_WAITS if _nothing_waits(world) else _NOBODY_KNOWS
    return Reason.STOPPED, "stopped, as spec.replicas is 0"


def _nothing_waits(world: World) -> bool:
    lag = world.observation.lag if world.observation else UNKNOWN
    return lag.state is LagState.KNOWN and lag.total == 0


def _settled(world: World) -> bool:
    """Tell whether the Deployment controller has finished what the newest generation asks for."""
    deployment = world.deployment or {}
    wanted = world.replicas
    if not wanted and _has_no_pod(world, deployment):
        return True
    seen = deployment.get("status", {}).get("observedGeneration", 0)
    return (
        seen >= deployment.get("metadata", {}).get("generation", 1)
        and deployment.get("spec", {}).get("replicas") == wanted
        and all(world.count(name) == wanted for name in ("replicas", "updatedReplicas", "availableReplicas"))
    )


def _has_no_pod(world: World, deployment: Manifest) -> bool:
    """Tell whether a Deployment asks for no pod and has none: then no change of it makes anyone act."""
    replicas: int | None = deployment.get("spec", {}).get("replicas")
    return replicas == 0 and not world.count("replicas") and not world.pods


def _trouble(world: World, wanted: int, *, late: bool) -> Trouble | None:
    """Return what the workers' pods complain about, or else the Deployment's own conditions."""
    of_pods = trouble(world.pods) if wanted else None
    if of_pods is None and late:
        of_pods = unmounted(world.pods, _mounted_secrets(world))
    if of_pods:
        return of_pods
    found = _deployment_conditions(world)
    failure, progress = found.get("ReplicaFailure", {}), found.get("Progressing", {})
    if failure.get("status") == "True":
        return Trouble(failure.get("message", "pods can not be created"), lasting=True)
    if progress.get("status") == "False":
        return Trouble(progress.get("message", "the Deployment makes no progress"), lasting=True)
    return None


def _mounted_secrets(world: World) -> frozenset[str]:
    template = (world.deployment or {}).get("spec", {}).get("template", {})
    return secrets(template.get("spec", {}))


def _waiting_since(world: World, now: datetime) -> datetime:
    """Return since when workers are missing, or since when the Deployment last got further."""
    mine = world.conditions.get(ConditionType.WORKERS_AVAILABLE, {})
    if mine.get("status") != "False" or mine.get("reason") == Reason.WAITING_FOR_TOPIC:
        return now
    times = [
        mine.get("lastTransitionTime"),
        (world.deployment or {}).get("metadata", {}).get("creationTimestamp"),
        _deployment_conditions(world).get("Progressing", {}).get("lastUpdateTime"),
    ]
    return max((moment(text) for text in times if text), default=now)


def _deployment_conditions(world: World) -> dict[str, Manifest]:
    listed = (world.deployment or {}).get("status", {}).get("conditions", [])
    return {entry["type"]: entry for entry in listed}
