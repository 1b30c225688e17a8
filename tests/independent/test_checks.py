"""`sender-sim check` of receivers in PHP and Node.js, which the checks were not written beside."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.model import Verdict
from sender_sim.cli import main
from tests.independent.receivers import Receiver

# Half of a surrogate pair is no UTF-8, and PHP's JSON knows no such text either; it is a should.
DEVIATIONS = {
    ("php", "--form"): {"text-surrogate"},
    ("php", "--json"): {"text-surrogate"},
    ("node", "--form"): {"text-surrogate"},
    ("node", "--json"): set(),
}
# These want settings other than the ones given here.
NOT_RUN = {"macro-custom", "value-no-recording"}


@pytest.mark.parametrize("encoding", ["--form", "--json"])
def test_they_keep_every_must_and_each_deviation_is_known(
    receiver: Receiver, encoding: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    to = (receiver.url, "--ca", str(receiver.ca), "--sign", str(receiver.key.private), encoding)
    result = CliRunner().invoke(main, ["check", *to, "--format", "json"])
    found = {each["id"]: each for each in json.loads(result.stdout)["findings"]}
    told = {name: each["happened"] for name, each in found.items() if each["verdict"] == Verdict.BROKEN}
    assert set(told) == DEVIATIONS[receiver.name, encoding], told
    assert {name for name, each in found.items() if each["verdict"] == Verdict.NOT_RUN} == NOT_RUN
    assert set(found) == {check.id for check in CHECKS}
    assert result.exit_code == 0
