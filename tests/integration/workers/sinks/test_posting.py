"""Posting to receivers that are well, ill, slow or hostile."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import ExitStack, closing
from ipaddress import ip_network
from typing import TYPE_CHECKING, Protocol

import pytest
import trustme

from eventconsumer_workers.sinks import Unavailable
from eventconsumer_workers.sinks.posting import Poster
from eventconsumer_workers.sinks.targets import Policy
from tests.support.receiver import OK, Receiver, dripping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eventconsumer_workers.sinks.posting import Lookup
    from tests.support.receiver import Answer, Request

HERE = Policy(http=True, networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class MakePoster(Protocol):
    """Makes a sender to one URL, which closes its connections when the test ends."""

    def __call__(
        self, url: str, *, policy: Policy = HERE, timeout: float = 5, lookup: Lookup | None = None
    ) -> Poster: ...


@pytest.fixture
def poster() -> Iterator[MakePoster]:
    with ExitStack() as made:

        def make(
            url: str, *, policy: Policy = HERE, timeout: float = 5, lookup: Lookup | None = None
        ) -> Poster:
            return made.enter_context(closing(Poster(url, policy, timeout=timeout, lookup=lookup)))

        yield make


def test_a_body_arrives_with_path_headers_and_the_name_it_was_sent_to(
    poster: MakePoster, receiver: Receiver
) -> None:
    reply = poster(receiver.url("localhost")).post(b"{}", {"Content-Type": "application/json"})
    (request,) = receiver.requests
    assert (reply.status, reply.words, request.body, request.path) == (200, "ok", b"{}", "/in?key=1")
    assert request.headers["host"] == f"localhost:{receiver.port}"
    assert request.headers["content-type"] == "application/json"


def test_a_connection_is_used_again_until_the_receiver_closes_it(
    poster: MakePoster, receiver: Receiver
) -> None:
    sender = poster(receiver.url())
    for _ in range(2):
        sender.post(b"{}", {})
    receiver.stop()
    receiver.start()
    sender.post(b"{}", {})
    first, second, third = (request.connection for request in receiver.requests)
    assert first == second != third


def test_without_leave_no_connection_is_made_to_this_machine(poster: MakePoster, receiver: Receiver) -> None:
    sender = poster(receiver.url("localhost"), policy=Policy(http=True, private=True))
    with pytest.raises(Unavailable, match="not on the public internet"):
        sender.post(b"{}", {})
    assert receiver.requests == []


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to(
    poster: MakePoster, receiver: Receiver
) -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    sender = poster(receiver.url("rebinding.test"), lookup=lambda *_: next(answers))
    assert sender.post(b"{}", {}).status == 200
    assert receiver.requests[0].headers["host"] == f"rebinding.test:{receiver.port}"
    receiver.stop()
    with pytest.raises(Unavailable, match="metadata"):
        sender.post(b"{}", {})


def test_of_several_addresses_the_next_one_is_tried_when_one_refuses(
    poster: MakePoster, receiver: Receiver
) -> None:
    sender = poster(receiver.url("two.test"), lookup=lambda *_: ["127.0.0.2", "127.0.0.1"])
    assert sender.post(b"{}", {}).status == 200


def test_a_redirect_is_an_answer_and_nothing_is_sent_there(poster: MakePoster, receiver: Receiver) -> None:
    with Receiver() as elsewhere:
        receiver.answer = lambda _: (307, {"Location": elsewhere.url()}, b"")
        assert poster(receiver.url()).post(b"{}", {}).status == 307
        assert elsewhere.requests == []


def test_a_receiver_that_is_away_is_unavailable(poster: MakePoster, receiver: Receiver) -> None:
    receiver.stop()
    with pytest.raises(Unavailable, match="refused"):
        poster(receiver.url()).post(b"{}", {})


def test_a_receiver_that_hangs_is_left_when_the_time_is_up(poster: MakePoster, receiver: Receiver) -> None:
    over = threading.Event()

    def hang(_: Request) -> Answer:
        over.wait(30)
        return OK

    receiver.answer = hang
    try:
        with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
            poster(receiver.url(), timeout=0.3).post(b"{}", {})
    finally:
        over.set()


def test_a_port_that_accepts_nobody_is_left_when_the_time_is_up(poster: MakePoster) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)  # the standard library's
            one.connect_ex(("127.0.0.1", port))
        with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
            poster(f"http://127.0.0.1:{port}/", timeout=0.3).post(b"{}", {})
        for one in waiting:
            one.close()


def test_a_tls_handshake_without_end_is_left_when_the_time_is_up(poster: MakePoster) -> None:
    with dripping(b"\x16\x03\x03\x40\x00", b"\x02") as port, pytest.raises(Unavailable, match="within"):
        poster(f"https://127.0.0.1:{port}/", timeout=0.5).post(b"{}", {})


def test_headers_without_end_are_cut_and_their_status_counts(poster: MakePoster) -> None:
    with dripping(b"HTTP/1.1 500 No\r\nX: ", b"a") as port:
        reply = poster(f"http://127.0.0.1:{port}/", timeout=2).post(b"{}", {})
    assert reply.status == 500


def test_a_first_line_without_end_is_left_when_the_time_is_up(poster: MakePoster) -> None:
    with dripping(b"HTTP/1.1 ", b"2") as port, pytest.raises(Unavailable, match="within"):
        poster(f"http://127.0.0.1:{port}/", timeout=0.5).post(b"{}", {})


def test_a_body_without_end_is_cut_and_its_status_counts(poster: MakePoster) -> None:
    with dripping(b"HTTP/1.1 202 OK\r\nContent-Length: 999999999\r\n\r\n", b"x") as port:
        reply = poster(f"http://127.0.0.1:{port}/", timeout=2).post(b"{}", {})
    assert reply.status == 202


def test_a_huge_body_is_read_up_to_its_bound(poster: MakePoster, receiver: Receiver) -> None:
    receiver.answer = lambda _: (200, {}, b"x" * 5_000_000)
    reply = poster(receiver.url()).post(b"{}", {})
    assert (reply.status, len(reply.words)) == (200, 64 * 1024)


def test_what_is_no_http_is_unavailable(poster: MakePoster) -> None:
    with dripping(b"220 mail.test ESMTP\r\n", b"") as port, pytest.raises(Unavailable):
        poster(f"http://127.0.0.1:{port}/", timeout=2).post(b"{}", {})


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Make a certificate authority that this process trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


def served_by(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_https_checks_the_certificate_against_the_name_of_the_url(
    poster: MakePoster, authority: trustme.CA
) -> None:
    with Receiver(served_by(authority, "hooks.test")) as receiver:
        sender = poster(receiver.url("hooks.test"), lookup=lambda *_: ["127.0.0.1"])
        assert sender.post(b"{}", {}).status == 200


@pytest.mark.parametrize("name", ["127.0.0.1", "other.test"])
def test_a_certificate_of_another_name_is_refused(
    poster: MakePoster, authority: trustme.CA, name: str
) -> None:
    with Receiver(served_by(authority, name)) as receiver:
        sender = poster(receiver.url("hooks.test"), lookup=lambda *_: ["127.0.0.1"])
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            sender.post(b"{}", {})
        assert receiver.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused(poster: MakePoster) -> None:
    with Receiver(served_by(trustme.CA(), "hooks.test")) as receiver:
        sender = poster(receiver.url("hooks.test"), lookup=lambda *_: ["127.0.0.1"])
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            sender.post(b"{}", {})
