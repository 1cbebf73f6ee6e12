"""A worker as Kubernetes runs it: a process of its own, told by its environment, stopped by signals."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_log = logging.getLogger(__name__)

_LAST_LINES = 40


class WorkerProcess:
    """One process of a worker's module and these words; its output is kept in a file."""

    def __init__(
        self,
        words: Sequence[str],
        environment: dict[str, str],
        output: Path,
        *,
        module: str = "eventconsumer_workers",
    ) -> None:
        self._words = [module, *words]
        self._environment = {**os.environ, "HEALTH_PORT": "0", "PYTHONUNBUFFERED": "1", **environment}
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> WorkerProcess:
        """Start the worker; its output goes on where an earlier run of it ended."""
        command = [sys.executable, "-m", *self._words]
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(command, env=self._environment, stdout=output, stderr=output)
        return self

    def output(self) -> str:
        """Return all that the worker has printed."""
        return self._output.read_text()

    def lines(self, word: str) -> list[str]:
        """Return what follows a word on each line of the output that has it."""
        return [line.partition(word)[2] for line in self.output().splitlines() if word in line]

    def exit_code(self, *, within: float = 30) -> int:
        """Return the code of a worker that ends by itself."""
        assert self._process is not None
        return self._process.wait(within)

    def stop(self) -> int:
        """Ask the worker to end as Kubernetes does and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the worker with no chance to say goodbye."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the worker in the middle of what it does, its connections open (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen worker go on as if nothing had been (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def send(self, number: signal.Signals) -> None:
        """Send the worker a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def probe(self, path: str) -> tuple[int, str]:
        """Return status and text of a probe of the latest run."""
        port = int(re.findall(r"Health is answered on port (\d+)", self.output())[-1])
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode().strip()
        finally:
            connection.close()

    def await_ready(self) -> None:
        """Wait until the worker is a member of its group."""
        eventually(
            "the worker is ready", lambda: self.probe("/readyz"), until=lambda answer: answer[0] == 200
        )

    def end(self) -> None:
        """Leave nothing running, whatever the test left behind; log what the worker said last."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self.kill()
        said = [line for line in self.output().splitlines() if "AUDIT: " not in line]
        _log.info("%s ended:\n%s", self._output.stem, "\n".join(said[-_LAST_LINES:]))

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)
