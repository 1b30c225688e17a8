"""How an attempt reaches an endpoint: real HTTPS, or a WSGI application in this process; with time to breathe."""

import asyncio
import math
import os
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError
from werkzeug.test import Client
from yarl import URL

from sender_sim.core.delivery import Attempt, Request
from sender_sim.core.outcome import ANSWER_LIMIT, Answered, Failed, Failure, Outcome, timed_out

__all__ = ["Body", "Breathing", "HttpsTransport", "Transport", "WsgiTransport", "seconds_since", "trust", "words"]

_Headers = tuple[tuple[str, str], ...]

# aiohttp wants what is longer as a stream, so that the loop is not held up.
_AT_ONCE: Final = 1024 * 1024
# Real seconds for which the addresses of a name are known.
_KNOWN_FOR: Final = 1.0
_UNASKED: Final = frozenset({"Accept-Encoding", "Content-Type"})
_NO_TIMEOUT: Final = aiohttp.ClientTimeout()  # aiohttp's round up to whole seconds


class Transport(Protocol):
    """Sends an attempt and says what came of it; never raises for what an endpoint does."""

    async def send(self, attempt: Attempt) -> Outcome:
        """Send the attempt's request."""
        ...


def trust(ca: Path | None) -> ssl.SSLContext:
    """The certificates to trust: the system's, or those in a PEM file alone. Raises OSError, ssl.SSLError."""
    return ssl.create_default_context(cafile=str(ca) if ca else None)


def seconds_since(started: float) -> float:
    """Real seconds since `time.perf_counter()` was `started`, to a tenth of a millisecond: no more is to be known."""
    return round(time.perf_counter() - started, 4)


