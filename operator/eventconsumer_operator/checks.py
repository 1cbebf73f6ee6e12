"""The questions asked before workers are started, in order, each a pure function named for its fault.

A check returns None where all is well. The first fault decides; later checks may rely on earlier ones having
passed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eventconsumer_operator import acls, connection, users
from eventconsumer_operator.connection import Connection, cluster_of, given, remembered, through_strimzi
from eventconsumer_operator.findings import Finding
from eventconsumer_operator.names import STRIMZI, ConditionType, Reason
from eventconsumer_operator.outcome import Outcome
from eventconsumer_operator.users import User

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.world import World


def topic_missing(world: World) -> Finding | None:
    """Find that the KafkaTopic does not exist."""
    reference = world.consumer.spec.topic_ref
    if reference is None or world.topic is not None:
        return None
    where = f"KafkaTopic {reference.name} does not exist in namespace {world.consumer.metadata.namespace}"
    hint = (
        "" if world.strimzi_served else f"; this cluster serves no {STRIMZI} resources, is Strimzi installed?"
    )
    return _topic(Reason.TOPIC_NOT_FOUND, where + hint)


def kafka_missing(world: World) -> Finding | None:
    """Find that the KafkaTopic leads to no Kafka."""
    return None if world.topic is None else connection.kafka_missing(world.topic, world.kafka)


def topic_unreachable(world: World) -> Finding | None:
    """Find that the Kafka has no listener that the workers can use."""
    found = _followed(world)
    return found if isinstance(found, Finding) and found.condition is ConditionType.TOPIC_READY else None


def user_unfit(world: World) -> Finding | None:
    """Find that the workers can't log in as the KafkaUser, or have none where the listener asks for one."""
    user = user_of(world)
    found = user if isinstance(user, Finding) else _followed(world)
    return found if isinstance(found, Finding) and found.condition is ConditionType.USER_READY else None


def topic_not_ready(world: World) -> Finding | None:
    """Find that the KafkaTopic is not ready; one that Strimzi was told to pause can still be used."""
    if world.topic is None:
        return None
    conditions = {entry.get("type"): entry for entry in world.topic.get("status", {}).get("conditions", [])}
    if "Ready" not in conditions and conditions.get("ReconciliationPaused", {}).get("status") == "True":
        return None
    ready = conditions.get("Ready", {})
    if ready.get("status") == "True":
        return None
    name = world.topic["metadata"]["name"]
    why = ": ".join(part for part in (ready.get("reason"), ready.get("message")) if part)
    return _topic(
        Reason.TOPIC_NOT_READY, f"KafkaTopic {name} is not ready: {why or 'Strimzi has not said so yet'}"
    )


def topic_absent(world: World) -> Finding | None:
    """Find that the Kafka that the spec itself names has no such topic."""
    address = world.consumer.spec.kafka
    if address is None or world.observation is None or world.observation.topic_exists is not False:
        return None
    return _topic(
        Reason.TOPIC_NOT_FOUND, f"Kafka at {address.bootstrap_servers} has no topic {address.topic}"
    )


def acl_missing(world: World) -> Finding | None:
    """Find that the KafkaUser may not do what workers do; they start anyway: Kafka has the last word."""
    user, found = user_of(world), _followed(world)
    if world.user is None or world.kafka is None or not isinstance(user, User):
        return None
    if not isinstance(found, Connection):
        return None
    consumer = world.consumer
    wanted = acls.needs(
        topic=found.topic,
        group=consumer.group_id,
        dead_letter_topic=consumer.dead_letter_topic(found.topic),
    )
    lacking = acls.missing(world.user, world.kafka, wanted, principal=user.principal)
    return users.fault(Reason.ACL_MISSING, acls.advice(world.user, lacking)) if lacking else None


def deployment_is_foreign(world: World) -> Finding | None:
    """Find that a Deployment of our name belongs to someone else."""
    return _foreign(world, "Deployment", world.deployment)


def group_is_taken(world: World) -> Finding | None:
    """Find that an older EventConsumer has the consumer group: two in one group would share its records."""
    owner = world.group_owner
    if owner is None:
        return None
    return Finding(
        ConditionType.WORKERS_AVAILABLE,
        Reason.GROUP_CONFLICT,
        f"consumer group {world.consumer.group_id} belongs to the older EventConsumer {'/'.join(owner)} on"
        " the same Kafka; delete one of the two or give this one another groupId",
    )


