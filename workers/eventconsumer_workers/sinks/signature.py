"""Signs webhooks as standardwebhooks.com describes: receivers can verify them with a library they have.

Pure. The signature covers id, time and body, so that nobody can forge a message, change it, or send an old
one again; the id is the event's own, so a receiver that remembers ids takes each event once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_PREFIX = "whsec_"
_SHORTEST_KEY = 24


def keys(secret: str) -> list[bytes]:
    """Return the keys of a signing secret: one, or several between blanks while they are being changed.

    Raise ``ValueError`` for a key that is not base64 of at least 24 bytes.
    """
    words = secret.split()
    if not words:
        raise ValueError("the signing secret is empty")
    return [_key(word) for word in words]


def headers(event_id: str, timestamp: int, body: bytes, signing_keys: list[bytes]) -> dict[str, str]:
    """Return the headers of one signed message; ``timestamp`` is in seconds since 1970."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        for key in signing_keys
    ]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _key(word: str) -> bytes:
    try:
        key = base64.b64decode(word.removeprefix(_PREFIX), validate=True)
    except binascii.Error as fault:
        raise ValueError(
            "the signing secret is not base64, as in whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        ) from fault
    if len(key) < _SHORTEST_KEY:
        raise ValueError(f"the signing secret has {len(key)} bytes; it needs {_SHORTEST_KEY} or more")
    return key
