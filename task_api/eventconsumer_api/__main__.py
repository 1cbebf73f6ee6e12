"""`python -m eventconsumer_api`: serve until SIGTERM or SIGINT, then end in order."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from pydantic import ValidationError

from eventconsumer_api.config import Settings
from eventconsumer_api.main import create_app

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
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=logging_config(settings.log_level),
        timeout_graceful_shutdown=_FINISH_REQUESTS_SECONDS,
    )


if __name__ == "__main__":
    main()
