"""gunicorn's threaded worker, in which no thread waits for a client.

gthread waits for a client as long as the client likes: as many slow connections as there are threads stop it. Here a
request takes a thread when all of it has come. Until then its connection waits in the poller, and has `read_timeout`
seconds from its first byte on for handshake, headers and body together. Only reading is timed, so a handler takes the
time it takes.

gthread that stops also keeps its listening socket open until the last request is answered: who connects meanwhile hears
nothing, and is cut off in the end. Here it is closed at once.
"""

import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]  # gunicorn has no types

from receiver.connection import Connection

__all__ = ["DeadlineWorker"]

# What a thread says of a request that has not come to its end.
_NOT_YET: Final = object()
# Bytes of such requests that a worker holds. Beyond it who holds more than a fair share of it is cut off.
_HELD: Final = 64 * 1024 * 1024
# How long the end of a connection is waited for: closed earlier, what was answered last could be lost.
_LINGER: Final = 2.0


class DeadlineWorker(ThreadWorker):  # type: ignore[misc]
    """Cuts off clients that are slower than `read_timeout` seconds; gunicorn.conf.py sets it, and `max_body`."""

    read_timeout = 10.0
    max_body = 1024 * 1024
    alive: bool
    wsgi: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._held = 0
        self._holding = threading.Lock()

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
        if isinstance(conn, Connection):
            super().enqueue_req(conn)
        else:
            new = Connection(conn.cfg, conn.sock, conn.client, conn.server)
            self._wait(new, time.monotonic() + self.read_timeout, self.on_pending_socket_readable)

    def handle(self, conn: Connection) -> Any:
        """In a thread: take what has come of a request, and serve it if that is all. Says whether to keep on."""
        conn.deadline = conn.deadline or time.monotonic() + self.read_timeout
        if not conn.receive(self.max_body):
            return _NOT_YET if self._may_hold(conn) else False
        self._let_go(conn)
        kept = super().handle(conn)
        conn.deadline = 0.0
        return kept

    def finish_request(self, conn: Connection, fs: "Future[Any]") -> None:
        """Back in the main loop: wait for the rest of the request, for the next one, or for the client to hang up."""
        if fs.cancelled() or fs.exception():
            super().finish_request(conn, fs)
        elif fs.result() is _NOT_YET:
            self._wait(conn, conn.deadline, self.on_pending_socket_readable)
        elif fs.result():
            super().finish_request(conn, fs)
        else:
            self._linger(conn)

    def murder_pending(self) -> None:
        """End the waiting that was long enough: a request whose headers are there is told so, others are cut off."""
        now = time.monotonic()
        for conn in [each for each in self.pending_conns if each.timeout <= now]:
            self.pending_conns.remove(conn)
            self.poller.unregister(conn.sock)
            if conn.has_head:
                self.enqueue_req(conn)
            else:
                self._end(conn)

    def _wait(self, conn: Connection, until: float, readable: Callable[[Connection, Any], None]) -> None:
        try:
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(readable, conn))
        except (OSError, ValueError):  # it is closed already
            self._end(conn)
        else:
            conn.timeout = until
            self.pending_conns.append(conn)

    def _linger(self, conn: Connection) -> None:
        """Say that nothing more is sent, and take what still comes until the client has seen it (RFC 9112, 9.6)."""
        self._let_go(conn)
        conn.forget()
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._end(conn)
        else:
            self._wait(conn, time.monotonic() + _LINGER, self._on_lingering)

    def _on_lingering(self, conn: Connection, _: Any) -> None:
        if not conn.drain():
            self.poller.unregister(conn.sock)
            self.pending_conns.remove(conn)
            self._end(conn)

    def _end(self, conn: Connection) -> None:
        self._let_go(conn)
        self.nr_conns -= 1
        conn.close()

    def _may_hold(self, conn: Connection) -> bool:
        """Count what a connection holds; False: there is too much, and most of it is such as this one's."""
        with self._holding:
            self._held += conn.size - conn.counted
            conn.counted = conn.size
            return self._held <= _HELD or conn.size <= _HELD // self.worker_connections

    def _let_go(self, conn: Connection) -> None:
        with self._holding:
            self._held -= conn.counted
            conn.counted = 0


def _closing(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The application, whose `Connection: close` counts: gunicorn drops the header, and has a method instead."""

    def closing(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if ("Connection", "close") in headers:
                start_response.__self__.force_close()
            return start_response(status, headers, exc_info)

        return application(environ, start)

    return closing
