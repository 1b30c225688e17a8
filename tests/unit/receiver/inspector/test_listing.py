"""The list on each database, against what Python alone makes of the same rows."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import event as sql

from receiver.errors import SignatureMissing, SignatureWrong, UnreadableBody
from receiver.inspector import listing, search
from receiver.inspector.listing import find
from receiver.inspector.search import DELIVERY, REFUSAL, parse
from receiver.store.inbox import Inbox
from receiver.store.records import Arrival, Stored
from tests.clock import NOON
from tests.unit.receiver import samples
from tests.unit.receiver.samples import claim_of
from tests.unit.receiver.store.conftest import Store, empty, store

__all__ = ["empty", "store"]


@pytest.fixture
def inbox(store: Store) -> Inbox:
    return store.open()


class Filling:
    """Rows whose last sight is so many minutes before noon."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.count = 0

    def delivery(
        self, minutes: float, *, state: str = "handled", event_type: int | None = 0, call: str = "call-1", **sent: str
    ) -> Stored:
        self.count += 1
        fields = {"id": call, "details": "nothing", **sent}
        made = replace(
            samples.delivery(f"content {self.count}", key=f"event:{self.count}", at=NOON - timedelta(minutes=minutes)),
            digest=f"{self.count}",
            call_id=call,
            event_type=event_type,
            numbers=(sent.get("from_nr", "+46701234567"),),
            fields=fields,
            wire_values=fields,
        )
        stored = self.inbox.accept(made, settled='{"append": "as it was"}' if state == "handled" else None)
        if state == "failed":
            self.inbox.fail(stored.id, claim_of(stored), "Traceback\nValueError: no CRM")
        if state == "received":
            self.inbox.release(stored.id, claim_of(stored))
        return stored

    def refusal(self, minutes: float, body: bytes | None = None, refusal: Any = None) -> None:
        self.count += 1
        arrival = Arrival("text/plain", body or f"body {self.count}".encode(), NOON - timedelta(minutes=minutes))
        self.inbox.refuse(arrival, refusal or UnreadableBody("cannot be read", code="malformed-form"))


@pytest.fixture
def filling(inbox: Inbox) -> Filling:
    return Filling(inbox)


def look(inbox: Inbox, *, limit: int = 50, **args: str) -> listing.Found:
    with inbox.reading() as connection:
        return find(connection, parse(args), limit=limit)


def names(found: listing.Found) -> list[str]:
    return [f"{row['kind']} {row['id']}" for row in found.rows]


def turned(inbox: Inbox, *, limit: int, **args: str) -> list[str]:
    """All rows, page by page."""
    rows: list[str] = []
    found = look(inbox, limit=limit, **args)
    rows += names(found)
    while found.next:
        found = look(inbox, limit=limit, **args, before=str(found.next))
        rows += names(found)
    return rows


@pytest.fixture
def mixed(filling: Filling) -> Inbox:
    """Both kinds, several at the same time."""
    for minute, state, event_type in product((3, 2, 1), ("handled", "failed", "received"), (0, 1, None)):
        filling.delivery(minute, state=state, event_type=event_type, call=f"call-{minute}")
        filling.refusal(minute)
    return filling.inbox


def stored(inbox: Inbox, kind: str, table: str) -> list[dict[str, Any]]:
    with inbox.reading() as connection:
        return [{"kind": kind, **row} for row in connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()]  # noqa: S608 - a table of ours


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_pages_hold_every_row_once_in_the_order_of_the_list(mixed: Inbox, limit: int) -> None:
    rows = stored(mixed, DELIVERY, "deliveries") + stored(mixed, REFUSAL, "refusals")
    # Seen last first; of those seen at once deliveries before refusals, then the greater id.
    rows.sort(key=lambda row: (str(row["last_seen"]), row["kind"] == DELIVERY, row["id"]), reverse=True)
    assert turned(mixed, limit=limit) == [f"{row['kind']} {row['id']}" for row in rows]


