"""An endpoint that keeps to the contract keeps every check that can be run, however it is reached and set up."""

from dataclasses import replace

import pytest
from werkzeug.exceptions import UnprocessableEntity

from receiver import macro, wire
from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.model import Verdict
from sender_sim.core.sign import Signer
from tests.checks.defects.data import CUSTOM_MACRO
from tests.checks.endpoint import Endpoint, Values
from tests.checks.examining import INTEGRATION, findings_of, ids
from tests.checks.servers import Serve, over_http, over_https
from tests.openssl import KeyPair

OF_TLS = {"https-tls", "https-certificate", "https-old-tls"}
OF_A_SERVER = OF_TLS | {
    "reachable",
    "answer-many-at-once",
    "retry-after-lost-answer",
    "connection-drip",
    "connection-slow-others",
    "connection-cut",
}
OF_SETTINGS = {"macro-custom", "value-no-recording"}
OF_SIGNATURES = {check.id for check in CHECKS if check.needs_key}
NOT_RUN: dict[Serve | None, set[str]] = {None: OF_A_SERVER, over_http: OF_TLS, over_https: set()}


@pytest.mark.parametrize("serve", NOT_RUN, ids=["in process", "over HTTP", "over HTTPS"])
@pytest.mark.parametrize("encoding", [wire.FORM, wire.JSON])
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
def test_a_good_endpoint_keeps_all_there_is(
    serve: Serve | None, encoding: str, key_pair: KeyPair, *, signed: bool
) -> None:
    signer = Signer(key_pair.private.read_bytes()) if signed else None
    app = Endpoint(key_pair.public.read_bytes() if signed else None)
    findings = findings_of(app, serve, replace(INTEGRATION, encoding=encoding, signer=signer))
    assert [finding.check for finding in findings] == list(CHECKS)
    assert [(each.check.id, each.happened) for each in findings if each.verdict is Verdict.BROKEN] == []
    assert set(ids(findings, Verdict.NOT_RUN)) == NOT_RUN[serve] | OF_SETTINGS | (set() if signed else OF_SIGNATURES)


class ReadsTheCustomMacro(Endpoint):
    names = {"id": "ref", "event_type": "kind", "details": "text"}  # noqa: RUF012 - nobody changes it


@pytest.mark.parametrize("encoding", [wire.FORM, wire.JSON])
def test_an_endpoint_that_knows_its_macro_keeps_what_the_macro_can_show(encoding: str) -> None:
    custom = macro.parse(CUSTOM_MACRO, recording=False)
    findings = findings_of(ReadsTheCustomMacro(), None, replace(INTEGRATION, encoding=encoding, macro=custom))
    assert ids(findings, Verdict.BROKEN) == []
    assert "macro-custom" in ids(findings, Verdict.KEPT)


class TakesAnything(Endpoint):
    def validate(self, values: Values) -> None:
        if not values:
            raise UnprocessableEntity


def test_where_the_macro_sends_nothing_to_tell_by_checks_are_not_run() -> None:
    bare = macro.parse("source=kaisa", recording=False)
    findings = findings_of(TakesAnything(), None, replace(INTEGRATION, macro=bare))
    reasons = {finding.check.id: finding.happened for finding in findings if finding.verdict is Verdict.NOT_RUN}
    assert reasons["event-sms"] == "the macro does not send {event_type}"
    assert reasons["order-reversed"] == "the macro does not send {id} and {event_type}"
    assert reasons["text-emoji"] == "the macro sends none of details, channel, referrer, url"
    assert ids(findings, Verdict.BROKEN) == []
