"""The Task API as it would be without an outbox: its tasks have no events, so there is nothing to relay."""

from __future__ import annotations

from typing import Any

from eventconsumer_api.__main__ import main
from eventconsumer_api.storage import outbox


def _add_nothing(*_: Any, **__: Any) -> None:
    pass


if __name__ == "__main__":
    outbox.add_all = _add_nothing
    main()
