"""What a JWT says about its bearer, once its signature, issuer, audience and times are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from eventconsumer_api.guarding.refusals import Refused
from eventconsumer_api.principal import Principal, owner_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eventconsumer_api.guarding.keyring import Keyring
    from eventconsumer_api.guarding.settings import GuardSettings

_LEEWAY_SECONDS = 60
_LONGEST_SUBJECT = 255
_REQUIRED = ("exp", "iss", "aud", "sub")


class Tokens:
    """Tells who bears a token."""

    def __init__(self, settings: GuardSettings, keyring: Keyring) -> None:
        self._settings = settings
        self._keyring = keyring

    async def bearer(self, token: str) -> Principal:
        """Return the token's subject; raises Refused or CannotTell."""
        try:
            key = await self._keyring.key(jwt.get_unverified_header(token).get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=self._settings.jwt_algorithms,
                issuer=self._settings.jwt_issuer,
                audience=self._settings.jwt_audience,
                leeway=_LEEWAY_SECONDS,
                options={"require": list(_REQUIRED)},
            )
        except jwt.ExpiredSignatureError:
            raise Refused("The token has expired.") from None
        except jwt.InvalidIssuerError:
            raise Refused("The token is of another issuer.") from None
        except jwt.InvalidAudienceError:
            raise Refused("The token is for another audience.") from None
        except jwt.PyJWTError:
            raise Refused("The token is not valid.") from None
        return self._principal(claims)

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        subject: str = claims["sub"]
        if not 0 < len(subject) <= _LONGEST_SUBJECT:
            raise Refused(f"The token's subject must have 1 to {_LONGEST_SUBJECT} characters.")
        return Principal(
            subject=subject,
            owner_id=owner_id_of(self._settings.jwt_issuer, subject),
            admin=self._settings.jwt_admin_scope in scopes(claims),
        )


def scopes(claims: Mapping[str, Any]) -> set[str]:
    """Return what a token allows: `scope` as RFC 8693 has it, or `scp` as some providers call it."""
    found: set[str] = set()
    for name in ("scope", "scp"):
        told = claims.get(name)
        if isinstance(told, str):
            found.update(told.split())
        elif isinstance(told, list):
            found.update(each for each in told if isinstance(each, str))
    return found
