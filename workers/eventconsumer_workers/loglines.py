"""Log lines by the batch: the format of ``logging``, at one write for many lines.

A log record costs microseconds and each worker owes one line for each event, so the lines of a batch are
joined and written at once. What came from outside is made printable first: nobody can forge a second line,
colour a terminal or turn text around. As JSON, each line names its event too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from eventconsumer_workers.logs import Format, json_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO


# What prints of ASCII.
_PRINTING = bytes(range(0x20, 0x7F))


class Traced(Protocol):
    """What a line is about."""

    @property
    def event_id(self) -> str: ...  # noqa: D102  # as of an event
    @property
    def correlation_id(self) -> str | None: ...  # noqa: D102  # as of an event


class LogLines:
    """Writes lines of one logger at INFO to a stream."""

    def __init__(self, name: str, stream: TextIO, form: Format = Format.TEXT) -> None:
        self._name = name
        self._stream = stream
        self._form = form

    def write(self, messages: Sequence[str], events: Sequence[Traced]) -> None:
        """Write one line for each event's message and flush; raise ``OSError`` when the stream refuses."""
        self._stream.write(self._text(messages, events))
        self._stream.flush()

    def _text(self, messages: Sequence[str], events: Sequence[Traced]) -> str:
        if self._form is Format.JSON:
            pairs = zip(messages, events, strict=True)
            return "".join([f"{json_line('INFO', self._name, *self._about(*pair))}\n" for pair in pairs])
        separator = f"\nINFO:{self._name}:"
        return f"{separator[1:]}{separator.join(messages)}\n" if messages else ""

    @staticmethod
    def _about(message: str, event: Traced) -> tuple[str, dict[str, str | None]]:
        return message, {"correlation_id": event.correlation_id, "event_id": event.event_id}


def ordinary(lines: Sequence[str]) -> bool:
    """Tell whether lines are of printable ASCII only, as most are: at a third of ``isprintable``'s time."""
    text = "".join(lines)
    return text.isascii() and not text.encode().translate(None, _PRINTING)


def printable(text: str) -> str:
    """Return the text on one line: what does not print is shown as an escape."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
