"""A scenario's file is read whole; every mistake is told at once, with its place and what to write instead."""

import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import wire
from receiver.wire import EventType
from sender_sim import settings
from sender_sim.core.faults import Refused, Rule, Status, Tampered
from sender_sim.core.lifecycle import Stage
from sender_sim.core.spread import About, Between, Exactly, OneOf
from sender_sim.core.synthetic import Profile
from sender_sim.faults.rules import NAMES
from sender_sim.reading import SettingsError
from sender_sim.reports.summary import Summary
from sender_sim.scenarios import Scenario, Situation, found, reader, shipped, situation
from sender_sim.scenarios import format as written_as
from sender_sim.scenarios.model import Amount, Change, Expectation
from tests.openssl import KeyPair
from tests.unit.sender_sim.scripted import URL

DOCUMENT = (Path(__file__).parents[3] / "docs" / "scenarios.md").read_text("utf-8")
HEAD = "title = 'T'\nshows = 'S'\n"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def problems(written: str, *, head: str = HEAD) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        reader.read(head + written, "mine.toml")
    assert all(problem.startswith("mine.toml") for problem in caught.value.problems)
    return tuple(problem.removeprefix("mine.toml").removeprefix(": ") for problem in caught.value.problems)


def staged(scenario: Scenario, next_key: Path | None = None, **values: Any) -> Situation:
    laid = {"url": URL, **scenario.settings, **values}
    return situation(settings.load(laid), laid, scenario, calls=None, faults=[], next_key=next_key, allow_http=False)


def test_a_title_and_what_it_shows_are_enough() -> None:
    scenario = reader.read(HEAD, "mine.toml")
    assert scenario == Scenario(
        name="mine.toml",
        text=HEAD,
        title="T",
        shows="S",
        calls=20,
        profile=Profile(),
        stage=Stage.ACTIVE,
        settings={},
        changes=(),
        faults=(),
        expect=Expectation(given_up=Amount.NONE, retried=None, nothing_sent=None),
    )


def test_everything_that_is_written_arrives() -> None:
    scenario = reader.read(
        """
        title = "T"
        shows = '''
        Two
        lines'''
        stage = "approved"
        [calls]
        count = 7
        over = "1d12h"
        sms = 0
        outbound = 1
        answered = 0.5
        duration = "about 1m"
        recorded = 0.25
        recording = ["30m", "31m to 1h"]
        text = "hostile"
        [settings]
        json = true
        [[changes]]
        at = "1h"
        step = "save & activate"
        pre_call = true
        [[changes]]
        at = "1h"
        next_key = true
        [[faults]]
        fault = "refused"
        [[faults]]
        fault = "status"
        code = 502
        event = "sms"
        [expect]
        given_up = "some"
        retried = "all"
        nothing_sent = 0
        """,
        "x",
    )
    assert scenario == Scenario(
        name="x",
        text=scenario.text,
        title="T",
        shows="Two lines",
        calls=7,
        profile=Profile(
            over=36 * HOUR,
            sms=0,
            outbound=1,
            answered=0.5,
            duration=About(MINUTE),
            recorded=0.25,
            recording=OneOf((Exactly(30 * MINUTE), Between(31 * MINUTE, HOUR))),
            hostile=True,
        ),
        stage=Stage.APPROVED,
        settings={"json": True},
        changes=(
            Change(at=HOUR, stage=Stage.ACTIVE, next_key=False, settings={"pre_call": True}),
            Change(at=HOUR, stage=Stage.ACTIVE, next_key=True, settings={}),
        ),
        faults=(Rule(fault=Refused()), Rule(fault=Status(502), event_type=EventType.SMS)),
        expect=Expectation(given_up=Amount.SOME, retried=Amount.ALL, nothing_sent=Amount.NONE),
    )
    assert scenario.needs_next_key


