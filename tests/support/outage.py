"""Takes the cluster's Kafka away and brings it back, whoever runs it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.source import Source, source

if TYPE_CHECKING:
    from tests.support.kubernetes import Kubernetes

_BROKERS = "--selector=strimzi.io/cluster=events,strimzi.io/broker-role=true"

# Strimzi replaces a deleted broker at once, so its operator has to be away as well.
AWAY = {
    Source.PACKAGES: (
        ("scale", "statefulset", "events-kafka", "--replicas=0"),
        # The rollout to no replicas is done while the broker still ends.
        ("delete", "pod", "events-kafka-0", "--ignore-not-found", "--timeout=90s"),
    ),
    Source.OFFICIAL: (
        ("scale", "deployment", "strimzi-cluster-operator", "--replicas=0"),
        ("rollout", "status", "deployment", "strimzi-cluster-operator", "--timeout=90s"),
        ("delete", "pod", _BROKERS, "--timeout=90s"),
    ),
}
BACK = {
    Source.PACKAGES: (
        ("scale", "statefulset", "events-kafka", "--replicas=1"),
        ("rollout", "status", "statefulset", "events-kafka", "--timeout=90s"),
    ),
    Source.OFFICIAL: (
        ("scale", "deployment", "strimzi-cluster-operator", "--replicas=1"),
        ("wait", "pod", _BROKERS, "--for=create", "--timeout=180s"),
        ("wait", "pod", _BROKERS, "--for=condition=Ready", "--timeout=180s"),
    ),
}


def take_broker_away(kubernetes: Kubernetes) -> None:
    for words in AWAY[source()]:
        kubernetes.kubectl(*words)


def bring_broker_back(kubernetes: Kubernetes) -> None:
    for words in BACK[source()]:
        kubernetes.kubectl(*words)
