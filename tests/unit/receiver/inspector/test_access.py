"""Who may look at the inspector, and what its answers tell a browser not to do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from receiver.inspector.throttle import Throttle
from tests.calls import POST_CALL, form
from tests.clock import Clock
from tests.unit.receiver.conftest import client
from tests.unit.receiver.inspector.conftest import PASSWORD, Visitor, application

PAGES = ("/inspect", "/inspect/deliveries/1", "/inspect/refusals/1", "/inspect/jobs", "/inspect/nothing")
POSTS = (
    "/inspect/deliveries/1/replay",
    "/inspect/refusals/1/delete",
    "/inspect/jobs/replay",
    "/inspect/numbers",
    "/inspect/logout",
)


@pytest.mark.parametrize("path", [*PAGES, "/inspect/login", "/inspect/files/inspector.css"])
def test_without_a_password_nothing_is_there(environ: dict[str, str], path: str) -> None:
    response = client(environ).get(path)
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


def test_a_receiver_without_a_password_does_not_load_the_inspector(environ: dict[str, str]) -> None:
    script = "import sys, receiver.wsgi; print([name for name in sys.modules if 'inspector' in name])"
    without, with_it = (
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, **environ, **more}, capture_output=True, check=True
        ).stdout
        for more in ({}, {"KAISA_INSPECT_PASSWORD": PASSWORD})
    )
    assert without == b"[]\n"
    assert b"receiver.inspector.pages" in with_it


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_for_the_password_first_and_is_shown_then(stranger: Visitor, path: str) -> None:
    assert stranger.get(path).place == f"/inspect/login?next={path}"
    assert stranger.log_in(then=path).place == path


@pytest.mark.parametrize("path", POSTS)
def test_nothing_is_done_for_who_is_not_logged_in(stranger: Visitor, path: str) -> None:
    assert stranger.post(path, {"csrf": ""}).place == "/inspect/login?next="


def test_every_address_but_the_login_and_its_files_is_closed(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("inspector.")]
    tried = {("GET", path) for path in PAGES} | {("POST", path) for path in POSTS}
    adapter = app.url_map.bind("localhost")
    reached = {adapter.match(path, method=method)[0] for method, path in tried}
    assert {rule.endpoint for rule in rules} - reached == {"inspector.login", "inspector.file", "inspector.root"}
    assert Visitor(app).get("/inspect/").place == "/inspect/login?next=/inspect/"


def test_a_wrong_password_opens_nothing(stranger: Visitor) -> None:
    page = stranger.log_in("correct horse batterx")
    assert (page.status, "This is not the password." in page.text) == (403, True)
    assert stranger.get("/inspect").status == 303


def test_the_session_is_a_cookie_that_no_script_and_no_other_site_gets(app: Flask) -> None:
    (cookie,) = Visitor(app).log_in().cookies
    attributes = set(cookie.split("; ")[1:])
    assert attributes == {"HttpOnly", "Path=/inspect", "SameSite=Strict"}
    (cookie,) = Visitor(app, scheme="https").log_in().cookies
    assert set(cookie.split("; ")[1:]) == attributes | {"Secure"}


def test_a_webhook_has_no_session(app: Flask) -> None:
    response = app.test_client().post(
        "/webhook", data=form(POST_CALL), content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert "Vary" not in response.headers


def test_a_session_is_known_to_every_worker_and_ends_with_a_new_password(inspected: dict[str, str]) -> None:
    visitor = Visitor(application(inspected))
    visitor.log_in()
    (cookie,) = [each for each in visitor.client._cookies.values() if each.key == "kaisa_inspector"]  # type: ignore[union-attr]

    def asks_with_it(environ: dict[str, str]) -> int:
        other = Visitor(application(environ))
        other.client.set_cookie(cookie.key, cookie.value, path=cookie.path)
        return other.get("/inspect").status

    assert asks_with_it(inspected) == 200
    assert asks_with_it({**inspected, "KAISA_INSPECT_PASSWORD": "another horse battery"}) == 303


@pytest.mark.parametrize(("hours", "status"), [(11.9, 200), (12, 303)])
def test_a_session_ends_after_twelve_hours(visitor: Visitor, now: Clock, hours: float, status: int) -> None:
    now.advance(timedelta(hours=hours))
    assert visitor.get("/inspect").status == status


def test_logging_out_ends_it_at_once(visitor: Visitor) -> None:
    page = visitor.submit(visitor.get("/inspect"), "/inspect/logout")
    assert page.place == "/inspect/login"
    assert visitor.get("/inspect").status == 303


def test_who_is_logged_in_is_not_asked_again(visitor: Visitor) -> None:
    assert visitor.get("/inspect/login?next=/inspect/jobs").place == "/inspect/jobs"


@pytest.mark.parametrize("path", [*POSTS, "/inspect/login"])
def test_a_form_of_another_site_or_session_does_nothing(visitor: Visitor, app: Flask, path: str) -> None:
    other = Visitor(app)
    foreign = other.get("/inspect/login").form("/inspect/login")["csrf"]
    for token in ("", foreign, "ä"):
        page = visitor.post(path, {"csrf": token, "password": PASSWORD})
        assert (page.status, "This form is out of date" in page.text) == (403, True)
    assert visitor.get("/inspect").status == 200


def test_logging_in_needs_the_form_too(stranger: Visitor) -> None:
    assert stranger.post("/inspect/login", {"password": PASSWORD}).status == 403


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/inspect",
        "/inspect.evil.example",
        "/\\evil.example",
        "/inspect/\\..\\",
        "/inspect/\r\nX: y",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_login_leads_nowhere_but_to_the_inspector(stranger: Visitor, target: str) -> None:
    page = stranger.get("/inspect/login")
    assert stranger.submit(page, "/inspect/login", password=PASSWORD, next=target).place == "/inspect"


def test_after_some_wrong_passwords_one_has_to_wait_and_others_need_not(app: Flask) -> None:
    wrong, right = Visitor(app, address="192.0.2.1"), Visitor(app, address="192.0.2.2")
    for _ in range(5):
        assert wrong.log_in("not it").status == 403
    page = wrong.log_in(PASSWORD)
    assert page.status == 429
    assert 1 <= int(page.headers["Retry-After"]) <= 30
    assert right.log_in().status == 303


def test_the_right_password_makes_the_wrong_ones_before_it_forgotten(stranger: Visitor) -> None:
    for _ in range(3):
        for _ in range(4):
            stranger.log_in("not it")
        assert stranger.log_in().status == 303
        stranger.submit(stranger.get("/inspect"), "/inspect/logout")


def test_a_link_on_another_site_finds_the_session_all_the_same(stranger: Visitor) -> None:
    page = stranger.get("/inspect/deliveries/1", Sec_Fetch_Site="cross-site")
    assert page.status == 200
    assert ("meta", {"http-equiv": "refresh", "content": "0"}) in page.tags
    assert stranger.get("/inspect/deliveries/1", Sec_Fetch_Site="same-origin").status == 303


def test_a_link_on_another_site_to_the_login_ends_no_session(stranger: Visitor) -> None:
    page = stranger.get("/inspect/login", Sec_Fetch_Site="cross-site")
    assert page.cookies == []
    assert "Password" not in page.text


def test_a_page_that_brings_itself_up_to_date_is_told_that_the_session_is_over(stranger: Visitor) -> None:
    assert stranger.get("/inspect", X_Inspector_Live="1").status == 401


@pytest.mark.parametrize("path", [*PAGES, "/inspect/login", "/inspect/files/inspector.css", "/inspect/files/none"])
def test_every_answer_keeps_a_browser_to_the_inspector(visitor: Visitor, stranger: Visitor, path: str) -> None:
    visitor.hook(form(POST_CALL))
    visitor.hook(b"%zz")
    for page in (visitor.get(path), stranger.get(path)):
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", [*PAGES, "/inspect/login", "/inspect/refusals/1?diagnosis=run&view=hex"])
def test_no_page_has_a_script_or_a_style_in_it_or_is_stored(visitor: Visitor, stranger: Visitor, path: str) -> None:
    visitor.hook(form(POST_CALL))
    visitor.hook(b"%zz")
    for page in (visitor.get(path), stranger.get(path)):
        assert page.headers["Cache-Control"] == "no-store"
        for tag, attributes in page.tags:
            assert tag != "style"
            assert not [name for name in attributes if name == "style" or name.startswith("on")]
            for name in ("src", "href", "action"):
                if name in attributes:
                    assert re.match(r"(/(?!/)|#|$)", attributes[name] or "")


def test_files_are_kept_for_good_under_the_address_that_names_their_content(stranger: Visitor) -> None:
    (address,) = [
        attributes["href"] or ""
        for tag, attributes in stranger.get("/inspect/login").tags
        if attributes.get("rel") == "stylesheet"
    ]
    page = stranger.get(address)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert page.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Vary" not in page.headers
    assert stranger.get(address, If_None_Match=page.headers["ETag"]).status == 304
    assert stranger.get(address.partition("?")[0]).headers["Cache-Control"] == "no-cache"
    assert stranger.get("/inspect/files/..%2fpages.py").status in (303, 404)


def test_nothing_of_a_password_is_logged(stranger: Visitor, log_lines: Callable[[], list[dict[str, Any]]]) -> None:
    stranger.log_in("not it at all")
    stranger.log_in()
    logged = log_lines()
    assert [line["event"] for line in logged] == ["inspector: wrong password", "inspector: logged in"]
    assert [word for word in ("not it", "horse") if word in json.dumps(logged)] == []


def test_a_form_is_read_up_to_a_limit(stranger: Visitor) -> None:
    assert stranger.post("/inspect/login", {"password": "x" * 20_000}).status == 413


def test_what_is_raised_on_the_way_is_told_on_a_page(visitor: Visitor, database: Path) -> None:
    database.write_bytes(b"")
    page = visitor.get("/inspect")
    assert (page.status, "The store cannot be written" in page.text) == (503, True)


def test_an_attacker_with_a_thousand_addresses_is_slowed_too() -> None:
    clock = [0.0]
    throttle = Throttle(clock=lambda: clock[0])
    taken = [throttle.take(f"2001:db8:{number:x}::1") for number in range(2_000)]
    assert [wait == 0 for wait in taken] == [True] * 60 + [False] * 1_940
    clock[0] = 10
    assert [throttle.take(f"10.0.{number}.1") == 0 for number in range(12)] == [True] * 10 + [False] * 2
