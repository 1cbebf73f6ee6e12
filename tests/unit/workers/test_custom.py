"""A function of one's own is found by its name, called with what it asks for, and may say no."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from concurrent import futures
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_workers import Delivery, Event, Reject, Retry, logs
from eventconsumer_workers.envelope import read
from eventconsumer_workers.handlers.custom import Custom, NoHandlerError, resolve
from tests.support.events import encoded
from tests.support.records import record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from eventconsumer_workers.handlers.custom import Handle


def delivery(attempt: int = 1) -> Delivery:
    value = encoded("task.created")
    event = read(value, frozenset())
    assert event is not None
    return Delivery(event, record(value, partition=2, offset=41), attempt, lambda: True)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logs.handler(logs.Format.JSON, stream)
    logger = logging.getLogger("team")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "team_code.py").write_text("LIMIT = 3\ndef handle(event): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "team_code"
    sys.modules.pop("team_code", None)


def test_a_handler_is_found_by_module_and_name(module: str) -> None:
    assert resolve(f"{module}:handle").__name__ == "handle"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nowhere:handle", "No module named 'nowhere'"),
        ("team_code:missing", "no attribute 'missing'"),
        ("team_code:LIMIT", "is no function"),
        ("team_code", "can't be imported"),
        (":handle", "can't be imported"),
    ],
)
@pytest.mark.usefixtures("module")
def test_a_name_that_leads_to_no_function_says_why(name: str, why: str) -> None:
    with pytest.raises(NoHandlerError, match=why):
        resolve(name)


def test_a_function_of_the_event_is_given_the_event() -> None:
    seen: list[Event] = []
    Custom(seen.append).deliver(delivery())
    assert [event.event_type for event in seen] == ["task.created"]
    assert seen[0].task is not None


def test_a_function_of_two_is_given_the_delivery_too() -> None:
    seen: list[Any] = []

    def handle(event: Event, delivery: Delivery) -> None:
        seen.append((event.event_type, delivery.attempt, delivery.record.offset()))

    Custom(handle).deliver(delivery(attempt=3))
    assert seen == [("task.created", 3, 41)]


def test_a_parameter_with_a_default_is_the_functions_own() -> None:
    seen: list[object] = []

    def handle(event: Event, retries: int = 3) -> None:
        seen.append((event.event_type, retries))

    Custom(handle).deliver(delivery())
    assert seen == [("task.created", 3)]


def test_a_function_that_asks_for_more_is_refused_before_it_runs() -> None:
    def handle(event: Event, more: int, even_more: int) -> None: ...

    with pytest.raises(NoHandlerError, match="an event, or an event and its delivery"):
        Custom(handle)  # type: ignore[arg-type]  # the mistake under test


def as_object(handle: Callable[[Event], Awaitable[None]]) -> Handle:
    class Asynchronous:
        async def __call__(self, event: Event) -> None:
            await handle(event)

    return Asynchronous()


def as_decorated(handle: Callable[[Event], Awaitable[None]]) -> Handle:
    def counted(event: Event) -> Awaitable[None]:
        return handle(event)

    return counted


@pytest.mark.parametrize("disguised", [as_object, as_decorated])
def test_what_a_function_returns_to_be_awaited_is_awaited(
    disguised: Callable[[Callable[[Event], Awaitable[None]]], Handle],
) -> None:
    seen: list[str] = []

    async def handle(event: Event) -> None:
        await asyncio.sleep(0)
        seen.append(event.event_type)

    with closing(Custom(disguised(handle))) as custom:
        custom.deliver(delivery())
    assert seen == ["task.created"]


def test_a_function_that_yields_has_not_handled_the_event() -> None:
    def handle(event: Event) -> Iterator[str]:
        yield event.event_type

    async def handle_async(event: Event) -> AsyncIterator[str]:
        yield event.event_type

    for function in (handle, handle_async):
        with pytest.raises(TypeError, match="return and not yield"):
            Custom(function).deliver(delivery())


@pytest.mark.parametrize("said", [SystemExit("bye"), asyncio.CancelledError("bye")])
def test_a_coroutine_that_exits_or_is_cancelled_leaves_the_event_loop_to_others(said: BaseException) -> None:
    outcomes: list[BaseException] = [said]

    async def handle(_: Event) -> None:
        if outcomes:
            raise outcomes.pop()

    with closing(Custom(handle)) as custom:
        with pytest.raises((type(said), futures.CancelledError)):
            custom.deliver(delivery())
        custom.deliver(delivery())


@pytest.mark.parametrize("said", [Retry("later", seconds=5), Reject("never"), OSError("away")])
def test_what_a_handler_raises_reaches_the_loop(said: Exception) -> None:
    async def wait(_: Event) -> None:
        raise said

    def handle(_: Event) -> None:
        raise said

    for function in (handle, wait):
        custom = Custom(function)
        with pytest.raises(type(said), match=str(said)):
            custom.deliver(delivery())
        custom.close()


@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_handler_logs_carries_what_the_loop_says_about_the_event(
    written: io.StringIO, *, is_async: bool
) -> None:
    def handle(_: Event) -> None:
        logging.getLogger("team").info("done")

    async def handle_async(event: Event) -> None:
        handle(event)

    custom = Custom(handle_async if is_async else handle)
    with logs.about({"event_id": "e1"}):
        custom.deliver(delivery())
    custom.close()
    assert json.loads(written.getvalue())["event_id"] == "e1"
