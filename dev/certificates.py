"""Certificate authorities of the local Kafka, and what they sign: brokers' and users' certificates.

Keys are made here and nowhere stored; whoever asks for them decides where they go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIFETIME = timedelta(days=365)
# A clock that is a little behind ours accepts a fresh certificate too.
_BACKDATED = timedelta(minutes=5)


@dataclass(frozen=True)
class Identity:
    """A certificate and its private key, both in PEM."""

    certificate: str
    key: str

    @property
    def common_name(self) -> str:
        """The name that the certificate was issued to."""
        subject = x509.load_pem_x509_certificate(self.certificate.encode()).subject
        return str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    def signed_by(self, authority: Identity) -> bool:
        """Tell whether the authority's key made this certificate."""
        certificate, issuer = (
            x509.load_pem_x509_certificate(each.certificate.encode()) for each in (self, authority)
        )
        try:
            certificate.verify_directly_issued_by(issuer)
        except Exception:  # noqa: BLE001  # which of its errors it raises depends on what differs
            return False
        return True


def authority(common_name: str) -> Identity:
    """Make a new certificate authority that can sign nothing but end entities."""
    return _authority(common_name, ec.generate_private_key(ec.SECP256R1()))


def renewed(authority: Identity) -> Identity:
    """Give an authority a new certificate for its old key: what it signed before stays valid."""
    return _authority(authority.common_name, _private_key(authority))


def _authority(common_name: str, key: ec.EllipticCurvePrivateKey) -> Identity:
    name = _name(common_name)
    only_signs = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _certificate(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(only_signs, critical=True)
    )
    return _signed(builder, key, by=key)


def issue(by: Identity, common_name: str, *, hosts: Iterable[str] = ()) -> Identity:
    """Make a key and let an authority certify it; a server's names its ``hosts``, by name or address."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.load_pem_x509_certificate(by.certificate.encode())
    builder = (
        _certificate(_name(common_name), issuer.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(_private_key(by).public_key()), critical=False
        )
    )
    if names := [_general_name(host) for host in hosts]:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _signed(builder, key, by=_private_key(by))


def _certificate(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, *, by: ec.EllipticCurvePrivateKey
) -> Identity:
    certificate = builder.sign(by, hashes.SHA256())
    # Kafka reads keys in PKCS #8 only.
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Identity(certificate.public_bytes(Encoding.PEM).decode(), written.decode())


def _private_key(identity: Identity) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(identity.key.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"The key of {identity.common_name} is none of ours")
    return key


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
