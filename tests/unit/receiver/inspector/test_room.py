"""The inspector's share of the threads: never more than a quarter, and never one that webhooks wait for."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from receiver.inspector import listing
from receiver.inspector.room import Room
from tests.calls import POST_CALL, form
from tests.unit.receiver.inspector.conftest import Visitor, application


@pytest.mark.parametrize(("threads", "places"), [(1, 1), (4, 1), (7, 1), (8, 2), (16, 4), (256, 64)])
def test_a_quarter_of_the_threads_but_one_at_least(threads: int, places: int) -> None:
    room = Room(threads)
    entered = [room.enter() for _ in range(places)]
    assert all(entered)
    assert room.enter() is None
    entered[0].leave()  # type: ignore[union-attr]
    entered[0].leave()  # type: ignore[union-attr]  # twice is once
    assert room.enter()
    assert room.enter() is None


def test_one_waits_a_moment_for_a_place_and_the_next_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.inspector.room._PATIENCE", 20)
    room = Room(4)
    door: Any = room._door
    held = room.enter()
    assert held
    with ThreadPoolExecutor(1) as executor:
        waiting = executor.submit(room.enter)
        while door._value:  # until it waits
            pass
        assert room.enter() is None
        held.leave()
        assert waiting.result(20)
    assert door._value == 1


@pytest.fixture
def one_place(inspected: dict[str, str]) -> Flask:
    return application({**inspected, "KAISA_THREADS": "4"})


def test_while_one_page_is_being_sent_another_is_told_to_come_again_and_webhooks_are_taken(one_place: Flask) -> None:
    visitor = Visitor(one_place)
    visitor.log_in()
    # Not read to its end yet, as by a slow client.
    sending = visitor.client.get("/inspect", buffered=False)
    page = visitor.get("/inspect")
    assert (page.status, page.headers["Retry-After"]) == (503, "2")
    assert ("meta", {"http-equiv": "refresh", "content": "2"}) in page.tags
    assert visitor.get("/inspect/files/inspector.css").status == 200
    assert visitor.hook(form(POST_CALL)) == 200
    page = visitor.post("/inspect/deliveries/1/replay", {})
    assert (page.status, "Nothing was done: go back" in page.text) == (503, True)
    assert "refresh" not in page.html
    sending.close()
    assert visitor.get("/inspect").status == 200


@pytest.mark.parametrize(
    "path", ["/inspect", "/inspect/deliveries/9", "/inspect/nothing", "/inspect/login", "/inspect/"]
)
def test_a_place_is_free_again_whatever_came_of_the_request(one_place: Flask, path: str) -> None:
    visitor = Visitor(one_place)
    for _ in range(3):
        assert visitor.get(path).status != 503
    visitor.log_in()
    for _ in range(3):
        page = visitor.get(path)
        assert page.status != 503
        visitor.get(path, X_Inspector_Live="1", If_None_Match=page.headers.get("ETag", ""))
        visitor.client.head(path, buffered=True)


def test_a_place_is_free_again_after_a_failure(
    one_place: Flask, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(one_place)
    visitor.log_in()
    with monkeypatch.context() as patch:
        patch.setattr(listing, "find", lambda *_, **__: 1 / 0)
        assert [visitor.get("/inspect").status for _ in range(3)] == [500] * 3
    assert visitor.get("/inspect").status == 200
    database.write_bytes(b"")
    assert "The store cannot be written" in visitor.get("/inspect").text
    assert "The store cannot be written" in visitor.get("/inspect").text
