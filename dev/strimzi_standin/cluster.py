"""The Kubernetes API: Strimzi's resources of one namespace, their statuses, and what they make there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubernetes import client, config

from dev.strimzi_standin import secret
from dev.strimzi_standin.topics import FINALIZER

if TYPE_CHECKING:
    from dev.strimzi_standin.secret import Secret
    from dev.strimzi_standin.topics import Manifest

_GROUP, _VERSION = "kafka.strimzi.io", "v1"
_SECONDS = 10
_NOT_FOUND = 404


class Cluster:
    """One namespace, seen from a pod in it; calls raise ApiException, or HTTPError without an answer."""

    def __init__(self, namespace: str) -> None:
        config.load_incluster_config()  # type: ignore[no-untyped-call]
        self._objects = client.CustomObjectsApi()
        self._core = client.CoreV1Api()
        self._apps = client.AppsV1Api()
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

    def secrets(self) -> dict[str, Secret]:
        """Return all Secrets of the namespace by name."""
        listed = self._core.list_namespaced_secret(self._namespace, _request_timeout=_SECONDS)
        plain: Any = self._core.api_client.sanitize_for_serialization(listed)
        return {found.name: found for found in map(secret.read, plain["items"])}

    def write_secret(self, wanted: Secret, owner: Manifest) -> None:
        """Make a Secret, or put it in place of the one that is there."""
        body: Any = secret.written(wanted, owner)
        place: Any = {"namespace": self._namespace, "_request_timeout": _SECONDS}
        try:
            self._core.replace_namespaced_secret(wanted.name, body=body, **place)
        except client.ApiException as error:
            if error.status != _NOT_FOUND:
                raise
            self._core.create_namespaced_secret(body=body, **place)

    def mark_pods(self, stateful_set: str, annotation: str, value: str) -> None:
        """Restart a StatefulSet's pods with an annotation, unless they have it; none there is fine."""
        place: Any = {"name": stateful_set, "namespace": self._namespace, "_request_timeout": _SECONDS}
        try:
            found: Any = self._apps.read_namespaced_stateful_set(**place)
        except client.ApiException as error:
            if error.status == _NOT_FOUND:
                return
            raise
        if (found.spec.template.metadata.annotations or {}).get(annotation) != value:
            template = {"metadata": {"annotations": {annotation: value}}}
            self._apps.patch_namespaced_stateful_set(**place, body={"spec": {"template": template}})
            print(f"{stateful_set}: restarts for {annotation} {value}", flush=True)

    def _place(self, plural: str) -> dict[str, Any]:
        return {
            "group": _GROUP,
            "version": _VERSION,
            "namespace": self._namespace,
            "plural": plural,
            "_request_timeout": _SECONDS,
        }