class Body:
    """What is read of an answer: its beginning is kept, the rest is only waited for."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._cut = False

    def add(self, chunk: bytes) -> None:
        """Take what comes next."""
        room = ANSWER_LIMIT - len(self._kept)
        self._kept += chunk[:room]
        self._cut = self._cut or len(chunk) > room

    def answer(self, status: int, headers: _Headers, seconds: float) -> Answered:
        """The whole answer."""
        return Answered(status, bytes(self._kept), headers, seconds, cut=self._cut)


class HttpsTransport:
    """Real requests, each on a connection of its own: certificates verified, redirects not followed.

    One deadline covers everything from connect to the last byte of the answer (R3).
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._names = _Names()

    @classmethod
    @asynccontextmanager
    async def open(cls, tls: ssl.SSLContext) -> AsyncIterator["HttpsTransport"]:
        """A transport for the block."""
        yield cls(tls)

    async def send(self, attempt: Attempt) -> Outcome:
        """Send the attempt's request."""
        started = time.perf_counter()
        request = attempt.request
        try:
            async with self._session() as session, asyncio.timeout(request.timeout.total_seconds()):
                status, headers, body = await _send(session, request)
        except TimeoutError:
            return timed_out(request.timeout, seconds_since(started))
        except (aiohttp.ClientError, OSError, ssl.SSLError) as error:
            return Failed(_failure(error), words(error), seconds_since(started))
        return body.answer(status, headers, seconds_since(started))

    def _session(self) -> aiohttp.ClientSession:
        """For one attempt: Kaisa's are half an hour apart, so it has no connection left to use again."""
        return aiohttp.ClientSession(
            connector=_Once(ssl=self._tls, resolver=self._names, use_dns_cache=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_UNASKED,
            timeout=_NO_TIMEOUT,
        )


class _Names(AbstractResolver):
    """Looks names up, each once in a while: it is a thread's work, and attempts made together need the same."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: dict[tuple[str, int, int], tuple[float, list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises OSError; what could not be found is looked up again."""
        looked_up, addresses = self._known.get((host, port, family), (-math.inf, []))
        if self._now() - looked_up > _KNOWN_FOR:
            addresses = await aiohttp.ThreadedResolver().resolve(host, port, family)
            self._known[host, port, family] = self._now(), addresses
        return addresses

    async def close(self) -> None:
        """Nothing is open."""


class _Once(aiohttp.TCPConnector):
    """Connects once, and is closed when that connection is gone: aiohttp's own does not wait for the end of TLS."""

    _connection: tuple[asyncio.BaseTransport, asyncio.Future[None]] | None = None

    async def connect(self, *arguments: Any, **options: Any) -> Connection:
        """Connect, and keep what it takes to end it."""
        connection = await super().connect(*arguments, **options)
        protocol = connection.protocol
        if protocol is not None and protocol.transport is not None and protocol.closed is not None:
            self._connection = protocol.transport, protocol.closed
        return connection

    async def close(self, *, abort_ssl: bool = False) -> None:
        """End the connection at once; whatever there was to read has been read."""
        if self._connection:
            transport, closed = self._connection
            if isinstance(transport, asyncio.WriteTransport) and not closed.done():  # else its loop is gone already
                transport.abort()
            await asyncio.gather(closed, return_exceptions=True)  # however it ended
        await super().close(abort_ssl=abort_ssl)


async def _send(session: aiohttp.ClientSession, request: Request) -> tuple[int, _Headers, Body]:
    data = BytesIO(request.body) if len(request.body) > _AT_ONCE else request.body or None
    async with session.request(
        request.method, request.url, data=data, headers=request.headers, allow_redirects=False
    ) as response:
        body = Body()
        async for chunk in response.content.iter_any():
            body.add(chunk)
        return response.status, tuple(response.headers.items()), body


def _failure(error: Exception) -> Failure:
    """What kind of failure an error is; the more telling kind where it is several."""
    if isinstance(_complaint(error), ContentEncodingError):
        return Failure.PROTOCOL
    if isinstance(error.__cause__, ssl.SSLError):
        return Failure.TLS  # it came after the handshake, and is wrapped in an error of the connection
    match error:
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return Failure.TLS
        case aiohttp.ClientConnectorError() | aiohttp.InvalidURL():
            return Failure.CONNECT
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | OSError():
            return Failure.RESET
        case _:
            return Failure.PROTOCOL


def _complaint(error: BaseException) -> BaseException:
    """What aiohttp's reader says of the answer, where an error of its client is wrapped around it."""
    while isinstance(error.__cause__, HttpProcessingError):
        error = error.__cause__
    return error


def words(error: Exception) -> str:
    """The system's own words, without aiohttp's frame around them."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
        return f"the certificate is not trusted: {reason} (--ca FILE trusts a CA of your own)"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else _complaint(error)
    if isinstance(error.__cause__, ssl.SSLError):
        cause = error.__cause__
    if isinstance(cause, socket.gaierror):
        return str(cause.strerror).lower()
    if isinstance(cause, ContentEncodingError):
        return "the answer is compressed, which nobody asked for, and cannot be unpacked"
    if isinstance(cause, (aiohttp.ClientResponseError, HttpProcessingError)):
        return " ".join(cause.message.split())  # its text as a whole begins with a status the endpoint never sent
    if several := re.findall(r"\[Errno (\d+)\]", str(cause)):  # one for each address of the host
        return " and ".join(dict.fromkeys(os.strerror(int(number)).lower() for number in several))
    number = getattr(cause, "errno", None)
    if number and not isinstance(cause, ssl.SSLError):
        return os.strerror(number).lower()
    return str(cause) or type(cause).__name__


class Breathing:
    """A transport that gives a busy endpoint real time: `seconds` before the attempt after a 503 or a timeout.

    Kaisa's next attempt comes half an hour later, and a virtual half hour is no time to finish anything in.
    """

    def __init__(self, transport: Transport, seconds: float) -> None:
        self._transport = transport
        self._seconds = seconds
        self._busy: set[str] = set()

    async def send(self, attempt: Attempt) -> Outcome:
        """Send the attempt, after a breath if the one before found the endpoint busy."""
        if attempt.delivery in self._busy:
            await asyncio.sleep(self._seconds)
        outcome = await self._transport.send(attempt)
        self._busy.discard(attempt.delivery)
        if outcome.busy and self._seconds:
            self._busy.add(attempt.delivery)
        return outcome


class WsgiTransport:
    """The application of a test, called in a thread; no socket, no TLS.

    `here`: in the caller's thread instead, for an application whose database connections belong to that. Nothing can
    interrupt it there: an attempt that takes longer than its deadline is known to have failed when it is over.
    """

    def __init__(self, app: Callable[[dict[str, Any], Any], Iterable[bytes]], *, here: bool = False) -> None:
        self._app = app
        self._here = here

    async def send(self, attempt: Attempt) -> Outcome:
        """Call the application with the attempt's request; an exception in it is a 500, as under a server."""
        started = time.perf_counter()
        request = attempt.request
        seconds = request.timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                status, headers, body = await self._called(request, started + seconds)
        except TimeoutError:
            return timed_out(request.timeout, seconds_since(started))
        took = seconds_since(started)
        return body.answer(status, headers, took) if took <= seconds else timed_out(request.timeout, took)

    async def _called(self, request: Request, deadline: float) -> tuple[int, _Headers, Body]:
        if self._here:
            return self._call(request, deadline)
        return await asyncio.to_thread(self._call, request, deadline)

    def _call(self, request: Request, deadline: float) -> tuple[int, _Headers, Body]:
        url, body = URL(request.url), Body()
        try:
            response = Client(self._app, use_cookies=False).open(
                url.raw_path_qs,
                base_url=str(url.origin()),
                method=request.method,
                data=request.body,
                headers=request.headers,
            )
            for chunk in response.iter_encoded():
                body.add(chunk)
                if time.perf_counter() > deadline:  # nobody waits any longer, and a thread cannot be cancelled
                    break
            response.close()
        except Exception as error:  # noqa: BLE001 - the application under test may raise anything
            body = Body()
            body.add(repr(error).encode("utf-8", "backslashreplace"))
            return 500, (), body
        return response.status_code, tuple(response.headers.items()), body
