"""The Kubernetes API: Strimzi's resources of one namespace, their statuses and their finalizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubernetes import client, config

from dev.strimzi_standin.topics import FINALIZER

if TYPE_CHECKING:
    from dev.strimzi_standin.topics import Manifest

_GROUP, _VERSION = "kafka.strimzi.io", "v1"
_SECONDS = 10


class Cluster:
    """One namespace, seen from a pod in it; calls raise ApiException, or HTTPError without an answer."""

    def __init__(self, namespace: str) -> None:
        config.load_incluster_config()  # type: ignore[no-untyped-call]
        self._objects = client.CustomObjectsApi()
        self._namespace = namespace

    def list(self, plural: str) -> list[Manifest]:
        """Return all resources of a kind."""
        listed: Any = self._objects.list_namespaced_custom_object(**self._place(plural))
        items: list[Manifest] = listed["items"]
        return items

    def write_status(self, plural: str, resource: Manifest, status: Manifest) -> None:
        """Replace a resource's status, unless the resource has changed since it was read."""
        name = resource["metadata"]["name"]
        body = resource | {"status": status}
        self._objects.replace_namespaced_custom_object_status(**self._place(plural), name=name, body=body)

    def set_finalizer(self, plural: str, resource: Manifest, *, present: bool) -> None:
        """Add or remove our finalizer, unless the resource has changed since it was read."""
        metadata = resource["metadata"]
        others = [entry for entry in metadata.get("finalizers", []) if entry != FINALIZER]
        finalizers = [*others, FINALIZER] if present else others
        body = {"metadata": {"resourceVersion": metadata["resourceVersion"], "finalizers": finalizers}}
        self._objects.patch_namespaced_custom_object(**self._place(plural), name=metadata["name"], body=body)

    def _place(self, plural: str) -> dict[str, Any]:
        return {
            "group": _GROUP,
            "version": _VERSION,
            "namespace": self._namespace,
            "plural": plural,
            "_request_timeout": _SECONDS,
        }
