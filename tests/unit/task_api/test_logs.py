"""What a log line looks like for a machine."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.testclient import TestClient

from eventconsumer_api.config import Settings
from eventconsumer_api.guarding.settings import Auth
from eventconsumer_api.logs import Format, Json, correlation_id, logging_config
from eventconsumer_api.main import create_app

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def line(message: str, **more: Any) -> dict[str, Any]:
    record = logging.LogRecord("eventconsumer_api.x", logging.WARNING, "f", 1, message, (), None)
    for name, value in more.items():
        setattr(record, name, value)
    written = Json().format(record)
    assert "\n" not in written
    fields: dict[str, Any] = json.loads(written)
    return fields


def test_a_line_says_when_how_bad_who_and_what() -> None:
    said = line("two\nlines")
    assert said.pop("time").endswith("+00:00")
    assert said == {"level": "warning", "logger": "eventconsumer_api.x", "message": "two\nlines"}


def test_a_line_told_while_a_request_is_handled_has_its_correlation_id() -> None:
    sent = uuid4()
    token = correlation_id.set(sent)
    said = line("m", status=200)
    correlation_id.reset(token)
    assert (said["correlation_id"], said["status"]) == (str(sent), 200)
    assert "correlation_id" not in line("m")


def test_what_prints_its_parameters_is_quiet_at_every_level() -> None:
    loggers = logging_config(Format.JSON, "DEBUG")["loggers"]
    assert loggers["sqlalchemy"] == {"level": "WARNING"}


def test_each_request_is_one_line_without_its_query(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(
        auth=(Auth.NONE,),
        database_url=f"sqlite:///{tmp_path}/tasks.db",
        kafka_bootstrap_servers="127.0.0.1:1",
    )
    with TestClient(create_app(settings)) as api, caplog.at_level(logging.INFO, "eventconsumer_api.access"):
        for path in ("/tasks?limit=7", "/tasks/a%0Ab", "/healthz"):
            api.get(path)
    told = [record.getMessage() for record in caplog.records if record.name == "eventconsumer_api.access"]
    assert [message.rsplit(maxsplit=2)[0] for message in told] == ["GET /tasks 200", "GET /tasks/a%0Ab 404"]
