"""How connections begin: without what poolers refuse, and with what the URL says before what we choose."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from eventconsumer_api.storage.engines import database_url, postgres_engine, postgres_session

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

SERVER = "postgresql://tasks@db.example/tasks"


def for_requests(url: URL) -> Engine:
    return postgres_engine(url, timeout_seconds=5, pool_size=1)


def for_the_relay(url: URL) -> Engine:
    return postgres_session(url, name="task-api relay", answer_seconds=5, silent_seconds=10)


class NotNowError(Exception):
    """Ends an attempt to connect before it meets the network."""


def parameters(engine: Engine) -> dict[str, Any]:
    """Return what the driver is given to connect with."""
    given: dict[str, Any] = {}

    def note(_dialect: object, _record: object, _words: object, named: dict[str, Any]) -> None:
        given.update(named)
        raise NotNowError

    event.listen(engine, "do_connect", note)
    with suppress(NotNowError):
        engine.connect()
    return given


both_engines = pytest.mark.parametrize("engine_of", [for_requests, for_the_relay])


@both_engines
def test_a_pooler_that_refuses_start_up_options_is_sent_none(engine_of: Any) -> None:
    given = parameters(engine_of(database_url(SERVER)))
    assert given["host"] == "db.example"
    assert "options" not in given


@both_engines
def test_what_the_url_says_goes_before_what_we_choose(engine_of: Any) -> None:
    url = f"{SERVER}?options=-csearch_path%3Dours&connect_timeout=30&application_name=mine"
    given = parameters(engine_of(database_url(url)))
    assert given["options"] == "-csearch_path=ours"
    assert (given["connect_timeout"], given["application_name"]) == ("30", "mine")
