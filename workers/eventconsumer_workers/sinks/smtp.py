"""The SMTP sink: one mail an event, on a connection of its own.

The Message-ID is made of the event's id, the same at every attempt, so that a mail store which remembers ids
shows a repeated mail once.
"""

from __future__ import annotations

import hashlib
import logging
import re
import smtplib
import socket
import ssl
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, Literal

from eventconsumer_workers.loglines import printable
from eventconsumer_workers.sinks import Refused, Unavailable
from eventconsumer_workers.sinks.deadline import Cord, addresses, cut_at, left

if TYPE_CHECKING:
    from eventconsumer_workers.sinks import Notification
    from eventconsumer_workers.sinks.templates import Templates

_log = logging.getLogger(__name__)

_PERMANENT = 500
_LONGEST_SUBJECT = 200
# RFC 5322's dot-atom.
_PLAIN = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)

Tls = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server and how we reach it."""

    host: str
    port: int
    tls: Tls
    username: str | None
    password: str | None
    timeout: float


class _Connection(smtplib.SMTP):
    """A connection that is there by a deadline, and that a cord ends."""

    def __init__(self, server: Server, tls: ssl.SSLContext | None, cord: Cord, deadline: float) -> None:
        self._tls = tls if server.tls == "tls" else None
        self._cord = cord
        self._deadline = deadline
        super().__init__(server.host, server.port, timeout=server.timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        fault: OSError | None = None
        for address in addresses(host, port, self._deadline):
            try:
                connected = socket.create_connection((address, port), left(self._deadline))
            except OSError as problem:
                fault = problem
            else:
                self._cord.tie(connected)
                connected.settimeout(timeout)
                return self._tls.wrap_socket(connected, server_hostname=host) if self._tls else connected
        raise fault or OSError("the name has no address")


class Smtp:
    """Sends mails from one address to a few."""

    def __init__(
        self, server: Server, *, sender: str, to: tuple[str, ...], subjects: Templates, texts: Templates
    ) -> None:
        self._server = server
        self._sender = sender
        self._to = to
        self._subjects = subjects
        self._texts = texts
        self._tls = None if server.tls == "none" else ssl.create_default_context()

    def deliver(self, notification: Notification) -> None:
        """Send one mail; raise ``Refused`` or ``Unavailable`` when the server did not take it."""
        mail = self._mail(notification)
        host = self._server.host
        deadline = time.monotonic() + self._server.timeout
        try:
            with closing(Cord()) as cord, cut_at(deadline, cord):
                refused = self._sent(mail, cord, deadline)
        except smtplib.SMTPDataError as fault:
            said = f"{host} answered {fault.smtp_code} {_text(fault.smtp_error)}"
            raise (Refused if fault.smtp_code >= _PERMANENT else Unavailable)(said) from fault
        except smtplib.SMTPRecipientsRefused as fault:
            raise Unavailable(
                f"{host} accepts none of the recipients: {_reasons(fault.recipients)}"
            ) from fault
        except smtplib.SMTPResponseException as fault:
            raise Unavailable(f"{host} answered {fault.smtp_code} {_text(fault.smtp_error)}") from fault
        except (smtplib.SMTPException, OSError) as fault:
            if time.monotonic() >= deadline:
                raise Unavailable(f"{host} did not answer within {self._server.timeout:g} s") from fault
            raise Unavailable(f"{host}: {printable(str(fault)) or type(fault).__name__}") from fault
        if refused:
            # The others have the mail: to send it again would give it to them twice.
            _log.warning("%s accepts some recipients not: %s", host, _reasons(refused))

    def close(self) -> None:
        """Hold nothing: a connection lasts for one mail."""

    def _sent(self, mail: EmailMessage, cord: Cord, deadline: float) -> dict[str, tuple[int, bytes]]:
        """Send a mail and return the recipients that the server does not accept."""
        connection = self._connected(cord, deadline)
        try:
            return connection.send_message(mail)
        finally:
            # Whatever the server says to this, it has taken or refused the mail before.
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def _connected(self, cord: Cord, deadline: float) -> smtplib.SMTP:
        server, tls = self._server, self._tls
        connection = _Connection(server, tls, cord, deadline)
        try:
            if server.tls == "starttls":
                connection.starttls(context=tls)
            if server.username is not None and server.password is not None:
                connection.login(server.username, server.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _mail(self, notification: Notification) -> EmailMessage:
        mail = EmailMessage()
        subject = printable(" ".join(self._subjects.render(notification).split()))
        mail["Subject"] = subject[:_LONGEST_SUBJECT]
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._to)
        mail["Date"] = format_datetime(datetime.now(UTC))
        domain = self._sender.rpartition("@")[2].rstrip(">")
        mail["Message-ID"] = f"<{_token(notification.event_id)}@{domain}>"
        # Asks other machines not to answer with an out-of-office note.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(self._texts.render(notification))
        return mail


def _token(event_id: str) -> str:
    """Return what a Message-ID holds of an event's id: the id itself, or its hash where it is not plain."""
    # Encoded in any other way, a long id would not fit into a line of a mail.
    return event_id if _PLAIN.fullmatch(event_id) else hashlib.sha256(event_id.encode()).hexdigest()


def _text(words: bytes | str) -> str:
    return printable(words.decode(errors="replace") if isinstance(words, bytes) else words)


def _reasons(recipients: dict[str, tuple[int, bytes]]) -> str:
    return ", ".join(f"{address}: {code} {_text(words)}" for address, (code, words) in recipients.items())
