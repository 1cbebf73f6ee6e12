"""The Apprise sink: any of the hundred services that the Apprise library speaks to, by its URL.

The library is an extra that the workers' image leaves out: it brings HTTP and YAML stacks of its own and
28 MB of memory, and it connects to whatever a URL says, so ``targets`` can't guard it. An image that has it
is one line on top of ours: ``RUN /opt/venv/bin/pip install 'apprise>=1.9'``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from eventconsumer_workers.sinks import SinkError, Unavailable

if TYPE_CHECKING:
    from eventconsumer_workers.sinks import Notification
    from eventconsumer_workers.sinks.templates import Templates


class Apprise:
    """Notifies by one Apprise URL."""

    def __init__(self, url: str, *, timeout: float, subjects: Templates, texts: Templates) -> None:
        try:
            library: Any = importlib.import_module("apprise")
        except ModuleNotFoundError as fault:
            raise SinkError(
                "apprise is not installed: run a workers image that has the extra, "
                "as made by pip install 'eventconsumer[workers,apprise]'"
            ) from fault
        self._notifier = library.Apprise()
        if not self._notifier.add(url):
            raise SinkError("apprise.urlSecret: the Secret holds no URL that Apprise understands")
        for service in self._notifier:
            service.socket_connect_timeout = service.socket_read_timeout = timeout
        self._subjects = subjects
        self._texts = texts

    def deliver(self, notification: Notification) -> None:
        """Notify; raise ``Unavailable`` when Apprise says that it did not get through."""
        title, body = self._subjects.render(notification), self._texts.render(notification)
        if not self._notifier.notify(title=" ".join(title.split()), body=body):
            raise Unavailable("Apprise could not deliver it")

    def close(self) -> None:
        """Hold nothing between notifications."""