def test_recordings_that_never_come_are_recorded_by_nobody() -> None:
    assert reader.read(HEAD + "[calls]\nrecording = 'never'", "x").profile == Profile(recorded=0)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("[call]", "call: is not a setting; did you mean calls?"),
        ("stage = 'setup'", "stage: 'setup' is none of available, requested, approved, set up, active"),
        ("calls = 5", "calls: 5 is not a table; write [calls]"),
        ("[changes]\nat = '1h'", "changes: {'at': '1h'} is not a list of tables; write [[changes]]"),
        ("faults = [1]", "faults: [1] is not a list of tables; write [[faults]]"),
        ("[calls]\ncuont = 5", "calls.cuont: is not a setting; did you mean calls.count?"),
        ("[calls]\ncount = 0", "calls.count: 0 is no number of calls from 1 to 1000000"),
        ("[calls]\ncount = 1.5", "calls.count: 1.5 is no number of calls from 1 to 1000000"),
        ("[calls]\nsms = 2", "calls.sms: 2 is no share; write a number from 0 to 1"),
        ("[calls]\nsms = 'half'", "calls.sms: 'half' is no share; write a number from 0 to 1"),
        (
            "[calls]\nover = 'a day'",
            "calls.over: 'a day' is no length of time; write for example 30s, 90m, 12h or 1d12h",
        ),
        (
            "[calls]\nover = '1d'\nevery = '1m'",
            "calls.every: is one too many beside calls.over; they say the same in two ways",
        ),
        ("[calls]\nevery = '0s'", 'calls.every: is no time between calls; for all of them at once write over = "0s"'),
        (
            "[calls]\nduration = 'some'",
            (
                "calls.duration: 'some' is no length of time; write for example 30s, 90m, 12h or 1d12h; "
                "lengths that vary are about 3m, 1m to 10m, or a list"
            ),
        ),
        ("[calls]\nrecording = [5]", "calls.recording: [5] is no length of time; write for"),
        ("[calls]\nrecording = 'never'\nrecorded = 1", 'calls.recorded: is one too many beside recording = "never"'),
        ("[calls]\ntext = 'evil'", "calls.text: 'evil' is none of plain, hostile"),
        ("[settings]\nprecall = true", "settings.precall: is not a setting; did you mean settings.pre_call?"),
        ("[settings]\njson = 'yes'", "settings.json: 'yes' is neither true nor false"),
        ("[settings]\nurl = 'x'", "settings.url: is not for a scenario, which is for any endpoint; give the URL to"),
        ("[settings]\nactive = false", "settings.active: is not for a scenario; say how far the integration is: stage"),
        ("[settings.signature]\nkey = 'x'", "settings.signature: is not for a scenario; give the key to"),
        ("[[changes]]\nstep = 'save'", 'changes[1].at: is not set; it is when, since the start, for example "12h"'),
        ("[[changes]]\nat = 'noon'", "changes[1].at: 'noon' is no length of time"),
        (
            "[[changes]]\nat = '2h'\n[[changes]]\nat = '1h'",
            "changes[2].at: '1h' is before the change above it; write them in",
        ),
        ("[[changes]]\nat = '1h'\nretri = true", "changes[1].retri: is not a setting; did you mean changes[1].retry?"),
        (
            "[[changes]]\nat = '1h'\nstep = 'save and activate'",
            "changes[1].step: 'save and activate' is none of request, appr",
        ),
        (
            "[[changes]]\nat = '1h'\nstep = 'approve'",
            "changes[1].step: 'approve' is not possible: the integration is active; possible is 'save' or",
        ),
        ("[[faults]]\nfault = 'refusd'", "faults[1].fault: 'refusd' is no fault; did you mean refused?"),
        (
            "[[faults]]\nfault = 'latency'",
            "faults[1].seconds: is not set; it is how late the request comes, for example 2.5",
        ),
        ("[expect]\ngiven_up = 5", 'expect.given_up: 5 is no amount; write 0, "some" or "all"'),
        ("[expect]\ngiven_up = false", 'expect.given_up: False is no amount; write 0, "some" or "all"'),
        ("[expect]\ngivenup = 0", "expect.givenup: is not a setting; did you mean expect.given_up?"),
    ],
)
def test_a_mistake_is_told_with_its_place(written: str, problem: str) -> None:
    [told] = problems(written)
    assert told.startswith(problem)


def test_every_mistake_is_told_at_once() -> None:
    written = """
        stge = "active"
        [calls]
        count = -1
        [settings]
        timeout = 0
        [[changes]]
        next_key = 1
        [[faults]]
        fault = "status"
        [expect]
        retried = "many"
    """
    assert [problem.partition(":")[0] for problem in problems(written, head="")] == [
        "stge",
        "title",
        "shows",
        "calls.count",
        "settings.timeout",
        "changes[1].next_key",
        "changes[1].at",
        "faults[1].code",
        "expect.retried",
    ]


def test_what_is_not_toml_is_told_with_its_place() -> None:
    [problem] = problems("title = ", head="")
    assert problem.startswith(" is not TOML: ")


@given(st.text(alphabet="ab[]=\"'\n0.{}tilecoun", max_size=60))
def test_whatever_is_written_is_a_scenario_or_told_in_words(written: str) -> None:
    assert all(problem.startswith("mine.toml") for problem in complaints_of(HEAD + written))


def complaints_of(written: str) -> tuple[str, ...]:
    """Nothing but SettingsError may be raised."""
    try:
        reader.read(written, "mine.toml")
    except SettingsError as error:
        return error.problems
    return ()


