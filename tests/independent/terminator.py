"""TLS in front of a server that has none, as a load balancer does it: bytes are passed on as they are."""

import asyncio
import ssl
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

_CHUNK = 65_536


@contextmanager
def tls_in_front_of(port: int, certificate: Path, key: Path) -> Iterator[int]:
    """The port on loopback that speaks TLS, until the end of the block."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    started: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = Thread(target=lambda: asyncio.run(_serve(port, context, started)))
    thread.start()
    own_port, loop, stop = started.result(30)
    try:
        yield own_port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _serve(
    port: int, context: ssl.SSLContext, started: "Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]]"
) -> None:
    stop = asyncio.Event()
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(_pass_on(reader, writer, port))
        connections.add(connection)
        connection.add_done_callback(connections.discard)

    try:
        server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    except BaseException as error:
        started.set_exception(error)
        raise
    started.set_result((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stop))
    async with server:
        await stop.wait()
    for connection in connections:
        connection.cancel()
    await asyncio.gather(*connections, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """One connection, until the server behind has said all or the client has left."""
    try:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
        up = asyncio.create_task(_copy(reader, behind_writer))
        try:
            await _copy(behind_reader, writer)
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
            behind_writer.transport.abort()
    finally:
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
