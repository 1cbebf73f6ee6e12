"""The documented example of sinks is one that the API server, the operator and the worker take alike."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from eventconsumer_operator.connection import Connection
from eventconsumer_operator.environment import environment
from eventconsumer_operator.models import EventConsumer
from eventconsumer_operator.security import SecretKey
from eventconsumer_operator.sink_models import Sink
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.handlers.sinks import ToSinks
from eventconsumer_workers.loglines import LogLines
from eventconsumer_workers.sinks.settings import SinkSettings

ROOT = Path(__file__).resolve().parents[2]
CRD = yaml.safe_load((ROOT / "crds" / "eventconsumers.yaml").read_text())
SCHEMA = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
PAGE = (ROOT / "workers" / "NOTIFICATIONS.md").read_text()
EXAMPLE = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
CONNECTION = Connection("events-kafka-bootstrap:9092", "task-events")
SECRETS = {
    "NOTIFICATION_SINK_ERP_SIGNING": SecretKey("erp-hook", "signing-key"),
    "NOTIFICATION_SINK_TEAM_CHAT_URL": SecretKey("team-chat", "url"),
    "NOTIFICATION_SINK_MAIL_PASSWORD": SecretKey("mail", "password"),
}
VALUES = {
    "NOTIFICATION_SINK_ERP_SIGNING": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "NOTIFICATION_SINK_TEAM_CHAT_URL": "https://hooks.slack.com/services/T0/B0/x",
    "NOTIFICATION_SINK_MAIL_PASSWORD": "word",
}
TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


def faults(value: Any, schema: dict[str, Any], at: str) -> list[str]:
    """Return where a value is not as its schema says, as the API server would judge without CEL."""
    found = [] if isinstance(value, TYPES[schema["type"]]) else [f"{at}: no {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: not in {schema['enum']}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{at}: not like {schema['pattern']}")
    if isinstance(value, list):
        return found + [fault for one in value for fault in faults(one, schema["items"], f"{at}[]")]
    if isinstance(value, dict):
        known, rest = schema.get("properties", {}), schema.get("additionalProperties")
        found += [f"{at}.{name}: missing" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            inside = known.get(name, rest)
            found += faults(inner, inside, f"{at}.{name}") if inside else [f"{at}.{name}: unknown"]
    return found


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | SecretKey]:
    """Put into the environment what the operator says of the example, as a pod would have it."""
    metadata = EXAMPLE["metadata"] | {"uid": "u"}
    consumer = EventConsumer.model_validate({"metadata": metadata, "spec": EXAMPLE["spec"]})
    variables = environment(consumer, CONNECTION)
    for name, value in variables.items():
        monkeypatch.setenv(name, value if isinstance(value, str) else VALUES[name])
    return variables


def test_the_example_is_as_the_schema_says() -> None:
    assert faults(EXAMPLE["spec"], SCHEMA, "spec") == []


def test_the_schema_would_find_a_fault_in_it() -> None:
    sinks = [{"name": "A", "type": "pager", "webhook": {"uri": 7}}]
    spec = {"worker": {"type": "notification", "notification": {"sinks": sinks}}}
    assert len(faults(spec, SCHEMA, "spec")) == 4


def test_the_secrets_of_the_example_are_references_and_stand_nowhere_else(
    told: dict[str, str | SecretKey],
) -> None:
    assert {name: value for name, value in told.items() if isinstance(value, SecretKey)} == SECRETS
    assert "erp-hook" not in str(told["NOTIFICATION_SINKS"])


@pytest.mark.usefixtures("told")
def test_the_worker_reads_each_sink_as_the_resource_says_it() -> None:
    erp = next(sink for sink in Settings(kind=Kind.NOTIFICATION).notification_sinks if sink.name == "erp")
    assert (erp.timeout_seconds, erp.concurrency, erp.attempts) == (5, 8, 5)
    assert erp.webhook is not None
    assert erp.webhook.url == "https://erp.example.com/hooks/tasks"
    assert erp.webhook.signing_env == "NOTIFICATION_SINK_ERP_SIGNING"


@pytest.mark.usefixtures("told")
def test_the_worker_can_make_all_sinks_of_the_example() -> None:
    sinks = Settings(kind=Kind.NOTIFICATION).notification_sinks
    ToSinks(sinks, VALUES, LogLines("n", io.StringIO())).close()
    assert [sink.name for sink in sinks] == ["log", "erp", "team-chat", "mail"]


def test_the_operator_and_the_worker_know_the_same_fields_with_the_same_defaults() -> None:
    def fields(model: Any) -> dict[str, Any]:
        return {
            name: field.get_default(call_default_factory=True) for name, field in model.model_fields.items()
        }

    ours, theirs = fields(Sink), fields(SinkSettings)
    assert ours.keys() == theirs.keys()
    for name in ("timeout_seconds", "attempts", "concurrency", "hold_seconds"):
        assert ours[name] == theirs[name]


def test_without_sinks_the_worker_is_told_nothing_of_them() -> None:
    spec = {"topicRef": {"name": "a"}, "worker": {"type": "notification"}}
    metadata = {"name": "a", "namespace": "b", "uid": "c"}
    consumer = EventConsumer.model_validate({"metadata": metadata, "spec": spec})
    assert "NOTIFICATION_SINKS" not in environment(consumer, CONNECTION)
