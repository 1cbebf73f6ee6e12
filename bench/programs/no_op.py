"""The notification worker with a sink that does nothing: what the worker itself costs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.process import work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_workers.envelope import Reading


class NoOp:
    """Takes every notification."""

    def handle(self, readings: Sequence[Reading]) -> None:
        """Do nothing with them."""

    def close(self) -> None:
        """Hold nothing."""


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    work(Settings(kind=Kind.NOTIFICATION), NoOp())
