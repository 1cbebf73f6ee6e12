"""Tasks that are made by the service as requests with a key make them, each with a key of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from eventconsumer_api.services.creation import creation

if TYPE_CHECKING:
    from eventconsumer_api.models import Task
    from eventconsumer_api.principal import Principal
    from eventconsumer_api.services.tasks import TaskService


def created(
    service: TaskService,
    caller: Principal,
    *,
    title: str = "Buy groceries",
    owner_id: UUID | None = None,
    correlation_id: UUID | None = None,
) -> Task:
    """Create a task."""
    wanted = creation(caller, title=title, owner_id=owner_id, correlation_id=correlation_id or uuid4())
    return service.create_once(caller, str(uuid4()), wanted)
