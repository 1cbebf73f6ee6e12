"""The headers of a message, whatever bytes their names are. Pure.

Clients in other languages take any bytes for the name of a header. Ours reads only text: for a name that is
not UTF-8 it raises ``SystemError``, and when asked again it returns a name that is no object, which ends
the process that uses it. So the headers of what came from Kafka are read here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventconsumer_workers.opened import as_received

if TYPE_CHECKING:
    from eventconsumer_workers.dead_letters import Headers
    from eventconsumer_workers.handlers import Record

UNREADABLE = ("dlq_headers_unreadable", b"the name of a header is not UTF-8")
"""The one header of a message whose own ones can't be read; its dead letter says so by it."""


def header_list(record: Record) -> Headers:
    """Return a message's headers in their order; from then on the message may be asked for them as well."""
    try:
        found = record.headers() or []
    except (SystemError, UnicodeError):
        received: Any = as_received(record)
        received.set_headers([UNREADABLE])
        return [UNREADABLE]
    return found if isinstance(found, list) else list(found.items())


def header_bytes(headers: Headers) -> int:
    """Return how many bytes headers take at least: names, values and the length of each."""
    return sum(2 + len(name.encode()) + len(value or b"") for name, value in headers)
