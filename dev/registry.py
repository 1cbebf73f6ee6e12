"""A schema registry without a cluster: Apicurio Registry by Maven, one real server on this machine for tests.

It speaks the Confluent API, keeps its schemas in memory, and has the same address after every start.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dev import maven, system, versions
from dev.cache import cached
from dev.kafka import free_ports
from dev.run import run

if TYPE_CHECKING:
    from types import TracebackType

_START_SECONDS = 90.0
_LOOK_SECONDS = 0.2
_SHOWN_CHARACTERS = 4000


def program() -> Path:
    """Return the folder of Apicurio Registry, fetching it first where it is missing."""
    return cached("apicurio-registry", versions.APICURIO, _fetch)


def _fetch(folder: Path) -> None:
    system.need("mvn")
    plugin = f"org.apache.maven.plugins:maven-dependency-plugin:{versions.MAVEN_DEPENDENCY_PLUGIN}"
    artifact = f"io.apicurio:apicurio-registry-app:{versions.APICURIO}:tar.gz:all"
    run(
        [
            *(system.find("mvn") or "mvn", "--batch-mode", "--quiet"),
            *(f"{plugin}:unpack", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"),
        ],
        cwd=folder,
    )


class LocalRegistry:
    """A schema registry on 127.0.0.1; what is registered is gone when it ends."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="eventconsumer-registry-"))
        (self._port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it speaks the Confluent API, the same after every start."""
        return f"http://127.0.0.1:{self._port}/apis/ccompat/v7"

    def start(self) -> None:
        """Start an empty registry, and return once it answers; do nothing where it runs."""
        if self._process is not None:
            return
        (jar,) = program().glob("*-runner.jar")
        listen = ("-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self._port}")
        java = (maven.java(), "-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*java, *listen, "-jar", jar],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_for_answer(self._process)

    def stop(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Freeze it (SIGSTOP): nothing answers, and what is registered stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen registry go on (SIGCONT)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def delete(self) -> None:
        """End it and remove its log."""
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

    @property
    def _log(self) -> Path:
        return self._folder / "registry.log"

    def _wait_for_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                said = self._log.read_text(errors="replace")[-_SHOWN_CHARACTERS:]
                raise RuntimeError(f"The schema registry did not start; its last words:\n{said}")
            time.sleep(_LOOK_SECONDS)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=5):  # noqa: S310  # our own http address
                return True
        except (urllib.error.URLError, OSError):
            return False