def test_a_scenario_is_found_by_its_name_and_in_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(found("burst").text, "utf-8")
    mine = found(str(file))
    assert (mine.name, mine.profile, mine.calls) == (str(file), found("burst").profile, 500)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("steadyday", "'steadyday' is no scenario; did you mean steady-day? A file of your own is NAME.toml"),
        ("no.toml", "no.toml cannot be read: No such file or directory"),
    ],
)
def test_what_is_not_there_is_told(name: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        found(name)
    assert caught.value.problems == (problem,)


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(b"title = '\xe9'")
    with pytest.raises(SettingsError, match=r"mine\.toml is not TOML: 'utf-8' codec can't decode byte 0xe9"):
        found(str(file))


def test_the_settings_of_a_change_are_laid_over_those_before_it() -> None:
    scenario = reader.read(
        HEAD
        + """
        stage = "approved"
        [settings]
        pre_call = true
        [[changes]]
        at = "1h"
        step = "save & activate"
        json = true
        [[changes]]
        at = "2h"
        pre_call = false
        """,
        "x",
    )
    phases = staged(scenario, retry=False).phases
    assert [(phase.at, phase.integration.active) for phase in phases] == [
        (0 * HOUR, False),
        (HOUR, True),
        (2 * HOUR, True),
    ]
    assert [(phase.integration.encoding, phase.integration.pre_call) for phase in phases] == [
        (wire.FORM, True),
        (wire.JSON, True),
        (wire.JSON, False),
    ]
    assert {phase.integration.retry for phase in phases} == {False}


def test_a_change_that_makes_no_difference_is_none(key_pair: KeyPair) -> None:
    phases = staged(found("activation"), signature={"key": str(key_pair.private)}).phases
    assert [before.integration.changed(after.integration) for before, after in pairwise(phases)] == [
        ("active",),
        ("pre_call", "after_outbound"),
        ("active",),
    ]


def test_settings_that_do_not_go_together_are_told_with_their_change() -> None:
    scenario = reader.read(HEAD + "[[changes]]\nat = '1h'\nmacro = 'r={recording_id}'", "x")
    with pytest.raises(SettingsError) as caught:
        staged(scenario)
    [problem] = caught.value.problems
    assert problem.startswith(
        "x: changes[1].macro: line 1, column 3: {recording_id} exists only while the post-call wai"
    )


def test_a_rotation_needs_two_keys_and_nothing_else_a_second(key_pair: KeyPair) -> None:
    rotation, day = found("key-rotation"), found("steady-day")
    with pytest.raises(SettingsError) as caught:
        staged(rotation)
    assert caught.value.problems == (
        (
            "key-rotation goes on to a second key to sign with; name it with --next-sign KEY "
            "(`sender-sim certs FOLDER` mints one, and the endpoint has to trust both)"
        ),
        "key-rotation changes the key that signs; name the first one with --sign KEY",
    )
    with pytest.raises(SettingsError, match=r"^--next-sign: steady-day never changes the key; leave it out, or --scen"):
        staged(day, key_pair.private)
    with pytest.raises(SettingsError, match=r"changes\[1\]\.signature\.key: /no\.key cannot be read"):
        staged(rotation, Path("/no.key"), signature={"key": str(key_pair.private)})


def test_tampering_needs_a_duration_to_tamper_with() -> None:
    scenario = reader.read(HEAD + "[[faults]]\nfault = 'tampered'", "x")
    assert staged(scenario).faults == (Rule(fault=Tampered()),)
    with pytest.raises(SettingsError, match=r"^tampered: changes a digit of the duration, but the macro does not send"):
        staged(scenario, macro="id={id}")


@pytest.mark.parametrize(
    ("amount", "met"),
    [
        (Amount.NONE, [(0, 0), (0, 5)]),
        (Amount.SOME, [(1, 5), (5, 5)]),
        (Amount.ALL, [(5, 5)]),
    ],
)
def test_an_amount_is_met_by_what_it_says(amount: Amount, met: list[tuple[int, int]]) -> None:
    assert [case for case in ((0, 0), (0, 5), (1, 5), (5, 5)) if amount.met(*case)] == met


def test_what_does_not_end_as_expected_is_told_with_figures() -> None:
    summary = Summary(calls=9, nothing_sent=2, delivered=6, given_up=1)
    summary.delivered_at.update({1: 4, 3: 2})
    summary.violations["R7: what"] = 2
    expect = Expectation(given_up=Amount.NONE, retried=Amount.ALL, nothing_sent=Amount.ALL)
    assert list(expect.unmet(summary)) == [
        "given up: 1 of 7, expected: none",
        "delivered after a retry: 2 of 7, expected: all",
        "calls of which nothing is sent: 2 of 9, expected: all",
        "answers that break the contract: 2, expected: none",
    ]
    assert str(expect) == "given up: none, delivered after a retry: all, calls of which nothing is sent: all"


def test_every_shipped_scenario_stands_in_the_document_as_it_is() -> None:
    rows = [
        f"| [`{each.name}`](../sender_sim/scenarios/{each.name}.toml) | {each.title} | {each.size} | {each.expect} |"
        for each in shipped()
    ]
    assert [line for line in DOCUMENT.splitlines() if line.startswith("| [`")] == rows


def test_the_file_shown_in_the_document_is_a_scenario_that_says_all_there_is_to_say() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    scenario = reader.read(shown, "shown")
    said = set(re.findall(r"^([a-z_]+) = ", shown, re.MULTILINE))
    schemas = (written_as.FILE, written_as.CALLS, written_as.CHANGE, written_as.EXPECT)
    known = {name for schema in schemas for name in schema.fields}
    assert said >= known - {"calls", "settings", "changes", "faults", "expect", "every", *settings.SWITCHES}
    assert said >= {"fault", "code", "before", "from", "to", "attempts", "event", "probability"}
    assert scenario.needs_next_key
    assert len(scenario.faults) == 1


def test_every_fault_stands_in_the_document() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", DOCUMENT, re.MULTILINE)) == set(NAMES)
