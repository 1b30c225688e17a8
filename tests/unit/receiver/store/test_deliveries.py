"""Deliveries on each database: once inserted, counted, found again with everything known of them."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from receiver.store.inbox import Inbox
from receiver.store.records import Arrival, State, Stored
from receiver.store.tables import deliveries
from receiver.store.transactions import LEASE
from tests.calls import FORM
from tests.clock import NOON
from tests.unit.receiver.samples import claim_of, delivery, refusal
from tests.unit.receiver.store.conftest import Store

HALF_AN_HOUR = timedelta(minutes=30)


def row(inbox: Inbox) -> dict[str, Any]:
    (found,) = inbox.recent("deliveries", 10)
    return found


def test_a_delivery_is_stored_with_everything_that_is_known_of_it(inbox: Inbox, store: Store) -> None:
    stored = inbox.accept(delivery())
    assert stored == Stored(1, 1, 1, State.HANDLING, claim=claim_of(stored), answer=None)
    assert row(inbox) == {
        "id": 1,
        "key": "event:1",
        "digest": "digest of first",
        "revision": 1,
        "state": "handling",
        "lease_until": NOON + LEASE,
        "claim": stored.claim,
        "attempts": 1,
        "seen": '["2026-03-01T12:00:00+00:00"]',
        "first_seen": NOON,
        "last_seen": NOON,
        "handled_at": None,
        "encoding": "form",
        "signed_by": "a" * 64,
        "call_id": "call-1",
        "event_type": 0,
        "numbers": " +46701234567  +46812345678 ",
        "content_type": FORM,
        "body": b"first",
        "fields": '{"id": "call-1", "details": "first"}',
        "wire_values": '{"call": "call-1", "text": "first"}',
        "answer": None,
        "error": None,
    }
    assert store.rows("SELECT key, body, state FROM deliveries") == [("event:1", b"first", "handling")]


def test_each_number_is_found_with_a_space_before_and_after_it(inbox: Inbox, store: Store) -> None:
    inbox.accept(delivery())
    inbox.accept(replace(delivery(key="event:2"), numbers=()))
    query = "SELECT id FROM deliveries WHERE numbers LIKE '% {} %'"
    for number, found in (("+46701234567", [(1,)]), ("+46812345678", [(1,)]), ("+4670123456", [])):
        assert store.rows(query.format(number)) == found
    assert store.rows("SELECT numbers FROM deliveries WHERE id = 2") == [("",)]


def test_every_attempt_is_counted_with_the_time_it_came(inbox: Inbox) -> None:
    times = [NOON + number * HALF_AN_HOUR for number in range(3)]
    assert [inbox.accept(delivery(at=at)).attempts for at in times] == [1, 2, 3]
    found = row(inbox)
    assert (found["attempts"], found["first_seen"], found["last_seen"]) == (3, NOON, times[-1])
    assert json.loads(found["seen"]) == [at.isoformat() for at in times]


def test_replays_without_end_do_not_make_a_delivery_grow(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.store.transactions._SEEN_KEPT", 3)
    times = [NOON + timedelta(seconds=number) for number in range(5)]
    for at in times:
        inbox.accept(delivery(at=at))
    found = row(inbox)
    assert json.loads(found["seen"]) == [at.isoformat() for at in times[-3:]]
    assert (found["attempts"], found["first_seen"], found["last_seen"]) == (5, times[0], times[-1])


def test_a_handled_delivery_is_found_with_its_answer_for_as_long_as_kaisa_may_retry(inbox: Inbox) -> None:
    stored = inbox.accept(delivery())
    assert inbox.finish(stored.id, claim_of(stored), '{"append": "x"}', NOON + timedelta(seconds=2))
    for attempt in range(2, 338):
        again = inbox.accept(delivery(at=NOON + (attempt - 1) * HALF_AN_HOUR))
        assert again == Stored(1, 1, attempt, State.HANDLED, claim=None, answer='{"append": "x"}')
    found = row(inbox)
    assert found["handled_at"] == NOON + timedelta(seconds=2)
    assert len(json.loads(found["seen"])) == 337


def test_a_delivery_without_a_handler_is_handled_at_once(inbox: Inbox) -> None:
    assert inbox.accept(delivery(), settled="{}") == Stored(1, 1, 1, State.HANDLED, claim=None, answer="{}")
    found = row(inbox)
    assert (found["handled_at"], found["lease_until"], found["claim"]) == (NOON, None, None)
    assert inbox.accept(delivery()).claim is None


def test_other_content_under_the_same_key_is_the_next_revision(inbox: Inbox) -> None:
    stored = [inbox.accept(delivery(content)) for content in ("first", "second", "third")]
    assert [(each.revision, each.attempts, each.claim is None) for each in stored] == [
        (1, 1, False),
        (2, 1, False),
        (3, 1, False),
    ]
    assert len({each.claim for each in stored}) == len({each.id for each in stored}) == 3
    assert inbox.accept(delivery("second")) == replace(stored[1], attempts=2, claim=None)


def test_the_same_content_under_another_key_is_another_delivery(inbox: Inbox) -> None:
    first, second = inbox.accept(delivery(key="event:1")), inbox.accept(delivery(key="event:2"))
    assert (first.id, second.id, second.revision) == (1, 2, 1)
    assert second.claim not in (None, first.claim)


def test_deliveries_are_numbered_from_one_in_the_order_they_came(inbox: Inbox, store: Store) -> None:
    for number in range(1, 4):
        inbox.accept(delivery(key=f"event:{number}"))
    assert store.rows("SELECT id, key FROM deliveries ORDER BY id") == [(1, "event:1"), (2, "event:2"), (3, "event:3")]


def test_a_duplicate_does_not_take_the_id_of_what_comes_after_it(inbox: Inbox) -> None:
    inbox.accept(delivery())
    assert inbox.accept(delivery()).id == 1
    other = inbox.accept(delivery("second"))
    assert other.id > 1
    assert inbox.accept(delivery("second")).id == other.id


def test_the_newest_deliveries_come_first(inbox: Inbox) -> None:
    for number in range(5):
        inbox.accept(delivery(str(number), key=f"event:{number}", at=NOON + timedelta(seconds=number // 2)))
    assert [found["id"] for found in inbox.recent("deliveries", 3)] == [5, 4, 3]
    inbox.accept(delivery("0", key="event:0", at=NOON + HALF_AN_HOUR))
    assert [found["id"] for found in inbox.recent("deliveries", 2)] == [1, 5]


def test_what_is_stored_survives_reopening(inbox: Inbox, store: Store) -> None:
    stored = inbox.accept(delivery())
    inbox.finish(stored.id, claim_of(stored), '{"append": "kept"}', NOON)
    inbox.refuse(Arrival("text/plain", b"no", NOON), refusal())
    reopened = store.open()
    assert reopened.recent("deliveries", 10) == inbox.recent("deliveries", 10)
    assert reopened.recent("refusals", 10) == inbox.recent("refusals", 10)
    assert reopened.accept(delivery()).answer == '{"append": "kept"}'


def test_a_large_body_is_kept_byte_for_byte(inbox: Inbox, store: Store) -> None:
    size = 16 * 1024 * 1024
    large = replace(delivery(), arrival=Arrival(FORM, bytes(range(256)) * (size // 256), NOON))
    inbox.accept(large)
    assert store.rows("SELECT length(body), substr(body, 1, 3) FROM deliveries") == [(size, b"\x00\x01\x02")]
    assert row(inbox)["body"] == large.arrival.body


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(text=st.text(st.sampled_from("a\0\ud800'\"\n%\\\U0001f600ש")))
def test_any_text_can_be_stored(inbox: Inbox, text: str) -> None:
    hostile = replace(
        delivery(text),
        arrival=Arrival(text, text.encode("utf-8", "surrogatepass"), NOON, text),
        key=f"event:{text!a}"[:80],
        digest=ascii(text)[:64],
        call_id=text,
        numbers=(text,),
        fields={"id": text},
        wire_values={text: text},
    )
    escaped = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    stored = inbox.accept(hostile)
    assert inbox.fail(stored.id, claim_of(stored), text)
    inbox.refuse(hostile.arrival, refusal(text))
    with inbox.reading() as connection:
        found = connection.execute(select(deliveries).where(deliveries.c.id == stored.id)).mappings().one()
    assert (found["content_type"], found["call_id"], found["numbers"], found["error"]) == (
        escaped,
        escaped,
        f" {escaped} ",
        escaped,
    )
    assert (found["body"], json.loads(found["fields"])) == (hostile.arrival.body, {"id": text})
    assert json.loads(found["wire_values"]) == {text: text}
    (kept,) = (each for each in inbox.recent("refusals", 1000) if each["content_type"] == escaped)
    assert (kept["body"], kept["detail"], kept["remote"]) == (hostile.arrival.body, escaped, escaped)
