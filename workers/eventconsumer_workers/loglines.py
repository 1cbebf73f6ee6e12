"""Log lines by the batch: the format of ``logging``, at one write for many lines.

A log record costs microseconds and each worker owes one line for each event, so the lines of a batch are
joined and written at once. What came from outside is made printable first: nobody can forge a second line,
colour a terminal or turn text around.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

FORMAT = "%(levelname)s:%(name)s:%(message)s"


class LogLines:
    """Writes lines of one logger at INFO to a stream."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self._prefix = f"INFO:{name}:"
        self._stream = stream

    def write(self, messages: Iterable[str]) -> None:
        """Write one line a message and flush; raise ``OSError`` when the stream refuses."""
        self._stream.write("".join([f"{self._prefix}{message}\n" for message in messages]))
        self._stream.flush()


def printable(text: str) -> str:
    """Return the text on one line: what does not print is shown as an escape."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
