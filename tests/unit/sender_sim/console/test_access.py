"""Who may use the pages: the right name, the right password, forms of our own; and what a page may load."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sender_sim.console.access import Access, names_of, own
from tests.unit.sender_sim.console.conftest import Console, Endpoint

PASSWORD = "correct horse"  # noqa: S105 - of a test
FORMS = ["/workflows/request", "/setup", "/setup/preview", "/test-requests", "/calls", "/clock", "/logout"]
PAGES = ["/", "/workflows", "/setup", "/calls", "/clock", "/journal", "/journal.jsonl", "/test-requests/1", "/calls/x"]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def locked(tmp_path: Path, endpoint: Endpoint, clock: Clock) -> Iterator[Console]:
    access = Access(password=PASSWORD, names=names_of(["Console.Example."]), everywhere=True, clock=clock)
    console = Console(tmp_path / "locked.sqlite3", endpoint, access)
    yield console
    console.close()


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8020", "127.0.0.1:8020", "[::1]:8020", "127.8.8.8"],
)
def test_this_machine_is_called_by_its_own_names(console: Console, host: str) -> None:
    assert console.client.get("/workflows", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example", "", "[", "user@localhost.evil"],
)
def test_a_name_that_is_not_ours_gets_nothing(console: Console, host: str) -> None:
    answer = console.client.get("/workflows", headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert "Webhook" not in answer.text


@given(host=st.text(alphabet="locahst127.0:[]@/ex", max_size=20))
def test_no_host_header_is_an_error_of_ours(host: str) -> None:
    assert Access().permits(host) in (True, False)


def test_a_name_is_permitted_where_it_was_given(locked: Console) -> None:
    for host, status in (("console.example:80", 200), ("192.0.2.7", 200), ("other.example", 421)):
        assert locked.client.get("/login", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("address", FORMS)
@pytest.mark.parametrize("token", [None, "", "guessed", "å"])
def test_a_form_without_our_token_changes_nothing(console: Console, address: str, token: str | None) -> None:
    console.get("/workflows")
    form = {"action": "30m"} if token is None else {"action": "30m", "token": token}
    answer = console.client.post(address, data=form)
    assert answer.status_code == 403
    assert "load it again" in answer.text
    assert (console.simulation.state.steps(), console.simulation.now) == ([], console.simulation.state.start)


def test_every_form_of_the_application_is_tested(console: Console) -> None:
    posts = [rule for rule in console.app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    adapter = console.app.url_map.bind("localhost")
    assert {rule.endpoint for rule in posts} - {"access.login"} == {
        adapter.match(address, method="POST")[0] for address in FORMS
    }


def test_another_sessions_token_is_not_ours(console: Console) -> None:
    console.get("/workflows")
    with console.client.session_transaction() as session:
        token = session["token"]
    stranger = console.app.test_client()
    stranger.get("/workflows")
    assert stranger.post("/workflows/request", data={"token": token}).status_code == 403


@pytest.mark.parametrize("address", PAGES)
def test_nothing_is_shown_without_the_password(locked: Console, address: str) -> None:
    answer = locked.client.get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login")


@pytest.mark.parametrize("address", [each for each in FORMS if each != "/logout"])
def test_nothing_is_done_without_the_password(locked: Console, address: str) -> None:
    locked.client.get("/login")
    with locked.client.session_transaction() as session:
        token = session["token"]
    answer = locked.client.post(address, data={"token": token})
    assert answer.headers["Location"].startswith("/login")
    assert locked.simulation.state.steps() == []


def login(console: Console, password: str) -> tuple[int, str]:
    console.client.get("/login?next=/calls")
    with console.client.session_transaction() as session:
        token = session["token"]
    answer = console.client.post("/login?next=/calls", data={"token": token, "password": password})
    return answer.status_code, answer.headers.get("Location", answer.text)


def test_the_password_opens_the_page_that_was_asked_for(locked: Console) -> None:
    assert login(locked, PASSWORD) == (302, "/calls")
    page = locked.get("/calls")
    assert "Log out" in page.buttons()
    locked.send("/logout")
    assert locked.client.get("/calls").status_code == 302


def test_a_wrong_password_is_told_and_opens_nothing(locked: Console) -> None:
    status, text = login(locked, "wrong \ud83d".encode("utf-8", "replace").decode())
    assert status == 403
    assert "this is not the password" in text
    assert locked.client.get("/calls").status_code == 302


def test_passwords_cannot_be_guessed_fast(locked: Console, clock: Clock) -> None:
    for _ in range(10):
        assert login(locked, "guess")[0] in (403, 429)
    status, text = login(locked, PASSWORD)
    assert (status, "too many wrong passwords; wait a minute" in text) == (429, True)
    clock.now += 61
    assert login(locked, PASSWORD)[0] == 302


def test_another_password_ends_the_sessions_of_the_old_one(locked: Console, endpoint: Endpoint) -> None:
    login(locked, PASSWORD)
    cookie = locked.client.get_cookie("kaisa-console-0")
    assert cookie is not None
    locked.close()
    changed = Console(locked.path, endpoint, Access(password=f"not {PASSWORD}"))
    changed.client.set_cookie("kaisa-console-0", cookie.value)
    assert changed.client.get("/calls").status_code == 302
    changed.close()


def test_who_guesses_locks_nobody_else_out_until_many_do(locked: Console, clock: Clock) -> None:
    for guesser in range(10):
        assert login(locked, PASSWORD)[0] == 302
        locked.client.environ_base["REMOTE_ADDR"] = f"192.0.2.{guesser}"
        statuses = [login(locked, "guess")[0] for _ in range(11)]
        assert statuses == [403] * 9 + [429] * 2
        locked.client.environ_base["REMOTE_ADDR"] = "127.0.0.1"
    assert login(locked, PASSWORD)[0] == 429
    clock.now += 61
    assert login(locked, PASSWORD)[0] == 302


def test_what_was_known_of_a_session_before_its_password_is_worth_nothing(locked: Console) -> None:
    locked.client.get("/login")
    with locked.client.session_transaction() as session:
        before = session["token"]
    login(locked, PASSWORD)
    assert locked.client.post("/workflows/request", data={"token": before}).status_code == 403
    assert locked.send("/workflows/request").status_code == 302


def test_a_session_ends_though_its_browser_stays_open(locked: Console, clock: Clock) -> None:
    login(locked, PASSWORD)
    clock.now += 12 * 60 * 60 - 1
    locked.post("/workflows/request")
    clock.now += 1
    assert locked.client.get("/calls").headers["Location"].startswith("/login")


def test_a_cookie_is_no_way_to_try_passwords(locked: Console, endpoint: Endpoint, tmp_path: Path) -> None:
    another = Console(tmp_path / "another.sqlite3", endpoint, locked.access)
    held = []
    for console in (locked, another):
        login(console, PASSWORD)
        with console.client.session_transaction() as session:
            held.append(session["in"])
    another.close()
    assert held[0] != held[1]  # the same password: what stands there is made with something nobody else has


@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket", ""])
def test_a_page_of_another_site_can_have_nothing_done_by_asking(console: Console, mode: str) -> None:
    of_another = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
    assert console.client.get("/setup?draft=1", headers=of_another).status_code == 403
    assert console.client.get("/setup", headers={**of_another, "Sec-Fetch-Mode": "navigate"}).status_code == 200
    assert console.client.get("/setup", headers={**of_another, "Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_a_session_is_no_scripts_business_and_stays_on_this_site(console: Console) -> None:
    cookie = console.client.get("/workflows").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_a_session_that_was_begun_over_tls_is_not_told_without(console: Console) -> None:
    answer = console.client.get("/workflows", headers={"X-Forwarded-Proto": "https"})
    assert "; Secure;" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("address", ["/workflows", "/setup", "/calls", "/journal", "/nowhere", "/assets/console.js"])
def test_a_page_may_load_nothing_but_our_own_files(console: Console, address: str) -> None:
    answer = console.client.get(address, buffered=True)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "img-src", "connect-src", "form-action")} == {"'self'"}
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_has_script_or_style_within_or_loads_from_elsewhere(active: Console) -> None:
    active.post("/test-requests")
    call = active.place()
    active.go("end")
    name = call.facts.id
    for address in (
        "/workflows",
        "/setup",
        "/test-requests/1",
        "/calls",
        f"/calls/{name}",
        f"/deliveries/{name}/post-call",
        "/journal",
        "/login",
    ):
        page = active.get(address)
        for element in page.root.all():
            assert "style" not in element.attributes
            assert not [each for each in element.attributes if each.startswith("on")]
            loaded = element["src"] or (element["href"] if element.tag == "link" else "")
            assert not loaded or loaded.startswith("/assets/")
        assert not page.root.all("style")
        assert all(not script.children for script in page.root.all("script"))


@pytest.mark.parametrize(
    ("address", "expected"),
    [("/calls?q=1#x", "/calls?q=1#x"), ("", "/"), ("calls", "/"), ("//x", "/"), ("/\\x", "/"), ("http:/x", "/")]
    + [(address, "/") for address in ("http://[", "/\t/x", "/\t\\x", "/x\r\ny", "/x\\y", "///x", "/\0")],
)
def test_the_way_on_stays_on_this_site(address: str, expected: str) -> None:
    assert own(address) == expected


def test_a_form_that_is_too_large_is_refused(console: Console) -> None:
    assert "Request Entity Too Large" in console.post("/setup", 413, action="check", macro="x" * 300_000).text
