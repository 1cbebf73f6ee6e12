"""The webhook sink: the event as it was published, or what a template makes of it, signed.

The receiver gets the event's id as ``webhook-id``, which is signed, and as ``Idempotency-Key``:
the same one at every attempt.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eventconsumer_workers.sinks import answers, signature

if TYPE_CHECKING:
    from eventconsumer_workers.sinks import Notification
    from eventconsumer_workers.sinks.posting import Poster
    from eventconsumer_workers.sinks.templates import Templates


class Webhook:
    """Posts events to one URL."""

    def __init__(self, poster: Poster, templates: Templates | None, signing_keys: list[bytes]) -> None:
        self._poster = poster
        self._templates = templates
        self._keys = signing_keys

    def deliver(self, notification: Notification) -> None:
        """Post one event; raise ``Refused`` or ``Unavailable`` when it was not accepted."""
        body = notification.body
        if self._templates is not None and self._templates.has(notification.event_type):
            body = self._templates.render(notification).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "eventconsumer",
            "Idempotency-Key": notification.header_id,
            **notification.trace,
            **signature.headers(notification.header_id, int(time.time()), body, self._keys),
        }
        reply = self._poster.post(body, headers)
        answers.judge(reply.status, words=reply.words, retry_after=reply.retry_after, now=datetime.now(UTC))

    def close(self) -> None:
        """Close the idle connections."""
        self._poster.close()
