"""Mails at a real SMTP server: what arrives, how it is protected, and what each answer means."""

from __future__ import annotations

import email
import email.policy
import io
import re
import ssl
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from typing_extensions import override

from eventconsumer_workers.loglines import LogLines
from eventconsumer_workers.sinks import Refused, Unavailable
from eventconsumer_workers.sinks.build import sink
from eventconsumer_workers.sinks.settings import SinkSettings
from tests.support.notifications import EVENT_ID, notification
from tests.support.receiver import dripping, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from eventconsumer_workers.sinks import Sink


class Mailbox:
    """Takes mails and answers with what the test says."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.encrypted: list[bool] = []
        self.recipients: list[str] = []
        self.answer = "250 taken"
        self.quit_answer = "221 Bye"
        self.rcpt_answers: dict[str, str] = {}

    async def handle_RCPT(self, *arguments: Any) -> str:  # noqa: N802  # the library looks for this name
        _, _, envelope, address, _ = arguments
        answer = self.rcpt_answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _: object, session: Any, envelope: Any) -> str:  # noqa: N802  # as above
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.encrypted.append(session.ssl is not None)
        self.recipients = envelope.rcpt_tos
        return self.answer

    async def handle_QUIT(self, *_: object) -> str:  # noqa: N802  # as above
        return self.quit_answer


class Server(Controller):
    """Speaks SMTP, from the first byte in TLS where ``tls_first`` is given."""

    def __init__(self, mailbox: Mailbox, *, tls_first: ssl.SSLContext | None = None, **options: Any) -> None:
        super().__init__(mailbox, hostname="127.0.0.1", port=free_port(), ssl_context=tls_first)
        self._options = options

    @override
    def factory(self) -> SMTP:
        return SMTP(self.handler, **self._options)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@contextmanager
def serving(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    server = Server(mailbox, **options)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Make a server's certificate that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return certified(authority, "localhost")


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def mail(port: int, *, templates: dict[str, str] | None = None, timeout: int = 5, **smtp: Any) -> Sink:
    fields = {
        "host": "localhost",
        "port": port,
        "tls": "none",
        "from": "Tasks <tasks@example.com>",
        "to": ["team@example.com", "ada@example.com"],
        **smtp,
    }
    described = {
        "name": "mail",
        "type": "smtp",
        "timeoutSeconds": timeout,
        "templates": templates or {},
        "smtp": fields,
    }
    return sink(SinkSettings.model_validate(described), {"WORD": "word"}, LogLines("n", io.StringIO()))


def test_an_event_is_one_mail_to_all_recipients(mailbox: Mailbox) -> None:
    with serving(mailbox) as port:
        mail(port).deliver(notification(title="Grüße"))
    (message,) = mailbox.mails
    assert message["Subject"] == "New task created: Grüße"
    assert (message["From"], message["To"]) == (
        "Tasks <tasks@example.com>",
        "team@example.com, ada@example.com",
    )
    assert message["Message-ID"] == f"<{EVENT_ID}@example.com>"
    assert mailbox.recipients == ["team@example.com", "ada@example.com"]
    assert message.get_content().splitlines()[:3] == ["New task created: Grüße", "", "Status: pending"]


@pytest.mark.parametrize("event_id", ["order.17", "!#$%&'*+-/=?^_`{|}~"])
def test_a_plain_id_of_an_event_is_its_mails_id(mailbox: Mailbox, event_id: str) -> None:
    with serving(mailbox) as port:
        mail(port).deliver(notification(event_id=event_id))
    assert mailbox.mails[0]["Message-ID"] == f"<{event_id}@example.com>"


def test_whatever_ids_events_have_their_mails_have_ids_of_their_own(mailbox: Mailbox) -> None:
    odd = [
        "日本",
        "日" * 128,
        "a\nb",
        "<x>",
        " ",
        "a b",
        "a c",
        "a@b>",
        '"',
        "\x00",
        ".a",
        "a..b",
        "order:17",
    ]
    with serving(mailbox) as port:
        sender = mail(port, templates={"*": "words"})
        for event_id in odd:
            sender.deliver(notification(event_id=event_id))
    ids = {message["Message-ID"] for message in mailbox.mails}
    assert len(ids) == len(odd)
    assert all(re.fullmatch(r"<[0-9a-f]{64}@example\.com>", one) for one in ids)


def test_a_title_can_not_add_a_header(mailbox: Mailbox) -> None:
    with serving(mailbox) as port:
        mail(port).deliver(notification(title="x\r\nBcc: everyone@example.com\x00"))
    (message,) = mailbox.mails
    assert message["Bcc"] is None
    assert message["Subject"] == r"New task created: x Bcc: everyone@example.com\x00"


def test_subject_and_text_come_from_templates(mailbox: Mailbox) -> None:
    with serving(mailbox) as port:
        sender = mail(port, templates={"*": "see {{ data.task_id }}"}, subjects={"task.created": "new!"})
        sender.deliver(notification("task.created"))
    (message,) = mailbox.mails
    assert (message["Subject"], message.get_content().strip()) == ("new!", "see abc123")


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # TLS is there from the first byte.
@pytest.mark.parametrize("mode", ["starttls", "tls"])
def test_a_mail_and_a_password_travel_in_tls(mailbox: Mailbox, tls: ssl.SSLContext, mode: str) -> None:
    asked: list[Any] = []

    def check(*arguments: Any) -> AuthResult:
        asked.append(arguments[-1])
        return AuthResult(success=True)

    options: dict[str, Any] = {"authenticator": check, "auth_required": True}
    options |= (
        {"tls_context": tls, "require_starttls": True}
        if mode == "starttls"
        else {"tls_first": tls, "auth_require_tls": False}
    )
    with serving(mailbox, **options) as port:
        mail(port, tls=mode, username="tasks", passwordEnv="WORD").deliver(notification())
    assert asked == [LoginPassword(b"tasks", b"word")]
    # The server notes a STARTTLS; the other one understands nothing but TLS.
    assert mailbox.encrypted == [mode == "starttls"]


def test_a_server_without_starttls_gets_neither_password_nor_mail(mailbox: Mailbox) -> None:
    with serving(mailbox) as port, pytest.raises(Unavailable, match="STARTTLS"):
        mail(port, tls="starttls", username="tasks", passwordEnv="WORD").deliver(notification())
    assert mailbox.mails == []


@pytest.mark.usefixtures("tls")
def test_a_server_with_another_name_gets_nothing(mailbox: Mailbox) -> None:
    other = certified(trustme.CA(), "localhost")
    with (
        serving(mailbox, tls_context=other, require_starttls=True) as port,
        pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        mail(port, tls="starttls").deliver(notification())
    assert mailbox.mails == []


def test_a_wrong_password_is_a_fault_of_the_sink(mailbox: Mailbox, tls: ssl.SSLContext) -> None:
    def check(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    with (
        serving(mailbox, tls_context=tls, authenticator=check, auth_required=True) as port,
        pytest.raises(Unavailable, match="535") as refused,
    ):
        mail(port, tls="starttls", username="tasks", passwordEnv="WORD").deliver(notification())
    assert "word" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("554 looks like spam", Refused), ("451 try later", Unavailable), ("421 closing", Unavailable)],
)
def test_an_answer_to_a_mail_means_what_it_says(
    mailbox: Mailbox, answer: str, outcome: type[Exception]
) -> None:
    mailbox.answer = answer
    with serving(mailbox) as port, pytest.raises(outcome, match=answer):
        mail(port).deliver(notification())


@pytest.mark.parametrize(("answer", "outcome"), [("250 taken", None), ("554 looks like spam", Refused)])
def test_what_became_of_a_mail_is_not_changed_by_the_servers_farewell(
    mailbox: Mailbox, answer: str, outcome: type[Exception] | None
) -> None:
    mailbox.answer, mailbox.quit_answer = answer, "421 shutting down"
    with serving(mailbox) as port, pytest.raises(outcome) if outcome else nullcontext():
        mail(port).deliver(notification())
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(
    ("mode", "first", "drop"),
    [
        ("none", b"220 ", b"x"),
        ("none", b"", b"2"),
        ("none", b"220 mail.test\r\n", b"250-x\r\n"),
        ("tls", b"\x16\x03\x03\x40\x00", b"\x02"),
    ],
)
def test_a_server_that_never_ends_what_it_says_is_left_when_the_time_is_up(
    mode: str, first: bytes, drop: bytes
) -> None:
    began = time.monotonic()
    with dripping(first, drop) as port, pytest.raises(Unavailable):
        mail(port, tls=mode, timeout=1).deliver(notification())
    assert time.monotonic() - began < 5


def test_a_mail_that_some_recipients_get_is_delivered_and_the_others_are_told(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.rcpt_answers = {"ada@example.com": "550 nobody here"}
    with serving(mailbox) as port:
        mail(port).deliver(notification())
    assert mailbox.recipients == ["team@example.com"]
    assert "ada@example.com: 550 nobody here" in caplog.text


def test_a_mail_that_no_recipient_gets_is_tried_again(mailbox: Mailbox) -> None:
    mailbox.rcpt_answers = dict.fromkeys(["team@example.com", "ada@example.com"], "450 greylisted")
    with serving(mailbox) as port, pytest.raises(Unavailable, match="450 greylisted"):
        mail(port).deliver(notification())


def test_a_server_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="refused"):
        mail(1).deliver(notification())
