"""Each attempt has a connection of its own, as attempts that are half an hour apart have."""

import asyncio
from typing import Any

import pytest

from sender_sim.certs import DevelopmentKeys
from sender_sim.transports import HttpsTransport, _Once, trust
from tests.unit.sender_sim.endpoints import Connection, attempt_at, http, server_tls, serving


def test_an_endpoint_that_closes_after_its_answer_without_a_word_fails_no_attempt(
    development_keys: DevelopmentKeys,
) -> None:
    connections: list[Connection] = []

    async def answer_once(connection: Connection) -> None:
        connections.append(connection)
        await connection.read_request()
        await connection.write(http(b"{}"))
        await connection.reader.read(1)  # whatever comes next on this connection finds it closed

    async def send() -> list[str]:
        async with (
            serving(answer_once, server_tls(development_keys)) as endpoint,
            HttpsTransport.open(trust(development_keys.ca)) as transport,
        ):
            return [str(await transport.send(attempt_at(endpoint.url))) for _ in range(5)]

    assert asyncio.run(send()) == ["200 OK"] * 5
    assert len(connections) == 5


def test_a_connection_is_gone_when_its_attempt_is_over_though_the_endpoint_holds_on_to_it(
    development_keys: DevelopmentKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer_and_hold(connection: Connection) -> None:
        await connection.read_request()
        await connection.write(http(b"{}", headers="Connection: close\r\n"))
        await asyncio.Event().wait()

    create: Any = asyncio.BaseEventLoop.create_connection
    sockets: list[Any] = []

    async def watched(*arguments: Any, **options: Any) -> Any:
        made = await create(asyncio.get_running_loop(), *arguments, **options)
        sockets.append(made[0].get_extra_info("socket"))
        return made

    async def send() -> list[int]:
        async with (
            serving(answer_and_hold, server_tls(development_keys)) as endpoint,
            HttpsTransport.open(trust(development_keys.ca)) as transport,
        ):
            monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", watched)
            assert (await transport.send(attempt_at(endpoint.url))).success
            return [connected.fileno() for connected in sockets]

    assert asyncio.run(send()) == [-1]


def test_a_connection_that_is_gone_already_is_not_ended_again() -> None:
    async def end_twice() -> None:
        async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(65_536):
                pass
            writer.close()
            await writer.wait_closed()
            over.set()

        over = asyncio.Event()
        server = await asyncio.start_server(swallow, "127.0.0.1", 0)
        async with server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(bytes(16 * 1024 * 1024))  # closed with something left to send, it ends by itself later
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0)
            gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            gone.set_result(None)
            connector = _Once()
            connector._connection = writer.transport, gone
            await connector.close()
            await over.wait()

    asyncio.run(end_twice())
