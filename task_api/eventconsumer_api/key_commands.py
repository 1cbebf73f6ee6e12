"""`eventconsumer-api keys create|list|revoke`: API keys, for whoever may reach the database."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

from eventconsumer_api.services.api_keys import ApiKeyNotFound, ApiKeyService
from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import Database, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventconsumer_api.api_keys import ApiKey

_COLUMNS = "{:36}  {:20}  {:36}  {:5}  {:16}  {}"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `keys` to a command line."""
    keys = commands.add_parser("keys", help="make, list and revoke API keys").add_subparsers(
        dest="action", required=True
    )
    create = keys.add_parser("create", help="make a key and print it, once")
    create.add_argument("name", type=_named(100), help="what the key is for")
    create.add_argument(
        "--subject",
        type=_named(255),
        help="whom it speaks for: a UUID is the owner_id itself; default: the name",
    )
    create.add_argument("--admin", action="store_true", help="every task is theirs to see and change")
    keys.add_parser("list", help="tell of every key but the key itself")
    revoke = keys.add_parser("revoke", help="take a key back for good")
    revoke.add_argument("id", type=UUID, help="as `keys list` tells it")


def run(command: argparse.Namespace, database_url: str) -> int:
    """Do what the command says; return the exit code."""
    with closing(Database(database_url)) as database:
        try:
            schema.migrate(database)
            return _do(command, ApiKeyService(database))
        except (ApiKeyNotFound, DatabaseUnavailable, schema.SchemaMismatch) as failure:
            sys.stderr.write(f"{failure}\n")
            return 1


def _do(command: argparse.Namespace, service: ApiKeyService) -> int:
    if command.action == "create":
        made, key = service.create(
            name=command.name, subject=command.subject or command.name, admin=command.admin
        )
        sys.stderr.write(f"Key {made.id} owns tasks as {made.principal.owner_id}. It is shown this once:\n")
        sys.stdout.write(f"{key}\n")
    elif command.action == "list":
        lines = [_COLUMNS.format("ID", "NAME", "OWNER_ID", "ADMIN", "CREATED", "REVOKED")]
        lines += [_row(key) for key in service.every()]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    else:
        revoked = service.revoke(command.id)
        sys.stderr.write(f"Key {revoked.id} ({revoked.name}) does not count any more.\n")
    return 0


def _row(key: ApiKey) -> str:
    revoked = "" if key.revoked_at is None else f"{key.revoked_at:%Y-%m-%d %H:%M}"
    admin = "yes" if key.admin else "no"
    owner_id = str(key.principal.owner_id)
    return _COLUMNS.format(
        str(key.id), key.name, owner_id, admin, f"{key.created_at:%Y-%m-%d %H:%M}", revoked
    ).rstrip()


def _named(longest: int) -> Callable[[str], str]:
    def name(text: str) -> str:
        if not text.strip() or not text.isprintable() or len(text) > longest:
            raise argparse.ArgumentTypeError(f"must be one visible line of up to {longest} characters")
        return text

    return name
