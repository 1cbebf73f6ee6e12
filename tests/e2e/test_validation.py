"""The API server refuses a wrong spec and names the field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.builders import event_consumer
from tests.support.kubernetes import Refused

if TYPE_CHECKING:
    from tests.support.kubernetes import Kubernetes

KAFKA = {"bootstrapServers": "kafka:9092", "topic": "task-events"}
TWO_NAMES = {
    "username": "reader",
    "usernameSecretRef": {"name": "login"},
    "passwordSecretRef": {"name": "login"},
}
DATABASE = {"urlSecret": {"name": "audit-db-app"}}
SECRET = {"name": "secrets", "key": "key"}
MAIL = {"host": "mail.example", "from": "a@example.com", "to": ["b@example.com"]}


def sink(kind: str, **fields: Any) -> dict[str, Any]:
    """Return a spec with one sink."""
    sinks = [{"name": "one", "type": kind, **fields}]
    return {"worker": {"type": "notification", "notification": {"sinks": sinks}}}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a group id with a blank": ({"groupId": "not a group"}, "spec.groupId"),
    "both topicRef and kafka": ({"kafka": KAFKA}, "topicRef"),
    "neither topicRef nor kafka": ({"topicRef": None}, "topicRef"),
    "a KafkaUser for a Kafka that Strimzi does not run": (
        {"topicRef": None, "kafka": KAFKA, "userRef": {"name": "reader"}},
        "spec.userRef",
    ),
    "a login without a name": (
        {"topicRef": None, "kafka": KAFKA | {"sasl": {"passwordSecretRef": {"name": "login"}}}},
        "spec.kafka.sasl",
    ),
    "a login with two names": ({"topicRef": None, "kafka": KAFKA | {"sasl": TWO_NAMES}}, "spec.kafka.sasl"),
    "a login without a password": (
        {"topicRef": None, "kafka": KAFKA | {"sasl": {"username": "a"}}},
        "passwordSecretRef",
    ),
    "an unknown worker type": ({"worker": {"type": "mailer"}}, "spec.worker.type"),
    "no worker": ({"worker": None}, "spec.worker"),
    "an unknown start": ({"startFrom": "yesterday"}, "spec.startFrom"),
    "fewer than zero replicas": ({"replicas": -1}, "spec.replicas"),
    "two audit workers on one volume": ({"worker": {"type": "audit"}, "replicas": 2}, "replicas"),
    "an audit log on a volume and in a database": (
        {"worker": {"type": "audit", "audit": {"storage": {"size": "1Gi", "postgresql": DATABASE}}}},
        "storage",
    ),
    "a database without its Secret": (
        {"worker": {"type": "audit", "audit": {"storage": {"postgresql": {}}}}},
        "urlSecret",
    ),
    "audit storage for a notification worker": (
        {"worker": {"type": "notification", "audit": {"storage": {"size": "1Gi"}}}},
        "audit",
    ),
    "a webhook by http": (
        sink("webhook", webhook={"url": "http://erp.example/", "signingSecret": SECRET}),
        "allowHttp",
    ),
    "a webhook that nothing signs": (
        sink("webhook", webhook={"url": "https://erp.example/"}),
        "signingSecret",
    ),
    "a webhook with a password in its URL": (
        sink("webhook", webhook={"url": "https://a:b@erp.example/", "signingSecret": SECRET}),
        "webhook.url",
    ),
    "a webhook without a URL": (sink("webhook", webhook={"signingSecret": SECRET}), "exactly one of url"),
    "a sink with the fields of another type": (sink("log", slack={"urlSecret": SECRET}), "slack is set for"),
    "a sink without the fields of its type": (sink("slack"), "slack is set for"),
    "no network": (
        sink("slack", slack={"urlSecret": SECRET, "allowedNetworks": ["office"]}),
        "allowedNetworks",
    ),
    "a password in plain sight": (
        sink("smtp", smtp={**MAIL, "tls": "none", "username": "u", "passwordSecret": SECRET}),
        "never sent without TLS",
    ),
    "a user without a password": (sink("smtp", smtp={**MAIL, "username": "u"}), "go together"),
    "two sinks of one name": (
        {"worker": {"type": "notification", "notification": {"sinks": [{"name": "a", "type": "log"}] * 2}}},
        "Duplicate value",
    ),
    "sinks of an audit worker": (
        {"worker": {"type": "audit", "notification": {"sinks": [{"name": "a", "type": "log"}]}}},
        "spec.worker.notification",
    ),
    "a variable that describes the sinks": (
        {"template": {"env": [{"name": "NOTIFICATION_SINK_ERP_SIGNING", "value": "x"}]}},
        "spec.template.env",
    ),
    "a custom worker without a program": ({"worker": {"type": "custom"}}, "spec.worker.custom"),
    "a custom worker with neither image nor handler": ({"worker": {"type": "custom", "custom": {}}}, "image"),
    "a handler beside a command": (
        {"worker": {"type": "custom", "custom": {"handler": "a:b", "command": ["c"]}}},
        "handler",
    ),
    "a handler that is no function's name": (
        {"worker": {"type": "custom", "custom": {"image": "a", "handler": "not a function"}}},
        "spec.worker.custom.handler",
    ),
    "an image for a notification worker": (
        {"worker": {"type": "notification", "custom": {"image": "a"}}},
        "spec.worker.custom",
    ),
    "a field nobody knows": ({"replica": 2}, "spec.replica"),
}


@pytest.mark.parametrize(("spec", "field"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_spec_is_refused_by_the_name_of_its_field(
    kubernetes: Kubernetes, spec: dict[str, Any], field: str
) -> None:
    manifest = json.dumps(event_consumer("wrong", **spec))

    with pytest.raises(Refused, match=field):
        kubernetes.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename=-", stdin=manifest)


def test_audit_workers_share_a_database(kubernetes: Kubernetes) -> None:
    worker = {"type": "audit", "audit": {"storage": {"postgresql": DATABASE}}}
    manifest = json.dumps(event_consumer("shared", worker=worker, replicas=3))

    kubernetes.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename=-", stdin=manifest)


def test_the_group_id_of_a_consumer_cannot_be_changed(kubernetes: Kubernetes) -> None:
    with pytest.raises(Refused, match="groupId"):
        kubernetes.kubectl(
            *("patch", "eventconsumer", "audit-service", "--type=merge", "--dry-run=server"),
            '--patch={"spec": {"groupId": "another"}}',
        )


def test_the_smallest_useful_resource_is_accepted(kubernetes: Kubernetes) -> None:
    manifest = json.dumps(event_consumer("smallest"))

    assert "created" in kubernetes.kubectl("apply", "--dry-run=server", "--filename=-", stdin=manifest)


def test_every_field_is_explained(kubernetes: Kubernetes) -> None:
    explained = kubernetes.kubectl("explain", "eventconsumer", "--recursive")

    assert "groupId" in explained
    assert "<empty>" not in kubernetes.kubectl("explain", "eventconsumer.spec")
