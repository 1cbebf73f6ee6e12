"""What scaling by lag remembers, and what it says in the status."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_operator.autoscaler import Autoscaler, scaling_status
from eventconsumer_operator.budget import write_due
from eventconsumer_operator.lag import LagState
from eventconsumer_operator.names import ObjectKey, ScalingReason
from eventconsumer_operator.status import report
from eventconsumer_operator.verdict import Look
from tests.support.conditions import condition
from tests.unit.operator.builders import NOW, consumer, deployment, observation, world

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.scaling import Decision
    from eventconsumer_operator.world import Observation, World

KEY = ObjectKey("tasks", "notification-service")
SPREAD = (Look(0.0, 900, 5, (1, 1, 1), (300, 300, 300)),)


def scaling(world: World, *, scaler: Autoscaler | None = None, after: float = 0.0) -> Decision:
    decision = (scaler or Autoscaler()).decide(KEY, world, now=NOW + timedelta(seconds=after), at=after)
    assert decision is not None
    return decision


def scaled(status: Manifest | None = None, *, lag: int = 0, running: int = 1, **spec: Any) -> World:
    """Build a world in which lag decides, with at most five workers unless it is said otherwise."""
    rules = {"max": 5, "targetLag": 300} | spec.pop("scaling", {})
    looks = SPREAD if lag else (Look(0.0, 0, 0, (1, 1, 1), (0, 0, 0)),)
    return world(
        consumer=consumer(scaling=rules, **spec),
        deployment=deployment(replicas=running, ready=running),
        observation=observation(lag, window=looks),
        status={"scaling": status} if status else {},
    )


def test_a_resource_that_names_its_replicas_is_left_alone() -> None:
    assert Autoscaler().decide(KEY, world(), now=NOW, at=0.0) is None
    assert world().replicas == 1


def test_it_begins_with_the_workers_that_run() -> None:
    assert scaling(scaled(running=3)).desired == 3


def test_it_begins_at_min_where_fewer_run() -> None:
    assert scaling(scaled(running=1, scaling={"min": 2})).desired == 2


def test_a_restart_goes_on_from_the_status() -> None:
    before = {"desired": 3, "lastScaleTime": None}

    assert scaling(scaled(before, running=1)).desired == 3


def test_a_restart_does_not_add_workers_right_after_the_last_step() -> None:
    before = {"desired": 1, "lastScaleTime": "2026-11-21T11:59:50Z"}

    decision = scaling(scaled(before, lag=900))

    assert (decision.desired, decision.reason) == (1, ScalingReason.SETTLING)


def test_no_worker_is_added_before_the_last_ones_are_ready() -> None:
    unready = replace(
        scaled({"desired": 1, "lastScaleTime": None}, lag=900), deployment=deployment(replicas=1, ready=0)
    )

    decision = scaling(unready)

    assert (decision.desired, decision.reason) == (1, ScalingReason.SETTLING)


def test_an_audit_log_on_a_volume_has_one_writer_whatever_lag_calls_for() -> None:
    decision = scaling(scaled(lag=900, worker={"type": "audit"}))

    assert (decision.desired, decision.reason) == (1, ScalingReason.ONE_VOLUME)


def test_a_pause_keeps_what_scaling_had_decided() -> None:
    paused = scaled({"desired": 3, "lastScaleTime": None}, lag=900, running=0, paused=True)

    decision = scaling(paused)

    assert (decision.desired, decision.reason) == (3, ScalingReason.PAUSED)
    assert paused.replicas == 0


def test_the_time_to_scale_down_begins_after_a_pause() -> None:
    scaler, three = Autoscaler(), {"desired": 3, "lastScaleTime": None}
    scaling(scaled(three, running=3), scaler=scaler)
    scaling(scaled(three, running=0, paused=True), scaler=scaler, after=290)

    decision = scaling(scaled(three, running=3), scaler=scaler, after=310)

    assert (decision.desired, decision.reason) == (3, ScalingReason.STABILIZING)


def test_the_time_to_scale_down_begins_after_another_operator_had_its_turn() -> None:
    scaler, three = Autoscaler(), scaled({"desired": 3, "lastScaleTime": None}, running=3)
    scaling(three, scaler=scaler)
    scaler.clear()

    assert scaling(three, scaler=scaler, after=1000).desired == 3


def told(world: World, after: float = 0.0) -> Manifest:
    now = NOW + timedelta(seconds=after)
    decision = Autoscaler().decide(KEY, world, now=now, at=after)
    return report(replace(world, scaled=decision), None, [], now=now)


def test_the_status_says_what_is_wanted_and_why() -> None:
    assert told(scaled({"desired": 1, "lastScaleTime": None}, lag=900))["scaling"] == {
        "desired": 3,
        "current": 1,
        "wanted": 3,
        "reason": "AsWanted",
        "message": "as many workers run as lag calls for",
        "lastScaleTime": "2026-11-21T12:00:00Z",
    }


def test_the_status_does_not_move_on_its_own() -> None:
    before = scaled({"desired": 3, "lastScaleTime": "2026-11-21T10:00:00Z"}, running=3)
    first = told(before)

    later = told(replace(before, status=first), after=60.0)

    assert write_due(first, later, since_write=0.0, interval=2.0) is None


def test_what_lag_calls_for_is_written_with_the_lag_and_a_step_at_once() -> None:
    first = told(scaled({"desired": 3, "lastScaleTime": None}, running=3))
    wants = {**first, "scaling": first["scaling"] | {"wanted": 2, "reason": "Min", "message": "x"}}
    step = {**first, "scaling": first["scaling"] | {"desired": 2}}

    assert write_due(first, wants, since_write=0.5, interval=2.0) == 1.5
    assert write_due(first, step, since_write=0.5, interval=2.0) == 0.0


def test_a_consumer_at_zero_is_said_to_have_been_scaled_there() -> None:
    status = told(scaled({"desired": 0, "lastScaleTime": None}, running=0, scaling={"min": 0}))

    assert status["summary"]["status"] == "ScaledToZero"
    assert status["summary"]["ready"] == "0/0"
    assert condition(status, "Ready")["message"].startswith("no record waits")


NOT_KNOWN = {
    "Kafka was not asked yet": None,
    "Kafka is away": observation(None, state=LagState.UNKNOWN, members=None, who=None),
    "some partitions did not answer": observation(0, state=LagState.PARTIAL),
}


@pytest.mark.parametrize("seen", NOT_KNOWN.values(), ids=NOT_KNOWN.keys())
def test_a_consumer_at_zero_does_not_claim_that_no_record_waits_where_that_is_unknown(
    seen: Observation | None,
) -> None:
    asleep = scaled({"desired": 0, "lastScaleTime": None}, running=0, scaling={"min": 0})

    status = told(replace(asleep, observation=seen))

    assert status["summary"]["status"] == "LagUnknown"
    assert (condition(status, "Ready")["status"], status["summary"]["ready"]) == ("True", "0/0")
    assert "whether a record waits is not known" in condition(status, "Ready")["message"]


@pytest.mark.parametrize("state", [LagState.KNOWN, LagState.UNCOMMITTED, LagState.PARTIAL])
def test_a_consumer_at_zero_wakes_for_records_that_wait_and_says_so(state: LagState) -> None:
    asleep = scaled({"desired": 0, "lastScaleTime": None}, running=0, scaling={"min": 0})

    status = told(replace(asleep, observation=observation(5, state=state, window=SPREAD)))

    assert (status["summary"]["status"], status["summary"]["ready"]) == ("WorkersStarting", "0/1")
    assert not [entry for entry in status["conditions"] if "no record waits" in entry["message"]]


def test_no_scaling_is_told_of_where_none_is_asked_for() -> None:
    assert scaling_status(world(), now=NOW) is None
