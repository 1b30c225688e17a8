"""Claims on each database: one run of a handler holds one, and nobody else ends it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from receiver.store.inbox import Inbox
from receiver.store.records import State, Stored
from receiver.store.transactions import LEASE
from tests.clock import NOON
from tests.unit.receiver.samples import claim_of, delivery
from tests.unit.receiver.store.conftest import Store

HALF_AN_HOUR = timedelta(minutes=30)
AFTER_THE_LEASE = NOON + LEASE + timedelta(microseconds=1)

# The three ways to end a claim, as (inbox, delivery, claim) -> whether it was held.
ENDINGS: dict[str, Callable[[Inbox, int, str], bool]] = {
    "finish": lambda inbox, delivery_id, claim: inbox.finish(delivery_id, claim, '{"append": "late"}', NOON),
    "fail": lambda inbox, delivery_id, claim: inbox.fail(delivery_id, claim, "late"),
    "release": lambda inbox, delivery_id, claim: inbox.release(delivery_id, claim),
}
each_ending = pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)


def row(inbox: Inbox) -> dict[str, Any]:
    (found,) = inbox.recent("deliveries", 10)
    return found


def test_the_lease_is_over_before_kaisa_tries_again() -> None:
    assert timedelta(seconds=20) < LEASE < HALF_AN_HOUR


def test_an_attempt_while_the_handler_runs_is_given_no_claim(inbox: Inbox) -> None:
    first = inbox.accept(delivery())
    again = inbox.accept(delivery(at=NOON + timedelta(minutes=1)))
    assert again == Stored(1, 1, 2, State.HANDLING, claim=None, answer=None)
    assert row(inbox)["claim"] == first.claim


def test_a_finished_run_leaves_no_claim_behind(inbox: Inbox) -> None:
    stored = inbox.accept(delivery())
    assert inbox.finish(stored.id, claim_of(stored), "{}", NOON) is True
    found = row(inbox)
    assert (found["state"], found["answer"], found["handled_at"]) == ("handled", "{}", NOON)
    assert (found["claim"], found["lease_until"]) == (None, None)


def test_a_failed_delivery_keeps_its_traceback_and_is_claimed_again(inbox: Inbox) -> None:
    first = inbox.accept(delivery())
    assert inbox.fail(first.id, claim_of(first), "Traceback: \ud800 and \0") is True
    found = row(inbox)
    assert (found["state"], found["error"]) == ("failed", "Traceback: \\ud800 and \\x00")
    assert (found["claim"], found["lease_until"]) == (None, None)
    second = inbox.accept(delivery())
    assert claim_of(second) != claim_of(first)
    assert inbox.finish(second.id, claim_of(second), "{}", NOON) is True
    found = row(inbox)
    assert (found["state"], found["error"], found["answer"]) == ("handled", None, "{}")


def test_a_run_that_never_began_is_claimed_by_the_very_next_attempt(inbox: Inbox) -> None:
    first = inbox.accept(delivery())
    assert inbox.release(first.id, claim_of(first)) is True
    found = row(inbox)
    assert (found["state"], found["claim"], found["lease_until"]) == ("received", None, None)
    second = inbox.accept(delivery())
    assert second == Stored(1, 1, 2, State.HANDLING, claim=claim_of(second), answer=None)
    assert claim_of(second) != claim_of(first)
    assert row(inbox)["lease_until"] == NOON + LEASE


@each_ending
def test_a_claim_ends_once(inbox: Inbox, end: Callable[[Inbox, int, str], bool]) -> None:
    stored = inbox.accept(delivery())
    assert inbox.finish(stored.id, claim_of(stored), "{}", NOON) is True
    before = row(inbox)
    assert end(inbox, stored.id, claim_of(stored)) is False
    assert row(inbox) == before


@each_ending
def test_a_claim_nobody_has_is_not_ended(inbox: Inbox, end: Callable[[Inbox, int, str], bool]) -> None:
    stored = inbox.accept(delivery())
    other = inbox.accept(delivery(key="event:2"))
    assert end(inbox, stored.id, "f" * 32) is False
    assert end(inbox, stored.id, claim_of(other)) is False
    assert end(inbox, 404, claim_of(stored)) is False
    assert {found["state"] for found in inbox.recent("deliveries", 10)} == {"handling"}


def test_an_abandoned_delivery_is_taken_over_when_its_lease_is_over_and_not_before(inbox: Inbox) -> None:
    first = inbox.accept(delivery())
    assert inbox.accept(delivery(at=NOON + LEASE)).claim is None
    taken = inbox.accept(delivery(at=AFTER_THE_LEASE))
    assert taken == Stored(1, 1, 3, State.HANDLING, claim=claim_of(taken), answer=None)
    assert claim_of(taken) != claim_of(first)
    assert inbox.accept(delivery(at=AFTER_THE_LEASE)).claim is None
    assert row(inbox)["lease_until"] == AFTER_THE_LEASE + LEASE


@each_ending
def test_a_late_run_cannot_end_a_claim_that_has_gone_to_another(
    inbox: Inbox, store: Store, end: Callable[[Inbox, int, str], bool]
) -> None:
    late = inbox.accept(delivery())
    taken = store.open().accept(delivery(at=AFTER_THE_LEASE))
    before = row(inbox)
    assert end(inbox, late.id, claim_of(late)) is False
    assert row(inbox) == before
    assert inbox.finish(taken.id, claim_of(taken), '{"append": "in time"}', NOON) is True
    assert row(inbox)["answer"] == '{"append": "in time"}'


@each_ending
def test_a_late_run_cannot_change_a_delivery_that_was_settled_without_it(
    inbox: Inbox, end: Callable[[Inbox, int, str], bool]
) -> None:
    late = inbox.accept(delivery())
    assert inbox.accept(delivery(at=AFTER_THE_LEASE), settled="{}").answer == "{}"
    before = row(inbox)
    assert (before["claim"], before["lease_until"]) == (None, None)
    assert end(inbox, late.id, claim_of(late)) is False
    assert row(inbox) == before


@pytest.mark.parametrize("state", ["failed", "received", "abandoned"])
def test_a_delivery_whose_handler_was_taken_away_is_settled(inbox: Inbox, state: str) -> None:
    stored = inbox.accept(delivery())
    if state == "failed":
        inbox.fail(stored.id, claim_of(stored), "Traceback")
    elif state == "received":
        inbox.release(stored.id, claim_of(stored))
    later = NOON + HALF_AN_HOUR
    settled = inbox.accept(delivery(at=later), settled="{}")
    assert settled == Stored(1, 1, 2, State.HANDLED, claim=None, answer="{}")
    found = row(inbox)
    assert (found["state"], found["answer"], found["handled_at"], found["error"]) == ("handled", "{}", later, None)


def test_a_delivery_whose_handler_still_runs_is_not_settled_by_an_attempt_that_finds_no_handler(inbox: Inbox) -> None:
    inbox.accept(delivery())
    assert inbox.accept(delivery(), settled="{}") == Stored(1, 1, 2, State.HANDLING, claim=None, answer=None)


def test_claims_cannot_be_guessed(inbox: Inbox) -> None:
    claims = [claim_of(inbox.accept(delivery(str(number)))) for number in range(20)]
    assert len(set(claims)) == 20
    assert {len(bytes.fromhex(claim)) for claim in claims} == {16}
