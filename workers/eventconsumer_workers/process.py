"""One worker as a process: it answers probes and follows its topic until a signal says stop."""

from __future__ import annotations

import gc
import logging
import signal
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

from eventconsumer_workers.audit.opening import AuditLogError
from eventconsumer_workers.audit.proof import proven
from eventconsumer_workers.config import Kind
from eventconsumer_workers.credentials import CredentialsError, files, watched
from eventconsumer_workers.handlers import EventHandler
from eventconsumer_workers.handlers.sinks import ToSinks
from eventconsumer_workers.health import Pulse, served
from eventconsumer_workers.loop import Surroundings
from eventconsumer_workers.metrics import Metrics
from eventconsumer_workers.traced import TracedBatches, TracedEvents
from eventconsumer_workers.tracing import started
from eventconsumer_workers.worker import follow

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from eventconsumer_workers.config import Settings
    from eventconsumer_workers.handlers import BatchHandler

_log = logging.getLogger("eventconsumer_workers")

# More than a batch and its events are made of.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def work(settings: Settings, handler: BatchHandler | EventHandler | ToSinks) -> int:
    """Follow the topic until a signal, or renewed credentials, end the process; return its exit code."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    traces = started(topic=settings.kafka_topic, group=settings.kafka_group_id)
    if traces is not None and not isinstance(handler, ToSinks):
        handler = (
            TracedEvents(handler, traces)
            if isinstance(handler, EventHandler)
            else TracedBatches(handler, traces)
        )
    try:
        _follow(settings, handler, stop)
    except (CredentialsError, AuditLogError) as fault:
        _log.error("%s", fault)
        return 1
    finally:
        handler.close()
    return 0


def _proven(settings: Settings, metrics: Metrics) -> AbstractContextManager[None]:
    """Let an audit worker prove the log on its own volume; a database is proven by whoever asks for it."""
    if settings.kind is Kind.AUDIT and settings.audit_database_url is None:
        return proven(settings.audit_log_path, metrics.chain_verified)
    return nullcontext()


def _follow(
    settings: Settings, handler: BatchHandler | EventHandler | ToSinks, stop: threading.Event
) -> None:
    pulse, metrics = Pulse(), Metrics()
    with (
        served(pulse, settings.health_port),
        watched(files(settings), stop.set),
        _proven(settings, metrics),
    ):
        _log.info(
            "The %s worker follows %s as group %s",
            settings.kind,
            settings.kafka_topic,
            settings.kafka_group_id,
        )
        _spare_the_collector()
        follow(settings, handler, Surroundings(metrics, pulse, stop))
    _log.info("The %s worker has left its group", settings.kind)


def _spare_the_collector() -> None:
    """Let the garbage collector look at nothing that is not likely to be garbage.

    Each batch makes thousands of objects and drops them with the next. They made the collector look at all of
    them several times, and every few batches at what stays as long as the process does: modules, classes,
    settings. That took a fifth of an audit worker's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
