"""Whoever does not lead writes nothing, whatever it wanted to write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from eventconsumer_operator.cluster import Cluster, NotLeading, Unavailable
from eventconsumer_operator.names import DEPLOYMENTS, ObjectKey
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
