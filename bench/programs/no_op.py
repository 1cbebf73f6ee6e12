"""The notification worker with a sink that does nothing: what the worker itself costs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.process import work

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from eventconsumer_workers.handlers import Batch


class NoOp:
    """Takes every notification."""

    def handle(self, batch: Batch) -> None:
        """Do nothing with them."""

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:  # noqa: ARG002  # the protocol's
        """Go on where Kafka says."""
        return {}

    def revoked(self, partitions: Collection[int]) -> None:
        """Keep nothing for a partition."""

    def lost(self, partitions: Collection[int]) -> None:
        """Keep nothing for a partition."""

    def close(self) -> None:
        """Hold nothing."""


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    work(Settings(kind=Kind.NOTIFICATION), NoOp())
