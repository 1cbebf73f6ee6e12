"""A fleet of EventConsumers without workers, in a namespace of its own: made, looked at, edited, deleted."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from kubernetes import client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.operator.load import Member

Manifest = dict[str, Any]
_KIND: dict[str, Any] = {"group": "eventconsumer.dev", "version": "v1beta1", "plural": "eventconsumers"}
_DEPLOYMENTS: dict[str, Any] = {"group": "apps", "version": "v1", "plural": "deployments"}
_HANDS = 16
_LOOK_SECONDS = 0.01
_PATIENCE_SECONDS = 60.0


class Fleet:
    """The EventConsumers of one namespace and the Deployments that an operator makes of them."""

    def __init__(self, api: client.ApiClient, namespace: str, members: Sequence[Member]) -> None:
        self.namespace = namespace
        self.members = list(members)
        self._core = client.CoreV1Api(api)
        self._objects = client.CustomObjectsApi(api)

    def make_namespace(self) -> None:
        """Make the namespace."""
        self._core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=self.namespace)))

    def make(self, members: Sequence[Member], bootstrap_servers: str) -> None:
        """Create these EventConsumers, sixteen at a time."""

        def create(member: Member) -> None:
            self._objects.create_namespaced_custom_object(
                **_KIND, namespace=self.namespace, body=_manifest(member, bootstrap_servers)
            )

        _sixteen_at_a_time(create, members)

    def incomplete(self, members: Sequence[Member]) -> list[Member]:
        """Return those that have no Deployment yet, or no known lag in their status."""
        deployments: Any = self._objects.list_namespaced_custom_object(
            **_DEPLOYMENTS, namespace=self.namespace
        )
        deployed = {one["metadata"]["name"] for one in deployments["items"]}
        consumers: Any = self._objects.list_namespaced_custom_object(**_KIND, namespace=self.namespace)
        known = {one["metadata"]["name"] for one in consumers["items"] if _lag_is_known(one)}
        return [member for member in members if member.name not in deployed & known]

    def lag_is_known(self, member: Member) -> bool:
        """Tell whether the lag of one EventConsumer is in its status."""
        one = self._objects.get_namespaced_custom_object(**_KIND, namespace=self.namespace, name=member.name)
        return _lag_is_known(one)

    def edit(self, member: Member, text: str) -> float:
        """Change what the pods of one EventConsumer are told; return how long its Deployment took."""
        started = time.perf_counter()
        self._objects.patch_namespaced_custom_object(
            **_KIND,
            namespace=self.namespace,
            name=member.name,
            body={"spec": {"template": {"env": [{"name": "EDITED", "value": text}]}}},
        )
        while time.perf_counter() - started < _PATIENCE_SECONDS:
            deployment: Any = self._objects.get_namespaced_custom_object(
                **_DEPLOYMENTS, namespace=self.namespace, name=member.name
            )
            [container] = deployment["spec"]["template"]["spec"]["containers"]
            if {"name": "EDITED", "value": text} in container.get("env", []):
                return time.perf_counter() - started
            time.sleep(_LOOK_SECONDS)
        raise TimeoutError(f"the Deployment of {member.name} was not changed in {_PATIENCE_SECONDS:.0f} s")

    def delete(self) -> None:
        """Delete all of it, whatever an operator that runs no more wanted to do first."""

        def release(member: Member) -> None:
            self._objects.patch_namespaced_custom_object(
                **_KIND,
                namespace=self.namespace,
                name=member.name,
                body={"metadata": {"finalizers": None}},
            )

        _sixteen_at_a_time(release, self.members)
        self._core.delete_namespace(self.namespace)


def _lag_is_known(one: Any) -> bool:
    return one.get("status", {}).get("lag") is not None


def _sixteen_at_a_time(act: Callable[[Member], None], members: Sequence[Member]) -> None:
    with ThreadPoolExecutor(_HANDS) as hands:
        list(hands.map(act, members))


def _manifest(member: Member, bootstrap_servers: str) -> Manifest:
    return {
        "apiVersion": f"{_KIND['group']}/{_KIND['version']}",
        "kind": "EventConsumer",
        "metadata": {"name": member.name},
        "spec": {
            "kafka": {"bootstrapServers": bootstrap_servers, "topic": member.topic},
            "worker": {"type": "notification"},
            "replicas": 0,
        },
    }
