"""kind, kubectl and helm: the user's own where they fit, else built by Go; all reachable in one folder."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev import toolchain
from dev.cache import ROOT
from dev.run import CommandFailedError, run
from dev.source import Source, source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BIN = ROOT / "bin"


@dataclass(frozen=True)
class Tool:
    """A command-line tool: how it says its version, and the oldest one that fits."""

    name: str
    version_words: tuple[str, ...]
    at_least: tuple[int, int]


TOOLS = (
    Tool("kind", ("version",), (0, 31)),
    Tool("kubectl", ("version", "--client"), (1, 34)),
    Tool("helm", ("version", "--short"), (3, 14)),
)


def prepare() -> Path:
    """Return a folder that holds kind, kubectl and helm, filling it first where one is missing."""
    BIN.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for tool, path in zip(TOOLS, pool.map(_path, TOOLS), strict=True):
            _link(BIN / tool.name, path)
    return BIN


def fits(tool: Tool, said: str) -> bool:
    """Tell from what a tool says of its version whether it is new enough."""
    found = re.search(r"\bv(\d+)\.(\d+)\.\d+", said)
    return found is not None and (int(found[1]), int(found[2])) >= tool.at_least


def _path(tool: Tool) -> str:
    found = shutil.which(tool.name)
    if source() is Source.OFFICIAL and found is not None and fits(tool, _say_version(tool, found)):
        return found
    return str(_BUILDS[tool.name]())


def _say_version(tool: Tool, path: str) -> str:
    try:
        return run([path, *tool.version_words], timeout=15)
    except CommandFailedError:
        return ""


def _link(link: Path, target: str) -> None:
    """Put a link in place by a rename, so that nobody ever finds it missing."""
    if link.is_symlink() and str(link.readlink()) == target:
        return
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


_BUILDS: dict[str, Callable[[], Path]] = {
    "kind": lambda: toolchain.kind() / "kind",
    "kubectl": lambda: toolchain.kubernetes() / "kubectl",
    "helm": lambda: toolchain.helm() / "helm",
}
