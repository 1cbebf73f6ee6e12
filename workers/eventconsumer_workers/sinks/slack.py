"""The Slack sink: a message to an incoming webhook of Slack, or of a chat that understands the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eventconsumer_workers.sinks import answers

if TYPE_CHECKING:
    from eventconsumer_workers.sinks import Notification
    from eventconsumer_workers.sinks.posting import Poster
    from eventconsumer_workers.sinks.templates import Templates


class Slack:
    """Posts messages to one channel."""

    def __init__(self, poster: Poster, templates: Templates) -> None:
        self._poster = poster
        self._templates = templates

    def deliver(self, notification: Notification) -> None:
        """Post one message; raise ``Refused`` or ``Unavailable`` when it was not accepted."""
        body = json.dumps({"text": self._templates.render(notification)}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "eventconsumer"}
        reply = self._poster.post(body, headers)
        answers.judge(reply.status, words=reply.words, retry_after=reply.retry_after, now=datetime.now(UTC))

    def close(self) -> None:
        """Close the idle connections."""
        self._poster.close()


def escaped(value: object) -> str:
    """Return the text of a value, a list's too, with Slack's three control characters escaped.

    So no event can mention a whole channel.
    """
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
