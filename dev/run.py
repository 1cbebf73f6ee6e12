"""Run another program, keep its words, and show them only when it fails.

A program started here ends with us, even when we are killed: what goes on from a half-finished step never
meets a left-over that is still working on it.
"""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_SHOWN_LINES = 40
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")  # util-linux, which every Linux has.


class CommandFailedError(RuntimeError):
    """A program ended with another exit code than 0; the message holds its last lines."""


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float | None = None,
) -> str:
    """Run ``command`` and return its standard output; raise CommandFailedError where it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            [*_ENDS_WITH_US, *words],
            env=env,
            cwd=cwd,
            input=stdin,
            timeout=timeout,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailedError(f"{' '.join(words)}: no end after {timeout:.0f} s") from error
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-_SHOWN_LINES:])
        raise CommandFailedError(f"{' '.join(words)}: exit code {done.returncode}\n{said}")
    return done.stdout


def succeeds(command: Sequence[str | Path], *, timeout: float = 30.0) -> bool:
    """Tell whether ``command`` can be run and ends with exit code 0 within ``timeout`` seconds."""
    try:
        run(command, timeout=timeout)
    except CommandFailedError:
        return False
    return True


def persistently(attempt: Callable[[], str], *, within: float) -> str:
    """Return what ``attempt`` returns, trying again each second for ``within`` seconds while it fails."""
    deadline = time.monotonic() + within
    while True:
        try:
            return attempt()
        except CommandFailedError:
            if time.monotonic() > deadline:
                raise
        time.sleep(1)
