"""C1: the integration goes its way on the pages, and only in order."""

import pytest

from tests.unit.sender_sim.console.conftest import URL, Console


def steps(console: Console) -> list[str]:
    """The buttons of the page's own part."""
    return [each.text for each in console.get("/workflows").main().all("button")]


def test_the_way_of_an_integration_is_walked_button_by_button(console: Console) -> None:
    assert steps(console) == ["Request"]
    console.post("/workflows/request")
    assert steps(console) == ["Approve the request"]
    page = console.post("/workflows/approve")
    assert page.root.all("h1")[0].text == "Setup Webhook"
    assert steps(console) == []
    console.post("/setup", action="save", url=URL)
    assert "Saved, not active" in console.get("/workflows").text
    console.post("/setup", action="activate", url=URL)
    page = console.get("/workflows")
    assert f"calls are reported to {URL}" in page.text
    assert steps(console) == ["Deactivate"]
    console.post("/workflows/deactivate")
    assert steps(console) == []
    assert "Saved, not active" in console.get("/workflows").text


def test_the_page_says_where_the_integration_stands(console: Console) -> None:
    console.post("/workflows/request")
    [here] = console.get("/workflows").root.all("li", **{"aria-current": "step"})
    assert here.text == "requested"


@pytest.mark.parametrize("name", ["approve", "deactivate"])
def test_a_step_out_of_order_changes_nothing_and_says_what_is_possible(console: Console, name: str) -> None:
    page = console.post(f"/workflows/{name}", 409)
    assert f"'{name}' is not possible: the integration is available; possible is 'request'" in page.text
    assert steps(console) == ["Request"]


def test_settings_cannot_be_saved_before_the_approval(console: Console) -> None:
    page = console.post("/setup", 409, action="activate", url=URL)
    assert "possible is 'request'" in page.text
    shown = console.get("/setup")
    assert "can be set up once it is requested and approved" in shown.text
    assert not {"SAVE & ACTIVATE", "SAVE", "Send test request"} & set(shown.buttons())


def test_nothing_is_sent_of_calls_while_it_is_not_active(console: Console) -> None:
    call = console.place()
    console.go("end")
    assert "Nothing is sent: the integration is not active" in console.get("/calls").text
    console.activate()
    other = console.place()
    console.go("end")
    console.post("/workflows/deactivate")
    console.place()
    console.go("end")
    assert [attempt.delivery for attempt in console.endpoint.sent] == [f"{other.facts.id}/post-call"]
    assert call.deliveries == []