def test_filters_together_find_what_each_of_them_finds(mixed: Inbox) -> None:
    everything = set(turned(mixed, limit=50))
    choices = {
        "state": (None, "handled", "failed", "received", "refused"),
        "event": (None, "post-call", "sms"),
        "call": (None, "call-2"),
    }
    for chosen in product(*choices.values()):
        given = {name: value for name, value in zip(choices, chosen, strict=True) if value}
        each = [set(turned(mixed, limit=50, **{name: value})) for name, value in given.items()]
        expected = set.intersection(everything, *each)
        assert set(turned(mixed, limit=5, **given)) == expected
        assert (len(expected) > 0) == (given.get("state") != "refused" or len(given) == 1)


def test_times_bound_the_list(mixed: Inbox) -> None:
    found = look(mixed, since="2026-03-01T11:58", until="2026-03-01T11:59")
    assert len(found.rows) == 18
    assert {row["last_seen"] for row in found.rows} == {NOON - timedelta(minutes=2)}


def test_a_number_is_found_in_any_spelling_in_deliveries_and_in_bodies_that_were_refused(filling: Filling) -> None:
    filling.delivery(1, from_nr="+46701740605")
    filling.delivery(2, from_nr="+46709999999")
    filling.refusal(3, urlencode({"payload": urlencode({"from_nr": "+46701740605"})}).encode())
    filling.refusal(4, b"from_nr=0701740605")
    for spelling in ("+46 70-174 06 05", "0046701740605", "46701740605"):
        assert names(look(filling.inbox, number=spelling)) == ["delivery 1", "refusal 1"]


@pytest.mark.parametrize(
    "text", ["Är ni öppna? 100%", "a_b", 'say "hi" \\ now', "O'Brien; DROP TABLE", "\u202eevil", "\x00"]
)
def test_a_text_is_found_as_it_was_written(filling: Filling, text: str) -> None:
    filling.delivery(1, details=f"before {text} after")
    filling.delivery(2, details="before nothing after")
    filling.refusal(3, urlencode({"details": text}).encode())
    filling.refusal(4, urlencode({"payload": urlencode({"details": text})}).encode())
    filling.refusal(5, f"raw {text}".encode())
    assert names(look(filling.inbox, text=text)) == ["delivery 1", "refusal 1", "refusal 2", "refusal 3"]


def test_a_text_is_looked_for_in_answers_errors_and_reasons_too(filling: Filling) -> None:
    filling.delivery(1)
    filling.delivery(2, state="failed")
    filling.refusal(3, refusal=SignatureMissing("the body lacks it"))
    filling.refusal(4, refusal=SignatureWrong("no key matches"))
    assert names(look(filling.inbox, text="as IT was")) == ["delivery 1"]
    assert names(look(filling.inbox, text="no crm")) == ["delivery 2"]
    assert names(look(filling.inbox, text="LACKS")) == ["refusal 1"]
    assert names(look(filling.inbox, text="signature-")) == ["refusal 1", "refusal 2"]
    assert names(look(filling.inbox, code="signature-wrong")) == ["refusal 2"]


