"""The two probes: is the process alive, and should requests come here."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from eventconsumer_api.services.readiness import Readiness, ReadinessService

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class ReadinessBody(BaseModel):
    """What the process needs for its work, and how many events wait for Kafka."""

    model_config = ConfigDict(from_attributes=True)

    ready: bool
    database: bool
    relay: bool | None
    """Whether the relay runs; null where it is switched off."""
    waiting_events: int | None
    """Counted up to 10,000; null when the database does not answer."""


async def _service(request: Request) -> ReadinessService:
    return cast("ReadinessService", request.state.readiness)


@router.get("/healthz")
async def healthz() -> Alive:
    """Answer from the event loop, so an answer means that it turns."""
    return Alive()


@router.get("/readyz", response_model=ReadinessBody, responses={503: {"model": ReadinessBody}})
def readyz(response: Response, readiness: Annotated[ReadinessService, Depends(_service)]) -> Readiness:
    """Answer 200 when the database answers and the relay runs; Kafka may be away."""
    found = readiness.look()
    if not found.ready:
        response.status_code = 503
    return found
