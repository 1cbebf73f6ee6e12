"""Puts a worker together: a membership, a way to work that suits the handler, and the loop around both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_workers.batches import Batches
from eventconsumer_workers.broker import Subscription
from eventconsumer_workers.crew import Crew
from eventconsumer_workers.handlers import EventHandler
from eventconsumer_workers.handlers.sinks import ToSinks
from eventconsumer_workers.letterbox import LetterBox
from eventconsumer_workers.loop import Loop
from eventconsumer_workers.notifier import Notifier
from eventconsumer_workers.retry import Backoff

if TYPE_CHECKING:
    from eventconsumer_workers.config import Settings
    from eventconsumer_workers.handlers import BatchHandler
    from eventconsumer_workers.loop import Surroundings
    from eventconsumer_workers.metrics import Metrics


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
        wanted=settings.event_types,
        around=around,
    ).run()


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
            handler.routes(backoff, observer),
            group=settings.kafka_group_id,
            observer=observer,
            notes=subscription.notes,
        )
    if not isinstance(handler, EventHandler):
        return Batches(handler, observer, subscription.still_ours)
    return Crew(
        handler,
        concurrency=settings.handler_concurrency,
        backoff=backoff,
        observer=observer,
        still_ours=subscription.still_ours,
    )
