"""What GET /healthz asks: 200 while everything turns, else an error that makes Kubernetes start us anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import kopf

if TYPE_CHECKING:
    from eventconsumer_operator.runtime import Runtime

_WATCHER = "watcher for "
"""How kopf names the task of each watch."""


@kopf.on.probe(id="fault")
async def turning(memo: kopf.Memo, **_: object) -> str:
    """Fail when a part of the operator has ended or is stuck, the watches among them."""
    runtime: Runtime = memo.runtime
    fault = runtime.fault() or _watch_fault()
    if fault:
        raise kopf.PermanentError(fault)
    return "none"


def _watch_fault() -> str | None:
    watchers = [task for task in asyncio.all_tasks() if task.get_name().startswith(_WATCHER)]
    return None if watchers else "nothing is watched"
