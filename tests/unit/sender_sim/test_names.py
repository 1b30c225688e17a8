"""The endpoint's name is looked up again soon enough, and not for each of many attempts."""

import asyncio
import socket
from typing import Any

import pytest

from sender_sim.certs import DevelopmentKeys
from sender_sim.transports import HttpsTransport, _Names, trust
from tests.unit.sender_sim.endpoints import answering, attempt_at, http, server_tls, serving

LOOK_UP = socket.getaddrinfo


class Directory:
    """Who is asked for names: what was asked, and the address that is answered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.address: str | None = "127.0.0.1"
        monkeypatch.setattr(socket, "getaddrinfo", self.answer)

    def answer(self, host: str, port: int, *rest: Any, **options: Any) -> Any:
        if host == "127.0.0.1":  # no name: the socket of a server
            return LOOK_UP(host, port, *rest, **options)
        self.asked.append(host)
        if self.address is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (self.address, port))]


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Directory:
    return Directory(monkeypatch)


async def addresses(names: _Names, host: str = "endpoint.example") -> list[str]:
    return [found["host"] for found in await names.resolve(host, 443)]


def test_a_name_is_looked_up_again_after_a_second(directory: Directory) -> None:
    time = 10.0

    async def ask() -> None:
        nonlocal time
        names = _Names(lambda: time)
        assert await addresses(names) == ["127.0.0.1"]
        directory.address = "192.0.2.1"
        time = 11.0
        assert await addresses(names) == ["127.0.0.1"]
        assert directory.asked == ["endpoint.example"]
        time = 11.1
        assert await addresses(names) == ["192.0.2.1"]

    asyncio.run(ask())


def test_each_name_has_addresses_of_its_own(directory: Directory) -> None:
    async def ask() -> None:
        names = _Names(lambda: 0.0)
        await addresses(names, "one.example")
        directory.address = "192.0.2.1"
        assert await addresses(names, "other.example") == ["192.0.2.1"]
        assert await addresses(names, "one.example") == ["127.0.0.1"]

    asyncio.run(ask())


def test_a_name_that_was_not_found_is_looked_up_again(directory: Directory) -> None:
    async def ask() -> None:
        names = _Names(lambda: 0.0)
        directory.address = None
        with pytest.raises(OSError, match="not known"):
            await addresses(names)
        directory.address = "192.0.2.1"
        assert await addresses(names) == ["192.0.2.1"]

    asyncio.run(ask())


def test_attempts_that_are_made_together_look_their_endpoint_up_once_and_connect_each(
    development_keys: DevelopmentKeys, directory: Directory
) -> None:
    async def send() -> None:
        async with (
            serving(answering(http(b"{}")), server_tls(development_keys)) as endpoint,
            HttpsTransport.open(trust(development_keys.ca)) as transport,
        ):
            transport._names = _Names(lambda: 0.0)
            for _ in range(3):
                assert (await transport.send(attempt_at(endpoint.url_at("localhost")))).success
            assert len(endpoint.seen) == 3
        assert directory.asked == ["localhost"]

    asyncio.run(send())
