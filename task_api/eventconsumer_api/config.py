"""Everything an operator may set, read from the environment once at startup."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from eventconsumer_api.database_settings import DatabaseSettings


class Auth(StrEnum):
    """A way in which callers say who they are."""

    NONE = "none"
    """They don't: everybody may do everything."""


def _auth(said: object) -> object:
    names = [name.strip() for name in said.split(",")] if isinstance(said, str) else said
    if not names or names == [""]:
        raise ValueError("say who may come in: AUTH=none lets everybody see and change every task")
    return names


class Settings(DatabaseSettings):
    """The environment of the Task API; each field is the variable of the same name in capitals."""

    auth: Annotated[tuple[Auth, ...], NoDecode, BeforeValidator(_auth), Field(validate_default=True)] = ()
    """How callers say who they are. It has no default: a service that is open to everybody says so."""

    kafka_bootstrap_servers: str = "localhost:30092"
    """Comma-separated host:port list of brokers to begin with."""

    kafka_topic: str = "task-events"
    """The topic events are published to."""

    client_id: str = "task-api-publisher"
    """The Kafka client.id, as brokers show it in logs and quotas."""

    host: str = "0.0.0.0"  # noqa: S104  # a container is reached from outside; a laptop sets HOST=127.0.0.1
    """The address to listen on."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """The port to listen on; 0 lets the system choose."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least severe level that is logged."""
