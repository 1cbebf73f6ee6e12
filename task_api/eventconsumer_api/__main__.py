"""`python -m eventconsumer_api`: serve until SIGTERM or SIGINT, then end in order."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import uvicorn
from pydantic import ValidationError

from eventconsumer_api.config import Settings
from eventconsumer_api.main import create_app
from eventconsumer_api.server import Server

# Shorter than the 30 s a pod is given, and with room for the relay's own last seconds.
_FINISH_REQUESTS_SECONDS = 15


def logging_config(level: str) -> dict[str, Any]:
    """Describe one-line logs on standard error, the same for the server and for us."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
    }


def main() -> None:
    """Read the environment and serve; exit with 2 and a sentence for each wrong variable."""
    try:
        settings = Settings()
    except ValidationError as failure:
        for error in failure.errors():
            reason = error["msg"].removeprefix("Value error, ")
            sys.stderr.write(f"{str(error['loc'][0]).upper()}: {reason}\n")
        sys.exit(2)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=logging_config(settings.log_level),
        timeout_graceful_shutdown=_FINISH_REQUESTS_SECONDS,
    )
    # A second Ctrl-C, while requests are finished, is raised here.
    with suppress(KeyboardInterrupt):
        Server(app, config).run()


if __name__ == "__main__":
    main()
