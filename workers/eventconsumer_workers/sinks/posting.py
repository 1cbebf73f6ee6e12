"""Posts to one URL: to an address that was checked, within a time, reading only so much.

The name is resolved once for a connection, ``targets`` judges the addresses, and the connection is made to
one of those, so that a name which resolves differently a moment later changes nothing; the certificate and
the Host header are still the name's. Redirects are answers like any other. A receiver that keeps a connection
open byte by byte is cut off when the time is up, whatever it has said (``deadline``).
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections import deque
from http.client import HTTPException
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from eventconsumer_workers.sinks import Unavailable
from eventconsumer_workers.sinks.deadline import Cord, addresses, cut_at, left
from eventconsumer_workers.sinks.targets import Forbidden, permitted, target

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3 import BaseHTTPResponse

    from eventconsumer_workers.sinks.targets import Policy

    Lookup = Callable[[str, int, float], list[str]]

# It shows whole URLs in its warnings, and those may be secrets.
logging.getLogger("urllib3").setLevel(logging.ERROR)

_READ_BYTES = 64 * 1024
_IDLE_CONNECTIONS = 8


class Reply(NamedTuple):
    """What a receiver said, its words cut at 64 KiB."""

    status: int
    retry_after: str | None
    words: str


class _Pinned(HTTPConnection):
    """A connection whose address was chosen beforehand."""

    address = ""
    cord: Cord

    @override
    def _new_conn(self) -> socket.socket:
        connected = socket.create_connection((self.address, self.port or 0), self.timeout)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.cord.tie(connected)
        return connected

    @override
    def close(self) -> None:
        super().close()
        self.cord.close()


class _PinnedTls(_Pinned, HTTPSConnection):
    """The same with TLS: name and certificate are those of the URL."""


class Poster:
    """Posts bodies to one URL; used by several threads at once."""

    def __init__(self, url: str, policy: Policy, *, timeout: float, lookup: Lookup | None = None) -> None:
        self._target = target(url, policy)
        self._policy = policy
        self._timeout = timeout
        self._lookup = lookup or addresses
        self._tls = ssl.create_default_context() if self._target.scheme == "https" else None
        self._idle: deque[_Pinned] = deque()

    def post(self, body: bytes, headers: dict[str, str]) -> Reply:
        """Return what the receiver answered; raise ``Unavailable`` when it did not."""
        deadline = time.monotonic() + self._timeout
        try:
            connection = self._idle_connection() or self._connected(deadline)
        except Forbidden as reason:
            raise Unavailable(f"{self._target.host} may not be connected to: {reason}") from reason
        connection.timeout = left(deadline)
        try:
            with cut_at(deadline, connection.cord):
                connection.request(
                    *("POST", self._target.path, body, headers), preload_content=False, decode_content=False
                )
                response = connection.getresponse()
                reply = Reply(response.status, response.headers.get("Retry-After"), self._words(response))
        except (OSError, HTTPError, HTTPException, ValueError) as fault:
            connection.close()
            raise self._unavailable(fault, deadline) from fault
        self._keep(connection, whole=len(reply.words) < _READ_BYTES)
        return reply

    def close(self) -> None:
        """Close the connections that wait for a next time."""
        while self._idle:
            self._idle.pop().close()

    def _idle_connection(self) -> _Pinned | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_connected:
                return connection
            connection.close()

    def _keep(self, connection: _Pinned, *, whole: bool) -> None:
        if whole and connection.is_connected and len(self._idle) < _IDLE_CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()

    def _connected(self, deadline: float) -> _Pinned:
        allowed = permitted(self._lookup(self._target.host, self._target.port, deadline), self._policy)
        fault: Exception | None = None
        for address in allowed:
            connection = self._connection(address, left(deadline))
            try:
                with cut_at(deadline, connection.cord):
                    connection.connect()
            except (OSError, HTTPError) as problem:
                connection.close()
                fault = problem
            else:
                return connection
        raise self._unavailable(fault, deadline) from fault

    def _connection(self, address: str, timeout: float) -> _Pinned:
        host, port = self._target.host, self._target.port
        connection = (
            _Pinned(host, port, timeout=timeout)
            if self._tls is None
            else _PinnedTls(host, port, timeout=timeout, ssl_context=self._tls)
        )
        connection.address = address
        connection.cord = Cord()
        return connection

    def _unavailable(self, fault: Exception | None, deadline: float) -> Unavailable:
        if isinstance(fault, TimeoutError) or time.monotonic() >= deadline:
            return Unavailable(f"{self._target.host} did not answer within {self._timeout:g} s")
        return Unavailable(f"{self._target.host}: {fault}")

    @staticmethod
    def _words(response: BaseHTTPResponse) -> str:
        """Return the text of an answer; its status counts even where the text never ends."""
        try:
            return response.read(_READ_BYTES).decode(errors="replace")
        except (OSError, HTTPError, HTTPException):
            return ""
