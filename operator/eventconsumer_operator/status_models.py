"""The status of an EventConsumer as Python writes it: the CRD's fields, proven equal by a contract test."""

from __future__ import annotations

from typing import Literal

from eventconsumer_operator.model_base import Model


class Condition(Model):
    """One answer, in the form all of Kubernetes uses."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    observed_generation: int
    last_transition_time: str


class Summary(Model):
    """The words that kubectl's columns print."""

    ready: str
    lag: str
    behind: str
    status: str


class PartitionStatus(Model):
    """The figures of one partition."""

    partition: int
    lag: int | None
    committed: int | None
    log_start: int | None
    log_end: int | None


class ScalingStatus(Model):
    """What spec.scaling makes of the lag."""

    desired: int
    current: int
    wanted: int | None
    reason: str
    message: str
    last_scale_time: str | None


class Status(Model):
    """What is true now; null where it can't be known."""

    observed_generation: int
    conditions: list[Condition]
    replicas: int
    ready_replicas: int
    selector: str
    group_id: str
    topic: str | None
    lag: int | None
    lag_state: Literal["Unknown", "Uncommitted", "Partial", "Known"]
    max_partition_lag: int | None
    partition_count: int | None
    behind_seconds: int | None
    behind_estimated: bool | None
    observed_at: str | None
    group_state: str
    members: int | None
    summary: Summary
    partitions: list[PartitionStatus]
    raw_lag: int | None
    dead_letters: int | None
    scaling: ScalingStatus | None
