"""Ways to serve an endpoint on loopback: over HTTP, over HTTPS, and as no endpoint should be."""

import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import HTTPServer
from typing import Any

import trustme
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Served:
    """Where an endpoint is, and the certificate (PEM) of whom to trust there."""

    url: str
    ca: str

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.ca)


# Serves a WSGI application until the end of the block.
Serve = Callable[[Any], AbstractContextManager[Served]]


@contextmanager
def over_http(app: Any, *, threaded: bool = True) -> Iterator[Served]:
    with _serving(app, None, threaded=threaded) as port:
        yield Served(f"http://{HOST}:{port}/hook", _pem(trustme.CA()))


@contextmanager
def one_client_at_a_time(app: Any) -> Iterator[Served]:
    with over_http(app, threaded=False) as served:
        yield served


@contextmanager
def until_an_error(app: Any) -> Iterator[Served]:
    """Over HTTP, until the application lets an error out: nobody listens then, as where that ends the process."""
    ending = _EndingWithAnError(app)
    ending.server = make_server(HOST, 0, ending, threaded=True, request_handler=_Quiet)
    with _running(ending.server) as port:
        yield Served(f"http://{HOST}:{port}/hook", _pem(trustme.CA()))


@contextmanager
def over_https(app: Any) -> Iterator[Served]:
    authority = trustme.CA()
    with _secured(app, _server(authority.issue_cert(HOST)), authority) as served:
        yield served


@contextmanager
def nowhere(app: Any) -> Iterator[Served]:  # noqa: ARG001 - nobody serves it
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield Served(f"https://{HOST}:{held.getsockname()[1]}/hook", _pem(trustme.CA()))


@contextmanager
def http_at_an_https_url(app: Any) -> Iterator[Served]:
    with over_http(app) as served:
        yield Served(served.url.replace("http:", "https:"), served.ca)


@contextmanager
def with_a_strangers_certificate(app: Any) -> Iterator[Served]:
    with _secured(app, _server(trustme.CA().issue_cert(HOST)), trustme.CA()) as served:
        yield served


@contextmanager
def with_another_hosts_certificate(app: Any) -> Iterator[Served]:
    authority = trustme.CA()
    with _secured(app, _server(authority.issue_cert("other.example")), authority) as served:
        yield served


@contextmanager
def with_an_expired_certificate(app: Any) -> Iterator[Served]:
    authority, now = trustme.CA(), datetime.now(UTC)
    expired = authority.issue_cert(HOST, not_before=now - timedelta(days=2), not_after=now - timedelta(days=1))
    with _secured(app, _server(expired), authority) as served:
        yield served


@contextmanager
def with_old_tls_only(app: Any) -> Iterator[Served]:
    authority = trustme.CA()
    tls = _speaking_old_tls(authority)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what this is about
        tls.maximum_version = ssl.TLSVersion.TLSv1_1
    with _secured(app, tls, authority) as served:
        yield served


@contextmanager
def with_weak_ciphers_only(app: Any) -> Iterator[Served]:
    authority = trustme.CA()
    tls = _server(authority.issue_cert(HOST))
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers("AECDH-AES256-SHA:@SECLEVEL=0")
    with _secured(app, tls, authority) as served:
        yield served


@contextmanager
def asking_for_a_client_certificate(app: Any) -> Iterator[Served]:
    authority = trustme.CA()
    tls = _server(authority.issue_cert(HOST))
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    with _secured(app, tls, authority) as served:
        yield served


@contextmanager
def with_old_tls_too(app: Any) -> Iterator[Served]:
    authority = trustme.CA()
    with _secured(app, _speaking_old_tls(authority), authority) as served:
        yield served


def _pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def _server(certificate: trustme.LeafCert) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(tls)
    return tls


def _speaking_old_tls(authority: trustme.CA) -> ssl.SSLContext:
    tls = _server(authority.issue_cert(HOST))
    tls.set_ciphers("ALL:@SECLEVEL=0")
    tls.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return tls


@contextmanager
def _secured(app: Any, tls: ssl.SSLContext, authority: trustme.CA) -> Iterator[Served]:
    with _serving(app, tls) as port:
        yield Served(f"https://{HOST}:{port}/hook", _pem(authority))


@contextmanager
def _serving(app: Any, tls: ssl.SSLContext | None, *, threaded: bool = True) -> Iterator[int]:
    with _running(make_server(HOST, 0, app, threaded=threaded, ssl_context=tls, request_handler=_Quiet)) as port:
        yield port


@contextmanager
def _running(server: BaseWSGIServer) -> Iterator[int]:
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that left is no news
    thread = threading.Thread(target=HTTPServer.serve_forever, args=(server, 0.02))  # werkzeug's own closes, too
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _EndingWithAnError:
    """A WSGI application whose server ends with its first error, in the middle of the request."""

    server: BaseWSGIServer

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return self._app(environ, start_response)
        except RuntimeError:  # what the defects raise
            self.server.shutdown()
            self.server.server_close()
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionError("the server has ended") from None


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Nobody reads it."""
