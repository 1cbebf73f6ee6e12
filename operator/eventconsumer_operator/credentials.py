"""The files that the chart mounts for the operator's own connections: the only module that reads them.

They are read anew for each new client, and whoever holds a client asks whether they are still the same: a
renewed password or certificate is taken up without a restart.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventconsumer_operator.access import Access, Login

_CA, _CERTIFICATE, _KEY, _PASSWORD = "ca.crt", "user.crt", "user.key", "password"


class CredentialsError(Exception):
    """A file that a connection needs can't be read."""


def client_settings(access: Access) -> dict[str, str]:
    """Return librdkafka's settings for where a cluster is and who asks; CredentialsError without a file."""
    login = access.login
    encryption = "SSL" if access.tls else "PLAINTEXT"
    settings = {
        "bootstrap.servers": access.servers,
        "security.protocol": f"SASL_{encryption}" if login and login.mechanism else encryption,
    }
    if access.tls:
        ca = access.ca or (_ca_of(login) if login else None)
        if ca:
            settings["ssl.ca.pem"] = ca
    return settings | (_proof(login) if login else {})


def mark(access: Access) -> str:
    """Return a short text that changes with the files of an access."""
    digest = hashlib.sha256()
    for name in (_CA, _CERTIFICATE, _KEY, _PASSWORD):
        file = Path(access.login.folder) / name if access.login else None
        digest.update(file.read_bytes() if file and file.is_file() else b"")
        digest.update(b"\0")
    return digest.hexdigest()


def _proof(login: Login) -> dict[str, str]:
    """Return what proves who the operator is."""
    if login.mechanism:
        # Editors and `echo` end a file with a line break, which is no part of the password.
        password = _read(login, _PASSWORD).rstrip("\r\n")
        return {
            "sasl.mechanism": login.mechanism,
            "sasl.username": login.username or "",
            "sasl.password": password,
        }
    if login.certificate:
        return {
            "ssl.certificate.pem": _read(login, _CERTIFICATE),
            "ssl.key.pem": _read(login, _KEY),
        }
    return {}


def _ca_of(login: Login) -> str | None:
    """Return the CA that came with the credentials; a KafkaUser's own Secret has only that of the clients."""
    return _read(login, _CA) if login.has_ca and (Path(login.folder) / _CA).is_file() else None


def _read(login: Login, name: str) -> str:
    file = Path(login.folder) / name
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as fault:
        raise CredentialsError(f"{file} can't be read: {type(fault).__name__}") from fault
