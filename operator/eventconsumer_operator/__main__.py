"""``python -m eventconsumer_operator``: run the operator as its environment says."""

from __future__ import annotations

import asyncio

from eventconsumer_operator import logs
from eventconsumer_operator.config import Config
from eventconsumer_operator.handlers.lifecycle import serve


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    config = Config()
    logs.configure(config.log_format, config.log_level)
    asyncio.run(serve(config))


if __name__ == "__main__":
    main()