def claim_is_foreign(world: World) -> Finding | None:
    """Find that a volume claim of our name belongs to someone else."""
    return _foreign(world, "PersistentVolumeClaim", world.claim)


TOPIC_CHECKS: Sequence[Callable[[World], Finding | None]] = (
    topic_missing,  # Nothing can be followed without it.
    kafka_missing,  # Servers and certificates are Kafka's to tell.
    topic_unreachable,  # The workers need an address.
    topic_not_ready,  # Kafka may not have the topic yet.
    topic_absent,  # Nobody but Kafka itself can tell.
)
USER_CHECKS: Sequence[Callable[[World], Finding | None]] = (user_unfit,)
RIGHT_CHECKS: Sequence[Callable[[World], Finding | None]] = (acl_missing,)
"""Say what will not work; nothing waits for them."""
OWNERSHIP_CHECKS: Sequence[Callable[[World], Finding | None]] = (
    deployment_is_foreign,
    claim_is_foreign,
    group_is_taken,  # Last: where the name is taken, nothing runs in any group.
)


def first_finding(world: World, checks: Sequence[Callable[[World], Finding | None]]) -> Finding | None:
    """Return the first fault that the checks find."""
    return next((finding for check in checks if (finding := check(world))), None)


def findings(world: World) -> list[Finding]:
    """Return what is at fault, of each kind of check the first."""
    chains = (TOPIC_CHECKS, USER_CHECKS, RIGHT_CHECKS, OWNERSHIP_CHECKS)
    return [finding for chain in chains if (finding := first_finding(world, chain))]


def connection_of(world: World) -> Connection | None:
    """Return where the workers should consume from.

    A topic's id is kept while its KafkaTopic does not say it: a pause of Strimzi's drops it.

    With a topic at fault that is what they were given when they started: workers that run are never stopped
    because a resource they don't need vanished. Workers that never started wait.
    """
    before = None if deployment_is_foreign(world) else remembered(world.deployment)
    if first_finding(world, [*TOPIC_CHECKS, *USER_CHECKS]):
        return before
    found = _followed(world)
    if not isinstance(found, Connection):
        return None
    if found.topic_id is None and before and before.same_place(found):
        return replace(found, topic_id=before.topic_id)
    return found


def start_not_fixed(place: Connection, outcome: Outcome) -> Finding:
    """Say why the place that a group is to start from could not be written down yet."""
    if outcome is Outcome.NO_TOPIC:
        return _topic(
            Reason.TOPIC_NOT_FOUND, f"Kafka at {place.bootstrap_servers} has no topic {place.topic}"
        )
    return _topic(
        Reason.KAFKA_UNREACHABLE,
        f"Kafka at {place.bootstrap_servers} can't be asked where {place.topic} ends;"
        " workers that start from the latest record wait for that, so that none is lost",
    )


def owned(manifest: Manifest, uid: str) -> bool:
    """Tell whether the object's controller is the resource of this uid."""
    references = manifest.get("metadata", {}).get("ownerReferences", [])
    return any(entry.get("controller") and entry.get("uid") == uid for entry in references)


def _followed(world: World) -> Connection | Finding | None:
    spec = world.consumer.spec
    if spec.kafka is not None:
        return given(spec.kafka)
    if world.topic is None or world.kafka is None:
        return None
    user = user_of(world)
    if isinstance(user, Finding):
        return user
    return through_strimzi(world.topic, world.kafka, listener=spec.listener, user=user)


def user_of(world: World) -> User | Finding | None:
    """Return the KafkaUser that the workers log in as, or why they can't; None where none is asked for."""
    reference = world.consumer.spec.user_ref
    if reference is None:
        return None
    if world.user is None:
        namespace = world.consumer.metadata.namespace
        return users.missing(reference.name, namespace=namespace, served=world.users_served)
    return users.user_of(world.user, cluster=cluster_of(world.topic) if world.topic else None)


def _foreign(world: World, kind: str, manifest: Manifest | None) -> Finding | None:
    if manifest is None or owned(manifest, world.consumer.metadata.uid):
        return None
    name = manifest["metadata"]["name"]
    return Finding(
        ConditionType.WORKERS_AVAILABLE,
        Reason.NAME_CONFLICT,
        f"{kind} {name} exists and belongs to someone else; delete it or rename this EventConsumer",
    )


def _topic(reason: Reason, message: str) -> Finding:
    return Finding(ConditionType.TOPIC_READY, reason, message)
