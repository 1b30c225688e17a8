"""Every shipped scenario, played to its end: what it says happens."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from receiver.wire import EventType
from sender_sim.core import hostile
from sender_sim.core.call import Direction, Kind
from sender_sim.core.events import (
    AttemptEnded,
    Delivered,
    DeliveryHeld,
    GivenUp,
    NothingSent,
    RecordingFound,
    SettingsChanged,
)
from sender_sim.core.outcome import Answered
from sender_sim.scenarios import Scenario, found, shipped
from tests.openssl import KeyPair
from tests.unit.sender_sim.played import play
from tests.unit.sender_sim.scripted import Scripted, always, fields

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Needs = Callable[[Scenario], dict[str, Any]]
SHIPPED = [pytest.param(each, id=each.name) for each in shipped()]


@pytest.fixture
def needs(key_pair: KeyPair, other_key_pair: KeyPair) -> Needs:
    """What a scenario must be given; real time is taken from it."""

    def given(scenario: Scenario) -> dict[str, Any]:
        if scenario.needs_next_key:
            return {"signature": {"key": str(key_pair.private)}, "next_key": other_key_pair.private}
        return {"timeout": 0.05} if scenario.name == "slow-endpoint" else {}

    return given


def test_what_the_scenarios_are_called() -> None:
    assert [each.name for each in shipped()] == [
        "activation",
        "answers-lost",
        "burst",
        "deploy-in-mid-traffic",
        "duplicate-storm",
        "endpoint-down-eight-days",
        "endpoint-down-two-days",
        "hostile-text",
        "key-rotation",
        "recordings-late",
        "recordings-never",
        "slow-endpoint",
        "steady-day",
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("scenario", SHIPPED)
def test_a_scenario_ends_as_it_expects_whatever_the_seed(scenario: Scenario, seed: int, needs: Needs) -> None:
    played = play(scenario, seed=seed, **needs(scenario))
    assert played.unexpected == []
    assert played.summary.calls == scenario.calls == len(played.calls)
    assert played.summary.delivered + played.summary.given_up == len(played.created)


@pytest.mark.parametrize("scenario", SHIPPED)
def test_the_same_seed_and_answers_play_the_same_scenario(scenario: Scenario, needs: Needs) -> None:
    first, again = (play(scenario, seed=5, **needs(scenario)) for _ in range(2))
    assert first.events == again.events


@pytest.mark.parametrize("scenario", SHIPPED)
def test_a_scenario_notices_an_endpoint_that_never_answers_200(scenario: Scenario, needs: Needs) -> None:
    down = Scripted(always(Answered(500)))
    played = play(scenario, calls=12, endpoint=down, retry=False, **needs(scenario))
    if scenario.name == "endpoint-down-eight-days":
        assert played.unexpected == []  # it never gets there
    else:
        total = len(played.created)
        assert f"given up: {total} of {total}, expected: none" in played.unexpected


def test_on_a_steady_day_every_call_is_told_when_it_happens() -> None:
    played = play(found("steady-day"))
    expected = {}
    for call in played.calls.values():
        if call.kind is Kind.SMS:
            expected[f"{call.id}/sms"] = [call.start - played.start]
        else:
            expected[f"{call.id}/pre-call"] = [call.start - played.start]
            expected[f"{call.id}/post-call"] = [call.end - played.start]
    assert played.arrived == expected
    assert {call.direction for call in played.calls.values()} == set(Direction)


def test_two_days_down_delays_and_loses_nothing() -> None:
    played = play(found("endpoint-down-two-days"))
    assert set(played.arrived) == set(played.created)
    late = 0
    for name, created in played.created.items():
        due, [arrived] = created.due - played.start, played.arrived[name]
        if DAY <= due < 3 * DAY:
            late += 1
            assert 3 * DAY <= arrived < 3 * DAY + 30 * MINUTE
            assert (arrived - due) % (30 * MINUTE) == timedelta(0)
        else:
            assert arrived == due
    assert late == played.summary.retried > 10
    assert max(played.summary.delivered_at) <= 97


def test_eight_days_down_gives_everything_up_after_337_attempts() -> None:
    played = play(found("endpoint-down-eight-days"))
    assert played.sent == []
    assert {event.attempts for event in played.of(GivenUp)} == {337}
    assert {event.at - played.created[event.delivery].due for event in played.of(GivenUp)} == {7 * DAY}
    assert len(played.of(GivenUp)) == len(played.created) > 10


def test_a_lost_answer_brings_the_same_bytes_again() -> None:
    played = play(found("answers-lost"))
    failed = Counter(event.delivery for event in played.of(AttemptEnded) if not event.success)
    assert {name: len(times) - 1 for name, times in played.arrived.items() if len(times) > 1} == failed
    assert {attempt.request.body for attempt in played.sent} == {
        created.request.body for created in played.created.values()
    }
    assert set(played.summary.failures) == {
        "reset: answer lost (fault)",
        "reset: connection reset by peer (fault)",
        "reset: the answer ended before it was whole (fault)",
    }


def test_a_slow_endpoint_times_out_and_is_then_answered_in_time() -> None:
    played = play(found("slow-endpoint"), calls=3, timeout=2.2)
    outcomes = [(event.attempt, event.outcome) for event in played.of(AttemptEnded)]
    assert sorted(outcomes) == [(1, "timeout: no whole answer after 2.2 s (fault)")] * 3 + [(2, "200 OK")] * 3
    assert {len(times) for times in played.arrived.values()} == {2}
    assert all(event.seconds >= 2 for event in played.of(AttemptEnded))


def test_a_deploy_fails_in_every_way_for_fifteen_minutes_and_costs_one_retry() -> None:
    played = play(found("deploy-in-mid-traffic"), seed=2, calls=1_000)
    failures = [event for event in played.of(AttemptEnded) if not event.success]
    assert all(2 * HOUR <= event.at - played.start < 2 * HOUR + 15 * MINUTE for event in failures)
    assert set(played.summary.delivered_at) == {1, 2}
    assert set(played.summary.failures) == {
        "reset: connection reset by peer (fault)",
        "connect: connection refused (fault)",
        "502 Bad Gateway (fault)",
        "503 Service Unavailable (fault)",
    }


def test_a_burst_is_a_thousand_deliveries_in_twenty_seconds() -> None:
    played = play(found("burst"))
    due = Counter((created.due - played.start) // timedelta(seconds=10) for created in played.created.values())
    assert due == {0: 500, 6: 500}
    assert played.summary.delivered_at == {1: 1_000}


def test_of_late_recordings_those_in_time_are_sent_and_the_others_never() -> None:
    played = play(found("recordings-late"))
    texts = {attempt.delivery: fields(attempt.request)["recording_id"] for attempt in played.sent}
    after = {f"{call.id}/post-call": call.recording_after for call in played.calls.values()}
    held = {event.delivery for event in played.of(DeliveryHeld)}
    assert held == set(texts)
    for name, text in texts.items():
        wait = after[name]
        assert wait is not None
        assert bool(text) == (wait <= 30 * MINUTE)
        call = played.calls[name.removesuffix("/post-call")]
        assert played.arrived[name] == [call.end - played.start + min(wait, 30 * MINUTE)]
    assert {min(wait or timedelta(0), 31 * MINUTE) // (30 * MINUTE) for wait in after.values()} == {0, 1}
    at_the_last_moment = [name for name in texts if after[name] == 30 * MINUTE]
    assert len(at_the_last_moment) > 5
    assert {event.too_late for event in played.of(RecordingFound)} == {False, True}


def test_a_recording_that_never_comes_costs_every_post_call_half_an_hour_and_nothing_else_any() -> None:
    played = play(found("recordings-never"))
    assert played.of(RecordingFound) == []
    for name, [arrived] in played.arrived.items():
        call = played.calls[name.partition("/")[0]]
        happened = call.end if name.endswith("/post-call") else call.start
        waits = 30 * MINUTE if name.endswith("/post-call") else timedelta(0)
        assert arrived == happened - played.start + waits


def test_after_the_rotation_old_signatures_are_still_under_way(
    needs: Needs, key_pair: KeyPair, other_key_pair: KeyPair
) -> None:
    played = play(found("key-rotation"), **needs(found("key-rotation")))
    signed_by_old_and_late = 0
    for attempt in played.sent:
        envelope = fields(attempt.request)
        before = played.created[attempt.delivery].at - played.start < 12 * HOUR
        key = key_pair if before else other_key_pair
        assert envelope["sign"] == key.sign_base64(envelope["payload"].encode())
        signed_by_old_and_late += before and attempt.at - played.start >= 12 * HOUR
    assert signed_by_old_and_late > 0
    assert [event.changed for event in played.of(SettingsChanged)] == [("signer",)]


def test_a_storm_of_duplicates_is_the_same_bytes_two_dozen_times() -> None:
    played = play(found("duplicate-storm"))
    bodies = {attempt.delivery: attempt.request.body for attempt in played.sent}
    assert {(attempt.delivery, attempt.request.body) for attempt in played.sent} == set(bodies.items())
    assert {len(times) for times in played.arrived.values()} <= {23, 24, 25}
    assert all(times[-1] >= 12 * HOUR > times[-2] for times in played.arrived.values())


@pytest.mark.parametrize("json", [False, True], ids=["form", "json"])
def test_hostile_text_arrives_whole(*, json: bool) -> None:
    played = play(found("hostile-text"), json=json)
    by_name = {}
    for created in played.created.values():
        call = played.calls[created.call]
        if not json:
            pairs = parse_qsl(
                created.request.body.decode(), keep_blank_values=True, strict_parsing=True, errors="surrogatepass"
            )
            assert {name: text for name, text in pairs if name in call.details} == call.details
        by_name[call.fsid[len("FS-01234567-") :]] = call.details["details"]
    assert by_name == hostile.TEXTS


def test_an_integration_sends_from_its_activation_on_until_it_is_switched_off() -> None:
    played = play(found("activation"))
    changes = [(event.at - played.start, event.changed) for event in played.of(SettingsChanged)]
    assert changes == [(3 * HOUR, ("active",)), (5 * HOUR, ("pre_call", "after_outbound")), (8 * HOUR, ("active",))]
    born = {name: created.at - played.start for name, created in played.created.items()}
    assert min(born.values()) >= 3 * HOUR
    assert max(born.values()) < 8 * HOUR
    assert {name: len(times) for name, times in played.arrived.items()} == dict.fromkeys(born, 1)
    pre_calls = [at for name, at in born.items() if played.created[name].event_type is EventType.PRE_CALL]
    assert min(pre_calls) >= 5 * HOUR
    assert [at for at in born.values() if 4 * HOUR <= at < 5 * HOUR]  # pending when the settings changed
    delivered_after_the_end = [event for event in played.of(Delivered) if event.at - played.start >= 9 * HOUR]
    assert delivered_after_the_end
    assert {event.reason for event in played.of(NothingSent)} == {
        "the integration is not active",
        "'Enable after outbound call' is off",
    }
