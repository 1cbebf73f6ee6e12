"""Everything an operator may set, read from the environment once at startup."""

from typing import Annotated, Literal

from pydantic import Field

from eventconsumer_api.database_settings import DatabaseSettings
from eventconsumer_api.guarding.settings import GuardSettings
from eventconsumer_api.kafka_security import KafkaSecuritySettings
from eventconsumer_api.logs import Format
from eventconsumer_api.registry_settings import RegistrySettings


class Settings(DatabaseSettings, GuardSettings, KafkaSecuritySettings, RegistrySettings):
    """The environment of the Task API; each field is the variable of the same name in capitals."""

    kafka_bootstrap_servers: str = "localhost:30092"
    """Comma-separated host:port list of brokers to begin with."""

    kafka_topic: str = "task-events"
    """The topic events are published to."""

    client_id: str = "task-api-publisher"
    """The Kafka client.id, as brokers show it in logs and quotas."""

    relay: Literal["on", "off"] = "on"
    """Whether this process publishes when it is its turn; `off` leaves the outbox to Debezium."""

    host: str = "0.0.0.0"  # noqa: S104  # a container is reached from outside; a laptop sets HOST=127.0.0.1
    """The address to listen on."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """The port to listen on; 0 lets the system choose."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least severe level that is logged."""

    log_format: Format = Format.TEXT
    """`json` for one object a line, or `text`."""
