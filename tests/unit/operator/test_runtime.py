"""What one lead leaves behind for the next one of the same process."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from eventconsumer_operator.autoscaler import Autoscaler
from eventconsumer_operator.config import Config
from eventconsumer_operator.memory import Memory
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.runtime import Runtime

if TYPE_CHECKING:
    from eventconsumer_operator.reconcile import Reconciler

KEY = ObjectKey("tasks", "notification-service")


def test_what_was_told_of_a_consumer_ends_with_the_lead() -> None:
    memories = {KEY: Memory()}

    async def story() -> None:
        runtime = Runtime(Config(workers_image="workers"), lambda: None)
        known = SimpleNamespace(autoscaler=Autoscaler(), memories=memories)
        runtime._reconciler = cast("Reconciler", known)
        leading = asyncio.create_task(runtime._lead())
        await asyncio.sleep(0)
        leading.cancel()
        await asyncio.gather(leading, return_exceptions=True)

    asyncio.run(story())
    assert memories == {}
