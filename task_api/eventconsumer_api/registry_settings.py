"""The settings of the schema registry, which only events in Avro need."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings


def _registry_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be where the registry speaks the Confluent API, such as http://registry:8081")
    if "@" in parts.netloc:
        raise ValueError("must hold no credentials; SCHEMA_REGISTRY_USERNAME and _PASSWORD_FILE are for them")
    return text


class RegistrySettings(BaseSettings):
    """How events are written, and the registry that has their schema."""

    event_format: Literal["json", "avro"] = "json"
    """`avro` publishes Avro with a schema id of the registry; the outbox keeps JSON in both cases."""

    schema_registry_url: Annotated[str, AfterValidator(_registry_url)] | None = Field(
        default=None, min_length=1
    )
    """Where the registry speaks the Confluent API."""

    schema_registry_username: str | None = None
    """Who we are to the registry, where it asks."""

    schema_registry_password_file: Path | None = None
    """A file and never the password itself: no dump of the environment has it."""

    @model_validator(mode="after")
    def _registry_is_whole(self) -> Self:
        if self.event_format == "avro" and self.schema_registry_url is None:
            raise ValueError("SCHEMA_REGISTRY_URL: EVENT_FORMAT=avro needs a schema registry")
        if (self.schema_registry_username is None) != (self.schema_registry_password_file is None):
            raise ValueError("SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD_FILE need each other")
        return self
