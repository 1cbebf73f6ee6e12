"""The sinks of a notification worker as Python sees them: the same fields as in the CRD."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from eventconsumer_operator.model_base import Model

# Linux takes 128 KiB in one variable.
_MOST_BYTES = 120_000
NOTHING: tuple[str, ...] = ()


class SecretRef(Model):
    """A key of a Secret in the same namespace."""

    name: str
    key: str


class HttpReceiver(Model):
    """Which receivers may be connected to."""

    allow_http: bool = False
    allow_private: bool = False
    allowed_networks: tuple[str, ...] = NOTHING


class Webhook(HttpReceiver):
    """Where events are posted, and what signs them."""

    url: str | None = None
    url_secret: SecretRef | None = None
    signing_secret: SecretRef


class Slack(HttpReceiver):
    """The incoming webhook of a chat."""

    url_secret: SecretRef


class Smtp(Model):
    """A mail server, and who writes to whom."""

    host: str
    port: int | None = None
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_secret: SecretRef | None = None
    sender: str = Field(alias="from")
    to: tuple[str, ...]
    subjects: dict[str, str] = Field(default_factory=dict)


class Apprise(Model):
    """A service that the Apprise library speaks to."""

    url_secret: SecretRef
    subjects: dict[str, str] = Field(default_factory=dict)


class Sink(Model):
    """One receiver of notifications."""

    name: str
    type: Literal["log", "webhook", "slack", "smtp", "apprise"]
    event_types: tuple[str, ...] = NOTHING
    templates: dict[str, str] = Field(default_factory=dict)
    timeout_seconds: int = 10
    attempts: int = 5
    concurrency: int = 4
    hold_seconds: int = 900
    webhook: Webhook | None = None
    slack: Slack | None = None
    smtp: Smtp | None = None
    apprise: Apprise | None = None


class Notification(Model):
    """Settings of the notification worker."""

    sinks: tuple[Sink, ...]

    @model_validator(mode="after")
    def _fits_into_an_environment_variable(self) -> Self:
        size = len(self.model_dump_json(by_alias=True, exclude_defaults=True).encode())
        if size > _MOST_BYTES:
            raise ValueError(f"the sinks have {size} bytes; a program can be told no more than {_MOST_BYTES}")
        return self
