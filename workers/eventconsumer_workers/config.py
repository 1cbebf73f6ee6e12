"""The environment contract with the operator: every variable a worker reads, and its default.

Read once at the start and passed down, so that nothing else in this package looks at the environment.
"""

from __future__ import annotations

import socket
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from eventconsumer_workers.logs import Format
from eventconsumer_workers.sinks.settings import ONLY_THE_LOG, SinkList


class Kind(StrEnum):
    """The workers of this image."""

    NOTIFICATION = "notification"
    AUDIT = "audit"
    CUSTOM = "custom"


_EVENT_TYPES: dict[Kind, frozenset[str]] = {
    Kind.NOTIFICATION: frozenset({"task.created", "task.completed"}),
    Kind.AUDIT: frozenset(),
    Kind.CUSTOM: frozenset(),
}


class Settings(BaseSettings):
    """What one worker process is told, by environment variables of the same names."""

    model_config = SettingsConfigDict(frozen=True)

    kind: Kind
    """Which worker this process is: from the command line, not from the environment."""
    kafka_bootstrap_servers: str = Field(default="localhost:30092", min_length=1)
    kafka_topic: str = Field(default="task-events", min_length=1)
    kafka_group_id: str = Field(default_factory=lambda known: f"{known['kind']}-service", min_length=1)
    kafka_dead_letter_topic: str = Field(
        default_factory=lambda known: f"{known['kafka_topic']}-dlq", min_length=1
    )
    kafka_auto_offset_reset: Literal["earliest", "latest"] = "earliest"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """Whether the connection is encrypted (SSL) and whether the worker logs in (SASL)."""
    kafka_ca_location: Path | None = None
    """The CAs that the servers' certificates are checked against; without it, those of the system."""
    kafka_certificate_location: Path | None = None
    """The worker's own certificate, for servers that ask for one."""
    kafka_key_location: Path | None = None
    """The key of that certificate."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password_file: Path | None = None
    """A file and never the password itself: it follows its Secret, and no dump of the environment has it."""
    schema_registry_url: str | None = Field(default=None, pattern=r"^https?://[^@]+$")
    """The Confluent API of a schema registry, for events in Avro; those in JSON need none."""
    schema_registry_username: str | None = None
    """Who the worker is to the registry, where it asks."""
    schema_registry_password_file: Path | None = None
    """A file, as with Kafka's password."""
    event_types: Annotated[frozenset[str], NoDecode] = Field(
        default_factory=lambda known: _EVENT_TYPES[known["kind"]]
    )
    """The event types to handle; empty means all of them."""
    delivery_attempts: int = Field(default=5, ge=1, le=1000)
    """How often a handler is given an event before that goes to the dead letters."""
    delivery_backoff_seconds: float = Field(default=1.0, ge=0.001, le=3600)
    """The longest pause before the second attempt; each further one may be twice as long."""
    delivery_backoff_max_seconds: float = Field(default=60.0, ge=0.001, le=3600)
    """What no pause between attempts exceeds."""
    handler_concurrency: int = Field(default=1, ge=1, le=256)
    """How many events a handler is given at once, each of another key."""
    notification_sinks: SinkList = ONLY_THE_LOG
    """Where notifications go, as JSON; secrets are the names of other variables."""
    audit_log_path: Path = Path("audit.log")
    """Where the audit log is, unless it is in a database."""
    audit_retention_days: int | None = Field(default=None, ge=1, le=36_500)
    """How long closed segments of the log on a volume are kept, at least; without it, for ever."""
    audit_database_url: str | None = Field(default=None, min_length=1, repr=False)
    """The PostgreSQL database that holds the audit log, as a URL with user and password."""
    health_port: int = Field(default=8080, ge=0, le=65535)
    """Where the probes are answered; 0 takes any free port and the log says which."""
    kafka_fetch_ahead_kbytes: int = Field(default=16_384, ge=1, le=2_097_151)
    """How much is fetched ahead of the work, which bounds the worker's memory."""
    group_protocol: Literal["classic", "consumer"] = "classic"
    """How members share: `consumer` needs Kafka 4.0 and moves partitions without stopping all members. It
    leaves to the broker how long a killed worker is waited for: 45 s by default; `classic` waits for 10."""
    group_session_seconds: int = Field(default=10, ge=1, le=1800)
    """How long the group waits for a worker that was killed before others get its partitions; with the
    `classic` protocol, and within the broker's limits (6 s to 30 min by default)."""
    log_format: Format = Format.TEXT
    """`text` for people, `json` for what collects logs."""
    client_id: str = Field(default_factory=socket.gethostname, min_length=1)

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL"):
            for name in ("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password_file"):
                if getattr(self, name) is None:
                    raise ValueError(
                        f"{name.upper()} is missing, and {self.kafka_security_protocol} needs it"
                    )
        if (self.kafka_certificate_location is None) != (self.kafka_key_location is None):
            raise ValueError("KAFKA_CERTIFICATE_LOCATION and KAFKA_KEY_LOCATION need each other")
        if (self.schema_registry_username is None) != (self.schema_registry_password_file is None):
            raise ValueError("SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD_FILE need each other")
        return self

    @model_validator(mode="after")
    def _retention_of_a_volume(self) -> Self:
        if self.audit_retention_days is not None and self.audit_database_url is not None:
            raise ValueError(
                "AUDIT_RETENTION_DAYS is for a log on a volume; `audit remove` shortens one in a database"
            )
        return self

    @field_validator("event_types", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(word.strip() for word in value.split(",") if word.strip())
        return value
