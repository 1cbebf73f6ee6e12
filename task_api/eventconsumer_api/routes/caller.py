"""The caller of a request, as the guard found them: `Caller` is how a route asks for it."""

from typing import Annotated, cast

from fastapi import Depends, Request

from eventconsumer_api.principal import Principal


# A coroutine, because it waits for nothing: a plain function would cost a change of thread.
async def _caller(request: Request) -> Principal:
    return cast("Principal", request.state.principal)


Caller = Annotated[Principal, Depends(_caller)]
