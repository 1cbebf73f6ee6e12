"""``python -m eventconsumer_operator``: run the operator as its environment says."""

from __future__ import annotations

import asyncio
import logging

from eventconsumer_operator.config import Config
from eventconsumer_operator.handlers.lifecycle import serve


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    config = Config()
    logging.basicConfig(
        level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # Each probe and each watch event would be a line.
    for chatty in ("aiohttp.access", "kopf.objects", "kopf.activities.probe"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    asyncio.run(serve(config))


if __name__ == "__main__":
    main()
