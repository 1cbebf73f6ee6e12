"""What one EventConsumer should own, as plain objects for server-side apply. Pure: same in, same out."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from eventconsumer_operator.names import GROUP, KIND, VERSION
from eventconsumer_operator.pod_template import (
    Image,
    claim_name,
    labels,
    pod_template,
    selector,
    without_empty,
)

if TYPE_CHECKING:
    from eventconsumer_operator.connection import Connection
    from eventconsumer_operator.models import EventConsumer, Manifest


def deployment(
    consumer: EventConsumer, connection: Connection, image: Image, *, replicas: int | None = None
) -> Manifest:
    """Return the Deployment that runs the workers: as many as given, or else as the spec names."""
    spec = consumer.spec
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(consumer, consumer.metadata.name),
        "spec": {
            "replicas": spec.replicas if replicas is None else replicas,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": selector(consumer)},
            "strategy": _strategy(consumer),
            "template": pod_template(consumer, connection, image),
        },
    }


def claim(consumer: EventConsumer) -> Manifest | None:
    """Return the volume claim of an audit log; other workers have none."""
    if not consumer.spec.worker.has_volume:
        return None
    storage = consumer.spec.worker.storage
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(consumer, claim_name(consumer)),
        "spec": without_empty(
            {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": storage.storage_class_name,
                "resources": {"requests": {"storage": storage.size}},
            }
        ),
    }


def fingerprint(manifest: Manifest) -> str:
    """Return a short text that differs whenever the object does."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]


def _metadata(consumer: EventConsumer, name: str) -> Manifest:
    return {
        "name": name,
        "namespace": consumer.metadata.namespace,
        "labels": labels(consumer),
        "ownerReferences": [
            {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": KIND,
                "name": consumer.metadata.name,
                "uid": consumer.metadata.uid,
                "controller": True,
                # True would ask for the right to set finalizers on EventConsumers, and nothing here needs the
                # wait.
                "blockOwnerDeletion": False,
            }
        ],
    }


def _strategy(consumer: EventConsumer) -> Manifest:
    if consumer.spec.worker.has_volume:
        # Two writers on one log would break it, so the old pod is gone before the new one starts.
        return {"type": "Recreate"}
    # A surplus pod would only cause one more rebalance: a group shares its partitions among those that are
    # there.
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
