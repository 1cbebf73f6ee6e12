"""The operator's settings: read from the environment once at start and handed down, never changed."""

from __future__ import annotations

import socket
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from eventconsumer_operator.access import Credentials  # noqa: TC001  # pydantic needs it when the program runs

Seconds = Annotated[float, Field(gt=0)]


class Config(BaseSettings):
    """What one operator process watches and how often it asks."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    watch_namespaces: Annotated[tuple[str, ...], NoDecode] = ()
    """Namespaces to watch, separated by commas; none means all of them."""

    workers_image: str = "eventconsumer/workers:0.1.0"
    """The image that notification and audit workers run."""

    workers_image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """How nodes get that image."""

    lag_interval_seconds: Seconds = 10.0
    """How often Kafka is asked for offsets."""

    status_interval_seconds: Seconds = 15.0
    """How often at most the status of one resource is written when only its lag moved."""

    writes_per_second: Seconds = 100.0
    """How many writes a second the API server gets at most, over time."""

    writes_burst: Annotated[int, Field(gt=0)] = 200
    """How many writes it gets at once after a rest."""

    resync_interval_seconds: Seconds = 300.0
    """How often everything is listed and reconciled anew, in case a watch missed something."""

    watch_patience_seconds: Seconds = 60.0
    """For how long a watch may not tell of what such a listing shows, before /healthz fails."""

    kafka_timeout_seconds: Seconds = 5.0
    """How long one question to Kafka may take."""

    reconcile_workers: Annotated[int, Field(gt=0)] = 16
    """How many resources are reconciled at the same time."""

    kafka_credentials: tuple[Credentials, ...] = ()
    """As whom Kafka clusters are asked that let in nobody else, as JSON."""

    health_port: Annotated[int, Field(gt=0, lt=65536)] = 8080
    """Where GET /healthz, /readyz and /metrics answer."""

    pod_name: str = Field(default_factory=lambda: f"{socket.gethostname()}-{uuid4().hex[:8]}")
    """What this process is called in the Lease; no other living process may have the same name."""

    pod_namespace: str = "default"
    """Where the Lease is that decides which of several operators works."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is logged."""

    log_format: Literal["json", "text"] = "text"
    """One JSON object a line for machines, or text for people."""

    @field_validator("watch_namespaces", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value
