"""What is said about one EventConsumer: its whole status. Pure.

A number that can't be known is null and reads ``unknown``. When a status is worth a write, ``budget`` says.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from eventconsumer_operator.autoscaler import scaling_status
from eventconsumer_operator.availability import workers_available
from eventconsumer_operator.conditions import Answer, conditions, stamp
from eventconsumer_operator.lag import UNKNOWN, LagState
from eventconsumer_operator.membership import Expected, consumers_joined
from eventconsumer_operator.names import ConditionType, Reason
from eventconsumer_operator.pod_template import selector
from eventconsumer_operator.retention import retention_risk
from eventconsumer_operator.status_models import PartitionStatus, Status, Summary
from eventconsumer_operator.verdict import Crew, Objective, data_loss, keeping_up
from eventconsumer_operator.world import asked_too_early

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from eventconsumer_operator.connection import Connection
    from eventconsumer_operator.findings import Finding
    from eventconsumer_operator.lag import Lag
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.world import World


def report(
    world: World, connection: Connection | None, findings: Sequence[Finding], *, now: datetime
) -> Manifest:
    """Return the whole status of one EventConsumer."""
    if any(finding.reason is Reason.NAME_CONFLICT for finding in findings):
        # Another's pods are not ours to count.
        world = replace(world, deployment=None)
    consumer, observation = world.consumer, world.observation
    answers = _answers(world, findings, now)
    lag = observation.lag if observation else UNKNOWN
    behind = observation.behind_seconds if observation else None
    replicas, ready = world.count("replicas"), world.count("readyReplicas")
    status = Status(
        observed_generation=consumer.metadata.generation,
        conditions=conditions(
            answers,
            previous=world.status.get("conditions", []),
            generation=consumer.metadata.generation,
            now=now,
        ),
        replicas=replicas,
        ready_replicas=ready,
        selector=",".join(f"{label}={value}" for label, value in selector(consumer).items()),
        group_id=consumer.group_id,
        topic=connection.topic if connection else _asked_topic(world),
        lag=lag.total,
        lag_state=lag.state.value,
        max_partition_lag=lag.highest,
        partition_count=lag.partitions,
        behind_seconds=behind,
        behind_estimated=observation.behind_estimated if observation else None,
        observed_at=stamp(observation.observed_at) if observation else None,
        group_state=(observation and observation.group_state) or "Unknown",
        members=observation.members if observation else None,
        summary=Summary(
            ready=f"{ready}/{world.replicas}",
            lag=lag_word(lag),
            behind=duration(behind),
            status=_word(answers),
        ),
        partitions=[PartitionStatus(**asdict(entry)) for entry in observation.worst] if observation else [],
        raw_lag=lag.raw,
        dead_letters=observation.dead_letters if observation else None,
        scaling=scaling_status(world, now=now),
    )
    return status.model_dump(by_alias=True, mode="json")


def unreadable(body: Manifest, failure: Exception, *, now: datetime) -> Manifest:
    """Return the status of a resource that the API server let in and this operator can't read."""
    generation = body["metadata"].get("generation", 1)
    answer = Answer(
        ConditionType.READY, "False", Reason.INVALID_SPEC, f"this operator can't read the spec: {failure}"
    )
    previous = body.get("status", {}).get("conditions", [])
    told = conditions([answer], previous=previous, generation=generation, now=now)
    words = Summary(ready="unknown", lag="unknown", behind="unknown", status=Reason.INVALID_SPEC)
    return {
        "observedGeneration": generation,
        "conditions": [condition.model_dump(by_alias=True) for condition in told],
        "summary": words.model_dump(),
    }


def lag_word(lag: Lag) -> str:
    """Return lag as kubectl's column prints it."""
    if lag.total is None:
        return "unknown"
    return f"{lag.total}+" if lag.state is LagState.PARTIAL else str(lag.total)


def duration(seconds: int | None) -> str:
    """Return a duration as kubectl prints an age."""
    if seconds is None:
        return "unknown"
    for size, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{letter}"
    return f"{seconds}s"


def _answers(world: World, findings: Sequence[Finding], now: datetime) -> list[Answer]:
    topic = _topic(world, findings)
    user = _user(world, findings)
    workers = workers_available(world, findings, now)
    fault = next((answer for answer in (topic, *user, workers) if answer.status == "False"), None)
    if fault:
        ready = Answer(ConditionType.READY, "False", fault.reason, fault.message)
    else:
        ready = Answer(ConditionType.READY, "True", workers.reason, workers.message + _expired(world))
    lag = world.observation.lag if world.observation else UNKNOWN
    return [
        *(ready, topic, workers, _joined(world), _keeping_up(world, lag), *data_loss(lag)),
        *_risk(world, lag),
        *_when_they_apply(world, findings),
    ]


