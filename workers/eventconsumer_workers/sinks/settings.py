"""The contract of ``NOTIFICATION_SINKS``: a JSON list, as the operator writes it from the resource.

The same fields as in ``spec.worker.notification.sinks``, except that a secret is the name of the environment
variable that holds it: no secret stands in the list, so the list may be shown.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network  # noqa: TC003  # pydantic needs them when the program runs
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

EventType = Annotated[str, Field(min_length=1, max_length=100)]
Templates = dict[EventType, Annotated[str, Field(max_length=8192)]]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class _Http(_Model):
    allow_http: bool = False
    allow_private: bool = False
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()


class WebhookSettings(_Http):
    """Where a webhook goes and what signs it."""

    url: str | None = None
    url_env: str | None = None
    signing_env: str

    @model_validator(mode="after")
    def _one_url(self) -> WebhookSettings:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("set exactly one of url and urlEnv")
        return self


class SlackSettings(_Http):
    """The incoming webhook of a chat; its URL is a secret."""

    url_env: str


class SmtpSettings(_Model):
    """A mail server, and who writes to whom."""

    host: str = Field(min_length=1)
    port: int | None = Field(default=None, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_env: str | None = None
    sender: str = Field(alias="from", min_length=3)
    to: tuple[str, ...] = Field(min_length=1)
    subjects: Templates = Field(default_factory=dict)

    @model_validator(mode="after")
    def _name_and_password(self) -> SmtpSettings:
        if (self.username is None) != (self.password_env is None):
            raise ValueError("username and passwordEnv go together")
        if self.username is not None and self.tls == "none":
            raise ValueError("a password is never sent without TLS: set tls to starttls or tls")
        return self


class AppriseSettings(_Model):
    """A URL of the Apprise library; it is a secret."""

    url_env: str
    subjects: Templates = Field(default_factory=dict)


class SinkSettings(_Model):
    """One sink."""

    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$")
    type: Literal["log", "webhook", "slack", "smtp", "apprise"]
    event_types: frozenset[EventType] = frozenset()
    """The event types it is given, of those the worker handles; empty means all of them."""
    templates: Templates = Field(default_factory=dict)
    timeout_seconds: int = Field(default=10, ge=1, le=120)
    attempts: int = Field(default=5, ge=1, le=100)
    concurrency: int = Field(default=4, ge=1, le=32)
    hold_seconds: int = Field(default=900, ge=0, le=86400)
    webhook: WebhookSettings | None = None
    slack: SlackSettings | None = None
    smtp: SmtpSettings | None = None
    apprise: AppriseSettings | None = None

    @model_validator(mode="after")
    def _fields_of_its_type(self) -> SinkSettings:
        for name in ("webhook", "slack", "smtp", "apprise"):
            if (getattr(self, name) is not None) != (self.type == name):
                raise ValueError(f"{name}: is set for a sink of type {name}, and for no other")
        return self


def _of_different_names(sinks: tuple[SinkSettings, ...]) -> tuple[SinkSettings, ...]:
    names = [sink.name for sink in sinks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"each sink has a name of its own; twice: {', '.join(twice)}")
    return sinks


SinkList = Annotated[tuple[SinkSettings, ...], Field(max_length=16), AfterValidator(_of_different_names)]

ONLY_THE_LOG: tuple[SinkSettings, ...] = (SinkSettings(name="log", type="log"),)
