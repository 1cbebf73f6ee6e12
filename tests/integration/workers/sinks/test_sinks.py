"""The sinks at real receivers: what arrives, and what each answer means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import sys
import threading
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from pydantic import TypeAdapter

from eventconsumer_workers.loglines import LogLines
from eventconsumer_workers.sinks import Busy, Refused, SinkError, Unavailable
from eventconsumer_workers.sinks.build import sink
from eventconsumer_workers.sinks.settings import SinkSettings
from tests.support.notifications import EVENT_ID, notification
from tests.support.receiver import OK, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eventconsumer_workers.sinks import Sink
    from tests.support.receiver import Answer, Request

KEY = bytes(range(32))
HERE = {"allowHttp": True, "allowedNetworks": ["127.0.0.0/8"]}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class MakeSink(Protocol):
    """Makes a sink for the test's receiver, which is closed when the test ends."""

    def __call__(self, kind: str, templates: dict[str, str] | None = None) -> Sink: ...


@pytest.fixture
def make(receiver: Receiver) -> Iterator[MakeSink]:
    fields = {
        "webhook": {"url": receiver.url(), "signingEnv": "KEY", **HERE},
        "slack": {"urlEnv": "URL", **HERE},
    }
    with ExitStack() as made:

        def make(kind: str, templates: dict[str, str] | None = None) -> Sink:
            described = {"name": "a", "type": kind, "templates": templates or {}, kind: fields[kind]}
            settings = TypeAdapter(SinkSettings).validate_json(json.dumps(described))
            secrets = {"KEY": "whsec_" + base64.b64encode(KEY).decode(), "URL": receiver.url()}
            return made.enter_context(closing(sink(settings, secrets, LogLines("n", io.StringIO()))))

        yield make


def test_a_webhook_carries_the_event_byte_for_byte_under_its_id_and_a_signature_that_holds(
    make: MakeSink, receiver: Receiver
) -> None:
    sent = notification()
    make("webhook").deliver(sent)
    (request,) = receiver.requests
    assert request.body == sent.body
    assert request.headers["webhook-id"] == request.headers["idempotency-key"] == EVENT_ID
    assert request.headers["webhook-signature"] == signature_of(request)


@pytest.mark.parametrize(
    ("event_id", "sent"),
    [
        ("order:17/a.b", "order:17/a.b"),
        ("日本-1", "%E6%97%A5%E6%9C%AC-1"),
        ("a\nb\x00", "a%0Ab%00"),
        (" ", "%20"),
        ("%20", "%2520"),
    ],
)
def test_any_id_of_an_event_arrives_as_a_header_under_a_signature_that_holds(
    make: MakeSink, receiver: Receiver, event_id: str, sent: str
) -> None:
    make("webhook").deliver(notification(event_id=event_id))
    (request,) = receiver.requests
    assert request.headers["webhook-id"] == request.headers["idempotency-key"] == sent
    assert request.headers["webhook-signature"] == signature_of(request)


def test_a_webhook_sends_what_its_template_makes_of_an_event(make: MakeSink, receiver: Receiver) -> None:
    sender = make("webhook", {"task.created": '{"task": {{ data.title | tojson }}}'})
    sender.deliver(notification(title='"quoted"'))
    sender.deliver(notification("task.completed"))
    first, second = (json.loads(request.body) for request in receiver.requests)
    assert first == {"task": '"quoted"'}
    assert second["event_type"] == "task.completed"


def test_slack_gets_a_message_that_can_mention_nobody(make: MakeSink, receiver: Receiver) -> None:
    make("slack").deliver(notification(title="<!channel> & co"))
    ((path, headers, body, _),) = receiver.requests
    assert (path, headers["content-type"]) == ("/in?key=1", "application/json")
    assert json.loads(body) == {"text": "*New task created:* &lt;!channel&gt; &amp; co\n`abc123` · pending"}


@pytest.mark.parametrize("kind", ["webhook", "slack"])
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((400, {}), Refused),
        ((401, {}), Unavailable),
        ((404, {}), Unavailable),
        ((307, {"Location": "https://elsewhere.example/"}), Unavailable),
        ((429, {"Retry-After": "9"}), Busy),
        ((500, {}), Unavailable),
    ],
)
def test_an_answer_means_what_it_says(
    make: MakeSink,
    receiver: Receiver,
    kind: str,
    answer: tuple[int, dict[str, str]],
    outcome: type[Exception],
) -> None:
    receiver.answer = lambda _: (*answer, b"words")
    with pytest.raises(outcome, match=str(answer[0])):
        make(kind).deliver(notification())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Apprise's own imports on Python 3.11
def test_apprise_reaches_a_service_by_its_url(receiver: Receiver) -> None:
    service = made_by_apprise(f"json://127.0.0.1:{receiver.port}/in")
    service.deliver(notification())
    (request,) = receiver.requests
    told = json.loads(request.body)
    assert told["title"] == "New task created: Write a lesson"
    assert f"Event:  {EVENT_ID}" in told["message"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as above
def test_what_apprise_can_not_deliver_is_tried_again(receiver: Receiver) -> None:
    receiver.answer = lambda _: (500, {}, b"")
    with pytest.raises(Unavailable):
        made_by_apprise(f"json://127.0.0.1:{receiver.port}/in").deliver(notification())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as above
def test_a_service_that_hangs_is_left_when_the_time_is_up(receiver: Receiver) -> None:
    over = threading.Event()

    def hang(_: Request) -> Answer:
        over.wait(30)
        return OK

    receiver.answer = hang
    began = time.monotonic()
    with pytest.raises(Unavailable):
        made_by_apprise(f"json://127.0.0.1:{receiver.port}/in", timeoutSeconds=1).deliver(notification())
    over.set()
    assert time.monotonic() - began < 3.5  # Apprise's own limit is 4 s.


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as above
def test_a_url_that_apprise_does_not_know_is_told_without_it() -> None:
    with pytest.raises(SinkError, match=r"sink pager: apprise\.urlSecret") as refused:
        made_by_apprise("nonsense://secret")
    assert "secret" not in str(refused.value).replace("Secret", "")


def test_without_the_extra_the_worker_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(
        SinkError, match=r"apprise is not installed.*pip install 'eventconsumer\[workers,apprise\]'"
    ):
        made_by_apprise("json://127.0.0.1/")


def made_by_apprise(url: str, **fields: Any) -> Sink:
    described = {"name": "pager", "type": "apprise", "apprise": {"urlEnv": "URL"}, **fields}
    settings = SinkSettings.model_validate(described)
    return sink(settings, {"URL": url}, LogLines("n", io.StringIO()))


def signature_of(request: Request) -> str:
    """Return the signature as a receiver computes it."""
    stamp = [request.headers[name].encode() for name in ("webhook-id", "webhook-timestamp")]
    digest = hmac.new(KEY, b".".join([*stamp, request.body]), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
