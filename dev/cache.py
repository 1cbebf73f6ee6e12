"""Built things, kept by version outside the checkout, so that the second run takes seconds.

An entry appears by one rename when its build has succeeded; what a killed build left behind is only a
temporary folder, swept away by the next build of the same entry. So an entry that exists is whole.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dev.steps import step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(os.environ.get("EVENTCONSUMER_CACHE", "~/.cache/eventconsumer")).expanduser()


def cached(name: str, version: str, build: Callable[[Path], None]) -> Path:
    """Return the folder of one cached thing, building it first where it is missing.

    ``build`` fills the empty folder it is given. Two processes that want the same entry wait for each other.
    """
    entry = ROOT / f"{name}-{version}"
    if entry.is_dir():
        return entry
    with locked(entry.name):
        if entry.is_dir():
            return entry
        half_built = entry.with_name(f"{entry.name}.partial")
        shutil.rmtree(half_built, ignore_errors=True)
        half_built.mkdir(parents=True)
        with step(f"{name} {version}"):
            build(half_built)
        half_built.rename(entry)
    return entry


def forget(name: str, version: str) -> None:
    """Drop one entry, so that the next use builds it anew."""
    shutil.rmtree(ROOT / f"{name}-{version}", ignore_errors=True)


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock of one thing that is being made; others who make it wait, in whatever process."""
    ROOT.mkdir(parents=True, exist_ok=True)
    with (ROOT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
