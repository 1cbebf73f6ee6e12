"""The only module that talks to the Kubernetes API, besides kopf's watches: lists, applies, writes status.

Everything is plain JSON over the client's own connection, so no model of 700 kinds is built. Failures are
translated once, here: Refused can't be cured by waiting, Unavailable can. Every write waits for its turn and
is made only while this process may write; the Lease, which decides that, is the one exception.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from eventconsumer_operator import metrics
from eventconsumer_operator.kinds import OWNED, WATCHED, Kind, versions
from eventconsumer_operator.names import (
    EVENT_CONSUMERS,
    EVENTS,
    FIELD_MANAGER,
    GROUP,
    LEASE,
    LEASES,
    MANAGED_BY_LABEL,
    STRIMZI,
    ObjectKey,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.pace import Pace

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 15.0
_LEASE_SECONDS = 3.0
"""An answer about the Lease that comes later is of no use."""
_OK = range(200, 300)
_NOT_FOUND = 404
_USUAL = "v1"
"""The version in which a kind is looked for that was not discovered."""
_PLACES = {kind.plural: kind for kind in (*WATCHED, Kind("", EVENTS, "v1"))}
_REFUSED = frozenset({400, 403, 422})

OWN_LABEL = f"{MANAGED_BY_LABEL}={FIELD_MANAGER}"
"""Selects the Deployments, claims and pods of this operator; all others are none of its business."""
_TOLD_AT_MOST = 1000
PAGE = 50
"""How many objects are listed at once: as Python's own each takes many times what is kept of it."""


class ClusterError(Exception):
    """The API server did not do what was asked."""

    expected = True
    """Its message says all; a stack trace would add nothing."""


class Refused(ClusterError):  # noqa: N818  # reads as what happened: "except Refused"
    """The API server understood and said no."""


class Unavailable(ClusterError):  # noqa: N818  # reads as what happened
    """The API server could not answer; later it will."""


class NotLeading(Unavailable):
    """Another operator writes now, or may soon."""


