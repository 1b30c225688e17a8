"""The account sees each kind of loss: one that finds nothing is worth nothing unless it can find."""

from collections import Counter

import pytest

from tests.chaos.account import Account

DELIVERY = "call-1/post-call"
ROW = ("handled", "text")


def findings(
    rows: list[tuple[str, str | None]], handled: list[str], booked: list[str], *, append: str | None = "text"
) -> list[str]:
    return list(
        Account({DELIVERY: append}, {DELIVERY: rows} if rows else {}, Counter(handled), Counter(booked)).findings()
    )


def test_nothing_is_found_where_all_is_there_though_handlers_ran_twice() -> None:
    assert findings([ROW], [DELIVERY, DELIVERY], [DELIVERY, DELIVERY]) == []


@pytest.mark.parametrize(
    ("rows", "handled", "booked", "found"),
    [
        ([], [DELIVERY], [DELIVERY], "the store has nothing"),
        ([("handling", None)], [DELIVERY], [DELIVERY], "the store has [('handling', None)]"),
        ([("handled", "other")], [DELIVERY], [DELIVERY], "the store has [('handled', 'other')]"),
        ([ROW, ROW], [DELIVERY], [DELIVERY], "is stored 2 times"),
        ([ROW], [], [DELIVERY], "its handler has not run"),
        ([ROW], [DELIVERY], [], "its background handler has not run"),
    ],
)
def test_each_loss_is_found(
    rows: list[tuple[str, str | None]], handled: list[str], booked: list[str], found: str
) -> None:
    told = findings(rows, handled, booked)
    assert told
    assert any(found in sentence for sentence in told)
    assert all(sentence.startswith(DELIVERY) for sentence in told)
