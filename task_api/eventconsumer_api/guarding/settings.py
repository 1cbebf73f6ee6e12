"""The settings of the guard. Invariant: what they leave open, somebody has opened by name."""

from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from limits import parse
from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, model_validator
from pydantic_settings import BaseSettings, NoDecode

_SAY_WHO = (
    "say how callers prove who they are: api_key, jwt or jwt,api_key; none lets everybody do everything"
)
_DEFAULT_RATE_LIMIT = "100/second"


class Auth(StrEnum):
    """A way in which callers say who they are."""

    JWT = "jwt"
    """A token of an identity provider."""
    API_KEY = "api_key"
    """A key of `eventconsumer-api keys create`."""
    NONE = "none"
    """They don't: everybody may do everything."""


def _listed(said: object) -> object:
    return [name.strip() for name in said.split(",") if name.strip()] if isinstance(said, str) else said


def _schemes(chosen: tuple[Auth, ...]) -> tuple[Auth, ...]:
    if not chosen:
        raise ValueError(_SAY_WHO)
    if Auth.NONE in chosen and len(chosen) > 1:
        raise ValueError("none stands alone: it would let in whom the others refuse")
    return chosen


def _origin(text: str) -> str:
    scheme, _, host = text.partition("://")
    if scheme not in {"http", "https"} or not host or "/" in host or "*" in host:
        raise ValueError("each must be an origin such as https://tasks.example.com, without a path or *")
    return text


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        raise ValueError("each must be an address or a network such as 10.0.0.0/8") from None


def _rate(text: str) -> str:
    if text not in {"", "off"}:
        try:
            parse(text)
        except ValueError:
            raise ValueError("must be such as 100/second or 2000/minute, or off") from None
    return text


class GuardSettings(BaseSettings):
    """Who may come in, and how often."""

    auth: Annotated[
        tuple[Auth, ...],
        NoDecode,
        BeforeValidator(_listed),
        AfterValidator(_schemes),
        Field(validate_default=True),
    ] = ()
    """How callers say who they are. It has no default: a service that is open to everybody says so."""

    jwt_issuer: str = ""
    """The `iss` of every token."""

    jwt_audience: str = ""
    """What has to be among the `aud` of every token."""

    jwt_jwks_url: HttpUrl | None = None
    """Where the identity provider publishes its keys; they are fetched anew when one is not known."""

    jwt_jwks_file: Path | None = None
    """A file with these keys, instead of the URL; it is read anew as the URL is."""

    jwt_algorithms: Annotated[
        tuple[Literal["RS256", "ES256", "EdDSA"], ...], NoDecode, BeforeValidator(_listed)
    ] = ("RS256", "ES256", "EdDSA")
    """The signatures that are accepted."""

    jwt_admin_scope: str = "tasks:admin"
    """The scope of those to whom every task is theirs."""

    rate_limit: Annotated[str, AfterValidator(_rate)] = ""
    """Requests of one caller to one replica; empty: 100/second where callers are known, else off."""

    cors_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_listed)
    ] = ()
    """Origins whose pages may call from a browser; none else may."""

    trusted_proxies: Annotated[
        tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_listed)
    ] = ()
    """Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed; nobody's else."""

    @property
    def requests_allowed(self) -> str | None:
        """Return how many requests of one caller are answered, or None for all of them."""
        if self.rate_limit:
            return None if self.rate_limit == "off" else self.rate_limit
        return None if Auth.NONE in self.auth else _DEFAULT_RATE_LIMIT

    @model_validator(mode="after")
    def _tokens_can_be_checked(self) -> Self:
        if Auth.JWT not in self.auth:
            return self
        if not self.jwt_issuer:
            raise ValueError("JWT_ISSUER: AUTH=jwt needs the `iss` of your tokens")
        if not self.jwt_audience:
            raise ValueError("JWT_AUDIENCE: AUTH=jwt needs the `aud` of your tokens")
        if (self.jwt_jwks_url is None) == (self.jwt_jwks_file is None):
            raise ValueError("JWT_JWKS_URL: AUTH=jwt needs either this or JWT_JWKS_FILE")
        if self.jwt_jwks_file is not None and not self.jwt_jwks_file.is_file():
            raise ValueError(f"JWT_JWKS_FILE: there is no file {self.jwt_jwks_file}")
        return self
