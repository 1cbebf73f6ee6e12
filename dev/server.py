"""A server program on this machine, for tests and benchmarks: how each of them starts and ends.

It keeps its folder and its ports for as long as the object lives, so a test may kill it, freeze it or start
it again as a machine would.
"""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_END_SECONDS = 30.0
_SHOWN_CHARACTERS = 4000
# Below the range from which the kernel takes ports for outgoing connections: while a server is stopped,
# nothing else is given its port by chance.
_PORTS = range(20000, 30000)


class LocalServer(ABC):
    """A server on 127.0.0.1 with all that is its own in a temporary folder."""

    def __init__(self, name: str) -> None:
        """Make the folder, which is called after ``name``; nothing runs yet."""
        self._folder = Path(tempfile.mkdtemp(prefix=f"eventconsumer-{name}-"))
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> None:
        """Start the server on what it has, and return once it answers; do nothing where it runs."""

    def stop(self) -> None:
        """End the server as a power cut does (SIGKILL)."""
        self._end(signal.SIGKILL)

    def delete(self) -> None:
        """End the server and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.delete()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delete()

    def _run(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path | None = None,
        user: int | None = None,
        group: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """Run a program that writes to the server's log, in a folder and as a user where these are named."""
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )

    def _did_not_start(self, what: str) -> RuntimeError:
        """Return the error that shows the server's last words."""
        said = self._log.read_text(errors="replace")[-_SHOWN_CHARACTERS:]
        return RuntimeError(f"{what}; its last words:\n{said}")

    def _end(self, by: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(by)
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"


class OneProcessServer(LocalServer):
    """A server that is one process, so that all of it can be frozen."""

    def pause(self) -> None:
        """Freeze the server (SIGSTOP): its connections stay open and nothing answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on (SIGCONT)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)


def free_ports(count: int) -> list[int]:
    """Return different ports of 127.0.0.1 on which nothing listens now."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError("no free port on 127.0.0.1")
