"""The journal: everything that happened can be read, page by page, and exported as the machine wrote it."""

import json

from sender_sim.core import events
from sender_sim.core.outcome import Failed, Failure
from sender_sim.core.records import from_dict
from tests.unit.sender_sim.console.conftest import Console


def test_an_empty_journal_says_what_to_do(console: Console) -> None:
    page = console.get("/journal")
    assert "Nothing has happened yet." in page.text
    assert "Place a call to begin." in page.text


def test_events_are_shown_newest_first_and_page_by_page(active: Console) -> None:
    active.endpoint.script = lambda _: Failed(Failure.CONNECT)
    active.place()
    active.go("1d")
    happened = active.simulation.state.happened
    assert happened > 100
    seen = []
    address = "/journal"
    while address:
        page = active.get(address)
        seen += [int(row.all("td")[0].text) for row in page.root.all("tr") if row.all("td")]
        [pager] = page.root.all("nav", **{"aria-label": "Pages of the journal"})
        address = next((each["href"] for each in pager.all("a", rel="next")), "")
    assert seen == list(range(happened, 0, -1))
    assert "attempt 1 goes out" in page.text or "attempt 1 -> connect" in page.text


def test_every_kind_of_event_has_words(active: Console) -> None:
    active.post("/setup", action="save", url="https://x.example/", retry="on", wait_for_recording="on", pre_call="on")
    active.place(recording="after", recording_after="1", trouble="refused", trouble_attempts="0")
    active.place(kind="outbound")
    active.place()
    active.go("1d")
    active.go("end")
    values = [values for _, values in active.simulation.state.records()]
    kinds = {each["event"] for each in values}
    assert kinds == set(events.__all__) - {"Event", "ContractViolated"}
    shown = active.get("/journal?until=40").text
    for words in ("settings changed: ", "there is something to send", "waits for a recording", "recording rec-"):
        assert words in shown


def test_the_export_is_the_journal_as_json_lines(active: Console) -> None:
    active.place()
    active.go("end")
    answer = active.client.get("/journal.jsonl")
    assert answer.headers["Content-Disposition"] == "attachment; filename=journal.jsonl"
    exported = [from_dict(json.loads(line)) for line in answer.text.splitlines()]
    assert exported == list(active.simulation.state.events())
    assert isinstance(exported[-1], events.AppendSaved | events.Delivered)
