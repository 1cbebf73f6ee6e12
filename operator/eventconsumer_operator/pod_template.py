"""The workers' pods: labels, container, probes, volumes and the rights they do without. Pure.

The pods satisfy Kubernetes' restricted profile, need no right in the cluster, and get everything by
environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_operator import mounts
from eventconsumer_operator.environment import environment
from eventconsumer_operator.names import (
    AUDIT_FOLDER,
    CA_ANNOTATION,
    CONTAINER,
    FIELD_MANAGER,
    HEALTH_PORT,
    INSTANCE_LABEL,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    TOPIC_ID_ANNOTATION,
    WORKER,
)
from eventconsumer_operator.program import program

if TYPE_CHECKING:
    from eventconsumer_operator.connection import Connection
    from eventconsumer_operator.models import EventConsumer, Manifest
    from eventconsumer_operator.security import SecretKey

_NOBODY = 65532


@dataclass(frozen=True)
class Image:
    """The image that workers run, and how nodes get it."""

    name: str
    pull_policy: str


def pod_template(consumer: EventConsumer, connection: Connection, image: Image) -> Manifest:
    """Return what every pod of a consumer's workers is made from."""
    template = consumer.spec.template
    return {
        "metadata": without_empty(
            {
                "labels": {**template.labels, **labels(consumer)},
                "annotations": {**template.annotations, **_marks(connection)},
            }
        ),
        "spec": _pod(consumer, connection, image),
    }


def claim_name(consumer: EventConsumer) -> str:
    """Return the name of the audit log's volume claim."""
    return f"{consumer.metadata.name}-audit"


def selector(consumer: EventConsumer) -> dict[str, str]:
    """Return the labels that tell this consumer's pods from all others; they can never change."""
    return {NAME_LABEL: WORKER, INSTANCE_LABEL: consumer.metadata.name}


def labels(consumer: EventConsumer) -> dict[str, str]:
    """Return the labels of everything that a consumer owns."""
    return {
        **selector(consumer),
        "app.kubernetes.io/component": consumer.spec.worker.type,
        "app.kubernetes.io/part-of": "eventconsumer",
        MANAGED_BY_LABEL: FIELD_MANAGER,
    }


def _marks(connection: Connection) -> dict[str, str]:
    """Return what makes pods differ from those of a later topic of its name, and of another CA."""
    marks = {TOPIC_ID_ANNOTATION: connection.topic_id, CA_ANNOTATION: connection.ca_mark}
    return {name: mark for name, mark in marks.items() if mark}


def _pod(consumer: EventConsumer, connection: Connection, image: Image) -> Manifest:
    template = consumer.spec.template
    security: Manifest = {
        "runAsNonRoot": True,
        "runAsUser": _NOBODY,
        "runAsGroup": _NOBODY,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    volumes: list[Manifest] = [
        {"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}},
        *mounts.volumes(connection.security),
    ]
    if consumer.spec.worker.has_volume:
        security |= {"fsGroup": _NOBODY, "fsGroupChangePolicy": "OnRootMismatch"}
        volumes.append({"name": "audit", "persistentVolumeClaim": {"claimName": claim_name(consumer)}})
    return without_empty(
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
    env = [_variable(name, value) for name, value in environment(consumer, connection).items()]
    mounted = [
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  # the pod's own emptyDir
        *mounts.mounts(connection.security),
    ]
    if consumer.spec.worker.has_volume:
        mounted.append({"name": "audit", "mountPath": AUDIT_FOLDER})
    return without_empty(
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
            "volumeMounts": mounted,
        }
    )


def _variable(name: str, value: str | SecretKey) -> Manifest:
    if isinstance(value, str):
        return {"name": name, "value": value}
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": value.name, "key": value.key}}}


def _probe(path: str, *, every: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "health"},
        "periodSeconds": every,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }


def without_empty(fields: Manifest) -> Manifest:
    """Leave out what the user left out: the API server's own default holds then, and is not ours to keep."""
    return {name: value for name, value in fields.items() if value not in (None, {}, [])}
