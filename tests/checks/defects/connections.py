"""Endpoints that cannot be reached as they should be, or mind how connections go."""

import re

from flask import Response, request
from werkzeug.exceptions import ClientDisconnected

from tests.checks import servers
from tests.checks.endpoint import MIB, Endpoint, Values
from tests.checks.registry import defect

PATIENCE = 3.0


@defect("does not run", "reachable", serve=servers.nowhere)
@defect("speaks HTTP where the URL says https", "https-tls", serve=servers.http_at_an_https_url)
@defect("speaks TLS 1.1 and nothing newer", "https-tls", serve=servers.with_old_tls_only)
@defect("speaks ciphers that no client of today speaks", "https-tls", serve=servers.with_weak_ciphers_only)
@defect(
    "asks for a client certificate",
    "answer-200",
    serve=servers.asking_for_a_client_certificate,
    cause="asks for a client certificate",
)
@defect("has a certificate that nobody trusts", "https-certificate", serve=servers.with_a_strangers_certificate)
@defect("has a certificate for another host", "https-certificate", serve=servers.with_another_hosts_certificate)
@defect("has a certificate that has expired", "https-certificate", serve=servers.with_an_expired_certificate)
@defect("speaks TLS 1.1, too", "https-old-tls", serve=servers.with_old_tls_too)
@defect("serves one client at a time", "connection-slow-others", serve=servers.one_client_at_a_time, timeout=PATIENCE)
class WronglyServed(Endpoint):
    """Nothing is wrong with it but how it is served."""


@defect("takes the first piece of a body for all of it", "connection-drip", serve=servers.over_http)
class ReadsOnce(Endpoint):
    def body(self) -> bytes:
        if not 0 < (request.content_length or 0) < MIB:
            return super().body()
        body: bytes = request.environ["wsgi.input"].read1(MIB)
        return body


@defect("dies when a connection is cut", "connection-cut", serve=servers.over_http)
class DiesWhenCut(Endpoint):
    dead = False

    def take(self) -> Response:
        if self.dead:
            raise RuntimeError("dead")
        return super().take()

    def body(self) -> bytes:
        try:
            return super().body()
        except ClientDisconnected:
            self.dead = True
            raise


class LetsErrorsOut(Endpoint):
    """One without a net: what its framework would make a 500 of ends the process."""

    def __init__(self, key: bytes | None = None) -> None:
        super().__init__(key)
        self.app.config["PROPAGATE_EXCEPTIONS"] = True


@defect(
    "ends with an error where a text has a % in it",
    "text-reserved",
    "still-answering",
    serve=servers.until_an_error,
    cause="a request of text-reserved ended it",
)
class DecodesTwice(LetsErrorsOut):
    def handle(self, values: Values) -> None:
        if re.search("%(?![0-9A-Fa-f]{2})", values.get("details", "")):
            raise RuntimeError("URI malformed")


@defect(
    "ends with an error where a body cannot be read",
    "body-malformed",
    "still-answering",
    serve=servers.until_an_error,
    cause="a request of body-malformed ended it",
)
class EndsWithABadBody(LetsErrorsOut):
    def unreadable(self, error: ValueError) -> Response:
        raise RuntimeError("unreadable") from error
