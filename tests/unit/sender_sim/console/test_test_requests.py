"""C10: one button, one request, shown whole; never retried; before activation too."""

import pytest

from sender_sim.core.outcome import Answered, Failed, Failure
from tests.unit.sender_sim.console.conftest import URL, Console


@pytest.fixture
def saved(console: Console) -> Console:
    console.post("/workflows/request")
    console.post("/workflows/approve")
    console.post("/setup", action="save", url=URL, macro="n={from_nr}&t={details}", retry="on")
    return console


def test_a_test_request_needs_a_saved_url(console: Console) -> None:
    console.post("/workflows/request")
    assert "press SAVE first" in console.post("/test-requests", 409).text
    assert "Send test request" not in console.get("/setup").buttons()


def test_the_request_and_the_answer_are_shown_whole_before_activation(saved: Console) -> None:
    saved.endpoint.script = lambda _: Answered(200, b'{"append": "noted"}', (("X-Mark", "1"),), 0.25)
    assert "Send test request" in saved.get("/setup").buttons()
    page = saved.post("/test-requests")
    shown = [each.raw for each in page.root.all("pre")]
    assert shown[0] == "n=%2B46701740605&t=Test+request"
    assert "X-Mark: 1\n" in shown
    assert '{"append": "noted"}' in shown
    assert "200 OK after 0.250 s" in page.text
    assert "would have noted saved with the call" in page.text
    assert f"POST {URL}" in page.text


def test_a_test_request_that_fails_is_not_retried(saved: Console) -> None:
    saved.endpoint.script = lambda _: Failed(Failure.TIMEOUT, "no whole answer after 20 s", 20.0)
    page = saved.post("/test-requests")
    assert "timeout: no whole answer after 20 s after 20.000 s" in page.text
    assert "Only a 200 counts (R2)" in page.text
    saved.go("end")
    assert len(saved.endpoint.sent) == 1


def test_an_answer_that_breaks_the_contract_is_told(saved: Console) -> None:
    saved.endpoint.script = lambda _: Answered(200, b'{"append": 7}')
    assert "The answer breaks R7: the append is not text: 7" in saved.post("/test-requests").text


def test_an_answer_that_is_no_text_is_written_out(saved: Console) -> None:
    headers = (("X-Latin", "caf\udce9"), ("X-Script", "<script>"))  # as aiohttp reads what is no UTF-8
    saved.endpoint.script = lambda _: Answered(200, b'{"append": "\\ud800<b>"}', headers)
    page = saved.post("/test-requests")
    assert "X-Latin: caf\\udce9\nX-Script: <script>\n" in [each.raw for each in page.root.all("pre")]
    assert "would have \\ud800<b> saved" in page.text
    assert "\\ud800<b>" in saved.get("/setup").text


def test_test_requests_are_listed_and_survive_a_restart(saved: Console) -> None:
    saved.post("/test-requests")
    saved.endpoint.script = lambda _: Answered(500, b"\xff\x00" + b"x" * 100_000)
    saved.post("/test-requests")
    before = saved.get("/test-requests/2").main().text
    saved.reopen()
    assert saved.get("/test-requests/2").main().text == before
    assert "Only the beginning was kept" in before
    rows = [[cell.text for cell in row.all("td")][:3:2] for row in saved.get("/setup").root.all("tr")]
    assert [row for row in rows if row] == [
        ["Test request 2", "500 Internal Server Error"],
        ["Test request 1", "200 OK"],
    ]


def test_a_test_request_that_is_not_there_is_told(saved: Console) -> None:
    assert "there is no test request 7" in saved.get("/test-requests/7", status=404).text


def test_hostile_answers_are_text(saved: Console) -> None:
    hostile = "<script>alert(1)</script>\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}\"'&"
    saved.endpoint.script = lambda _: Answered(200, hostile.encode(), (("X-<b>", hostile.replace("\x1b", "")),))
    page = saved.post("/test-requests")
    assert not page.main().all("script") + page.main().all("b", class_="x")
    assert r"<script>alert(1)</script>\x1b[2J\u202e" in page.text


@pytest.mark.parametrize("number", ["7", str(2**63 - 1), str(2**63), "9" * 30])
def test_a_test_request_that_was_never_sent_is_not_there(console: Console, number: str) -> None:
    console.get(f"/test-requests/{number}", 404)
