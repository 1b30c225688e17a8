"""Connections beneath HTTP's client: to drip, to cut, and to see what TLS was agreed on."""

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from yarl import URL

from sender_sim.core.delivery import Request
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome

__all__ = ["Connection", "connect", "http_bytes"]

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds


class Connection:
    """An open connection, with or without TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def tls_version(self) -> str | None:
        """For example `TLSv1.3`; None: no TLS."""
        tls = self._writer.get_extra_info("ssl_object")
        return tls.version() if tls else None

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises OSError where the endpoint has left."""
        self._writer.write(data)
        await self._writer.drain()

    async def read(self, limit: int = 65_536) -> bytes:
        """The next bytes; none at the end."""
        return await self._reader.read(limit)

    async def answer(self) -> Outcome:
        """The status of an answer."""
        started = time.perf_counter()
        try:
            line = await self._reader.readline()
        except ValueError:  # longer than anything is kept for
            return Failed(Failure.PROTOCOL, "no HTTP: its first line has no end", time.perf_counter() - started)
        _, _, rest = line.partition(b" ")
        seconds = time.perf_counter() - started
        if not line:
            return Failed(Failure.RESET, "the connection was closed without an answer", seconds)
        if not line.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            return Failed(Failure.PROTOCOL, f"no HTTP: {line[:40]!r}", seconds)
        return Answered(int(rest[:3]), seconds=seconds)

    def reset(self) -> None:
        """End the connection as an outage does: at once, with a TCP reset, and no goodbye of TLS."""
        if self._writer.transport.is_closing():
            return  # the endpoint was quicker
        plain: socket.socket = self._writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()


@asynccontextmanager
async def connect(url: str, tls: ssl.SSLContext | None, seconds: float) -> AsyncIterator[Connection]:
    """A connection to the host of a URL, for the block; `seconds` is how long connecting may take.

    Raises OSError, of which TimeoutError and ssl.SSLError are some.
    """
    where = URL(url)
    hostname = where.raw_host if tls else None
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(where.raw_host, where.port, ssl=tls, server_hostname=hostname)
    try:
        yield Connection(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)  # however it ended


def http_bytes(request: Request) -> tuple[bytes, bytes]:
    """Head and body of a request, as HTTP/1.1 writes them; the connection is not used again."""
    where = URL(request.url)
    given = {"Host": where.host_port_subcomponent, **request.headers}
    headers = given | {"Content-Length": str(len(request.body)), "Connection": "close"}
    lines = [f"{request.method} {where.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii"), request.body
