"""How the operator starts, logs in, ends, and starts anew when the API server serves other kinds."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, Any

import kopf
from kopf._core.engines.peering import Identity

from eventconsumer_operator import health
from eventconsumer_operator.cluster import OWN_LABEL, PAGE
from eventconsumer_operator.handlers import watches
from eventconsumer_operator.handlers.probes import watch_fault
from eventconsumer_operator.handlers.stateless import NoDiffBase, NoMemories, NoProgress
from eventconsumer_operator.kinds import WATCHED
from eventconsumer_operator.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eventconsumer_operator.config import Config

logger = logging.getLogger(__name__)

HANDLERS = (watches,)
"""Importing this module is what registers its handlers."""

_PATIENCE_SECONDS = 600.0


class Backoffs:
    """Delays between retries of a failed request: they grow to 10 s, vary, and go on for ten minutes.

    kopf ends the process when a watch has used them all up. Its own list ends after 54 seconds, which a
    rolling update of API servers can outlast.
    """

    def __iter__(self) -> Iterator[float]:
        """Start a new series."""
        spent, delay = 0.0, 0.5
        while spent < _PATIENCE_SECONDS:
            varied = delay * random.uniform(0.8, 1.2)  # noqa: S311  # spreads load, protects nothing
            yield varied
            spent, delay = spent + varied, min(10.0, delay * 2)


# An API server that can't answer yet is asked again soon: kopf's own pause is a minute.
@kopf.on.startup(backoff=2.0)
async def start(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: object) -> None:
    """Set kopf up and start everything that runs beside the watches."""
    # A Lease decides who works; another product's peering object must not pause this operator.
    settings.peering.standalone = True
    # The kinds are fixed, and finding out about new ones would need cluster-wide rights: runtime looks for
    # them.
    settings.scanning.disabled = True
    settings.networking.error_backoffs = Backoffs()
    settings.watching.server_timeout = 300
    settings.watching.chunk_size = PAGE
    for kind in WATCHED:
        if kind.owned:
            settings.watching.label_selectors[kind.group, kind.plural] = OWN_LABEL
    settings.posting.enabled = False
    # How long kopf keeps a task and the last event of each object; another event only makes a new task.
    settings.queueing.idle_timeout = 0.5
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    runtime: Runtime = memo.runtime
    await runtime.start()
    watches.watch(runtime.served)


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: object) -> None:
    """End what the start began."""
    runtime: Runtime = memo.runtime
    await runtime.stop()


@kopf.on.login()
async def log_in(**context: Any) -> kopf.ConnectionInfo | None:
    """Log in as the pod's service account, or else as the kubeconfig says; needs no other client's login."""
    return kopf.login_with_service_account(**context) or kopf.login_with_kubeconfig(**context)


async def serve(config: Config) -> None:
    """Run the operator until it is told to stop; a change of the served kinds only starts it anew."""
    while True:
        runtime = Runtime(config, watch_fault)
        async with health.serve(runtime, port=config.health_port):
            await kopf.operator(
                memo=kopf.Memo(runtime=runtime),
                memories=NoMemories(),
                # kopf would else ask for the name of the user, and a container's user need not have one.
                identity=Identity("eventconsumer-operator"),
                standalone=True,
                clusterwide=not config.watch_namespaces,
                namespaces=config.watch_namespaces,
                stop_flag=runtime.kinds_changed,
            )
        if not runtime.kinds_changed.is_set():
            return
