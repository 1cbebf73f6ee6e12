"""The notification worker with sinks: each gets the events of its types by a courier of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_workers.sinks.courier import Courier, Patience

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eventconsumer_workers.loglines import LogLines
    from eventconsumer_workers.retry import Backoff
    from eventconsumer_workers.sinks import Sink
    from eventconsumer_workers.sinks.courier import Observer
    from eventconsumer_workers.sinks.settings import SinkSettings


@dataclass(frozen=True, slots=True)
class Route:
    """The way to one sink."""

    courier: Courier
    event_types: frozenset[str]
    """The types it is given; empty means all of them."""


class ToSinks:
    """The sinks as they are described; making it raises ``SinkError`` for one that can't be made."""

    def __init__(
        self, described: Iterable[SinkSettings], environment: Mapping[str, str], lines: LogLines
    ) -> None:
        # Templates and HTTP take 6 MB of memory, which only those pay that use them.
        from eventconsumer_workers.sinks.build import sink  # noqa: PLC0415

        self._sinks: list[tuple[SinkSettings, Sink]] = [
            (settings, sink(settings, environment, lines)) for settings in described
        ]
        self._couriers: list[Courier] = []

    def routes(self, backoff: Backoff, observer: Observer) -> list[Route]:
        """Let a courier begin for each sink and return the ways to them."""
        routes = []
        for settings, made in self._sinks:
            patience = Patience(
                settings.attempts,
                settings.hold_seconds,
                settings.concurrency,
                backoff.initial,
                backoff.longest,
            )
            courier = Courier(settings.name, made, patience, observer)
            self._couriers.append(courier)
            routes.append(Route(courier, settings.event_types))
        return routes

    def close(self) -> None:
        """Let the couriers end and the sinks go."""
        for courier in self._couriers:
            courier.close()
