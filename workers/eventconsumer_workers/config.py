"""The environment contract with the operator: every variable a worker reads, and its default.

Read once at the start and passed down, so that nothing else in this package looks at the environment.
"""

from __future__ import annotations

import socket
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from eventconsumer_workers.logs import Format


class Kind(StrEnum):
    """The workers of this image."""

    NOTIFICATION = "notification"
    AUDIT = "audit"


_EVENT_TYPES: dict[Kind, frozenset[str]] = {
    Kind.NOTIFICATION: frozenset({"task.created", "task.completed"}),
    Kind.AUDIT: frozenset(),
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
    event_types: Annotated[frozenset[str], NoDecode] = Field(
        default_factory=lambda known: _EVENT_TYPES[known["kind"]]
    )
    """The event types to handle; empty means all of them."""
    audit_log_path: Path = Path("audit.log")
    health_port: int = Field(default=8080, ge=0, le=65535)
    """Where the probes are answered; 0 takes any free port and the log says which."""
    log_format: Format = Format.TEXT
    """`text` for people, `json` for what collects logs."""
    client_id: str = Field(default_factory=socket.gethostname, min_length=1)

    @field_validator("event_types", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(word.strip() for word in value.split(",") if word.strip())
        return value
