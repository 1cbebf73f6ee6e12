"""What the status of a Kafka resource says: which listeners there are, and how they are reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dev.strimzi_standin.topics import Manifest, Problem, condition


@dataclass(frozen=True)
class Broker:
    """What a running broker says of itself."""

    cluster_id: str
    kafka_version: str


def bootstrap_servers(kafka: Manifest) -> str:
    """Return the address at which this program, inside the cluster, reaches a Kafka resource's broker."""
    return _address(*_internal(kafka, kafka["spec"]["kafka"]["listeners"][0]))


def status(kafka: Manifest, broker: Broker | None, *, certificate: str, now: str) -> Manifest:
    """Return a Kafka resource's status; while the broker is away it keeps its listeners and is not Ready.

    ``certificate`` is the one that clients can check the broker's with.
    """
    before: Manifest = kafka.get("status", {})
    if broker is None:
        problem = Problem("KafkaUnreachable", f"No broker answers at {bootstrap_servers(kafka)}")
        wanted = {"type": "Ready", "status": "False", "reason": problem.reason, "message": problem.message}
        return before | {"conditions": [condition(wanted, before, now=now)]}
    return {
        "conditions": [condition({"type": "Ready", "status": "True"}, before, now=now)],
        "observedGeneration": kafka["metadata"]["generation"],
        "clusterId": broker.cluster_id,
        "kafkaVersion": broker.kafka_version,
        "listeners": [listener(kafka, spec, certificate) for spec in kafka["spec"]["kafka"]["listeners"]],
    }


def listener(kafka: Manifest, spec: Manifest, certificate: str) -> Manifest:
    """Return one entry of ``status.listeners``."""
    host, port = (_external if spec["type"] == "nodeport" else _internal)(kafka, spec)
    entry = {
        "name": spec["name"],
        "addresses": [{"host": host, "port": port}],
        "bootstrapServers": _address(host, port),
    }
    return entry | ({"certificates": [certificate]} if spec["tls"] else {})


def _internal(kafka: Manifest, spec: Manifest) -> tuple[str, int]:
    metadata = kafka["metadata"]
    return f"{metadata['name']}-kafka-bootstrap.{metadata['namespace']}.svc", int(spec["port"])


def _external(_kafka: Manifest, spec: Manifest) -> tuple[str, int]:
    configuration: dict[str, Any] = spec["configuration"]
    [broker] = configuration["brokers"]
    return str(broker["advertisedHost"]), int(configuration["bootstrap"]["nodePort"])


def _address(host: str, port: int) -> str:
    return f"{host}:{port}"
