"""Notification workers at a real broker: whatever a sink does, the others go on and nothing is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.events import encoded, event
from tests.support.eventually import eventually
from tests.support.receiver import OK, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.workers.conftest import Redrive, StartWorker
    from tests.support.broker_client import BrokerClient
    from tests.support.receiver import Answer, Request
    from tests.support.worker_process import WorkerProcess

KEY = bytes(range(32))
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LOG = {"name": "log", "type": "log"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def webhook(receiver: Receiver, **fields: Any) -> dict[str, Any]:
    target = {
        "allowHttp": True,
        "allowedNetworks": ["127.0.0.0/8"],
        "url": receiver.url(),
        "signingEnv": "KEY",
    }
    return {"name": "erp", "type": "webhook", "webhook": target, **fields}


@pytest.fixture
def notification(worker: StartWorker) -> Any:
    """Make a notification worker with these sinks."""

    def make(*sinks: dict[str, Any]) -> WorkerProcess:
        return worker(
            "notification",
            NOTIFICATION_SINKS=json.dumps(sinks),
            KEY=base64.b64encode(KEY).decode(),
            DELIVERY_BACKOFF_SECONDS="0.1",
            DELIVERY_BACKOFF_MAX_SECONDS="0.5",
        )

    return make


def published(client: BrokerClient, topic: str, count: int) -> list[str]:
    """Publish events and return the ids of their tasks."""
    events = [event() for _ in range(count)]
    client.publish(topic, [json.dumps(one).encode() for one in events])
    return [one["data"]["task_id"] for one in events]


def told(process: WorkerProcess) -> list[str]:
    """Return the ids of the tasks on the worker's log, in order."""
    lines = process.lines("NOTIFICATION: ")
    return [line.rpartition("(ID: ")[2].removesuffix(")") for line in lines]


def received(receiver: Receiver) -> set[str]:
    return {json.loads(request.body)["data"]["task_id"] for request in receiver.requests}


def all_committed(client: BrokerClient, topic: str) -> bool:
    ends = {partition: end for partition, end in client.end_offsets(topic).items() if end}
    return client.committed_offsets(f"{topic}-notification", topic) == ends


def hanging(over: threading.Event) -> Any:
    def answer(_: Request) -> Answer:
        over.wait(60)
        return OK

    return answer


def test_while_a_sink_is_away_the_others_go_on_and_it_gets_everything_when_it_is_back(
    notification: Any, client: BrokerClient, topic: str, receiver: Receiver
) -> None:
    receiver.stop()
    process = notification(LOG, webhook(receiver)).start()
    sent = published(client, topic, 300)
    eventually("the log has all", lambda: sorted(told(process)), until=sorted(sent).__eq__)
    assert not all_committed(client, topic)
    receiver.start()
    eventually("the webhook has all", lambda: received(receiver), until=set(sent).__eq__)
    eventually("all is committed", lambda: all_committed(client, topic))
    assert len(told(process)) == len(sent)


def test_a_sink_that_hangs_holds_up_nobody_and_loses_nothing(
    notification: Any, client: BrokerClient, topic: str, receiver: Receiver
) -> None:
    over = threading.Event()
    receiver.answer = hanging(over)
    process = notification(LOG, webhook(receiver, timeoutSeconds=1)).start()
    sent = published(client, topic, 100)
    eventually("the log has all", lambda: sorted(told(process)), until=sorted(sent).__eq__)
    over.set()
    eventually("all is committed", lambda: all_committed(client, topic))
    assert received(receiver) == set(sent)


def test_a_restart_while_one_sink_is_away_repeats_nothing_for_the_other(
    notification: Any, client: BrokerClient, topic: str, receiver: Receiver
) -> None:
    receiver.stop()
    process = notification(LOG, webhook(receiver)).start()
    sent = published(client, topic, 200)
    eventually("the log has all", lambda: sorted(told(process)), until=sorted(sent).__eq__)
    assert process.stop() == 0
    process.start()
    later = published(client, topic, 50)
    eventually("the log has the later ones", lambda: set(later) <= set(told(process)))
    receiver.start()
    eventually("the webhook has all", lambda: received(receiver), until={*sent, *later}.__eq__)
    assert sorted(told(process)) == sorted([*sent, *later])


def test_a_killed_worker_loses_nothing_and_each_repetition_has_the_same_id(
    notification: Any, client: BrokerClient, topic: str, receiver: Receiver
) -> None:
    process = notification(LOG, webhook(receiver)).start()
    sent = published(client, topic, 300)
    eventually("it works", lambda: received(receiver))
    process.kill()
    process.start()
    eventually("the webhook has all", lambda: received(receiver), until=set(sent).__eq__)
    eventually("the log has all", lambda: set(told(process)), until=set(sent).__eq__)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == len(sent)


def test_what_a_sink_refuses_is_a_dead_letter_for_it_alone_and_goes_to_it_alone_when_sent_back(
    notification: Any,
    client: BrokerClient,
    topic: str,
    dead_letter_topic: str,
    receiver: Receiver,
    redrive: Redrive,
) -> None:
    receiver.answer = lambda _: (422, {}, b"unknown customer")
    process = notification(LOG, webhook(receiver)).start()
    value = encoded()
    client.publish_message(topic, value=value, key=b"k", headers=[("traceparent", TRACEPARENT.encode())])
    (letter,) = client.messages(dead_letter_topic, count=1)
    headers = dict(letter.headers() or [])
    assert (letter.value(), letter.key()) == (value, b"k")
    assert headers["dlq_error"] == b"erp: answered 422 unknown customer"
    assert headers["notification_sink"] == f"{topic}-notification/erp".encode()
    receiver.answer = lambda _: OK
    assert "1 dead letters were sent back" in redrive()
    eventually("the webhook has it", lambda: len(receiver.requests), until=lambda n: n == 2)
    eventually("all is committed", lambda: all_committed(client, topic))
    assert len(told(process)) == 1
    assert {request.body for request in receiver.requests} == {value}
    assert [request.headers["traceparent"] for request in receiver.requests] == [TRACEPARENT] * 2


def test_a_webhook_is_signed_and_filters_by_type(
    notification: Any, client: BrokerClient, topic: str, receiver: Receiver
) -> None:
    process = notification(LOG, webhook(receiver, eventTypes=["task.completed"])).start()
    completed = encoded("task.completed")
    client.publish(topic, [encoded(), completed])
    eventually("all is committed", lambda: all_committed(client, topic))
    (request,) = receiver.requests
    assert request.body == completed
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + completed
    signature = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert request.headers["webhook-signature"] == f"v1,{signature}"
    assert len(told(process)) == 2


def test_malformed_messages_are_dead_letters_once_whatever_the_number_of_sinks(
    notification: Any, client: BrokerClient, topic: str, dead_letter_topic: str, receiver: Receiver
) -> None:
    notification(LOG, webhook(receiver)).start()
    client.publish(topic, [encoded(), b"not json", encoded(), None], partition=0)
    eventually("all is committed", lambda: all_committed(client, topic))
    assert [letter.value() for letter in client.messages(dead_letter_topic, count=2)] == [b"not json", None]
    assert client.end_offsets(dead_letter_topic) == {0: 2}
    assert len(receiver.requests) == 2


def test_a_sink_that_cannot_be_made_is_told_at_the_start(notification: Any, receiver: Receiver) -> None:
    described = webhook(receiver)
    del described["webhook"]["allowHttp"]
    process = notification(described).start()
    assert process.exit_code() == 1
    assert "sink erp: http is not encrypted; allowHttp: true allows it" in process.output()
