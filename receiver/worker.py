"""gunicorn's threaded worker, with a deadline for what a client sends.

gthread waits for a client as long as the client likes: as many slow connections as there are threads stop it. Here a
new connection waits for its first byte without a thread, and from then on handshake, headers and body together have
`read_timeout` seconds. Only reading is timed, so a handler takes the time it takes.

gthread that stops also keeps its listening socket open until the last request is answered: who connects meanwhile hears
nothing, and is cut off in the end. Here it is closed at once.
"""

import selectors
import ssl
import time
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from gunicorn import sock, util  # type: ignore[import-untyped]  # gunicorn has no types
from gunicorn.http.errors import NoMoreData  # type: ignore[import-untyped]
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]
from gunicorn.http.unreader import SocketUnreader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

__all__ = ["DeadlineWorker"]


class DeadlineWorker(ThreadWorker):  # type: ignore[misc]
    """Cuts off clients that are slower than `read_timeout` seconds; gunicorn.conf.py sets it."""

    read_timeout = 10.0
    alive: bool
    wsgi: Any

    def load_wsgi(self) -> None:
        """Load the application, and let it close connections."""
        super().load_wsgi()
        self.wsgi = _closing(self.wsgi)

    def is_parent_alive(self) -> bool:
        """Whether the master is; without it the worker stops as if told to."""
        self.alive = self.alive and super().is_parent_alive()
        return self.alive

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept, or not; in a worker that stops never again: who comes is refused, not left to wait for nobody."""
        super().set_accept_enabled(enabled and self.alive)
        if not self.alive:
            for listener in self.sockets:
                if listener.sock is not None:
                    self._accept_waiting(listener)
                    listener.close()

    def _accept_waiting(self, listener: Any) -> None:
        """Let in who has connected already, and is waiting for an answer."""
        listener.setblocking(False)
        before = -1
        while before < self.nr_conns < self.worker_connections:
            before = self.nr_conns
            self.accept(listener)

    def enqueue_req(self, conn: TConn) -> None:
        """Give a thread to a connection that has sent something; a new one waits in the poller until it has."""
        if conn.data_ready:
            super().enqueue_req(conn)
            return
        conn = _Connection(conn.cfg, conn.sock, conn.client, conn.server)
        conn.timeout = time.monotonic() + self.read_timeout
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: "_Connection") -> Any:
        """Serve one request; its deadline begins when a thread takes it up."""
        conn.deadline = time.monotonic() + self.read_timeout
        kept = super().handle(conn)
        if not kept:
            # Here and not in the main loop, which would accept nobody while a client lingers.
            util.close_graceful(conn.sock)
        return kept


def _closing(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The application, whose `Connection: close` counts: gunicorn drops the header, and has a method instead."""

    def closing(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if ("Connection", "close") in headers:
                start_response.__self__.force_close()
            return start_response(status, headers, exc_info)

        return application(environ, start)

    return closing


def _tls(cfg: Any) -> ssl.SSLContext:
    """The server's side of TLS, made anew only when the certificate or its key is: gunicorn makes it per connection."""
    files = (cfg.certfile, cfg.keyfile)
    return _tls_of(cfg, tuple(Path(file).stat().st_mtime_ns for file in files))


@lru_cache(maxsize=1)
def _tls_of(cfg: Any, changed: tuple[int, ...]) -> ssl.SSLContext:  # noqa: ARG001 - what tells one from the one before
    context: ssl.SSLContext = sock.ssl_context(cfg)
    return context


class _Connection(TConn):  # type: ignore[misc]
    sock: Any
    initialized: bool
    deadline = 0.0

    def init(self) -> None:
        """Shake hands, within the deadline. HTTP/1 only: gunicorn's other protocols are off."""
        if self.initialized:
            return
        self.initialized = True
        if self.cfg.is_ssl:
            self.sock.settimeout(self.remaining())
            self.sock = _tls(self.cfg).wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
            try:
                self.sock.do_handshake()  # a timeout is for all of it, however many messages it takes
            except TimeoutError:
                raise NoMoreData from None
        self.parser = RequestParser(self.cfg, self.sock, self.client)
        self.parser.unreader = _Unreader(self)

    def remaining(self) -> float:
        """Seconds to the deadline. Raises NoMoreData, as if the client had gone, when it is over."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise NoMoreData
        return seconds

    def close(self, graceful: bool = False) -> None:  # noqa: ARG002, FBT - gunicorn's signature
        util.close(self.sock)


class _Unreader(SocketUnreader):  # type: ignore[misc]
    """Every read of headers and body goes through here."""

    def __init__(self, connection: _Connection) -> None:
        super().__init__(connection.sock)
        self._connection = connection

    def chunk(self, size_hint: int | None = None) -> bytes:
        self.sock.settimeout(self._connection.remaining())
        try:
            data: bytes = super().chunk(size_hint)
        except TimeoutError:
            raise NoMoreData from None
        finally:
            self.sock.settimeout(None)
        return data
