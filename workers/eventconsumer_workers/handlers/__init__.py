"""What each worker does with events: one module a worker, one protocol.

``handle`` returns only when the work is done and would survive a crash, because the loop commits next. Work
that cannot be done now (the disk is full) raises ``NotDone`` and is asked for again with the same events, so
``handle`` must bear a repetition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_workers.envelope import Reading


class NotDone(Exception):  # noqa: N818  # a state of the work, which a later attempt changes
    """The work could not be done now; nothing is lost, and it will be asked for again."""


class Handler(Protocol):
    """What the loop asks of a worker."""

    def handle(self, readings: Sequence[Reading]) -> None:
        """Do the work for these events, in their order; raise ``NotDone`` when it has to be tried again."""

    def close(self) -> None:
        """Let go of what the handler holds."""
