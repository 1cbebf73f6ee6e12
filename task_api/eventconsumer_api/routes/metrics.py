"""The figures for Prometheus."""

from typing import cast

from fastapi import APIRouter, Request, Response

from eventconsumer_api.metrics import CONTENT_TYPE, Metrics

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Tell how the outbox stands, what the relay did and how requests were answered."""
    found = cast("Metrics", request.state.metrics)
    return Response(found.text(), media_type=CONTENT_TYPE)
