"""What the probes and Prometheus get."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp
import pytest

from dev.server import free_ports
from eventconsumer_operator import health


@dataclass
class Part:
    started: bool = True
    broken: str | None = None

    def fault(self) -> str | None:
        return self.broken


async def ask(part: Part, path: str) -> tuple[int, str]:
    [port] = free_ports(1)
    async with (
        health.serve(part, port=port),
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("part", "path", "status", "text"),
    [
        (Part(), "/healthz", 200, "ok"),
        (Part(started=False), "/healthz", 503, "starting"),
        (Part(broken="the lag poller is stuck"), "/healthz", 503, "the lag poller is stuck"),
        (Part(), "/readyz", 200, "ok"),
        (Part(started=False), "/readyz", 503, "starting"),
        (Part(), "/metrics", 200, "eventconsumer_operator_leader"),
    ],
)
def test_what_is_answered(part: Part, path: str, status: int, text: str) -> None:
    answer = asyncio.run(ask(part, path))
    assert answer[0] == status
    assert text in answer[1]
