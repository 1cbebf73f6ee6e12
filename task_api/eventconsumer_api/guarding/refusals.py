"""Why somebody is not let in; what these say goes to the caller, so none of them holds a credential."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818  # an answer to the caller, not a mistake in the program
    """The request has no credential, or one that does not count (401)."""

    def __init__(self, detail: str, *, invalid: bool = True) -> None:
        super().__init__(detail)
        self.challenge = 'Bearer realm="task-api"'
        """The value of WWW-Authenticate."""
        if invalid:
            self.challenge += ', error="invalid_token"'


class CannotTell(Exception):  # noqa: N818  # a state of the world, not a mistake in the program
    """What the credential has to be checked with is away (503); trying again later may succeed."""
