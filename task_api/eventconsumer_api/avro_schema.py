"""The Avro schema of an event, with the structure of its JSON: generated from the same classes.

Pure. A field that is added to the classes with a default is one that readers of before can do without, in
both directions; the registry refuses any other.
"""

from __future__ import annotations

import dataclasses
from types import UnionType
from typing import Any, get_type_hints

from eventconsumer_api.events import TaskEvent

Schema = dict[str, Any]

_NAMESPACE = "dev.eventconsumer.tasks"


def avro_schema() -> Schema:
    """Return the schema that events are written with."""
    return {**_record(TaskEvent), "namespace": _NAMESPACE}


def _record(cls: type[Any]) -> Schema:
    types = get_type_hints(cls)
    fields = [{"name": field.name, **_type(types[field.name])} for field in dataclasses.fields(cls)]
    return {"type": "record", "name": cls.__name__, "doc": cls.__doc__, "fields": fields}


def _type(python_type: Any) -> Schema:
    if isinstance(python_type, UnionType):
        # The one union there is: a text that may be missing. A default has to be of the first type.
        return {"type": ["null", "string"], "default": None}
    if isinstance(python_type, type) and dataclasses.is_dataclass(python_type):
        return {"type": _record(python_type)}
    # What JSON has as text is text here too. Avro's own enumerations allow no dot, as in `task.created`.
    return {"type": "string"}
