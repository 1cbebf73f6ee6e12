"""What one EventConsumer should own, as plain objects for server-side apply. Pure: same in, same out.

The pods satisfy Kubernetes' restricted profile, need no right in the cluster, and get everything by
environment; that environment is a contract with the workers and has a test of its own.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_operator.names import (
    AUDIT_FOLDER,
    CONTAINER,
    FIELD_MANAGER,
    GROUP,
    HEALTH_PORT,
    INSTANCE_LABEL,
    KIND,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    TOPIC_ID_ANNOTATION,
    VERSION,
    WORKER,
)
from eventconsumer_operator.program import program

if TYPE_CHECKING:
    from eventconsumer_operator.connection import Connection
    from eventconsumer_operator.models import EventConsumer, Manifest

_NOBODY = 65532


@dataclass(frozen=True)
class Image:
    """The image that workers run, and how nodes get it."""

    name: str
    pull_policy: str


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
            "template": {
                "metadata": _without_empty(
                    {
                        "labels": {**spec.template.labels, **_labels(consumer)},
                        "annotations": {**spec.template.annotations, **_topic_mark(connection)},
                    }
                ),
                "spec": _pod(consumer, connection, image),
            },
        },
    }


def claim(consumer: EventConsumer) -> Manifest | None:
    """Return the volume claim of an audit log; other workers have none."""
    if not has_volume(consumer):
        return None
    storage = consumer.spec.worker.storage
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(consumer, claim_name(consumer)),
        "spec": _without_empty(
            {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": storage.storage_class_name,
                "resources": {"requests": {"storage": storage.size}},
            }
        ),
    }


def has_volume(consumer: EventConsumer) -> bool:
    """Tell whether the worker keeps something on a volume."""
    return consumer.spec.worker.type == "audit"


def claim_name(consumer: EventConsumer) -> str:
    """Return the name of the audit log's volume claim."""
    return f"{consumer.metadata.name}-audit"


def selector(consumer: EventConsumer) -> dict[str, str]:
    """Return the labels that tell this consumer's pods from all others; they can never change."""
    return {NAME_LABEL: WORKER, INSTANCE_LABEL: consumer.metadata.name}


def fingerprint(manifest: Manifest) -> str:
    """Return a short text that differs whenever the object does."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]


def environment(consumer: EventConsumer, connection: Connection) -> dict[str, str]:
    """Return what the workers are told; what is absent keeps the worker's own default."""
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": connection.bootstrap_servers,
        "KAFKA_TOPIC": connection.topic,
        "KAFKA_GROUP_ID": consumer.group_id,
        "KAFKA_DEAD_LETTER_TOPIC": consumer.dead_letter_topic(connection.topic),
        "KAFKA_AUTO_OFFSET_RESET": consumer.spec.start_from,
        "HEALTH_PORT": str(HEALTH_PORT),
    }
    if consumer.spec.event_types:
        env["EVENT_TYPES"] = ",".join(consumer.spec.event_types)
    if has_volume(consumer):
        env["AUDIT_LOG_PATH"] = f"{AUDIT_FOLDER}/audit.log"
    return env


def _metadata(consumer: EventConsumer, name: str) -> Manifest:
    return {
        "name": name,
        "namespace": consumer.metadata.namespace,
        "labels": _labels(consumer),
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


def _topic_mark(connection: Connection) -> dict[str, str]:
    """Return what makes pods of a topic differ from those of a later topic of its name."""
    return {TOPIC_ID_ANNOTATION: connection.topic_id} if connection.topic_id else {}


def _labels(consumer: EventConsumer) -> dict[str, str]:
    return {
        **selector(consumer),
        "app.kubernetes.io/component": consumer.spec.worker.type,
        "app.kubernetes.io/part-of": "eventconsumer",
        MANAGED_BY_LABEL: FIELD_MANAGER,
    }


def _strategy(consumer: EventConsumer) -> Manifest:
    if has_volume(consumer):
        # Two writers on one log would break it, so the old pod is gone before the new one starts.
        return {"type": "Recreate"}
    # A surplus pod would only cause one more rebalance: a group shares its partitions among those that are
    # there.
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


def _pod(consumer: EventConsumer, connection: Connection, image: Image) -> Manifest:
    template = consumer.spec.template
    security: Manifest = {
        "runAsNonRoot": True,
        "runAsUser": _NOBODY,
        "runAsGroup": _NOBODY,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    volumes: list[Manifest] = [{"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}}]
    if has_volume(consumer):
        security |= {"fsGroup": _NOBODY, "fsGroupChangePolicy": "OnRootMismatch"}
        volumes.append({"name": "audit", "persistentVolumeClaim": {"claimName": claim_name(consumer)}})
    return _without_empty(
        {
            "serviceAccountName": template.service_account_name,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 30,
            "imagePullSecrets": template.image_pull_secrets,
            "nodeSelector": template.node_selector,
            "tolerations": template.tolerations,
            "affinity": template.affinity,
            "securityContext": security,
            "containers": [_container(consumer, connection, image)],
            "volumes": volumes,
        }
    )


def _container(consumer: EventConsumer, connection: Connection, image: Image) -> Manifest:
    template = consumer.spec.template
    env = [{"name": name, "value": value} for name, value in environment(consumer, connection).items()]
    mounts = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108  # the pod's own emptyDir
    if has_volume(consumer):
        mounts.append({"name": "audit", "mountPath": AUDIT_FOLDER})
    return _without_empty(
        {
            "name": CONTAINER,
            **program(consumer.spec.worker, image),
            "env": env + template.env,
            "ports": [{"name": "health", "containerPort": HEALTH_PORT, "protocol": "TCP"}],
            "startupProbe": _probe("/healthz", every=1, failures=60),
            "livenessProbe": _probe("/healthz", every=10, failures=3),
            "readinessProbe": _probe("/readyz", every=2, failures=2),
            "resources": template.resources,
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": mounts,
        }
    )


def _probe(path: str, *, every: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "health"},
        "periodSeconds": every,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }


def _without_empty(fields: Manifest) -> Manifest:
    """Leave out what the user left out: the API server's own default holds then, and is not ours to keep."""
    return {name: value for name, value in fields.items() if value not in (None, {}, [])}
