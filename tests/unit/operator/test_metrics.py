"""What Prometheus is told of EventConsumers: what is known, and nothing else."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from eventconsumer_operator.lag import LagState
from eventconsumer_operator.metrics import Consumers, Told, told
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.status import report
from tests.unit.operator.builders import NOW, observation, world

KEY = ObjectKey("tasks", "audit")
LABELS = '{group="g",name="audit",namespace="tasks",topic="t"}'
WELL = Told(
    "g", "t", ready=True, state="CaughtUp", lag=7, max_partition_lag=3, behind_seconds=2, dead_letters=1
)


def exposed(*known: tuple[ObjectKey, Told]) -> str:
    registry = CollectorRegistry()
    registry.register(Consumers(lambda: known))
    return generate_latest(registry).decode()


def test_a_consumer_s_figures_are_told() -> None:
    text = exposed((KEY, WELL))
    assert f"eventconsumer_lag{LABELS} 7.0" in text
    assert f"eventconsumer_ready{LABELS} 1.0" in text
    assert (
        'eventconsumer_state{group="g",name="audit",namespace="tasks",state="CaughtUp",topic="t"} 1.0' in text
    )


def test_what_is_not_known_is_absent_and_not_0() -> None:
    text = exposed((KEY, WELL._replace(lag=None, behind_seconds=None)))
    assert "eventconsumer_lag{" not in text
    assert "eventconsumer_behind_seconds{" not in text
    assert "eventconsumer_max_partition_lag{" in text


def test_a_consumer_that_is_gone_has_no_series() -> None:
    assert "{" not in exposed()


def test_lag_that_became_unknown_is_unknown_in_what_is_told() -> None:
    away = observation(None, state=LagState.UNKNOWN, behind_seconds=None)
    seen = world(observation=away)
    assert told(report(seen, None, [], now=NOW)).lag is None
