"""How a worker proves to Kafka who it is, and when it has to do so anew. Knows files, not Kafka.

Invariant: what was read at the start is what the files said then; when one of them says something else, the
worker ends in order, and Kubernetes starts it again with what they say now. The files are mounted Secrets:
whoever renews a password or a certificate needs to restart nothing.
"""

from __future__ import annotations

import hashlib
import logging
import random
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from eventconsumer_workers.config import Settings

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0
_SPREAD_SECONDS = 10.0


class CredentialsError(Exception):
    """A file of credentials can't be read."""


def client_config(settings: Settings) -> dict[str, str | int | bool]:
    """Return librdkafka's settings for where Kafka is and who asks; CredentialsError without a file."""
    config: dict[str, str | int | bool] = {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "client.id": settings.client_id,
        "security.protocol": settings.kafka_security_protocol,
    }
    for name, path in {
        "ssl.ca.location": settings.kafka_ca_location,
        "ssl.certificate.location": settings.kafka_certificate_location,
        "ssl.key.location": settings.kafka_key_location,
    }.items():
        if path is not None:
            config[name] = str(path)
    if settings.kafka_sasl_mechanism is not None and settings.kafka_sasl_password_file is not None:
        config["sasl.mechanism"] = settings.kafka_sasl_mechanism
        config["sasl.username"] = settings.kafka_sasl_username or ""
        config["sasl.password"] = _password(settings.kafka_sasl_password_file)
    return config


def files(settings: Settings) -> tuple[Path, ...]:
    """Return the files that the worker's connection rests on."""
    named = (
        settings.kafka_ca_location,
        settings.kafka_certificate_location,
        settings.kafka_key_location,
        settings.kafka_sasl_password_file,
    )
    return tuple(path for path in named if path is not None)


class Files:
    """Files as they were when this object was made."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._before = {path: _digest(path) for path in paths}

    def renewed(self) -> list[str]:
        """Return the names of those that say something else now."""
        # One that can't be read is being replaced; until it is there again nothing better is known.
        return [
            path.name
            for path, before in self._before.items()
            if (now := _digest(path)) is not None and now != before
        ]


@contextmanager
def watched(paths: Iterable[Path], changed: Callable[[], None]) -> Iterator[None]:
    """Look at files every few seconds, and call ``changed`` once when one of them says something else."""
    over, looked_at = threading.Event(), Files(paths)
    threading.Thread(target=_watch, args=(looked_at, changed, over), name="credentials", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch(looked_at: Files, changed: Callable[[], None], over: threading.Event) -> None:
    while not over.wait(_LOOK_SECONDS):
        renewed = looked_at.renewed()
        if renewed:
            # All workers of a group see a renewed Secret at about the same time, and need not all go at once.
            over.wait(random.uniform(0, _SPREAD_SECONDS))  # noqa: S311  # protects nothing
            _log.info("Renewed: %s; the worker starts anew to use it", ", ".join(renewed))
            changed()
            return


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _password(path: Path) -> str:
    try:
        # Editors and `echo` end a file with a line break, which is no part of the password.
        return path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as fault:
        raise CredentialsError(f"the password can't be read from {path}: {type(fault).__name__}") from fault
