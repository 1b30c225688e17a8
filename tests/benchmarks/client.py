"""A client that costs little: requests made beforehand, written as they are, and the seconds each answer took."""

import asyncio
import ssl
import time
from collections.abc import Iterator, Sequence

from sender_sim.core.delivery import Request
from tests.benchmarks.servers import Server

__all__ = ["post"]


def post(
    server: Server, requests: Sequence[Request], *, connections: int, tls: ssl.SSLContext | None, fresh: bool = False
) -> list[float]:
    """Post all, so many at a time; `fresh`: each on a connection of its own. Returns seconds; each must get its 200."""
    return asyncio.run(_post(server, iter([_raw(request) for request in requests]), connections, tls, fresh))


def _raw(request: Request) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return (
        f"POST /webhook HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(request.body)}\r\n\r\n".encode()
        + (request.body)
    )


async def _post(
    server: Server, left: Iterator[bytes], connections: int, tls: ssl.SSLContext | None, fresh: bool
) -> list[float]:
    taken: list[float] = []

    async def client() -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for request in left:
            started = time.perf_counter()
            reader, writer = connection = connection or await asyncio.open_connection("localhost", server.port, ssl=tls)
            writer.write(request)
            await _read_answer(reader)
            taken.append(time.perf_counter() - started)
            if fresh:
                connection = None
                writer.transport.abort()
        if connection:
            connection[1].transport.abort()

    await asyncio.gather(*(client() for _ in range(connections)))
    return taken


async def _read_answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(maxsplit=1)[0])
    body = await reader.readexactly(length)
    assert head.startswith(b"HTTP/1.1 200"), head + body