class Cluster:
    """One connection to one API server."""

    def __init__(self, api: ApiClient, *, pace: Pace, may_write: Callable[[], float]) -> None:
        """Use a connected client; ``may_write`` says for how many seconds from now on writing is allowed."""
        self._api = api
        self._pace = pace
        self._may_write = may_write
        self._told: dict[str, Manifest] = {}
        self._served: dict[str, str] = {}

    @classmethod
    async def connect(cls, *, pace: Pace, may_write: Callable[[], float]) -> Cluster:
        """Connect as the pod's service account, or else as the kubeconfig's current context says."""
        settings = Configuration()
        try:
            config.load_incluster_config(settings)  # type: ignore[no-untyped-call]  # untyped client
        except config.ConfigException:
            await config.load_kube_config(client_configuration=settings)  # type: ignore[no-untyped-call]  # same
        return cls(ApiClient(settings), pace=pace, may_write=may_write)

    async def close(self) -> None:
        """Close the connection."""
        await self._api.close()  # type: ignore[no-untyped-call]  # untyped client

    def calm(self) -> bool:
        """Tell whether there is room for writes that can as well be made later."""
        return self._pace.spare(time.monotonic())

    async def discover(self) -> dict[str, str]:
        """Return the version of each custom kind that the API server has; a kind it does not have is absent.

        Of several versions the one that the server prefers is taken, if it has the kind.
        """
        found: dict[str, str] = {}
        for group in (GROUP, STRIMZI):
            offers = [
                (version, await self._plurals(group, version)) for version in await self._versions(group)
            ]
            found |= versions(group, offers)
        self._served = found
        return found

    async def _plurals(self, group: str, version: str) -> set[str]:
        found = await self._request("GET", f"/apis/{group}/{version}") or {}
        return {entry["name"] for entry in found.get("resources", [])}

    async def _versions(self, group: str) -> list[str]:
        """Return the versions of an API group, the preferred one first."""
        found = await self._request("GET", f"/apis/{group}") or {}
        preferred = found.get("preferredVersion", {}).get("version")
        others = [entry["version"] for entry in found.get("versions", []) if entry["version"] != preferred]
        return [preferred, *others] if preferred else others

    async def list_all(
        self, kind: str, show: Callable[[Manifest], None], *, namespace: str | None = None
    ) -> int | None:
        """Show every object of a kind, in one namespace or in all, as it was at one moment.

        Return the resource version of that moment; None where the kind is not served. The objects come by the
        page, and few of them are in memory at a time.
        """
        place = f"/namespaces/{namespace}" if namespace else ""
        query = [("limit", str(PAGE))] + ([("labelSelector", OWN_LABEL)] if kind in OWNED else [])
        more = ""
        while True:
            found = await self._request(
                "GET",
                f"{self._base(kind)}{place}/{kind}",
                query=[*query, ("continue", more)] if more else query,
            )
            if found is None:
                return None
            for manifest in found["items"]:
                show(manifest)
            metadata = found["metadata"]
            more = metadata.get("continue", "")
            if not more:
                return int(metadata.get("resourceVersion") or 0)

    async def get(self, kind: str, key: ObjectKey) -> Manifest | None:
        """Return one object as it is now, or None where there is none."""
        return await self._request("GET", self._path(kind, key))

    async def apply(self, kind: str, manifest: Manifest) -> Manifest:
        """Make an object be as given, in all fields that are given, and return it as it then is."""
        key = ObjectKey(manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        applied = await self._request(
            "PATCH",
            self._path(kind, key),
            body=manifest,
            query=[("fieldManager", FIELD_MANAGER), ("force", "true")],
            content="application/apply-patch+yaml",
        )
        if applied is None:
            raise Refused(f"namespace {key.namespace} does not exist")
        return applied

    async def write_status(self, key: ObjectKey, status: Manifest) -> Manifest | None:
        """Replace the whole status of an EventConsumer; None where it is gone.

        A JSON patch, because a merge patch would turn a null, which says that a number can't be known, into
        nothing.
        """
        path = self._path(EVENT_CONSUMERS, key)
        return await self._request(
            "PATCH",
            f"{path}/status",
            body=[{"op": "add", "path": "/status", "value": status}],
            query=[("fieldManager", FIELD_MANAGER)],
            content="application/json-patch+json",
        )

    async def set_finalizers(self, body: Manifest, finalizers: Sequence[str]) -> Manifest | None:
        """Replace an EventConsumer's finalizers; None where it is gone, Unavailable where it has changed."""
        metadata = body["metadata"]
        return await self._request(
            "PATCH",
            self._path(EVENT_CONSUMERS, ObjectKey(metadata["namespace"], metadata["name"])),
            body={
                "metadata": {
                    "finalizers": list(finalizers),
                    "uid": metadata["uid"],
                    "resourceVersion": metadata["resourceVersion"],
                }
            },
            query=[("fieldManager", FIELD_MANAGER)],
            content="application/merge-patch+json",
        )

    async def tell(self, event: Manifest) -> None:
        """Publish a Kubernetes Event; one that was told before is counted up. A failure is only logged."""
        name = event["metadata"]["name"]
        before = self._told.pop(name, None)
        if before:
            event = event | {"firstTimestamp": before["firstTimestamp"], "count": before["count"] + 1}
        self._told[name] = event
        if len(self._told) > _TOLD_AT_MOST:
            del self._told[next(iter(self._told))]
        try:
            await self.apply(EVENTS, event)
        except ClusterError as failure:
            logger.warning("the event %s could not be published: %s", name, failure)

    def lease(self, namespace: str) -> Lease:
        """Return the Lease that decides which operator works."""
        return Lease(self._send, f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/{LEASES}")

    def _path(self, kind: str, key: ObjectKey) -> str:
        return f"{self._base(kind)}/namespaces/{key.namespace}/{kind}/{key.name}"

    def _base(self, kind: str) -> str:
        place = _PLACES[kind]
        if not place.group:
            return f"/api/{place.version}"
        return f"/apis/{place.group}/{place.version or self._served.get(kind, _USUAL)}"

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: Manifest | list[Manifest] | None = None,
        content: str = "application/json",
    ) -> Manifest | None:
        """Ask the API server, or write to it when it is our turn; None stands for 404."""
        timeout = _TIMEOUT_SECONDS
        if method != "GET":
            await asyncio.sleep(self._pace.take(time.monotonic()))
            timeout = min(timeout, self._may_write())
            if timeout <= 0:
                raise NotLeading("this operator does not lead")
        return await self._send(method, path, query=query, body=body, content=content, timeout=timeout)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        timeout: float,  # noqa: ASYNC109  # the client ends the request itself, its reading included
        query: Sequence[tuple[str, str]] = (),
        body: Manifest | list[Manifest] | None = None,
        content: str = "application/json",
    ) -> Manifest | None:
        """Make one request; None stands for 404."""
        if method != "GET":
            metrics.api_writes.labels(_kind(path), "apply" if "apply" in content else method.lower()).inc()
        try:
            request = await self._api.param_serialize(
                method,
                path,
                query_params=list(query),
                header_params={"Accept": "application/json", "Content-Type": content},
                body=body,
                auth_settings=["BearerToken"],
            )
            response = await self._api.call_api(*request, _request_timeout=timeout)
            text = await response.read()  # type: ignore[no-untyped-call]  # untyped client
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise Unavailable(f"the API server can't be reached: {failure!r}") from failure
        answer = _parsed(text)
        if response.status in _OK:
            return answer
        if response.status == _NOT_FOUND:
            return None
        kind = Refused if response.status in _REFUSED else Unavailable
        raise kind(answer.get("message") or f"the API server answered {response.status}")


class Lease:
    """One Lease; reading and writing it needs no turn and no permission: it is what gives permission."""

    def __init__(self, send: Callable[..., Awaitable[Manifest | None]], path: str) -> None:
        """Read and write the operators' Lease among the Leases at ``path``."""
        self._send = send
        self._path = path

    async def read(self) -> Manifest | None:
        """Return the Lease, or None where there is none."""
        return await self._send("GET", f"{self._path}/{LEASE}", timeout=_LEASE_SECONDS)

    async def write(self, lease: Manifest) -> Manifest:
        """Create the Lease, or replace the version it names; Unavailable where it was changed meanwhile."""
        kind = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
        body = kind | lease | {"metadata": {"name": LEASE} | lease["metadata"]}
        exists = "resourceVersion" in lease["metadata"]
        written = await self._send(
            "PUT" if exists else "POST",
            f"{self._path}/{LEASE}" if exists else self._path,
            body=body,
            timeout=_LEASE_SECONDS,
        )
        if written is None:
            raise Unavailable("the lease or its namespace is not there")
        return written


def _kind(path: str) -> str:
    """Return the kind that a path leads to, as people write it: ``eventconsumers/status``."""
    _, kind, *rest = path.partition("/namespaces/")[2].split("/")
    return "/".join([kind, *rest[1:]])


def _parsed(text: bytes) -> Manifest:
    try:
        answer: Manifest = json.loads(text)
    except ValueError:
        return {}
    return answer
