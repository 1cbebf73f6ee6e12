"""Serves the operator's figures to autoscalers, as external metrics of the tests' cluster."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dev import certificates
from tests.support.eventually import eventually
from tests.support.external_metrics_server import GROUP_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.kubernetes import Kubernetes, Manifest

_NAME = "external-metrics"
_REGISTRATION = "v1beta1.external.metrics.k8s.io"
_SERVER = Path(__file__).with_name("external_metrics_server.py")
_OPERATOR = "eventconsumer-operator"
_PYTHON = "/opt/venv/bin/python"


@contextmanager
def external_metrics(kubernetes: Kubernetes) -> Iterator[None]:
    """Serve them meanwhile, and leave nothing behind."""
    authority = certificates.authority("external metrics of the tests")
    try:
        for manifest in _served(kubernetes, authority):
            kubernetes.apply(manifest)
        # The API server keeps a connection, and one from before the Service leads anywhere stays astray.
        eventually("the adapter answers", lambda: _answer(kubernetes), within=60)
        kubernetes.apply(_registration(kubernetes, authority))
        eventually("the metrics are served", lambda: _state(kubernetes), until=_available, within=60)
        yield
    finally:
        # First of all: as long as the API server is told of it, its own discovery waits for the pod.
        kubernetes.delete("apiservice", _REGISTRATION)
        for kind in ("pod", "service", "configmap", "secret"):
            kubernetes.delete(kind, _NAME)


def _answer(kubernetes: Kubernetes) -> str:
    """Ask the adapter from another pod by way of its Service; whose certificate it has is no matter here."""
    asking = (
        "import ssl; from urllib.request import urlopen; "
        f"url = 'https://{_NAME}/apis/{GROUP_VERSION}'; context = ssl._create_unverified_context(); "
        "print(urlopen(url, timeout=2, context=context).read().decode())"
    )
    return kubernetes.kubectl("exec", f"deployment/{_OPERATOR}", "--", _PYTHON, "-c", asking)


def _state(kubernetes: Kubernetes) -> list[Manifest]:
    conditions: list[Manifest] = kubernetes.get("apiservice", _REGISTRATION)["status"]["conditions"]
    return conditions


def _available(conditions: list[Manifest]) -> bool:
    return any((one["type"], one["status"]) == ("Available", "True") for one in conditions)


def _registration(kubernetes: Kubernetes, authority: certificates.Identity) -> Manifest:
    """Return what makes the API server pass on what is asked about external metrics."""
    group, _, version = GROUP_VERSION.partition("/")
    spec = {
        "group": group,
        "version": version,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "service": {"name": _NAME, "namespace": kubernetes.namespace},
        "caBundle": base64.b64encode(authority.certificate.encode()).decode(),
    }
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": _REGISTRATION},
        "spec": spec,
    }


def _served(kubernetes: Kubernetes, authority: certificates.Identity) -> list[Manifest]:
    """Return the adapter's pod and what it needs."""
    own = certificates.issue(authority, _NAME, hosts=[f"{_NAME}.{kubernetes.namespace}.svc"])
    parts: dict[str, Manifest] = {
        "Secret": {"stringData": {"tls.crt": own.certificate, "tls.key": own.key}},
        "ConfigMap": {"data": {_SERVER.name: _SERVER.read_text()}},
        "Service": {"spec": {"selector": {"app": _NAME}, "ports": [{"port": 443, "targetPort": 8443}]}},
        "Pod": {"spec": _pod(kubernetes)},
    }
    metadata = {"name": _NAME, "labels": {"app": _NAME}}
    return [{"apiVersion": "v1", "kind": kind, "metadata": metadata, **rest} for kind, rest in parts.items()]


def _pod(kubernetes: Kubernetes) -> Manifest:
    """Return a pod of the operator's image, which has Python and can read Prometheus' format."""
    operator = kubernetes.get("deployment", _OPERATOR)["spec"]["template"]["spec"]
    [container] = operator["containers"]
    source = f"http://{_OPERATOR}.{kubernetes.namespace}:8080/metrics"
    probe = {"scheme": "HTTPS", "port": 8443, "path": f"/apis/{GROUP_VERSION}"}
    return {
        "automountServiceAccountToken": False,
        "securityContext": operator["securityContext"],
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": "adapter",
                "image": container["image"],
                "imagePullPolicy": container["imagePullPolicy"],
                "command": [_PYTHON, f"/program/{_SERVER.name}", source, "/certificate"],
                "securityContext": container["securityContext"],
                "readinessProbe": {"httpGet": probe, "periodSeconds": 1},
                "volumeMounts": [
                    {"name": "program", "mountPath": "/program"},
                    {"name": "certificate", "mountPath": "/certificate"},
                ],
            }
        ],
        "volumes": [
            {"name": "program", "configMap": {"name": _NAME}},
            {"name": "certificate", "secret": {"secretName": _NAME}},
        ],
    }
