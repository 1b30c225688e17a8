"""An examination: what comes first, what is not run and why, what a finding shows."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random
from urllib.parse import parse_qs

import pytest
from flask import Response

from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.examine import examine
from sender_sim.checks.model import Examination, ExitCode, Finding, Severity, Verdict
from sender_sim.checks.probe import Probe
from sender_sim.checks.selection import select
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome
from sender_sim.core.sign import Signer
from tests.checks.defects.connections import DecodesTwice, EndsWithABadBody
from tests.checks.endpoint import Endpoint
from tests.checks.examining import INTEGRATION, NOW, findings_of, ids
from tests.checks.servers import asking_for_a_client_certificate, http_at_an_https_url, nowhere, until_an_error
from tests.openssl import KeyPair
from tests.unit.sender_sim.scripted import Scripted

BY_ID = {check.id: check for check in CHECKS}


def probe(transport: Scripted, *, seed: int = 1, signer: Signer | None = None) -> Probe:
    return Probe(replace(INTEGRATION, signer=signer), transport, tls=None, random=Random(seed), now=lambda: NOW)


def found(transport: Scripted, *names: str) -> dict[str, Finding]:
    async def collect() -> dict[str, Finding]:
        return {each.check.id: each async for each in examine(select(CHECKS, names), probe(transport))}

    return asyncio.run(collect())


def always(outcome: Outcome) -> Scripted:
    return Scripted(lambda _: outcome)


def test_an_endpoint_that_cannot_be_reached_is_one_finding_and_nothing_else_is_run() -> None:
    first, *others = findings_of(Endpoint(), nowhere)
    assert (first.check.id, first.verdict, first.happened) == (
        "reachable",
        Verdict.BROKEN,
        "no connection: connection refused",
    )
    assert {each.verdict for each in others} == {Verdict.NOT_RUN}
    assert {each.happened for each in others} == {"the endpoint cannot be reached: no connection: connection refused"}


def test_what_is_broken_at_the_foundation_is_told_first_though_it_was_not_asked_for() -> None:
    findings = findings_of(Endpoint(), nowhere, checks=select(CHECKS, ["text"]))
    assert [finding.check.id for finding in findings][:2] == ["reachable", "text-reserved"]


def test_where_an_endpoint_has_ended_the_check_that_ended_it_says_so_and_others_are_not_run() -> None:
    findings = {each.check.id: each for each in findings_of(DecodesTwice(), until_an_error)}
    blamed = findings["text-reserved"]
    assert blamed.happened.startswith("no answer (reset: ")
    assert blamed.happened.endswith("; the endpoint takes no connections any more")
    assert blamed.change.endswith("start it again, and --only text-reserved")
    later = findings["text-emoji"], findings["duplicate-accepted"], findings["connection-cut"]
    assert findings["signed-unsigned"].happened == "no signing key is given (--sign)"
    assert {each.verdict for each in later} == {Verdict.NOT_RUN}
    assert {each.happened for each in later} == {
        "the endpoint takes no connections any more, which text-reserved is about"
    }


def test_an_endpoint_that_ends_where_it_should_refuse_has_not_refused() -> None:
    findings = {each.check.id: each for each in findings_of(EndsWithABadBody(), until_an_error)}
    assert findings["body-malformed"].verdict is Verdict.BROKEN
    assert "takes no connections any more" in findings["still-answering"].happened


def test_what_is_kept_at_the_foundation_is_told_only_if_it_was_asked_for() -> None:
    assert list(found(always(Answered(200)), "text-emoji")) == ["text-emoji"]


def test_where_no_delivery_is_accepted_a_refusal_is_no_evidence() -> None:
    findings = found(always(Answered(500)))
    assert [name for name, finding in findings.items() if finding.verdict is Verdict.KEPT] == []
    assert findings["method-get"].happened == "not even a plain delivery is accepted: 500 Internal Server Error"
    assert [name for name, finding in findings.items() if finding.verdict is Verdict.BROKEN] == ["answer-200"]


@pytest.mark.parametrize("failure", [Failure.RESET, Failure.PROTOCOL])
def test_an_answer_that_breaks_off_is_no_200(failure: Failure) -> None:
    findings = found(always(Failed(failure, "gone")))
    assert findings["answer-200"].verdict is Verdict.BROKEN
    assert findings["answer-in-time"].verdict is Verdict.NOT_RUN


def test_without_a_key_signatures_are_never_said_to_be_verified() -> None:
    findings = found(always(Answered(200)), "signed")
    assert {finding.verdict for finding in findings.values()} == {Verdict.NOT_RUN}
    assert {finding.happened for finding in findings.values()} == {"no signing key is given (--sign)"}


def test_all_that_is_wrong_with_an_endpoint_that_answers_204_is_found_in_one_run() -> None:
    class Answers204WithoutEmoji(Endpoint):
        def respond(self, append: object) -> Response:  # noqa: ARG002 - it says nothing
            return Response(status=204)

        def handle(self, values: dict[str, str]) -> None:
            values.get("details", "").encode("latin-1", "surrogateescape")

    broken = ids(findings_of(Answers204WithoutEmoji()), Verdict.BROKEN)
    assert broken[0] == "answer-200"
    assert "text-emoji" in broken
    assert "event-sms" not in broken


def test_a_status_that_only_some_deliveries_get_is_told_as_what_it_means() -> None:
    def script(attempt: object) -> Outcome:
        return Answered(204) if "event_type=1" in str(attempt) else Answered(200)

    finding = found(Scripted(script), "event-sms")["event-sms"]
    assert finding.verdict is Verdict.BROKEN
    assert finding.happened.startswith("answered 204 No Content; Kaisa takes it for a failure")
    assert finding.cause == "an empty answer becomes 204 in many frameworks"


def test_a_redirect_is_told_with_where_it_leads() -> None:
    findings = found(always(Answered(301, headers=(("Location", "https://www.example.com/hook/"),))))
    assert "to https://www.example.com/hook/" in findings["answer-200"].happened
    assert "https://www.example.com/hook/" in findings["answer-200"].change


def test_a_finding_shows_what_was_sent_and_answered() -> None:
    transport = always(Answered(200, b"{}"))
    finding = found(transport, "event-pre-call")["event-pre-call"]
    [exchange] = finding.exchanges
    assert exchange.request == transport.sent[-1].request
    assert parse_qs(exchange.request.body.decode())["event_type"] == ["2"]
    assert finding.happened == "answered 200 OK"


def test_a_broken_finding_shows_the_exchange_that_broke_it_alone() -> None:
    def script(attempt: object) -> Outcome:
        return Answered(500) if "%F0%9F%91%8D" in str(attempt) else Answered(200)

    [exchange] = found(Scripted(script), "text-emoji")["text-emoji"].exchanges
    assert exchange.outcome == Answered(500)


def test_no_examination_repeats_a_call_of_another() -> None:
    def calls(seed: int) -> set[str]:
        asked = probe(always(Answered(200)), seed=seed)
        return {asked.call().id for _ in range(100)}

    assert len(calls(1)) == 100
    assert calls(1) == calls(1)
    assert not calls(1) & calls(2)


def test_calls_differ_even_where_the_macro_sends_no_id() -> None:
    asked = probe(always(Answered(200)))
    assert len({asked.call().start for _ in range(20)}) == 20


def test_a_stranger_signs_as_kaisa_does_with_another_key(key_pair: KeyPair) -> None:
    own = Signer(key_pair.private.read_bytes(), digest="sha512", padding_scheme="pss", encoding="hex")
    stranger = probe(always(Answered(200)), signer=own).stranger()
    assert stranger.profile == own.profile
    pkcs = Signer(key_pair.private.read_bytes())
    other = probe(always(Answered(200)), signer=pkcs).stranger()
    assert other.sign(b"data") != pkcs.sign(b"data")


def test_a_client_certificate_that_is_asked_for_is_told_as_what_tls_says_of_it() -> None:
    finding = findings_of(Endpoint(), asking_for_a_client_certificate, checks=select(CHECKS, ["answer-200"]))[0]
    assert finding.verdict is Verdict.BROKEN
    assert finding.happened.startswith("no answer (tls: ")
    assert "certificate required" in finding.happened


def test_http_at_an_https_url_is_told_as_that() -> None:
    findings = findings_of(Endpoint(), http_at_an_https_url, checks=select(CHECKS, ["connection"]))
    by_id = {finding.check.id: finding for finding in findings}
    assert "plain HTTP" in by_id["https-tls"].cause
    assert by_id["https-certificate"].verdict is Verdict.NOT_RUN


def examination(*verdicts: tuple[str, Verdict]) -> Examination:
    findings = tuple(Finding(check=BY_ID[name], verdict=verdict, happened="") for name, verdict in verdicts)
    return Examination(integration=INTEGRATION, at=NOW, findings=findings)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([("answer-200", Verdict.KEPT)], ExitCode.KEPT),
        ([("answer-200", Verdict.BROKEN)], ExitCode.BROKEN),
        ([("answer-200", Verdict.ACCEPTED)], ExitCode.KEPT),
        ([("answer-200", Verdict.KEPT), ("method-get", Verdict.BROKEN)], ExitCode.KEPT),
        ([("reachable", Verdict.BROKEN), ("answer-200", Verdict.NOT_RUN)], ExitCode.UNREACHABLE),
        ([("https-certificate", Verdict.BROKEN), ("answer-200", Verdict.NOT_RUN)], ExitCode.BROKEN),
        ([("answer-200", Verdict.NOT_RUN)], ExitCode.MISUSED),
        ([("answer-200", Verdict.NOT_RUN), ("event-sms", Verdict.KEPT)], ExitCode.KEPT),
        ([("answer-200", Verdict.KEPT), ("signed-unsigned", Verdict.NOT_RUN)], ExitCode.MISUSED),
        ([("https-certificate", Verdict.ACCEPTED), ("event-sms", Verdict.NOT_RUN)], ExitCode.MISUSED),
        ([("reachable", Verdict.ACCEPTED), ("event-sms", Verdict.NOT_RUN)], ExitCode.MISUSED),
        ([("answer-200", Verdict.ACCEPTED), ("event-sms", Verdict.KEPT)], ExitCode.KEPT),
        ([], ExitCode.MISUSED),
    ],
)
def test_the_exit_code_says_how_it_ended(verdicts: list[tuple[str, Verdict]], expected: ExitCode) -> None:
    assert BY_ID["method-get"].severity is Severity.SHOULD
    assert examination(*verdicts).exit_code is expected


def test_an_examination_of_an_endpoint_that_never_answers_is_over_after_one_timeout() -> None:
    transport = always(Failed(Failure.TIMEOUT))
    findings = found(transport)
    assert [name for name, finding in findings.items() if finding.verdict is Verdict.BROKEN] == ["answer-in-time"]
    assert len(transport.sent) == 1
    assert transport.sent[0].request.timeout == timedelta(seconds=20)
