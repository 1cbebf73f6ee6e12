"""The JSON of requests and responses, and the query of a list."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from eventconsumer_api.models import Status
from eventconsumer_api.routes import cursors

# For the machines that read our OpenAPI: what the functions below say to people.
_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
_ONE_VISIBLE_LINE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"


def _one_line(text: str) -> str:
    if any(character < " " or character == "\x7f" for character in text):
        raise ValueError("must be one line, without control characters")
    return text


def _visible(text: str) -> str:
    if not text.strip():
        raise ValueError("must hold at least one visible character")
    return text


Title = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="What is to be done, in one line.",
        examples=["Buy groceries"],
        json_schema_extra={"pattern": _ONE_VISIBLE_LINE},
    ),
    AfterValidator(_visible),
    AfterValidator(_one_line),
]
Owner = Annotated[
    UUID | None,
    Field(
        description="Who the task belongs to; null for nobody.",
        examples=["5a1f3c8e-90ab-4d21-8f00-6f1d2c3b4a59"],
    ),
]
TaskStatus = Annotated[Status, Field(description="How far the task is.", examples=["in_progress"])]


class NewTask(BaseModel):
    """A task to create."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    owner_id: Owner = None


class TaskPatch(BaseModel):
    """Fields to change; a field that is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"status": "in_progress"}, {"owner_id": None}]}
    )

    # The defaults only say that a field may be left out: what is read are the fields that were sent.
    title: Title = ""
    status: TaskStatus = Status.PENDING
    owner_id: Owner = None


class TaskBody(BaseModel):
    """A task."""

    model_config = ConfigDict(from_attributes=True)

    id: Annotated[UUID, Field(examples=["0b0c5e0e-6f2b-4a51-9d38-1d2f6a8f6a01"])]
    title: Annotated[str, Field(examples=["Buy groceries"])]
    status: TaskStatus
    owner_id: Owner
    version: Annotated[
        int, Field(description="1 for a new task, one more with each change; its ETag.", examples=[2])
    ]
    created_at: datetime
    updated_at: datetime


class TaskQuery(BaseModel):
    """Which tasks a list holds, and where it begins."""

    model_config = ConfigDict(extra="forbid")

    status: Annotated[Status | None, Field(description="Only tasks that are this far.")] = None
    owner: Annotated[UUID | None, Field(description="Only tasks of this owner.")] = None
    text: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="Only tasks with this very text in their title, in capitals or not.",
            examples=["groceries"],
            json_schema_extra={"pattern": _ONE_LINE},
        ),
        AfterValidator(lambda text: text and _one_line(text)),
    ] = None
    order: Annotated[Literal["oldest", "newest"], Field(description="Which tasks come first.")] = "oldest"
    limit: Annotated[int, Field(ge=1, le=200, description="How many tasks at most.")] = 50
    cursor: Annotated[
        str | None,
        Field(
            pattern=cursors.PATTERN,
            description="Where the page begins: follow the `Link` with rel=next instead of making one.",
        ),
    ] = None
