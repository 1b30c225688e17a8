"""What the simulator sends and the receiver makes of it: the same in process and under gunicorn over HTTPS."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from receiver import wire
from sender_sim.core import events, synthetic
from sender_sim.core.call import Kind
from sender_sim.core.delivery import Attempt
from sender_sim.core.faults import AnswerLost, Fault, Tampered
from sender_sim.core.sign import Signer
from tests.openssl import KeyPair
from tests.together.conftest import Deploy
from tests.together.deployed import CUSTOM_MACRO, START, Setup, a_call
from tests.together.handlers import FAILS_ONCE
from tests.unit.sender_sim.scripted import of

SIGNED, UNSIGNED = Setup(), Setup(signed=False)
CUSTOM = Setup(macro=CUSTOM_MACRO)
HALF_HOUR = timedelta(minutes=30)
FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"

# What a_call says under the default macro, typed from the contract.
POST_CALL = {
    "start": "2026-03-02 09:00:00",
    "duration": "95",
    "from_nr": "+46701740605",
    "from_nr_area": "",
    "to_nr": "+46701740633",
    "end_nr": "",
    "channel": "Google SEM",
    "answered": "1",
    "publisher_id": "7",
    "campaign_id": "",
    "referrer": "",
    "url": "",
    "details": "",
    "custnr": "",
    "event_type": "0",
    "fsid": "FS-1",
}
# Of these the custom macro sends each on its own; the others it leaves out or mixes.
CUSTOM_FIELDS = ("from_nr", "event_type", "details", "duration", "answered", "id")


def first_attempt(fault: Fault) -> Any:
    return lambda attempt: fault if attempt.number == 1 else None


def saved(stream: list[events.Event]) -> dict[str, str]:
    """What was saved with the call, by delivery."""
    return {event.delivery: event.append for event in of(stream, events.AppendSaved)}


def delivered(stream: list[events.Event]) -> dict[str, int]:
    """At which attempt each delivery got its 200."""
    return {event.delivery: event.attempts for event in of(stream, events.Delivered)}


def statuses(stream: list[events.Event]) -> list[int | None]:
    return [event.status for event in of(stream, events.AttemptEnded)]


@pytest.mark.parametrize("encoding", ["form", "json"])
@pytest.mark.parametrize("setup", [SIGNED, UNSIGNED, CUSTOM, replace(CUSTOM, signed=False)], ids=str)
def test_every_event_type_arrives_with_its_values(deploy: Deploy, setup: Setup, encoding: str, call_id: str) -> None:
    receiver = deploy(setup)
    calls = [a_call(call_id), a_call(f"{call_id}-sms", kind=Kind.SMS, details="hello")]
    stream = receiver.play(calls, encoding=encoding, pre_call=True)
    assert delivered(stream) == {f"{call_id}/pre-call": 1, f"{call_id}/post-call": 1, f"{call_id}-sms/sms": 1}
    before, after = receiver.deliveries(call_id)
    [message] = receiver.deliveries(f"{call_id}-sms")
    zeros = {"duration": "0", "answered": "0"}
    for row, changes in (
        (before, {**zeros, "event_type": "2"}),
        (after, {}),
        (message, {**zeros, "event_type": "1", "details": "hello"}),
    ):
        expected = {**POST_CALL, "id": row["call_id"], **changes}
        if setup.macro == CUSTOM_MACRO:
            expected = {name: expected[name] for name in CUSTOM_FIELDS} | {"recording_id": ""}
        assert row["fields"] == expected
        assert (row["state"], row["encoding"], row["attempts"], row["revision"]) == ("handled", encoding, 1, 1)
        assert (row["signed_by"] is not None) == setup.signed


@pytest.mark.parametrize("encoding", ["form", "json"])
@pytest.mark.parametrize(
    "text",
    [
        "a=1&b=2+3 %20%2B%",
        "quotes \" ' and \\",
        "\0 \x7f \x1b[31m",
        "\r\n\t lines\n",
        "\ud83d",
        "😀👍",
        "\N{RIGHT-TO-LEFT OVERRIDE}שלום",
        "\ufeff {id} </script>",
        "&payload=x&sign=y",
    ],
    ids=["urlencoded", "quotes", "control", "newlines", "surrogate", "emoji", "rtl", "markup", "envelope"],
)
def test_hostile_text_arrives_and_is_answered_and_saved_unchanged(
    deploy: Deploy, text: str, encoding: str, call_id: str
) -> None:
    receiver = deploy(SIGNED)
    stream = receiver.play(a_call(call_id, details=text, channel=text, url=text), encoding=encoding)
    [row] = receiver.deliveries(call_id)
    assert row["fields"] == {**POST_CALL, "id": call_id, "details": text, "channel": text, "url": text}
    assert row["answer"] == {"append": text}
    assert saved(stream) == {f"{call_id}/post-call": text}


def test_hostile_text_arrives_through_a_custom_macro(deploy: Deploy, call_id: str) -> None:
    receiver = deploy(CUSTOM)
    text = "&text=1!#{id}=%23\0😀"
    receiver.play([a_call(call_id, details=text), a_call(f"{call_id}-{text}")], encoding="form")
    [row] = receiver.deliveries(call_id)
    assert row["fields"]["details"] == text
    stored = [row["fields"]["id"] for row in receiver.deliveries(f"{call_id}-{text}".replace("\0", "\\x00"))]
    assert stored == [f"{call_id}-{text}"]


def test_an_append_too_long_is_cut_by_the_receiver_and_saved_by_the_sender(deploy: Deploy, call_id: str) -> None:
    receiver = deploy(SIGNED)
    stream = receiver.play(a_call(call_id, details=FAMILY * 9))
    assert saved(stream) == {f"{call_id}/post-call": FAMILY * 8}
    assert receiver.deliveries(call_id)[0]["answer"] == {"append": FAMILY * 8}
    assert of(stream, events.ContractViolated) == []


def test_an_answer_without_an_append_saves_nothing(deploy: Deploy, call_id: str) -> None:
    receiver = deploy(SIGNED)
    stream = receiver.play(a_call(call_id, details=""))
    assert saved(stream) == {}
    assert receiver.deliveries(call_id)[0]["answer"] == {}


@pytest.mark.parametrize("setup", [SIGNED, UNSIGNED, CUSTOM], ids=str)
@pytest.mark.parametrize("encoding", ["form", "json"])
def test_after_a_lost_answer_the_handler_does_not_run_again_and_its_answer_is_saved(
    deploy: Deploy, setup: Setup, encoding: str, call_id: str
) -> None:
    receiver = deploy(setup)
    call = a_call(call_id, details="once")
    stream = receiver.play(call, plan=first_attempt(AnswerLost()), encoding=encoding, pre_call=True)
    assert delivered(stream) == {f"{call_id}/pre-call": 2, f"{call_id}/post-call": 2}
    assert saved(stream) == {f"{call_id}/pre-call": "once", f"{call_id}/post-call": "once"}
    assert receiver.handled(call_id) == ["pre-call", "post-call"]
    assert [row["attempts"] for row in receiver.deliveries(call_id)] == [2, 2]


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_a_request_changed_on_the_way_is_refused_and_its_retry_is_taken(
    deploy: Deploy, encoding: str, call_id: str
) -> None:
    receiver = deploy(SIGNED)
    stream = receiver.play(a_call(call_id), plan=first_attempt(Tampered()), encoding=encoding)
    assert statuses(stream) == [403, 200]
    assert [(row["status"], row["code"], row["count"]) for row in receiver.refusals(call_id)] == [
        (403, "signature-wrong", 1)
    ]
    [row] = receiver.deliveries(call_id)
    assert (row["fields"]["duration"], row["attempts"]) == ("95", 1)
    assert receiver.handled(call_id) == ["post-call"]


def test_a_changed_request_without_a_signature_is_taken_as_another_revision(deploy: Deploy, call_id: str) -> None:
    """Why signatures are worth having: nothing else tells."""
    receiver = deploy(UNSIGNED)
    faults: dict[int, Fault] = {1: AnswerLost(), 2: Tampered()}

    def plan(attempt: Attempt) -> Fault | None:
        return faults.get(attempt.number)

    assert statuses(receiver.play(a_call(call_id), plan=plan)) == [None, 200]
    rows = receiver.deliveries(call_id)
    assert [(row["revision"], row["fields"]["duration"]) for row in rows] == [(1, "95"), (2, "85")]


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_an_unsigned_request_is_refused_where_signatures_are_asked_for(
    deploy: Deploy, encoding: str, call_id: str
) -> None:
    receiver = deploy(SIGNED)
    stream = receiver.play(a_call(call_id), signer=None, encoding=encoding, retry=False)
    assert statuses(stream) == [401]
    assert [event.attempts for event in of(stream, events.GivenUp)] == [1]
    assert [row["code"] for row in receiver.refusals(call_id)] == ["signature-missing"]
    assert receiver.deliveries(call_id) == []
    assert receiver.handled(call_id) == []


def test_a_request_signed_by_a_stranger_is_refused(deploy: Deploy, call_id: str, other_key_pair: KeyPair) -> None:
    receiver = deploy(SIGNED)
    stranger = Signer(other_key_pair.private.read_bytes())
    assert statuses(receiver.play(a_call(call_id), signer=stranger, retry=False)) == [403]
    assert receiver.deliveries(call_id) == []


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_a_signed_request_is_read_where_signatures_are_not_asked_for(
    deploy: Deploy, encoding: str, call_id: str
) -> None:
    receiver = deploy(UNSIGNED)
    assert statuses(receiver.play(a_call(call_id), signer=deploy(SIGNED).integration.signer, encoding=encoding)) == [
        200
    ]
    [row] = receiver.deliveries(call_id)
    assert row["fields"] == {**POST_CALL, "id": call_id}
    assert row["signed_by"] is None


def test_a_handler_that_fails_is_run_again_by_the_retry(deploy: Deploy, call_id: str) -> None:
    receiver = deploy(SIGNED)
    stream = receiver.play(a_call(call_id, details=FAILS_ONCE))
    assert statuses(stream) == [500, 200]
    assert saved(stream) == {f"{call_id}/post-call": FAILS_ONCE}
    assert receiver.handled(call_id) == ["post-call", "post-call"]
    [row] = receiver.deliveries(call_id)
    assert (row["state"], row["attempts"]) == ("handled", 2)


@pytest.mark.parametrize(
    ("after", "arrives", "found"),
    [(12, 12, "rec-1"), (30, 30, "rec-1"), (31, 30, ""), (None, 30, "")],
    ids=["late", "last moment", "too late", "never"],
)
def test_the_recording_arrives_with_the_post_call_that_waited_for_it(
    deploy: Deploy, call_id: str, after: int | None, arrives: int, found: str
) -> None:
    receiver = deploy(CUSTOM)
    wait = None if after is None else timedelta(minutes=after)
    stream = receiver.play(
        a_call(call_id, recording_after=wait, recording_id="rec-1"), encoding="json", wait_for_recording=True
    )
    [row] = receiver.deliveries(call_id)
    assert row["fields"]["recording_id"] == found
    end = START + timedelta(seconds=95)
    assert [event.at for event in of(stream, events.Delivered)] == [end + timedelta(minutes=arrives)]


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_after_many_calls_at_once_both_books_agree(deploy: Deploy, encoding: str, call_id: str) -> None:
    receiver = deploy(SIGNED)
    made_up = synthetic.calls(Random(call_id), 40, START)
    calls = [replace(call, start=START, duration=timedelta(0)) for call in made_up]
    stream = receiver.play(calls, encoding=encoding, pre_call=True, after_outbound=True)
    ended = delivered(stream)
    assert set(ended.values()) == {1}
    rows = receiver.deliveries(*(call.id for call in calls))
    stored = {f"{row['call_id']}/{wire.EventType(row['event_type']).label}": row for row in rows}
    assert stored.keys() == ended.keys()
    assert len(rows) == len(ended) > 40
    assert {name: row["answer"]["append"] for name, row in stored.items() if row["answer"]} == saved(stream)
    assert {name: row["state"] for name, row in stored.items()} == dict.fromkeys(ended, "handled")
