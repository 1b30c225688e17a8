"""A client's connection, which takes what has come and waits for nothing."""

import ssl
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from gunicorn import sock, util  # type: ignore[import-untyped]  # gunicorn has no types
from gunicorn.http.errors import NoMoreData  # type: ignore[import-untyped]
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]
from gunicorn.http.unreader import Unreader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn  # type: ignore[import-untyped]

from receiver.framing import Framing

__all__ = ["Connection"]

_AT_ONCE: Final = 64 * 1024
# What is taken, and thrown away, of a client that goes on sending after its answer.
_DRAINED: Final = 64 * 1024
_LATER: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection(TConn):  # type: ignore[misc]
    """`deadline` is when the request that comes in just now must be there; 0: none has begun."""

    sock: Any
    initialized: bool

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.data_ready = True  # no thread waits for the first byte
        self.deadline = 0.0
        self.counted = 0  # of its bytes, in the worker's sum
        self._framing: Framing | None = None
        self._failure: OSError | None = None
        self._handshaken = not self.cfg.is_ssl
        self._hung_up = False
        self._drained = 0

    @property
    def size(self) -> int:
        """Bytes of the request that have come."""
        return len(self._framing.data) if self._framing else 0

    @property
    def has_head(self) -> bool:
        """Whether the headers have come."""
        return self._framing is not None and self._framing.has_head

    def receive(self, limit: int) -> bool:
        """Take what has come; whether that is the request, or no more of it will come. A body may have `limit` bytes.

        A client that hung up and an error of TLS are found by whoever reads on.
        """
        if self._framing is None:
            self._framing = Framing(limit)
            if self.parser:
                self._framing.add(self.parser.unreader.take_buffered())
        try:
            self._shake_hands()
            while not (self._framing.complete or self._hung_up):
                self._take(self._framing)
        except _LATER:
            return time.monotonic() >= self.deadline
        except OSError as error:
            self._failure = error
        return True

    def _shake_hands(self) -> None:
        """HTTP/1 only: gunicorn's other protocols are off."""
        if self.cfg.is_ssl and not isinstance(self.sock, ssl.SSLSocket):
            self.sock = _tls(self.cfg).wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        if not self._handshaken:
            self.sock.do_handshake()
            self._handshaken = True

    def _take(self, framing: Framing) -> None:
        piece = self.sock.recv(_AT_ONCE)
        self._hung_up = not piece
        framing.add(piece)
        if framing.expects_continue and not framing.complete:
            # Some clients ask before they send a body. gunicorn tells them, too, but only once the body is there.
            framing.expects_continue = False
            self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def init(self) -> None:
        """Give gunicorn's parser what has come."""
        if self._failure:
            raise self._failure
        if not self.initialized:
            self.initialized = True
            self.parser = RequestParser(self.cfg, self.sock, self.client)
            self.parser.unreader = _NoMore()
        self.parser.unreader.hung_up = self._hung_up
        if self._framing:
            self.parser.unreader.unread(bytes(self._framing.data))
        self.forget()

    def forget(self) -> None:
        """Nothing is held of it any more."""
        self._framing = None

    def drain(self) -> bool:
        """Throw away what still comes; whether it may go on."""
        try:
            piece = self.sock.recv(_AT_ONCE)
        except _LATER:
            return True
        except OSError:
            return False
        self._drained += len(piece)
        return bool(piece) and self._drained < _DRAINED

    def close(self, graceful: bool = False) -> None:  # noqa: ARG002, FBT - gunicorn's signature
        """At once: it has lingered already."""
        util.close(self.sock)


def _tls(cfg: Any) -> ssl.SSLContext:
    """The server's side of TLS, made anew only when the certificate or its key is: gunicorn makes it per connection."""
    files = (cfg.certfile, cfg.keyfile)
    return _tls_of(cfg, tuple(Path(file).stat().st_mtime_ns for file in files))


@lru_cache(maxsize=1)
def _tls_of(cfg: Any, changed: tuple[int, ...]) -> ssl.SSLContext:  # noqa: ARG001 - what tells one from the one before
    context: ssl.SSLContext = sock.ssl_context(cfg)
    return context


class _NoMore(Unreader):  # type: ignore[misc]
    """All that will be read is there: who wants more has to do with a client that hung up, or was too slow."""

    hung_up = False

    def chunk(self, size_hint: int | None = None) -> bytes:  # noqa: ARG002 - gunicorn's signature
        if self.hung_up:
            return b""
        raise NoMoreData
