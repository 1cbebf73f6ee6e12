"""An identity provider for tests: it has real keys, signs real tokens and tells its JWKS."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ISSUER = "https://id.example"
AUDIENCE = "task-api"

_MAKERS: dict[str, tuple[Callable[[], Any], Any]] = {
    "RS256": (lambda: rsa.generate_private_key(65537, 2048), RSAAlgorithm),
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, OKPAlgorithm),
}


class IdentityProvider:
    """Has one key at a time; `rotate` gives it another one."""

    def __init__(self, algorithm: str = "EdDSA") -> None:
        self._algorithm = algorithm
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new key from now on, and tell of no other."""
        make, kind = _MAKERS[self._algorithm]
        self._key: Any = make()
        self._key_id = str(uuid4())
        public = json.loads(kind.to_jwk(self._key.public_key()))
        self.jwks = {"keys": [public | {"kid": self._key_id, "alg": self._algorithm, "use": "sig"}]}

    def token(self, different: Mapping[str, object] | None = None) -> str:
        """Sign a token of Ann's, good for five minutes, with whatever claims shall be different."""
        told = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": int(time.time()) + 300}
        told = {name: value for name, value in {**told, **(different or {})}.items() if value is not None}
        return jwt.encode(told, self._key, self._algorithm, headers={"kid": self._key_id})


@contextmanager
def published(provider: IdentityProvider) -> Iterator[str]:
    """Serve the provider's JWKS over HTTP on 127.0.0.1, and give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(provider.jwks).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        finally:
            server.shutdown()
            thread.join()
