"""Whether kopf's watches run: it names its tasks, and nothing else tells."""

from __future__ import annotations

import asyncio

_WATCHER = "watcher for "
"""How kopf names the task of each watch."""


def watch_fault() -> str | None:
    """Return that nothing is watched, or None where something is."""
    watchers = [task for task in asyncio.all_tasks() if task.get_name().startswith(_WATCHER)]
    return None if watchers else "nothing is watched"
