"""Puts a worker together: a membership, a way to work that suits the handler, and the loop around both."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from eventconsumer_workers.batches import MESSAGES, Batches
from eventconsumer_workers.broker import Subscription
from eventconsumer_workers.config import Kind
from eventconsumer_workers.crew import Crew
from eventconsumer_workers.handlers import EventHandler
from eventconsumer_workers.handlers.sinks import ToSinks
from eventconsumer_workers.letterbox import LetterBox
from eventconsumer_workers.loop import Loop
from eventconsumer_workers.notifier import Notifier
from eventconsumer_workers.retry import Backoff
from eventconsumer_workers.sorting import sort

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eventconsumer_workers.config import Settings
    from eventconsumer_workers.handlers import BatchHandler, Record
    from eventconsumer_workers.loop import Surroundings
    from eventconsumer_workers.metrics import Metrics
    from eventconsumer_workers.sorting import Sorted

# Twice as many as others take: each group waits for the disk once, and the next one is made meanwhile.
_AUDITED_AT_ONCE = 2 * MESSAGES


def follow(
    settings: Settings,
    handler: BatchHandler | EventHandler | ToSinks,
    around: Surroundings,
) -> None:
    """Follow the topic with a handler until the flag is raised; the handler stays open."""
    subscription = Subscription(settings)
    Loop(
        subscription,
        _way_to_work(settings, handler, around.observer, subscription),
        LetterBox(settings, around.observer),
        read=_reading(settings),
        around=around,
    ).run()


def _reading(settings: Settings) -> Callable[[Sequence[Record]], Sorted]:
    wanted = settings.event_types
    if settings.schema_registry_url is None:
        return partial(sort, wanted=wanted)
    # Avro and the registry's client cost a second and 20 MB, which only those pay who use them.
    from eventconsumer_workers.registry import Registry  # noqa: PLC0415

    registry = Registry(settings)
    return lambda records: sort(registry.opened(records), wanted)


def _way_to_work(
    settings: Settings,
    handler: BatchHandler | EventHandler | ToSinks,
    observer: Metrics,
    subscription: Subscription,
) -> Batches | Crew | Notifier:
    backoff = Backoff(
        settings.delivery_attempts, settings.delivery_backoff_seconds, settings.delivery_backoff_max_seconds
    )
    if isinstance(handler, ToSinks):
        return Notifier(
            handler.routes(backoff, observer.sinks),
            group=settings.kafka_group_id,
            observer=observer,
            notes=subscription.notes,
        )
    if not isinstance(handler, EventHandler):
        at_once = _AUDITED_AT_ONCE if settings.kind is Kind.AUDIT else MESSAGES
        return Batches(handler, observer, subscription.still_ours, at_once=at_once)
    return Crew(
        handler,
        concurrency=settings.handler_concurrency,
        backoff=backoff,
        observer=observer,
        still_ours=subscription.still_ours,
    )
