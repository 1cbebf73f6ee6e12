"""A schema registry without a cluster: Apicurio Registry by Maven, one real server on this machine for tests.

It speaks the Confluent API, keeps its schemas in memory, and has the same address after every start.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from typing_extensions import override

from dev import maven, versions
from dev.cache import cached
from dev.server import OneProcessServer, free_ports

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

_START_SECONDS = 90.0
_LOOK_SECONDS = 0.2


def program() -> Path:
    """Return the folder of Apicurio Registry, fetching it first where it is missing."""
    return cached("apicurio-registry", versions.APICURIO, _fetch)


def _fetch(folder: Path) -> None:
    maven.unpack(f"io.apicurio:apicurio-registry-app:{versions.APICURIO}:tar.gz:all", folder)


class LocalRegistry(OneProcessServer):
    """A schema registry on 127.0.0.1; what is registered is gone when it ends."""

    def __init__(self) -> None:
        super().__init__("registry")
        (self._port,) = free_ports(1)

    @property
    def url(self) -> str:
        """Where it speaks the Confluent API, the same after every start."""
        return f"http://127.0.0.1:{self._port}/apis/ccompat/v7"

    @override
    def start(self) -> None:
        """Start an empty registry, and return once it answers; do nothing where it runs."""
        if self._process is not None:
            return
        (jar,) = program().glob("*-runner.jar")
        listen = ("-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self._port}")
        java = (maven.java(), "-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
        self._process = self._run([*java, *listen, "-jar", jar], folder=self._folder)
        self._wait_for_answer(self._process)

    def _wait_for_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise self._did_not_start("The schema registry did not start")
            time.sleep(_LOOK_SECONDS)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=5):  # noqa: S310  # our own http address
                return True
        except (urllib.error.URLError, OSError):
            return False
