"""`python -m eventconsumer_api`: serve until SIGTERM or SIGINT, then end in order.

Other words than none bring the tables up to date, manage API keys, and events that Kafka refused.
"""

from __future__ import annotations

import argparse
import gc
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import uvicorn
from pydantic import ValidationError

from eventconsumer_api import key_commands, migrate_command, outbox_commands
from eventconsumer_api.config import Settings
from eventconsumer_api.database_settings import DatabaseSettings
from eventconsumer_api.logs import logging_config
from eventconsumer_api.main import create_app
from eventconsumer_api.server import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_settings import BaseSettings

    SettingsT = TypeVar("SettingsT", bound=BaseSettings)

# Shorter than the 30 s a pod is given, and with room for the relay's own last seconds.
_FINISH_REQUESTS_SECONDS = 15


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the environment and do as told; exit with 2 and a sentence for each wrong variable."""
    parser = argparse.ArgumentParser(prog="eventconsumer-api", description="Serves the Task API.")
    commands = parser.add_subparsers(dest="command")
    key_commands.add_to(commands)
    migrate_command.add_to(commands)
    outbox_commands.add_to(commands)
    command = parser.parse_args(arguments)
    if command.command == "keys":
        sys.exit(key_commands.run(command, _read(DatabaseSettings).database_url))
    if command.command == "migrate":
        sys.exit(migrate_command.run(_read(DatabaseSettings).database_url))
    if command.command == "outbox":
        sys.exit(outbox_commands.run(command, _read(DatabaseSettings).database_url))
    _serve(_read(Settings))


def _serve(settings: Settings) -> None:
    app = create_app(settings)
    # What is loaded by now stays for ever: the garbage collector need not look at it again and again.
    gc.freeze()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=logging_config(settings.log_format, settings.log_level),
        access_log=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        server_header=False,
        timeout_graceful_shutdown=_FINISH_REQUESTS_SECONDS,
    )
    # A second Ctrl-C, while requests are finished, is raised here.
    with suppress(KeyboardInterrupt):
        Server(app, config).run()


def _read(settings: type[SettingsT]) -> SettingsT:
    try:
        return settings()
    except ValidationError as failure:
        for error in failure.errors():
            reason = error["msg"].removeprefix("Value error, ")
            # What is wrong between several variables names one by itself.
            name = f"{str(error['loc'][0]).upper()}: " if error["loc"] else ""
            sys.stderr.write(f"{name}{reason}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
