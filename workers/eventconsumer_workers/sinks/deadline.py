"""Ends in time what a receiver could keep open: looking up its name, connecting, and talking to it.

A timeout of a socket holds for each read alone, so a receiver that sends a byte now and then is never late. A
``Cord`` is another handle of the connection, and ends it under whoever reads from it.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from eventconsumer_workers.sinks import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


class Cord:
    """Ends one connection in every state, also within a TLS handshake."""

    def __init__(self) -> None:
        self._handle: socket.socket | None = None

    def tie(self, connected: socket.socket) -> None:
        """Take hold of a connection."""
        self._handle = connected.dup()

    def cut(self) -> None:
        """End the connection under whoever reads from it."""
        if (handle := self._handle) is not None:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None


@contextmanager
def cut_at(deadline: float, cord: Cord) -> Iterator[None]:
    """Cut the connection, if there is one, when the deadline passes within the block."""
    timer = threading.Timer(left(deadline), cord.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def left(deadline: float) -> float:
    """Return the seconds until a deadline, as a timeout: never 0, which would mean not to wait at all."""
    return max(0.001, deadline - time.monotonic())


def addresses(host: str, port: int, deadline: float) -> list[str]:
    """Return the addresses of a name in the system's order; raise ``Unavailable`` when none come in time."""
    answers: SimpleQueue[list[str] | Exception] = SimpleQueue()
    # The system's resolver knows no deadline; a thread that comes too late answers nobody.
    threading.Thread(target=_look_up, args=(host, port, answers), daemon=True).start()
    try:
        found = answers.get(timeout=left(deadline))
    except Empty:
        raise Unavailable(f"{host} was not resolved in time") from None
    if isinstance(found, Exception):
        reason = found.strerror if isinstance(found, OSError) else found
        raise Unavailable(f"{host} can't be resolved: {reason}") from found
    return found


def _look_up(host: str, port: int, answers: SimpleQueue[list[str] | Exception]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        answers.put(fault)
    else:
        answers.put(list(dict.fromkeys(str(place[0]) for *_, place in found)))
