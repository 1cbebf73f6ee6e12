"""Webhooks are signed as standardwebhooks.com says."""

from __future__ import annotations

import base64

import pytest

from eventconsumer_workers.sinks import signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_published_example_gives_the_published_signature() -> None:
    body = b'{"test": 2432232314}'
    headers = signature.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, signature.keys(SECRET))
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_two_secrets_give_two_signatures_while_the_key_is_changed() -> None:
    other = base64.b64encode(bytes(range(32))).decode()
    both = signature.headers("a", 1, b"{}", signature.keys(f"{SECRET} {other}"))["webhook-signature"]
    alone = [
        signature.headers("a", 1, b"{}", signature.keys(one))["webhook-signature"] for one in (SECRET, other)
    ]
    assert both.split() == alone


@pytest.mark.parametrize(
    ("secret", "reason"),
    [("", "empty"), ("   ", "empty"), ("not base64!", "not base64"), ("whsec_c2hvcnQ=", "5 bytes")],
)
def test_a_weak_or_misspelled_secret_is_refused_and_never_repeated(secret: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        signature.keys(secret)
    assert "c2hvcnQ" not in str(refused.value)
    assert "misspelled" not in str(refused.value)