def _joined(world: World) -> Answer:
    seen = world.observation
    expected = Expected(
        replicas=world.replicas,
        ready=world.count("readyReplicas"),
        topic=seen.topic if seen else None,
        partitions=seen.lag.partitions if seen else None,
        settled=not asked_too_early(world),
    )
    return consumers_joined(
        world.consumer,
        seen.group_state if seen else None,
        seen.who if seen else None,
        expected,
        previous=world.conditions.get(ConditionType.CONSUMERS_JOINED),
    )


def _keeping_up(world: World, lag: Lag) -> Answer:
    slo, seen = world.consumer.spec.slo, world.observation
    answer = keeping_up(
        lag,
        seen.window if seen else (),
        Objective(max_lag=slo.max_lag, max_behind=slo.max_behind_seconds),
        crew=Crew(replicas=world.replicas, members=seen.members if seen else None),
        previous=world.conditions.get(ConditionType.KEEPING_UP, {}).get("reason"),
    )
    why = seen.fault if seen and answer.reason == Reason.LAG_UNKNOWN else None
    return replace(answer, message=why) if why else answer


def _risk(world: World, lag: Lag) -> list[Answer]:
    seen, before = world.observation, world.conditions.get(ConditionType.RETENTION_RISK)
    return retention_risk(lag, seen.window, seen.retention, seen.worst, previous=before) if seen else []


def _when_they_apply(world: World, findings: Sequence[Finding]) -> list[Answer]:
    """Return the conditions that are absent as long as all is as usual."""
    answers = _user(world, findings)
    if world.consumer.spec.paused:
        answers.append(
            Answer(ConditionType.PAUSED, "True", Reason.PAUSED, "spec.paused is true: no worker runs")
        )
    conflict = next((finding for finding in findings if finding.reason is Reason.GROUP_CONFLICT), None)
    if conflict:
        answers.append(Answer(ConditionType.GROUP_CONFLICT, "True", conflict.reason, conflict.message))
    return answers


def _user(world: World, findings: Sequence[Finding]) -> list[Answer]:
    about, reference = ConditionType.USER_READY, world.consumer.spec.user_ref
    fault = next((finding for finding in findings if finding.condition is about), None)
    if fault:
        return [Answer(about, "False", fault.reason, fault.message)]
    if reference is None:
        return []
    return [Answer(about, "True", Reason.USER_READY, f"KafkaUser {reference.name} is ready")]


def _topic(world: World, findings: Sequence[Finding]) -> Answer:
    fault = next((finding for finding in findings if finding.condition is ConditionType.TOPIC_READY), None)
    if fault:
        return Answer(ConditionType.TOPIC_READY, "False", fault.reason, fault.message)
    if world.consumer.spec.kafka:
        return Answer(
            ConditionType.TOPIC_READY,
            "True",
            Reason.TOPIC_GIVEN,
            "spec.kafka names the servers and the topic",
        )
    return Answer(
        ConditionType.TOPIC_READY, "True", Reason.TOPIC_READY, f"KafkaTopic {_asked_topic(world)} is ready"
    )


def _expired(world: World) -> str:
    expired = world.observation.lag.expired if world.observation else 0
    return f"; {expired} records expired before they were read" if expired else ""


def _word(answers: Sequence[Answer]) -> str:
    """Return the one word of the STATUS column: what is worst, and that the consumer keeps up if nothing is.

    What keeps workers from running comes before all else (that lag lets none run, only while lag is known);
    then records that are lost, or soon will be, a verdict that records wait, and who is missing from the
    group or strange to it.
    """
    by_type = {answer.type: answer for answer in answers}
    ready, verdict = by_type[ConditionType.READY], by_type[ConditionType.KEEPING_UP]
    at_rest = ready.reason == Reason.SCALED_TO_ZERO and verdict.reason == Reason.CAUGHT_UP
    if ready.status != "True" or at_rest or ready.reason in {Reason.STOPPED, Reason.PAUSED}:
        return ready.reason
    losing = by_type.get(ConditionType.RETENTION_RISK) or by_type.get(ConditionType.DATA_LOSS)
    if losing:
        return losing.reason
    joined = by_type[ConditionType.CONSUMERS_JOINED]
    unmanned = verdict.reason == Reason.CAUGHT_UP and joined.status == "False"
    return joined.reason if unmanned else verdict.reason


def _asked_topic(world: World) -> str | None:
    spec = world.consumer.spec
    if spec.kafka:
        return spec.kafka.topic
    return spec.topic_ref.name if spec.topic_ref else None
