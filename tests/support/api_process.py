"""The Task API as its own process, so that a test can end it the hard way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Self

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path


class ApiProcess:
    """`python -m eventconsumer_api` with its database and log in ``folder``; `with` ends it.

    ``variables`` are of its environment, beside or in place of those that a test needs.
    """

    def __init__(self, folder: Path, *, bootstrap_servers: str, topic: str, **variables: str) -> None:
        self.database = folder / "tasks.db"
        self._log = folder / "api.log"
        self._environment = os.environ | {
            "AUTH": "none",
            "DATABASE_URL": f"sqlite:///{self.database}",
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
            "KAFKA_TOPIC": topic,
            "HOST": "127.0.0.1",
            "PORT": "0",
            **variables,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, again after `kill` or `terminate`."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "eventconsumer_api"], env=self._environment, stderr=log, stdout=log
            )

    @property
    def url(self) -> str:
        """Where it listens; waits until it does."""
        found = eventually("the Task API listens", self._find_url, within=30)
        assert found is not None
        return found

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """Return what it logged so far."""
        return self._log.read_text()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._end(signal.SIGKILL)

    def make_key(self, *words: str) -> str:
        """Make an API key on its database and return it."""
        command = [sys.executable, "-m", "eventconsumer_api", "keys", "create", *words]
        made = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True)
        return made.stdout.strip()

    def ask_to_end(self) -> None:
        """Send it SIGTERM and go on at once."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def terminate(self) -> str:
        """End it with SIGTERM and return what it logged."""
        self._end(signal.SIGTERM)
        return self._log.read_text()

    def _find_url(self) -> str | None:
        found = re.search(r"running on (http://\S+)", self._log.read_text())
        return found.group(1) if found else None

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)
            self._process = None
