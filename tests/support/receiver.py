"""A receiver of webhooks that a test tells how to behave: a real HTTP server on 127.0.0.1."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from typing_extensions import override

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    Answer = tuple[int, dict[str, str], bytes]

OK: Answer = (200, {}, b"ok")


class Request(NamedTuple):
    """What one sender sent, whole."""

    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """The sender's port: the same for requests on one connection."""


class Receiver:
    """Listens from ``start`` to ``stop`` on a port that stays its own, and keeps what it got."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Answer] = lambda _: OK
        """Called for every request; waiting in it is how a receiver hangs."""
        self._tls = tls
        self.port = free_port()
        self._server: _Quiet | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, host: str = "127.0.0.1") -> str:
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}/in?key=1"

    def start(self) -> None:
        """Listen; what comes is answered."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                if len(body) < length:  # the sender was killed in the middle of it: nothing was asked yet
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.path, headers, body, self.client_address[1])
                receiver.requests.append(request)
                status, extra, words = receiver.answer(request)
                self.send_response(status)
                self.send_header("Content-Length", str(len(words)))
                for name, value in extra.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(words)

            do_GET = do_POST  # noqa: N815  # the server's own way to name them

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        server = _Quiet(("127.0.0.1", self.port), Handler)
        if self._tls is not None:
            server.socket = self._tls.wrap_socket(server.socket, server_side=True)
        self._server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on, and cut those there are."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut()
            self._server = None


class _Quiet(ThreadingHTTPServer):
    """Says nothing about senders that hang up, and can hang up on all of them."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._open: set[socket.socket] = set()

    @override
    def process_request(self, request: socket.socket, client_address: Any) -> None:  # type: ignore[override]
        self._open.add(request)
        super().process_request(request, client_address)

    @override
    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        self._open.discard(request)
        super().shutdown_request(request)

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        pass

    def cut(self) -> None:
        for connection in list(self._open):
            self.shutdown_request(connection)


@contextmanager
def dripping(first: bytes, drop: bytes) -> Iterator[int]:
    """Serve one port that answers whoever connects with some bytes and then, for ever, a drop at a time."""
    done = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not done.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(connection,), daemon=True).start()

    def drip(connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(first)
                while not done.wait(0.05):
                    connection.sendall(drop)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        done.set()
        listener.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
