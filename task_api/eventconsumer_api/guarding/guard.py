"""From an Authorization header to a principal: which credentials count is the setting AUTH."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_api.api_keys import PREFIX
from eventconsumer_api.guarding.keyring import Keyring, from_file, from_url
from eventconsumer_api.guarding.keys import Keys
from eventconsumer_api.guarding.refusals import Refused
from eventconsumer_api.guarding.settings import Auth
from eventconsumer_api.guarding.tokens import Tokens
from eventconsumer_api.principal import ANYBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventconsumer_api.guarding.settings import GuardSettings
    from eventconsumer_api.principal import Principal


class Guard:
    """Tells who calls; ``look_up`` asks the database for the bearer of an API key."""

    def __init__(self, settings: GuardSettings, look_up: Callable[[str], Principal | None]) -> None:
        self._open = Auth.NONE in settings.auth
        self._tokens = Tokens(settings, _keyring(settings)) if Auth.JWT in settings.auth else None
        self._keys = Keys(look_up) if Auth.API_KEY in settings.auth else None

    async def caller(self, authorization: str | None) -> Principal:
        """Return who calls; raises Refused or CannotTell, or what the database raises."""
        if self._open:
            return ANYBODY
        scheme, _, credential = (authorization or "").partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential:
            raise Refused("Send a credential: Authorization: Bearer and yours.", invalid=False)
        if credential.startswith(PREFIX):
            if self._keys is None:
                raise Refused("API keys are not accepted here.")
            return await self._keys.bearer(credential)
        if self._tokens is None:
            raise Refused("Only API keys are accepted here.")
        return await self._tokens.bearer(credential)


def _keyring(settings: GuardSettings) -> Keyring:
    if settings.jwt_jwks_file is not None:
        return Keyring(from_file(settings.jwt_jwks_file), settings.jwt_algorithms)
    return Keyring(from_url(str(settings.jwt_jwks_url)), settings.jwt_algorithms)
