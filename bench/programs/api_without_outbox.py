"""The Task API as it would be without an outbox: its tasks have no events, so there is nothing to relay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_api.__main__ import main
from eventconsumer_api.storage import outbox

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from eventconsumer_api.events import TaskEvent


def _add_nothing(_connection: Connection, _event: TaskEvent) -> None:
    pass


if __name__ == "__main__":
    outbox.add = _add_nothing
    main()
