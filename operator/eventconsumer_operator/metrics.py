"""What Prometheus reads of the operator: its consumers as they are now, and how it works itself.

Figures of consumers are made when they are asked for, from what the leader knows then. So a resource that is
gone has none, a number that can't be known is absent, never 0, and of two operators only one tells them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.names import ObjectKey

# When a series began is of no use, and doubles their number.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the client leaves it untyped

_OWN = "eventconsumer_operator"
_LABELS = ("namespace", "name", "group", "topic")

leading = Gauge(f"{_OWN}_leader", "1 where this operator works, 0 where it waits for another one to end.")
queue_depth = Gauge(f"{_OWN}_queue_depth", "EventConsumers that wait for a look.")
reconciles = Counter(f"{_OWN}_reconciles", "Looks at one EventConsumer: ok, error.", ["result"])
reconcile_seconds = Histogram(f"{_OWN}_reconcile_seconds", "What one look at one EventConsumer takes.")
api_writes = Counter(f"{_OWN}_api_writes", "Writes to the Kubernetes API.", ["kind", "verb"])
lag_refresh_seconds = Histogram(
    f"{_OWN}_lag_refresh_seconds", "What asking one Kafka cluster about all its consumers takes."
)
kafka_requests = Counter(f"{_OWN}_kafka_requests", "Questions to Kafka, by its name for them.", ["api"])
kafka_up = Gauge(f"{_OWN}_kafka_up", "1 where a Kafka cluster answered when last asked, else 0.", ["servers"])


class Told(NamedTuple):
    """What was last found out about one EventConsumer."""

    group: str
    topic: str
    ready: bool
    state: str
    lag: int | None
    max_partition_lag: int | None
    behind_seconds: int | None
    dead_letters: int | None


def told(status: Manifest) -> Told:
    """Keep of a status what is a metric."""
    conditions = {entry["type"]: entry["status"] for entry in status["conditions"]}
    return Told(
        group=status.get("groupId") or "",
        topic=status.get("topic") or "",
        ready=conditions.get("Ready") == "True",
        state=status["summary"]["status"],
        lag=status.get("lag"),
        max_partition_lag=status.get("maxPartitionLag"),
        behind_seconds=status.get("behindSeconds"),
        dead_letters=status.get("deadLetters"),
    )


class Consumers(Collector):
    """The figures of all EventConsumers, one series each."""

    def __init__(self, known: Callable[[], Iterable[tuple[ObjectKey, Told]]]) -> None:
        self._known = known

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        known = [((*key, about.group, about.topic), about) for key, about in self._known()]
        yield from (
            _family("lag", "Records not yet read.", ((at, one.lag) for at, one in known)),
            _family(
                "max_partition_lag",
                "Records not yet read of the partition that has most.",
                ((at, one.max_partition_lag) for at, one in known),
            ),
            _family(
                "behind_seconds",
                "How long ago the oldest unread record was written.",
                ((at, one.behind_seconds) for at, one in known),
            ),
            _family(
                "dead_letters",
                "Records in the dead-letter topic.",
                ((at, one.dead_letters) for at, one in known),
            ),
            _family(
                "ready", "1 where it runs as its resource says.", ((at, int(one.ready)) for at, one in known)
            ),
        )
        state = GaugeMetricFamily(
            "eventconsumer_state",
            "Always 1; the label is the STATUS of kubectl.",
            labels=(*_LABELS, "state"),
        )
        for at, one in known:
            state.add_metric((*at, one.state), 1)
        yield state


def _family(name: str, text: str, samples: Iterable[tuple[tuple[str, ...], int | None]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"eventconsumer_{name}", text, labels=_LABELS)
    for labels, value in samples:
        if value is not None:
            family.add_metric(labels, value)
    return family
