"""Whoever does not lead writes nothing, whatever it wanted to write; listings come by the page."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from eventconsumer_operator.cluster import Cluster, NotLeading, Unavailable
from eventconsumer_operator.names import CLAIMS, DEPLOYMENTS, TOPICS, ObjectKey
from eventconsumer_operator.pace import Pace
from tests.unit.operator.builders import deployment, resource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEY = ObjectKey("tasks", "notification-service")
WRITES: dict[str, Callable[[Cluster], Awaitable[object]]] = {
    "a status": lambda cluster: cluster.write_status(KEY, {}),
    "a Deployment": lambda cluster: cluster.apply(DEPLOYMENTS, deployment()),
    "a finalizer": lambda cluster: cluster.set_finalizers(resource(), []),
}


async def attempt(write: Callable[[Cluster], Awaitable[object]], seconds_left: float) -> None:
    """Let a cluster that nobody answers for be written to."""
    settings = Configuration()
    settings.host = "http://127.0.0.1:1"
    api = ApiClient(settings)
    cluster = Cluster(api, pace=Pace(per_second=1, burst=1), may_write=lambda: seconds_left)
    try:
        await write(cluster)
    finally:
        await cluster.close()


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_write_is_refused_before_it_leaves_where_another_may_lead(
    write: Callable[[Cluster], Awaitable[object]],
) -> None:
    with pytest.raises(NotLeading):
        asyncio.run(attempt(write, seconds_left=0.0))


def test_a_leader_s_write_leaves() -> None:
    with pytest.raises(Unavailable, match="can't be reached"):
        asyncio.run(attempt(WRITES["a status"], seconds_left=5.0))


@dataclass
class Answering:
    """An API server's client that has an answer for each page: what follows it, and what is on it."""

    pages: dict[str, tuple[str, list[str]]]
    asked: list[dict[str, str]] = field(default_factory=list)

    async def param_serialize(
        self, *_: object, query_params: list[tuple[str, str]], **__: object
    ) -> tuple[()]:
        self.asked.append(dict(query_params))
        return ()

    async def call_api(self, **_: object) -> Answering:
        return self

    @property
    def status(self) -> int:
        return 200 if self.pages else 404

    async def read(self) -> bytes:
        following, names = self.pages.get(self.asked[-1].get("continue", ""), ("", []))
        metadata = {"resourceVersion": "7"} | ({"continue": following} if following else {})
        return json.dumps(
            {"metadata": metadata, "items": [{"metadata": {"name": one}} for one in names]}
        ).encode()


def listed(api: Any, kind: str) -> tuple[int | None, list[str]]:
    seen: list[str] = []
    cluster = Cluster(api, pace=Pace(per_second=1, burst=1), may_write=lambda: 0.0)
    at = asyncio.run(cluster.list_all(kind, lambda manifest: seen.append(manifest["metadata"]["name"])))
    return at, seen


def test_a_listing_goes_on_until_its_last_page() -> None:
    api = Answering({"": ("more", ["a", "b"]), "more": ("rest", ["c"]), "rest": ("", ["d"])})
    assert listed(api, CLAIMS) == (7, ["a", "b", "c", "d"])
    assert len({(one["limit"], one["labelSelector"]) for one in api.asked}) == 1


def test_a_kind_that_is_not_served_is_told_apart_from_one_without_objects() -> None:
    assert listed(Answering({}), TOPICS) == (None, [])
    assert listed(Answering({"": ("", [])}), TOPICS) == (7, [])