def test_what_no_index_finds_is_looked_for_a_bounded_way_back_and_then_further(
    filling: Filling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_LOOKED_THROUGH", {DELIVERY: 10, REFUSAL: 4})
    for minute in range(30):
        filling.delivery(minute, details="needle" if minute in (3, 25) else "hay")
        filling.refusal(minute + 0.5, f"{'needle' if minute in (2, 6) else 'hay'} {minute}".encode())
    found = look(filling.inbox, text="needle")
    # Four refusals were looked through, to the one of minute 3.5: what is older would be out of order.
    assert names(found) == ["refusal 3", "delivery 4"]
    assert found.looked_to == NOON - timedelta(minutes=3.5)
    assert turned(filling.inbox, limit=50, text="needle") == ["refusal 3", "delivery 4", "refusal 7", "delivery 26"]
    assert turned(filling.inbox, limit=1, text="needle") == ["refusal 3", "delivery 4", "refusal 7", "delivery 26"]
    assert turned(filling.inbox, limit=1, text="nowhere") == []


def test_a_cut_page_goes_on_where_it_was_cut_also_if_a_row_is_seen_again_meanwhile(filling: Filling) -> None:
    for minute in range(4):
        filling.delivery(minute)
    first = look(filling.inbox, limit=2)
    filling.count = 1  # the row that the page ended with comes again
    filling.delivery(-1)
    assert names(look(filling.inbox, limit=2, before=str(first.next))) == ["delivery 3", "delivery 4"]


def test_large_fields_are_left_out_of_the_list(filling: Filling) -> None:
    filling.delivery(1, details="x" * 20_000)
    filling.delivery(2, details="x" * 2_000)
    large, small = look(filling.inbox).rows
    assert large["fields"] is None
    assert len(small["fields"]) > 2_000


def test_what_wants_attention_is_counted_up_to_a_limit(mixed: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def counts() -> dict[str, int]:
        with mixed.reading() as connection:
            return listing.counts(connection)

    assert counts() == {"failed": 9, "received": 9, "handling": 0, "refused": 27}
    monkeypatch.setattr(listing, "_COUNTED", 20)
    assert counts() == {"failed": 9, "received": 9, "handling": 0, "refused": 20}


@pytest.mark.parametrize(
    ("args", "index"),
    [
        ({}, "deliveries_by_last_seen"),
        ({"before": "2026-03-01T11:00:00.000000Z-d12"}, "deliveries_by_last_seen"),
        ({"since": "3d"}, "deliveries_by_last_seen"),
        ({"state": "failed"}, "deliveries_by_state"),
        ({"state": "handled"}, "deliveries_by_state"),
        ({"event": "sms"}, "deliveries_by_event"),
        ({"call": "call-1"}, "deliveries_by_call"),
        ({"state": "failed", "event": "sms"}, "deliveries_by_state"),
        ({"state": "handled", "event": "sms"}, "deliveries_by_event"),
        ({"text": "x"}, "deliveries_by_last_seen"),
        ({"number": "+46701234567"}, "deliveries_by_last_seen"),
    ],
)
def test_sqlite_leads_with_the_index_that_the_search_was_written_for(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, args: dict[str, str], index: str
) -> None:
    monkeypatch.setattr(listing, "_LOOKED_THROUGH", {DELIVERY: 2, REFUSAL: 2})
    made = Filling(Store("sqlite", f"sqlite:///{tmp_path / 'planned.sqlite3'}").open())
    for minute in range(5):
        made.delivery(minute, event_type=1, state="failed")
    asked: list[tuple[str, Any]] = []
    sql.listen(
        made.inbox.engine, "before_cursor_execute", lambda _c, _k, text, values, *_: asked.append((text, values))
    )
    with made.inbox.reading() as connection:
        find(connection, parse(args))
    selects = [(text, values) for text, values in asked if "FROM deliveries" in text]
    assert selects
    with made.inbox.reading() as connection:
        for text, values in selects:
            plan = "; ".join(row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values))
            assert index in plan
            assert "TEMP B-TREE" not in plan or index == "deliveries_by_call"


def test_the_kinds_of_rows_are_told_from_each_other_everywhere() -> None:
    assert {search.DELIVERY[0], search.REFUSAL[0]} == set(search._KINDS)


def test_revisions_of_an_event_are_found_by_its_key(inbox: Inbox) -> None:
    for content in ("one", "two", "three"):
        inbox.accept(samples.delivery(content, key="event:same"), settled="{}")
    inbox.accept(samples.delivery("other", key="event:other"), settled="{}")
    with inbox.reading() as connection:
        found = listing.revisions(connection, "event:same")
    assert [row["revision"] for row in found] == [1, 2, 3]
