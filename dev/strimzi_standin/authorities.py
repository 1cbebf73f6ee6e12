"""The two certificate authorities of a Kafka, in Secrets of Strimzi's names, renewed by its annotations.

The cluster's authority signs the broker's certificate, the clients' one those of users. An authority whose
key was replaced stays trusted beside its successor, so that nobody who still has the old one is cut off;
the one before it is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev import certificates
from dev.certificates import Identity
from dev.strimzi_standin.secret import FORCE_RENEW, FORCE_REPLACE, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_CERTIFICATE, _KEY = "ca.crt", "ca.key"
_CERTIFICATE_GENERATION = "strimzi.io/ca-cert-generation"
_KEY_GENERATION = "strimzi.io/ca-key-generation"


@dataclass(frozen=True)
class Authority:
    """One authority: the Secret that everybody may mount, and the one with the key."""

    public: Secret
    private: Secret

    @property
    def identity(self) -> Identity:
        """What it signs with now."""
        return Identity(self.public.data[_CERTIFICATE], self.private.data[_KEY])

    @property
    def trusted(self) -> str:
        """All its certificates, the present one and those before it."""
        return "".join(self.public.data[name] for name in sorted(self.public.data) if name.endswith(".crt"))


def authority(kafka: str, role: str, secrets: Mapping[str, Secret], *, now: str) -> Authority:
    """Return a Kafka's ``cluster`` or ``clients`` authority as it should be: made, renewed or as it is."""
    name = f"{kafka}-{role}-ca"
    public, private = secrets.get(f"{name}-cert"), secrets.get(name)
    if public is None or private is None or _CERTIFICATE not in public.data or _KEY not in private.data:
        made = certificates.authority(f"{role}-ca v0")
        return _of(name, made, {}, generations=(0, 0))
    present = Authority(public, private)
    generations = _generation(public, _CERTIFICATE_GENERATION), _generation(private, _KEY_GENERATION)
    if private.asks_to(FORCE_REPLACE):
        old = {f"ca-{now[:19].replace(':', '-')}Z.crt": public.data[_CERTIFICATE]}
        made = certificates.authority(f"{role}-ca v{generations[1] + 1}")
        return _of(name, made, old, generations=(generations[0] + 1, generations[1] + 1))
    if public.asks_to(FORCE_RENEW):
        old = {key: value for key, value in public.data.items() if key != _CERTIFICATE}
        made = certificates.renewed(present.identity)
        return _of(name, made, old, generations=(generations[0] + 1, generations[1]))
    return present


def _of(name: str, identity: Identity, old: Mapping[str, str], *, generations: tuple[int, int]) -> Authority:
    certificate, key = generations
    return Authority(
        Secret(
            f"{name}-cert",
            {_CERTIFICATE: identity.certificate, **old},
            {_CERTIFICATE_GENERATION: str(certificate)},
        ),
        Secret(name, {_KEY: identity.key}, {_KEY_GENERATION: str(key)}),
    )


def _generation(secret: Secret, annotation: str) -> int:
    return int(secret.annotations.get(annotation, 0))
