"""The JSON of requests and responses."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from eventconsumer_api.models import Status


def _one_visible_line(title: str) -> str:
    if not title.strip():
        raise ValueError("must hold at least one visible character")
    if any(character < " " or character == "\x7f" for character in title):
        raise ValueError("must be one line, without control characters")
    return title


Title = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="What is to be done, in one line.",
        examples=["Buy groceries"],
    ),
    AfterValidator(_one_visible_line),
]
Owner = Annotated[UUID | None, Field(description="Who the task belongs to; null for nobody.")]


class NewTask(BaseModel):
    """A task to create."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    owner_id: Owner = None


class TaskPatch(BaseModel):
    """Fields to change; a field that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    # The defaults only say that a field may be left out: what is read are the fields that were sent.
    title: Title = ""
    status: Annotated[Status, Field(description="How far the task is.")] = Status.PENDING
    owner_id: Owner = None


class TaskBody(BaseModel):
    """A task."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    status: Status
    owner_id: UUID | None
