"""An operator as a process of this machine: started, watched for its memory, ended."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dev.server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_END_SECONDS = 30
_SHOWN_CHARACTERS = 4000


@dataclass(frozen=True)
class Operator:
    """A running operator."""

    process: subprocess.Popen[bytes]
    health_port: int
    log: Path

    def memory(self) -> int:
        """Return the bytes of memory that it holds now; raise RuntimeError where it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"it ended; its last words:\n{self.log.read_text()[-_SHOWN_CHARACTERS:]}")
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024


@contextmanager
def operator(command: Sequence[str], *, kubeconfig: Path, namespace: str, log: Path) -> Iterator[Operator]:
    """Run an operator that looks after one namespace."""
    [port] = free_ports(1)
    environment = os.environ | {
        "KUBECONFIG": str(kubeconfig),
        "WATCH_NAMESPACES": namespace,
        "POD_NAMESPACE": namespace,
        "HEALTH_PORT": str(port),
        "MALLOC_ARENA_MAX": "1",  # As in the operator's image.
    }
    with log.open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], env=environment, stdout=words, stderr=words
        )
        try:
            yield Operator(process, port, log)
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
