"""Who calls, and what is theirs: the one place that decides what a caller may see and own.

Pure: a principal is made by the guard from a credential and handed down to the services. Invariant: whoever
is no admin sees and changes tasks of their own only, and makes tasks for nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

if TYPE_CHECKING:
    from eventconsumer_api.models import TaskChanges


class NotAllowed(Exception):  # noqa: N818  # an answer to the caller, not a mistake in the program
    """The caller is known and may not do this."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever sent a request."""

    subject: str
    """Who it is, in the words of their credential."""
    owner_id: UUID | None
    """As whom they own tasks; None for nobody in particular."""
    admin: bool = False
    """Whether every task is theirs to see and change."""

    def may_see(self, owner_id: UUID | None) -> bool:
        """Say whether a task of this owner is theirs to see and to change."""
        return self.admin or (owner_id is not None and owner_id == self.owner_id)

    def owner_of_new(self, asked: UUID | None) -> UUID | None:
        """Return whose a new task is: the caller's, unless an admin asks for another; raises NotAllowed."""
        owner_id = asked or self.owner_id
        if not self.may_see(owner_id):
            raise NotAllowed("Only an admin may make a task for somebody else.")
        return owner_id

    def check(self, changes: TaskChanges) -> None:
        """Raise NotAllowed where the changes would give a task of theirs to somebody else, or to nobody."""
        if "owner_id" in changes and not self.may_see(changes["owner_id"]):
            raise NotAllowed("Only an admin may give a task to somebody else.")


ANYBODY = Principal(subject="anybody", owner_id=None, admin=True)
"""Everybody, where no credentials are asked for: every task is theirs."""


def owner_id_of(issuer: str, subject: str) -> UUID:
    """Return as whom a subject owns tasks: itself where it is a UUID, else a UUID made of issuer and subject.

    Only the usual form of a UUID counts, so that no two spellings are one owner.
    """
    try:
        plain = UUID(subject)
    except ValueError:
        plain = None
    if plain is not None and str(plain) == subject.lower():
        return plain
    return uuid5(NAMESPACE_URL, f"{issuer}#{subject}")
