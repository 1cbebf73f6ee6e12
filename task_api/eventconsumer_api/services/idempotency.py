"""What an `Idempotency-Key` promises: the same key and the same request make one task, for 24 hours.

A key is its caller's: the same word of another caller is another key. It is written in the transaction that
writes the task, so a request that failed leaves its key free.
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from eventconsumer_api.storage import idempotency_keys
from eventconsumer_api.storage.database import DatabaseUnavailable
from eventconsumer_api.storage.idempotency_keys import KeyUse

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

    from eventconsumer_api.models import Task
    from eventconsumer_api.principal import Principal
    from eventconsumer_api.storage.database import Database

_log = logging.getLogger(__name__)

_REMEMBERED = timedelta(hours=24)
_PRUNE_EVERY = timedelta(hours=1)


class KeyUsedOtherwise(Exception):  # noqa: N818  # an answer to the caller, not a mistake in the program
    """The caller used this key for another request."""

    def __init__(self) -> None:
        super().__init__("was used for another request within the last 24 hours")


class IdempotencyKeys:
    """The keys of all callers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._prune_at = datetime.min.replace(tzinfo=UTC)

    def prune_when_due(self) -> None:
        """Delete some forgotten keys, once an hour or while there are many; fails nobody's request.

        To be called outside of a transaction.
        """
        now = datetime.now(UTC)
        if now < self._prune_at:
            return
        self._prune_at = now + _PRUNE_EVERY
        try:
            with self._database.write() as connection:
                # Later than they are forgotten, so none goes while somebody looks at it.
                before = now - _REMEMBERED - _PRUNE_EVERY
                more = idempotency_keys.prune(connection, before=before)
        except DatabaseUnavailable as unavailable:
            _log.warning("Forgotten idempotency keys stay for another hour: %s", unavailable)
            return
        if more:
            self._prune_at = now

    def task_made(self, connection: Connection, caller: Principal, key: str, task: Task) -> UUID:
        """Return which task the key makes: the given one, or that of an earlier request like this.

        Raises KeyUsedOtherwise.
        """
        use = KeyUse(_owner(caller), key, _fingerprint(task), task.id, task.created_at)
        holder = idempotency_keys.take(connection, use, forgotten_before=task.created_at - _REMEMBERED)
        if holder.request_hash != use.request_hash:
            raise KeyUsedOtherwise
        return holder.task_id


def _owner(caller: Principal) -> str:
    # Subjects of two issuers may be the same word, owners are not.
    return str(caller.owner_id or caller.subject)


def _fingerprint(task: Task) -> str:
    wanted = json.dumps([task.title, str(task.owner_id)])
    return hashlib.sha256(wanted.encode()).hexdigest()
