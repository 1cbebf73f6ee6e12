"""Clients that post tasks: so many connections, each with its next request as soon as it has its answer.

Usage: `python -m bench.programs.post_clients PORT CLIENTS SECONDS [PAUSE_SECONDS]`. Requests are bytes made
beforehand and answers are looked at afterwards, so that the load takes little from the server, with which it
shares the machine. It prints one line of JSON: seconds it took, milliseconds of each answer, statuses, and
each created task with the moment its request left.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from typing import Any

from typing_extensions import override

_BODY = b'{"title": "Write the capstone lesson"}'
_REQUEST = (
    b"POST /tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_CREATED = (200, 201)
# An answer may wait for a flush that waits for a broker that is away.
_PATIENCE_SECONDS = 60.0


class Client(asyncio.Protocol):
    """One kept connection."""

    def __init__(self, until: float, pause: float) -> None:
        self.answers: list[tuple[float, float, bytes]] = []
        """When each request left, how long its answer took, in seconds, and the answer."""
        self.done = asyncio.get_running_loop().create_future()
        self._until = until
        self._pause = pause
        self._answer = b""
        self._sent = 0.0
        self._sent_at = 0.0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # a connection of TCP
        self._transport = transport
        self._send()

    @override
    def data_received(self, data: bytes) -> None:
        """Take a part of an answer; with its last part comes the next request."""
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or length is None or len(body) < int(length[1]):
            return
        self.answers.append((self._sent_at, time.perf_counter() - self._sent, self._answer))
        self._answer = b""
        if time.perf_counter() > self._until:
            self._transport.close()
        elif self._pause:
            asyncio.get_running_loop().call_later(self._pause, self._send)
        else:
            self._send()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """End; an answer that is still awaited never comes."""
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._sent, self._sent_at = time.perf_counter(), time.time()
        self._transport.write(_REQUEST)


async def posted(port: int, clients: int, seconds: float, pause: float) -> dict[str, Any]:
    """Post for so long, and return what came of it."""
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Client(start + seconds, pause), "127.0.0.1", port)
        for _ in range(clients)
    ]
    running = [client for _, client in made]
    await asyncio.wait([client.done for client in running], timeout=seconds + _PATIENCE_SECONDS)
    took = time.perf_counter() - start
    answers = [answer for client in running for answer in client.answers]
    statuses = Counter(int(answer.split(b" ", 2)[1]) for _, _, answer in answers)
    return {
        "seconds": took,
        "milliseconds": [1000 * waited for _, waited, _ in answers],
        "statuses": statuses,
        "tasks": [
            (json.loads(answer.partition(b"\r\n\r\n")[2])["id"], sent_at)
            for sent_at, _, answer in answers
            if int(answer.split(b" ", 2)[1]) in _CREATED
        ],
    }


def main() -> None:
    """Post as the command line says."""
    port, clients, seconds, pause = [*sys.argv[1:], "0"][:4]
    print(json.dumps(asyncio.run(posted(int(port), int(clients), float(seconds), float(pause)))))


if __name__ == "__main__":
    main()
