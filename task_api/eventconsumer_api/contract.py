"""What the topic holds, as documents for other teams: JSON Schema of an event, AsyncAPI of the channel.

Both are generated from the events' own classes, so they can't say anything else than what is published.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from eventconsumer_api.avro_schema import avro_schema
from eventconsumer_api.events import AVRO_CONTENT, JSON_CONTENT, EventType, TaskEvent

Document = dict[str, Any]

_SUMMARIES = {
    EventType.CREATED: "A task was created.",
    EventType.UPDATED: "A task was changed, and not completed by it.",
    EventType.COMPLETED: "A task was completed.",
}
_HEADERS: Document = {
    "type": "object",
    "description": "CloudEvents 1.0 in binary mode, and W3C Trace Context.",
    "required": ["id", "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "content-type"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "The event's id, as Debezium names it."},
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "The same as `event_id`."},
        "ce_type": {"type": "string", "description": "The same as `event_type`."},
        "ce_source": {"type": "string", "description": "The same as `metadata.source`."},
        "ce_time": {"type": "string", "format": "date-time", "description": "The same as `occurred_at`."},
        "content-type": {"type": "string", "description": "What the body is written in."},
        "traceparent": {
            "type": "string",
            "description": "The trace of the request that caused the event; missing when it had none.",
        },
    },
}
_EXAMPLE: Document = {
    "event_type": "task.created",
    "data": {
        "task_id": "0b0c5e0e-6f2b-4a51-9d38-1d2f6a8f6a01",
        "title": "Buy groceries",
        "status": "pending",
        "owner_id": None,
    },
    "metadata": {"correlation_id": "9d5a3a04-52c7-4d12-b0f8-3e1c7a6b5d4c", "source": "task-api"},
    "event_id": "1c9e6679-7425-40de-944b-e07fc1f90ae7",
    "occurred_at": "2026-01-15T10:30:00.000000+00:00",
}


def event_schema() -> Document:
    """Return the JSON Schema of an event; it allows fields that a later version may add."""
    schema = TypeAdapter(TaskEvent).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "examples": [_EXAMPLE]}


def asyncapi(*, topic: str, version: str, avro: bool = False) -> Document:
    """Return the AsyncAPI 3 document of ``topic``, in JSON or ``avro``; ``version`` is the program's."""
    names = {event_type: event_type.replace(".", "_") for event_type in EventType}
    schema = TypeAdapter(TaskEvent).json_schema(
        mode="serialization", ref_template="#/components/schemas/{model}"
    )
    parts = schema.pop("$defs")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Task events",
            "version": version,
            "description": "What happens to tasks, one message for each change, in order for each task.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": AVRO_CONTENT if avro else JSON_CONTENT,
        "channels": {
            "taskEvents": {
                "address": topic,
                "description": "Each event comes at least once; one that comes again has the same id.",
                "messages": {name: _pointer(f"components/messages/{name}") for name in names.values()},
            }
        },
        "operations": {
            "publishTaskEvent": {
                "action": "send",
                "channel": _pointer("channels/taskEvents"),
                "summary": "The Task API publishes each change of a task, after it was committed.",
                "messages": [_pointer(f"channels/taskEvents/messages/{name}") for name in names.values()],
            }
        },
        "components": {
            "messages": {name: _message(event_type, avro=avro) for event_type, name in names.items()},
            "schemas": {TaskEvent.__name__: schema, **parts},
        },
    }


def _message(event_type: EventType, *, avro: bool) -> Document:
    only_this = {"properties": {"event_type": {"const": event_type.value}}}
    in_json = {"allOf": [_pointer(f"components/schemas/{TaskEvent.__name__}"), only_this]}
    in_avro = {"schemaFormat": "application/vnd.apache.avro+json;version=1.9.0", "schema": avro_schema()}
    return {
        "name": event_type.value,
        "summary": _SUMMARIES[event_type],
        "contentType": AVRO_CONTENT if avro else JSON_CONTENT,
        "headers": _HEADERS,
        "payload": in_avro if avro else in_json,
        "correlationId": {"location": "$message.payload#/metadata/correlation_id"},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}, "bindingVersion": "0.5.0"}},
    }


def _pointer(path: str) -> Document:
    return {"$ref": f"#/{path}"}
