"""How the Task API proves to Kafka who it is: the settings, and the files that they name.

Invariant: a renewed certificate or password is used within seconds, without a restart. The files are mounted
Secrets; no password is in the environment.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator
from pydantic_settings import BaseSettings

_LOOK_SECONDS = 5.0


class KafkaSecuritySettings(BaseSettings):
    """Whether the connection to Kafka is encrypted, and who asks; the same variables as the workers'."""

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """Whether the connection is encrypted (SSL) and whether the API logs in by a password (SASL)."""

    kafka_ca_location: Path | None = None
    """The CAs that the servers' certificates are checked against; without it, those of the system."""

    kafka_certificate_location: Path | None = None
    """The API's own certificate, where Kafka asks for one."""

    kafka_key_location: Path | None = None
    """The key of that certificate."""

    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """How the password is proved."""

    kafka_sasl_username: str | None = None
    """The user whose password it is."""

    kafka_sasl_password_file: Path | None = None
    """A file and never the password itself: it follows its Secret, and no dump of the environment has it."""

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL"):
            for name in ("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password_file"):
                if getattr(self, name) is None:
                    raise ValueError(f"{name.upper()}: {self.kafka_security_protocol} needs it")
        if (self.kafka_certificate_location is None) != (self.kafka_key_location is None):
            raise ValueError("KAFKA_CERTIFICATE_LOCATION: it and KAFKA_KEY_LOCATION need each other")
        for name in ("kafka_ca_location", "kafka_certificate_location", "kafka_sasl_password_file"):
            path: Path | None = getattr(self, name)
            if path is not None and not path.is_file():
                raise ValueError(f"{name.upper()}: there is no file {path}")
        return self


class KafkaCredentials:
    """The credentials as their files say them now."""

    def __init__(self, settings: KafkaSecuritySettings, now: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._now = now
        self._look_at = 0.0
        self._used = b""

    def config(self) -> dict[str, str]:
        """Return librdkafka's settings for them, with what the files say; raises OSError without a file."""
        self._used = self._digest()
        said = self._settings
        config: dict[str, str] = {"security.protocol": said.kafka_security_protocol}
        for name, path in {
            "ssl.ca.location": said.kafka_ca_location,
            "ssl.certificate.location": said.kafka_certificate_location,
            "ssl.key.location": said.kafka_key_location,
        }.items():
            if path is not None:
                config[name] = str(path)
        if said.kafka_sasl_mechanism and said.kafka_sasl_username and said.kafka_sasl_password_file:
            config["sasl.mechanism"] = said.kafka_sasl_mechanism
            config["sasl.username"] = said.kafka_sasl_username
            # Editors and `echo` end a file with a line break, which is no part of the password.
            config["sasl.password"] = said.kafka_sasl_password_file.read_text().rstrip("\r\n")
        return config

    def renewed(self) -> bool:
        """Say whether a file differs from what `config` read; looks every five seconds at most."""
        if self._now() < self._look_at:
            return False
        self._look_at = self._now() + _LOOK_SECONDS
        try:
            return self._digest() != self._used
        except OSError:
            # It is being replaced; until it is there again nothing better is known.
            return False

    def _digest(self) -> bytes:
        said = self._settings
        paths = (
            said.kafka_ca_location,
            said.kafka_certificate_location,
            said.kafka_key_location,
            said.kafka_sasl_password_file,
        )
        return b"".join(sha256(path.read_bytes()).digest() for path in paths if path is not None)
