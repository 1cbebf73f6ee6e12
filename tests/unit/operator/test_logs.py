"""What a log line looks like for a machine."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from eventconsumer_operator.logs import Json, about
from eventconsumer_operator.names import ObjectKey, Reason


def line(message: str, **more: Any) -> dict[str, Any]:
    record = logging.LogRecord("eventconsumer_operator.x", logging.WARNING, "f", 1, message, (), None)
    for name, value in more.items():
        setattr(record, name, value)
    written = Json().format(record)
    assert "\n" not in written
    fields: dict[str, Any] = json.loads(written)
    return fields


def test_a_line_says_when_how_bad_who_and_what() -> None:
    said = line("two\nlines")
    assert said.pop("time").endswith("+00:00")
    assert said == {"level": "warning", "logger": "eventconsumer_operator.x", "message": "two\nlines"}


def test_a_line_told_while_a_resource_is_looked_at_names_it() -> None:
    with about(ObjectKey("tasks", "audit")):
        said = line("m", reason=Reason.TOPIC_RECREATED)
    assert (said["namespace"], said["name"], said["reason"]) == ("tasks", "audit", "TopicRecreated")
    assert "name" not in line("m")


def test_kopf_s_own_lines_name_their_object() -> None:
    assert line("m", k8s_ref={"namespace": "tasks", "name": "audit", "uid": "1"})["name"] == "audit"


def test_an_exception_stays_on_its_line() -> None:
    try:
        raise ValueError("why")  # noqa: TRY301  # the test is about a traceback
    except ValueError:
        said = line("m", exc_info=sys.exc_info())
    assert "ValueError: why" in said["exception"]
