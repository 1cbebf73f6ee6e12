"""A producer whose records a test can count on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import Producer

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

_PATIENCE_SECONDS = 30.0


class SureProducer(Producer):
    """A producer that fails the test when the broker refused a record.

    ``flush()`` alone tells only that nothing is under way: a refused record counts as done.
    """

    def __init__(self, bootstrap_servers: str, settings: dict[str, str | int] | None = None) -> None:
        self._refused: list[str] = []
        super().__init__(
            {"bootstrap.servers": bootstrap_servers, "on_delivery": self._reported, **(settings or {})}
        )

    def await_delivery(self) -> None:
        """Wait until the broker has every record that was produced; fail the test when it has not."""
        under_way = self.flush(_PATIENCE_SECONDS)
        refused, self._refused = self._refused, []
        assert not refused, f"records were refused: {refused[:3]}"
        assert under_way == 0, f"{under_way} records are still under way"

    def _reported(self, fault: KafkaError | None, message: Message) -> None:
        if fault is not None:
            self._refused.append(f"{message.topic()}[{message.partition()}]: {fault}")
