"""What a notification worker is told of its sinks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from eventconsumer_operator.models import Worker
from eventconsumer_operator.security import SecretKey
from eventconsumer_operator.sinks import variables


def worker(*sinks: dict[str, Any]) -> Worker:
    return Worker.model_validate({"type": "notification", "notification": {"sinks": sinks}})


def test_only_what_differs_from_the_defaults_is_told() -> None:
    told = variables(worker({"name": "log", "type": "log", "timeoutSeconds": 10, "holdSeconds": 60}))
    assert json.loads(str(told["NOTIFICATION_SINKS"])) == [{"name": "log", "type": "log", "holdSeconds": 60}]


def test_a_secret_is_a_variable_named_after_its_sink() -> None:
    mail = {
        "host": "mail.example",
        "from": "a@example.com",
        "to": ["b@example.com"],
        "username": "u",
        "passwordSecret": {"name": "mail", "key": "word"},
    }
    told = variables(worker({"name": "team-mail", "type": "smtp", "smtp": mail}))
    assert told["NOTIFICATION_SINK_TEAM_MAIL_PASSWORD"] == SecretKey("mail", "word")
    (sink,) = json.loads(str(told["NOTIFICATION_SINKS"]))
    del mail["passwordSecret"]
    assert sink["smtp"] == mail | {"passwordEnv": "NOTIFICATION_SINK_TEAM_MAIL_PASSWORD"}


def test_a_worker_without_sinks_is_told_nothing() -> None:
    assert variables(Worker.model_validate({"type": "audit"})) == {}


def test_more_templates_than_a_variable_can_hold_are_refused_with_the_reason() -> None:
    sinks = [{"name": f"s{n}", "type": "log", "templates": {"*": "x" * 4096}} for n in range(30)]
    with pytest.raises(ValidationError, match="no more than 120000"):
        worker(*sinks)
