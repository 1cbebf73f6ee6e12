"""Puts a worker together: a membership, a way to work that suits the handler, and the loop around both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_workers.batches import Batches
from eventconsumer_workers.broker import Subscription
from eventconsumer_workers.crew import Crew
from eventconsumer_workers.handlers import EventHandler
from eventconsumer_workers.letterbox import LetterBox
from eventconsumer_workers.loop import Loop
from eventconsumer_workers.retry import Backoff

if TYPE_CHECKING:
    from eventconsumer_workers.config import Settings
    from eventconsumer_workers.handlers import BatchHandler, Observer
    from eventconsumer_workers.loop import Surroundings


def follow(
    settings: Settings,
    handler: BatchHandler | EventHandler,
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
    handler: BatchHandler | EventHandler,
    observer: Observer,
    subscription: Subscription,
) -> Batches | Crew:
    if not isinstance(handler, EventHandler):
        return Batches(handler, observer, subscription.still_ours)
    backoff = Backoff(
        settings.delivery_attempts, settings.delivery_backoff_seconds, settings.delivery_backoff_max_seconds
    )
    return Crew(
        handler,
        concurrency=settings.handler_concurrency,
        backoff=backoff,
        observer=observer,
        still_ours=subscription.still_ours,
    )
