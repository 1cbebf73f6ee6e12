"""How a worker says that it is well: `/healthz` while its loop turns, `/readyz` while work flows, `/metrics`.

A worker that waits for something a restart cannot mend (a full disk, an unreachable dead-letter topic) is
alive and not ready, and the answer says what it waits for. The server reads nothing but the request line of
a GET and gives nothing away but these two sentences and the worker's figures.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from typing_extensions import override

from eventconsumer_workers import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)

_SECONDS_FOR_A_TURN = 60.0
_SECONDS_FOR_A_REQUEST = 5.0


class Pulse:
    """What the loop tells about itself; written by the loop's thread, read by the probes'."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_turn = clock()
        self._joined = False
        self._waiting_for: str | None = None

    def turn(self, *, joined: bool) -> None:
        """Note that the loop turned, and whether it is a member of its group."""
        self._last_turn = self._clock()
        self._joined = joined

    def wait_for(self, what: str | None) -> None:
        """Note what the loop waits for, until it is told otherwise; None for nothing."""
        self._waiting_for = what

    @contextmanager
    def attempts(self) -> Iterator[None]:
        """Wait at the end for what was waited for before, whatever stood in the way inside."""
        before = self._waiting_for
        try:
            yield
        finally:
            self._waiting_for = before

    def alive(self) -> tuple[bool, str]:
        """Say whether the loop turns: the answer to `/healthz`."""
        silent = self._clock() - self._last_turn
        if silent > _SECONDS_FOR_A_TURN:
            return False, f"the loop has not turned for {silent:.0f} s"
        return True, "the loop turns"

    def ready(self) -> tuple[bool, str]:
        """Say whether this worker takes its share of the messages: the answer to `/readyz`."""
        if not self._joined:
            return False, "not yet a member of the consumer group"
        if self._waiting_for is not None:
            return False, f"waiting: {self._waiting_for}"
        return self.alive()


@contextmanager
def served(pulse: Pulse, port: int) -> Iterator[int]:
    """Answer probes and scrapes in a thread of its own and yield the port, which is a free one for 0."""
    answers = {"/healthz": pulse.alive, "/readyz": pulse.ready}

    class Probe(_Probe):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self.reply(HTTPStatus.OK, metrics.text(), metrics.CONTENT_TYPE)
                return
            answer = answers.get(self.path)
            if answer is None:
                self.tell(HTTPStatus.NOT_FOUND, "there are /healthz, /readyz and /metrics")
                return
            well, words = answer()
            self.tell(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE, words)

    with ThreadingHTTPServer(("", port), Probe) as server:
        threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
        _log.info("Health is answered on port %d", server.server_port)
        try:
            yield server.server_port
        finally:
            server.shutdown()


class _Probe(BaseHTTPRequestHandler):
    timeout = _SECONDS_FOR_A_REQUEST
    server_version = "worker"
    sys_version = ""

    def tell(self, status: HTTPStatus, words: str) -> None:
        self.reply(status, f"{words}\n".encode(), "text/plain; charset=utf-8")

    def reply(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: probes come every few seconds."""
