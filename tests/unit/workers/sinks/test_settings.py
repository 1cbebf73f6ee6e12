"""What NOTIFICATION_SINKS may say, and what a wrong word in it leads to."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from eventconsumer_workers.loglines import LogLines
from eventconsumer_workers.sinks import SinkError
from eventconsumer_workers.sinks.build import sink
from eventconsumer_workers.sinks.settings import SinkList, SinkSettings
from eventconsumer_workers.sinks.webhook import Webhook
from tests.support.notifications import notification

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK = {
    "name": "erp",
    "type": "webhook",
    "webhook": {"url": "https://erp.example/in", "signingEnv": "KEY"},
}
SMTP = {"host": "mail.example", "from": "a@example.com", "to": ["b@example.com"]}


def read(*sinks: dict[str, Any]) -> tuple[SinkSettings, ...]:
    return TypeAdapter(SinkList).validate_json(json.dumps(sinks))


def webhook(**changes: Any) -> dict[str, Any]:
    return {**WEBHOOK, "webhook": {**WEBHOOK["webhook"], **changes}}  # type: ignore[dict-item]  # it is a dict


def built(settings: dict[str, Any], **environment: str) -> Any:
    return sink(read(settings)[0], {"KEY": SIGNING, **environment}, LogLines("n", io.StringIO()))


WRONG: dict[str, tuple[list[dict[str, Any]], str]] = {
    "no name": ([{"type": "log"}], r"0\.name"),
    "a name with a blank": ([{"name": "my log", "type": "log"}], r"0\.name"),
    "two of one name": ([{"name": "a", "type": "log"}] * 2, "twice: a"),
    "an unknown type": ([{"name": "a", "type": "pager"}], r"0\.type"),
    "a field nobody knows": ([{"name": "a", "type": "log", "retries": 3}], r"0\.retries"),
    "a webhook without settings": ([{"name": "a", "type": "webhook"}], "webhook: is set for"),
    "settings of another type": ([{**WEBHOOK, "type": "log"}], "webhook: is set for"),
    "a webhook without a URL": ([webhook(url=None)], "exactly one of url and urlEnv"),
    "a webhook with two URLs": ([webhook(urlEnv="URL")], "exactly one of url and urlEnv"),
    "a webhook without a signature": (
        [{**WEBHOOK, "webhook": {"url": "https://erp.example/"}}],
        r"0\.webhook\.signingEnv",
    ),
    "no network": ([webhook(allowedNetworks=["office"])], r"0\.webhook\.allowedNetworks"),
    "no attempt": ([{"name": "a", "type": "log", "attempts": 0}], r"0\.attempts"),
    "a user without a password": (
        [{"name": "m", "type": "smtp", "smtp": {**SMTP, "username": "u"}}],
        "username and passwordEnv",
    ),
    "a password without TLS": (
        [{"name": "m", "type": "smtp", "smtp": {**SMTP, "username": "u", "passwordEnv": "P", "tls": "none"}}],
        "never sent without TLS",
    ),
    "seventeen sinks": ([{"name": f"a{n}", "type": "log"} for n in range(17)], "at most 16"),
}


@pytest.mark.parametrize(("sinks", "field"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_list_is_refused_by_the_name_of_the_field(sinks: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        read(*sinks)


def test_a_sink_says_only_what_differs_from_the_defaults() -> None:
    (settings,) = read({"name": "a", "type": "log"})
    assert (settings.timeout_seconds, settings.attempts, settings.concurrency, settings.hold_seconds) == (
        *(10, 5, 4, 900),
    )


def test_a_webhook_is_made_of_its_settings_and_its_secret() -> None:
    assert isinstance(built(WEBHOOK), Webhook)


CANNOT_BE_MADE: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "an empty secret": (WEBHOOK, {"KEY": ""}, "sink erp: the environment variable KEY"),
    "a secret that is no key": (WEBHOOK, {"KEY": "hunter2"}, "sink erp: the signing secret"),
    "http": (webhook(url="http://erp.example/"), {}, "sink erp: http is not encrypted"),
    "a broken template": ({**WEBHOOK, "templates": {"*": "{{"}}, {}, r"sink erp: templates: \*: line 1"),
}


@pytest.mark.parametrize(("settings", "environment", "reason"), CANNOT_BE_MADE.values(), ids=CANNOT_BE_MADE)
def test_a_sink_that_cannot_be_made_is_told_by_name_and_without_its_secret(
    settings: dict[str, Any], environment: dict[str, str], reason: str
) -> None:
    with pytest.raises(SinkError, match=reason) as refused:
        built(settings, **environment)
    assert not any(secret and secret in str(refused.value) for secret in environment.values())


def test_the_log_sink_writes_the_published_line_and_lets_pass_what_it_has_no_words_for() -> None:
    out = io.StringIO()
    log = sink(read({"name": "log", "type": "log"})[0], {}, LogLines("notification", out))
    log.deliver(notification(title="a\nb"))
    log.deliver(notification("user.invited"))
    assert out.getvalue() == r"INFO:notification:NOTIFICATION: New task created - 'a\nb' (ID: abc123)" + "\n"


def test_the_log_sink_takes_words_of_its_own() -> None:
    out = io.StringIO()
    settings = {"name": "log", "type": "log", "templates": {"*": "{{ event_type }}!"}}
    sink(read(settings)[0], {}, LogLines("notification", out)).deliver(notification("user.invited"))
    assert out.getvalue() == "INFO:notification:NOTIFICATION: user.invited!\n"
