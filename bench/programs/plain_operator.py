"""The plain operator: a kopf timer for each EventConsumer, a Kafka client for each group, a patch each time.

Run as `python -m bench.programs.plain_operator`, told by the operator's environment variables.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import kopf
from confluent_kafka import Consumer, TopicPartition
from kubernetes import client, config

_KIND = ("eventconsumer.dev", "v1beta1", "eventconsumers")
_SECONDS = 10.0
_CONFLICT = 409


@kopf.on.startup()
def connect(**_: object) -> None:
    """Connect to the API server."""
    config.load_kube_config()  # type: ignore[no-untyped-call]  # untyped client


@kopf.on.create(*_KIND)
@kopf.on.resume(*_KIND)
def create(body: kopf.Body, **_: object) -> None:
    """Make the Deployment."""
    wanted = _deployment(body)
    kopf.adopt(wanted)
    try:
        client.AppsV1Api().create_namespaced_deployment(wanted["metadata"]["namespace"], wanted)
    except client.ApiException as refused:
        if refused.status != _CONFLICT:
            raise


@kopf.on.update(*_KIND)
def update(body: kopf.Body, **_: object) -> None:
    """Change the Deployment."""
    wanted = _deployment(body)
    about = wanted["metadata"]
    client.AppsV1Api().patch_namespaced_deployment(about["name"], about["namespace"], wanted)


@kopf.timer(*_KIND, interval=15.0)
def report(spec: kopf.Spec, name: str, patch: kopf.Patch, logger: kopf.Logger, **_: object) -> None:
    """Ask for the lag of one group and write it down."""
    started = time.perf_counter()
    topic = spec["kafka"]["topic"]
    asking = {"bootstrap.servers": spec["kafka"]["bootstrapServers"], "group.id": spec.get("groupId", name)}
    lag = 0
    with closing(Consumer(asking)) as consumer:
        numbers = consumer.list_topics(topic, timeout=_SECONDS).topics[topic].partitions
        committed = consumer.committed([TopicPartition(topic, one) for one in numbers], timeout=_SECONDS)
        for place in committed:
            low, high = consumer.get_watermark_offsets(place, timeout=_SECONDS)
            lag += high - (place.offset if place.offset >= 0 else low)
    logger.info("the lag of %s took %.4f s", name, time.perf_counter() - started)
    patch.status["lag"] = lag
    patch.status["observedAt"] = datetime.now(UTC).isoformat(timespec="seconds")


def _deployment(body: kopf.Body) -> Any:
    name, spec = body["metadata"]["name"], body["spec"]
    labels = {"app": name}
    env = [
        {"name": "KAFKA_BOOTSTRAP_SERVERS", "value": spec["kafka"]["bootstrapServers"]},
        {"name": "KAFKA_TOPIC", "value": spec["kafka"]["topic"]},
        *spec.get("template", {}).get("env", []),
    ]
    container = {"name": "worker", "image": "eventconsumer/workers", "args": ["notification"], "env": env}
    return {
        "metadata": {"name": name, "namespace": body["metadata"]["namespace"]},
        "spec": {
            "replicas": spec.get("replicas", 1),
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    kopf.run(standalone=True, namespaces=[os.environ["WATCH_NAMESPACES"]])
