"""Refused requests on each database: kept once, counted, bounded by number and by bytes."""

from datetime import timedelta
from functools import partial

import pytest

from receiver.errors import SignatureWrong
from receiver.store.inbox import Inbox
from receiver.store.records import Arrival, RefusalLimits
from tests.clock import NOON
from tests.unit.receiver.samples import refusal
from tests.unit.receiver.store.conftest import Store, at_once


def refuse(inbox: Inbox, *bodies: bytes, second: int = 0) -> None:
    """One refusal a second."""
    for number, body in enumerate(bodies, start=second):
        inbox.refuse(Arrival(None, body, NOON + timedelta(seconds=number)), refusal())


def bodies(inbox: Inbox) -> list[bytes]:
    return [row["body"] for row in inbox.recent("refusals", 100)]


def test_a_refusal_is_kept_with_its_bytes_and_its_reason(inbox: Inbox) -> None:
    inbox.refuse(Arrival("text/plain", b"\xe9\0", NOON, "192.0.2.1"), refusal())
    (row,) = inbox.recent("refusals", 10)
    assert len(row.pop("digest")) == 64
    assert row == {
        "id": 1,
        "count": 1,
        "first_seen": NOON,
        "last_seen": NOON,
        "status": 400,
        "code": "malformed-form",
        "detail": "cannot be read",
        "remedy": "send what the content type promises, in UTF-8, each name once",
        "remote": "192.0.2.1",
        "content_type": "text/plain",
        "body": b"\xe9\0",
    }


def test_the_same_bytes_again_are_counted_with_the_latest_reason(inbox: Inbox) -> None:
    later = NOON + timedelta(minutes=30)
    inbox.refuse(Arrival("text/plain", b"x", NOON, "192.0.2.1"), refusal())
    inbox.refuse(Arrival("text/plain", b"x", later, "192.0.2.2"), SignatureWrong("no trusted key matches"))
    (row,) = inbox.recent("refusals", 10)
    assert (row["count"], row["first_seen"], row["last_seen"], row["remote"]) == (2, NOON, later, "192.0.2.2")
    assert (row["status"], row["code"], row["detail"]) == (403, "signature-wrong", "no trusted key matches")


def test_the_same_bytes_under_another_content_type_are_another_refusal(inbox: Inbox) -> None:
    for content_type in ("text/plain", "text/html", None, "text/plain"):
        inbox.refuse(Arrival(content_type, b"x", NOON), refusal())
    assert [(row["content_type"], row["count"]) for row in inbox.recent("refusals", 10)] == [
        (None, 1),
        ("text/html", 1),
        ("text/plain", 2),
    ]


def test_of_too_many_refusals_the_oldest_go(store: Store) -> None:
    inbox = store.open(limits=RefusalLimits(count=3))
    refuse(inbox, b"0", b"1", b"2", b"3", b"4")
    assert bodies(inbox) == [b"4", b"3", b"2"]


def test_a_refusal_that_comes_again_counts_as_new(store: Store) -> None:
    inbox = store.open(limits=RefusalLimits(count=2))
    refuse(inbox, b"a", b"b", b"a", b"c")
    assert bodies(inbox) == [b"c", b"a"]


def test_a_refusal_that_was_dropped_is_counted_from_one_again(store: Store) -> None:
    inbox = store.open(limits=RefusalLimits(count=1))
    refuse(inbox, b"a", b"a", b"b", b"a")
    (row,) = inbox.recent("refusals", 10)
    assert (row["body"], row["count"], row["first_seen"]) == (b"a", 1, NOON + timedelta(seconds=3))


def test_of_too_many_bytes_the_oldest_go(store: Store) -> None:
    inbox = store.open(limits=RefusalLimits(size=10))
    refuse(inbox, b"aaaa", b"bbbb", b"cc")
    assert bodies(inbox) == [b"cc", b"bbbb", b"aaaa"]
    refuse(inbox, b"d", second=3)
    assert bodies(inbox) == [b"d", b"cc", b"bbbb"]


def test_the_bytes_are_counted_not_the_characters(store: Store) -> None:
    inbox = store.open(limits=RefusalLimits(size=10))
    refuse(inbox, b"\0\0\0\0\0\0", "ååå".encode())
    assert bodies(inbox) == ["ååå".encode()]


def test_the_newest_refusal_is_kept_even_if_it_is_too_large_alone(store: Store) -> None:
    inbox = store.open(limits=RefusalLimits(size=10))
    refuse(inbox, b"small", b"x" * 1000)
    assert bodies(inbox) == [b"x" * 1000]
    refuse(inbox, b"small", second=2)
    assert bodies(inbox) == [b"small"]


@pytest.mark.parametrize("body", [b"", b"x"])
def test_none_is_kept_where_none_is_wanted(store: Store, body: bytes) -> None:
    inbox = store.open(limits=RefusalLimits(count=0))
    refuse(inbox, body)
    assert bodies(inbox) == []


def test_refusals_at_once_from_two_receivers_are_one_with_their_number(store: Store) -> None:
    inboxes = [store.open(), store.open()]
    at_once([partial(refuse, inboxes[number % 2], b"x") for number in range(16)])
    assert store.rows("SELECT body, count FROM refusals") == [(b"x", 16)]


def test_two_receivers_that_drop_at_once_stay_within_the_limit(store: Store) -> None:
    inboxes = [store.open(limits=RefusalLimits(count=3)) for _ in range(2)]

    def flood(number: int) -> None:
        refuse(inboxes[number % 2], *(b"%d of %d" % (each, number) for each in range(5)), second=number)

    at_once([partial(flood, number) for number in range(8)])
    refuse(inboxes[0], b"last", second=100)
    assert bodies(inboxes[1])[0] == b"last"
    assert store.rows("SELECT count(*) FROM refusals") == [(3,)]


def test_what_only_the_operator_may_see_is_kept_with_the_reason(inbox: Inbox) -> None:
    inbox.refuse(Arrival(None, b"x", NOON), SignatureWrong("no trusted key matches", evidence="tried: kaisa.pem"))
    (row,) = inbox.recent("refusals", 1)
    assert row["detail"] == "no trusted key matches; tried: kaisa.pem"
