"""A function of your own as a worker: called for one event at a time, by several threads for different keys.

A plain function runs on the loop's threads. What a function returns to be awaited, as a coroutine function
does, runs on one event loop that all of them share, so a client it opened for one event serves the next.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import threading
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from eventconsumer_workers.record_headers import header_list

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from eventconsumer_workers.envelope import Event
    from eventconsumer_workers.handlers import Delivery

    Handle: TypeAlias = Callable[[Event], object] | Callable[[Event, Delivery], object]
    """What a team writes: a function of the event, or of the event and its delivery."""


_log = logging.getLogger(__name__)


class NoHandlerError(Exception):
    """The name leads to no function that can handle events; the text tells a person why."""


def resolve(name: str) -> Handle:
    """Return the function that ``module:function`` names."""
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as fault:
        raise NoHandlerError(f"the handler {name!r} can't be imported: {fault}") from fault
    if not callable(found):
        raise NoHandlerError(f"the handler {name!r} is no function")
    handle: Handle = found
    return handle


class Custom:
    """Hands each event to the function."""

    def __init__(self, handle: Handle) -> None:
        self._call = _as_one_argument(handle)
        self._runner: _Runner | None = None
        self._starting = threading.Lock()

    def deliver(self, delivery: Delivery) -> None:
        """Call the function; what it raises goes to the loop."""
        # The result says it: of a decorated function, or of an object, nobody can tell beforehand.
        result = self._call(delivery)
        if inspect.isawaitable(result):
            self._started().run(result)
        elif inspect.isgenerator(result) or inspect.isasyncgen(result):
            raise TypeError("the handler has to return and not yield: none of it has run")

    def close(self) -> None:
        """End the event loop, where one was needed."""
        if self._runner is not None:
            self._runner.close()

    def _started(self) -> _Runner:
        with self._starting:
            if self._runner is None:
                self._runner = _Runner()
            return self._runner


class _Runner:
    """One event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._closed = False
        self._thread = threading.Thread(target=self._turn, name="handler", daemon=True)
        self._thread.start()

    def run(self, work: Awaitable[object]) -> None:
        # The context of the calling thread goes along: the log's fields and the current trace.
        asyncio.run_coroutine_threadsafe(_awaited(work), self._loop).result()

    def close(self) -> None:
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _turn(self) -> None:
        while not self._closed:
            try:
                self._loop.run_forever()
            except BaseException as fault:  # noqa: BLE001  # an exit of one task would leave all others waiting for ever
                _log.warning("A task of the handler tried to end the process: %r", fault)


async def _awaited(work: Awaitable[object]) -> None:
    await work


def _as_one_argument(handle: Handle) -> Callable[[Delivery], Any]:
    """Return a function of the delivery alone; raise ``NoHandlerError`` where it takes neither form."""
    function: Callable[..., Any] = handle
    signature = inspect.signature(function)
    # A parameter with a default is the function's own affair.
    asked_for = takewhile(
        lambda parameter: parameter.default is parameter.empty, signature.parameters.values()
    )
    if _takes(signature, 2) and _takes(signature.replace(parameters=list(asked_for)), 2):
        return lambda delivery: function(delivery.event, _readable(delivery))
    if _takes(signature, 1):
        return lambda delivery: function(delivery.event)
    raise NoHandlerError(f"the handler has to take an event, or an event and its delivery, not {signature}")


def _readable(delivery: Delivery) -> Delivery:
    """Return the delivery once its record can be asked for its headers."""
    header_list(delivery.record)
    return delivery


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True
