"""What a worker that runs and is not ready says about it: the operator's one look into a pod.

Kubernetes tells that a readiness probe failed and not what it answered, which is where a worker names the
disk that is full or the service that is away. No answer is no fault: the operator may stand behind a network
policy.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from eventconsumer_operator.names import HEALTH_PORT
from eventconsumer_operator.pods import address, with_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eventconsumer_operator.models import Manifest

_WAITING = "waiting: "
_SECONDS = 1.0
_LONGEST_WORDS = 256
_MOST_PODS = 3


async def heard(pods: Iterable[Manifest], *, port: int = HEALTH_PORT) -> tuple[Manifest, ...]:
    """Return the pods, the first that are not ready with what their workers wait for."""
    listed = list(pods)
    unready = [(number, where) for number, pod in enumerate(listed) if (where := address(pod))][:_MOST_PODS]
    answers = await asyncio.gather(*(_words(where, port) for _, where in unready))
    for (number, _), words in zip(unready, answers, strict=True):
        listed[number] = with_words(listed[number], words)
    return tuple(listed)


async def _words(where: str, port: int) -> str | None:
    host = f"[{where}]" if ":" in where else where
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{host}:{port}/readyz", allow_redirects=False) as response,
        ):
            answer = await response.content.read(4 * _LONGEST_WORDS)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    text = answer.decode(errors="replace").strip()
    if not text.startswith(_WAITING):
        return None
    words = text.removeprefix(_WAITING)[:_LONGEST_WORDS]
    return "".join(character if character.isprintable() else "?" for character in words)
