"""Endpoints on loopback that behave as they are told, well or badly, and attempts to send to them."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sender_sim.certs import DevelopmentKeys
from sender_sim.core.delivery import Attempt, Request
from sender_sim.core.outcome import Outcome
from sender_sim.transports import HttpsTransport, trust
from tests.unit.sender_sim.scripted import START

FORM = "application/x-www-form-urlencoded"
PATIENT = timedelta(seconds=20)


@dataclass
class Seen:
    """One request as its bytes came in."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Connection:
    """A client's connection, as a behaviour gets it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    seen: list[Seen]

    async def read_request(self) -> None:
        """Read one request whole."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *headers = head.rstrip("\r\n").split("\r\n")
        named = {name.lower(): value for name, _, value in (header.partition(": ") for header in headers)}
        self.seen.append(Seen(line, named, await self.reader.readexactly(int(named["content-length"]))))

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0)  # over TLS, drain alone never lets the loop say that the client has left

    async def reset(self) -> None:
        """End it with a TCP reset."""
        plain: socket.socket = self.writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behaviour = Callable[[Connection], Awaitable[None]]


@dataclass
class Endpoint:
    """Where it is and what it has seen."""

    port: int
    seen: list[Seen] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.url_at("127.0.0.1")

    def url_at(self, host: str) -> str:
        return f"https://{host}:{self.port}/hook?tenant=1&x=%C3%A5"


def server_tls(keys: DevelopmentKeys) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys.tls_certificate, keys.tls_key)
    return context


@asynccontextmanager
async def serving(behaviour: Behaviour, tls: ssl.SSLContext | None) -> AsyncIterator[Endpoint]:
    """An endpoint until the end of the block; what is left of its connections then is ended."""
    tasks: set[asyncio.Task[None]] = set()
    seen: list[Seen] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behaviour(Connection(reader, writer, seen))
            writer.close()
            await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has left
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    try:
        yield Endpoint(server.sockets[0].getsockname()[1], seen)
    finally:
        server.close()
        await server.wait_closed()
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


def attempt_at(url: str, *, body: bytes = b"id=1", content_type: str = FORM, timeout: timedelta = PATIENT) -> Attempt:
    return Attempt("a/post-call", 1, START, Request(url, content_type, body, timeout))


def outcome_at(
    behaviour: Behaviour, keys: DevelopmentKeys, *, trusted: DevelopmentKeys | None = None, timeout: timedelta = PATIENT
) -> tuple[Outcome, Endpoint]:
    """What comes of one attempt at an endpoint with this behaviour, over TLS."""

    async def send() -> tuple[Outcome, Endpoint]:
        async with (
            serving(behaviour, server_tls(keys)) as endpoint,
            HttpsTransport.open(trust((trusted or keys).ca)) as transport,
        ):
            return await transport.send(attempt_at(endpoint.url, timeout=timeout)), endpoint

    return asyncio.run(send())


def answering(answer: bytes, *, times: int = 1) -> Behaviour:
    """Reads requests whole and answers each with these bytes."""

    async def behave(connection: Connection) -> None:
        for _ in range(times):
            await connection.read_request()
            await connection.write(answer)

    return behave


def http(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """An answer as HTTP/1.1 writes it."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def silent(connection: Connection) -> None:
    await connection.read_request()
    await connection.reader.read()


async def dripping(connection: Connection) -> None:
    """Never quiet for long, so that only a deadline for the whole of it ends it."""
    await connection.read_request()
    await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await connection.write(b" ")
        await asyncio.sleep(0.02)


async def dripping_headers(connection: Connection) -> None:
    await connection.read_request()
    await connection.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        await connection.write(b"x")
        await asyncio.sleep(0.02)


async def closed_before_the_answer(connection: Connection) -> None:
    await connection.read_request()


async def reset_before_the_answer(connection: Connection) -> None:
    await connection.read_request()
    await connection.reset()


async def closed_mid_answer(connection: Connection) -> None:
    await connection.read_request()
    await connection.write(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"append"')


async def reset_mid_answer(connection: Connection) -> None:
    await closed_mid_answer(connection)
    await connection.reset()


async def closed_mid_chunk(connection: Connection) -> None:
    await connection.read_request()
    await connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{")
