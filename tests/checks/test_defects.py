"""The checks are honest: each defect is found by the check meant for it and by no other, and every check finds one."""

from datetime import timedelta

import pytest

from receiver import macro
from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.model import Verdict
from sender_sim.core.integration import Integration
from sender_sim.core.sign import Signer
from tests.checks.defects import DEFECTS
from tests.checks.examining import findings_of, ids
from tests.checks.registry import Defect
from tests.openssl import KeyPair


def settings(defect: Defect, key_pair: KeyPair) -> Integration:
    return Integration(
        url="https://endpoint.example/hook",
        encoding=defect.encoding,
        macro=macro.parse(defect.macro, recording=True),
        signer=Signer(key_pair.private.read_bytes()) if defect.signed else None,
        timeout=timedelta(seconds=defect.timeout),
    )


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.what)
def test_a_defect_is_found_by_the_checks_that_are_meant_for_it_and_by_no_others(
    defect: Defect, key_pair: KeyPair, other_key_pair: KeyPair
) -> None:
    trusted = other_key_pair if defect.strangers_key else key_pair
    app = defect.endpoint(trusted.public.read_bytes() if defect.signed else None)
    findings = findings_of(app, defect.serve, settings(defect, key_pair))
    assert set(ids(findings, Verdict.BROKEN)) == {*defect.meant, *defect.also}
    for finding in findings:
        if finding.verdict is Verdict.BROKEN:
            assert finding.happened
            assert defect.cause in finding.cause


def test_every_check_finds_a_defect() -> None:
    found = {check for defect in DEFECTS for check in defect.meant}
    assert [check.id for check in CHECKS if check.id not in found] == []
