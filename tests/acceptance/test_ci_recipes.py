"""What docs/ci.md gives to CIs is run as it stands there, but for the installation, against the receiver over HTTPS."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse

import pytest
import xmlschema
import yaml

from sender_sim.checks.catalogue import CHECKS
from tests.acceptance.deployment import ROOT

DOCUMENT = (ROOT / "docs" / "ci.md").read_text("utf-8")
SCHEMA = xmlschema.XMLSchema(ROOT / "tests" / "schemas" / "junit.xsd")
# There is nothing to install here that is not there already.
INSTALL = "pip install 'kaisa-webhook-kit[sim]'"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


GITHUB, GITLAB = map(yaml.safe_load, blocks("yaml"))
SHELL, RUNNING_ALREADY = blocks("bash")


def exports(variables: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}='{value}'" for name, value in variables.items())


def of_github(workflow: dict[str, Any]) -> Iterator[str]:
    """The steps of its job, as its runner does them."""
    for step in workflow["jobs"]["kaisa"]["steps"]:
        if "run" in step:
            yield exports(step.get("env", {}))
            yield step["run"]


def of_gitlab(pipeline: dict[str, Any]) -> Iterator[str]:
    """The lines of its job, which one shell runs."""
    job = pipeline["kaisa"]
    yield exports(job["variables"])
    yield from (*job["before_script"], *job["script"])


ENDED = "trap 'kill $(jobs -p); wait' EXIT"  # a runner ends what a job has left
RECIPES = {
    "GitHub Actions": "\n".join([ENDED, *of_github(GITHUB)]),
    "GitLab": "\n".join([ENDED, *of_gitlab(GITLAB)]),
    "a shell script": SHELL,
}


def run(script: str, folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    assert script.count(INSTALL) == 1
    text = script.replace(INSTALL, ":").replace("8443", str(port))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KAISA_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", text],
        cwd=folder,
        env={**clean, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def failures(folder: Path) -> set[str]:
    SCHEMA.validate(str(folder / "kaisa.xml"))
    cases = list(parse(folder / "kaisa.xml").iter("testcase"))  # noqa: S314 - our own
    assert len(cases) == len(CHECKS)
    return {case.get("name", "") for case in cases if case.find("failure") is not None}


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_runs_the_checks_and_leaves_what_the_ci_is_to_show(
    recipe: str, tmp_path: Path, free_port: int
) -> None:
    done = run(RECIPES[recipe], tmp_path, free_port)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The contract is kept." in done.stdout
    assert failures(tmp_path) == set()
    assert "The contract is kept" in (tmp_path / "kaisa.html").read_text("utf-8")


def test_it_fails_where_a_must_is_broken_and_leaves_it_all_the_same(tmp_path: Path, free_port: int) -> None:
    forgetful = SHELL.replace("KAISA_TRUSTED_KEYS=kaisa-keys/kaisa-signing.pem", "KAISA_ACCEPT_UNSIGNED=true")
    assert forgetful != SHELL
    done = run(forgetful, tmp_path, free_port)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "The contract with Kaisa is broken: see kaisa.html" in done.stderr
    assert {"signed-unsigned", "signed-other-key", "signed-payload-tampered"} <= failures(tmp_path)
    assert "signed-unsigned" in (tmp_path / "kaisa.html").read_text("utf-8")


def test_what_the_cis_keep_is_what_the_checks_write() -> None:
    upload = GITHUB["jobs"]["kaisa"]["steps"][-1]
    assert (upload["if"], upload["with"]["path"].split()) == ("always()", ["kaisa.xml", "kaisa.html"])
    kept = GITLAB["kaisa"]["artifacts"]
    assert (kept["when"], kept["reports"]["junit"], kept["paths"]) == ("always", "kaisa.xml", ["kaisa.html"])


def test_every_recipe_asks_for_the_same() -> None:
    [asked] = {
        " ".join(re.findall(r"sender-sim check[^|]*?kaisa\.html", text.replace("\\\n", ""))[0].split())
        for text in RECIPES.values()
    }
    to = "https://localhost:8443/webhook --ca kaisa-keys/ca.pem --sign kaisa-keys/kaisa-signing.key"
    assert asked == f"sender-sim check {to} --junit kaisa.xml --html kaisa.html"


def test_the_python_of_the_recipes_is_one_that_the_kit_runs_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"
    assert "sim" in project["optional-dependencies"]
    steps = GITHUB["jobs"]["kaisa"]["steps"]
    [python] = [step["with"]["python-version"] for step in steps if "setup-python" in step.get("uses", "")]
    assert GITLAB["kaisa"]["image"] == f"python:{python}"
    assert python >= "3.11"


def test_an_endpoint_that_runs_already_is_checked_with_the_key_it_trusts() -> None:
    assert RUNNING_ALREADY.split()[:4] == ["sender-sim", "check", '"$ENDPOINT"', "--sign"]
