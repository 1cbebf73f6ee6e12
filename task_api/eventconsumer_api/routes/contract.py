"""The contract of the topic, for other teams and their tools: /asyncapi.json and /schemas/task-event.json."""

from importlib.metadata import version

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from eventconsumer_api.contract import asyncapi, event_schema


def router(topic: str, *, avro: bool) -> APIRouter:
    """Return the routes that tell what ``topic`` holds, in JSON or ``avro``."""
    routes = APIRouter(tags=["events"])
    # The documents are the same for as long as the process lives.
    channel = JSONResponse(asyncapi(topic=topic, version=version("eventconsumer"), avro=avro))
    schema = JSONResponse(event_schema(), media_type="application/schema+json")

    @routes.get("/asyncapi.json", response_class=JSONResponse)
    async def read_asyncapi() -> JSONResponse:
        """Describe the topic that events are published to, as AsyncAPI 3."""
        return channel

    @routes.get(
        "/schemas/task-event.json",
        response_class=Response,
        responses={200: {"content": {"application/schema+json": {"schema": {"type": "object"}}}}},
    )
    async def read_event_schema() -> JSONResponse:
        """Describe an event, as JSON Schema: what is published, or the structure that its Avro has too."""
        return schema

    return routes
