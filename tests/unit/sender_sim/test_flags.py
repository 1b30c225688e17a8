"""C1-C9: every setting of an integration can be given as a flag, and does what it does in a file."""

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pytest_httpserver import HTTPServer

from sender_sim import settings
from sender_sim.certs import DevelopmentKeys
from sender_sim.cli import main
from sender_sim.commands.run import run
from tests.openssl import KeyPair
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.test_cli import misused

DOCUMENT = Path(__file__).parents[3] / "docs" / "simulator.md"
SETTINGS = (set(settings._FILE.load_fields) - {"signature"}) | set(settings._SIGNATURE.load_fields)


def test_every_setting_has_a_flag() -> None:
    parameters = {parameter.name for parameter in run.params}
    assert parameters >= SETTINGS


def test_every_setting_stands_in_the_document() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    written = tomllib.loads(shown)
    assert set(written) | set(written.pop("signature")) == SETTINGS | {"signature"}


@pytest.mark.parametrize(
    ("flag", "name", "value"),
    [
        ("--active", "active", True),
        ("--inactive", "active", False),
        ("--json", "json", True),
        ("--form", "json", False),
        ("--pre-call", "pre_call", True),
        ("--no-pre-call", "pre_call", False),
        ("--after-outbound", "after_outbound", True),
        ("--no-outbound", "after_outbound", False),
        ("--retry", "retry", True),
        ("--no-retry", "retry", False),
        ("--wait-for-recording", "wait_for_recording", True),
        ("--no-wait", "wait_for_recording", False),
        ("--allow-weak-key", "allow_weak", True),
    ],
)
def test_a_switch_says_what_its_setting_says_and_nothing_unless_it_is_given(flag: str, name: str, value: Any) -> None:
    command, group = run, main.make_context("sender-sim", ["run"])
    assert command.make_context("run", [flag], parent=group).params[name] is value
    assert command.make_context("run", [], parent=group).params[name] is None


@pytest.mark.parametrize("command", ["send", "run"])
def test_an_inactive_integration_sends_nothing_and_says_so(invoke: Invoke, command: str) -> None:
    assert "active: is false, so no data flows (C1)" in misused(invoke(command, "https://localhost/", "--inactive"))


def test_flags_switch_an_integration_on_and_off_whatever_its_file_says(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys, tmp_path: Path
) -> None:
    server.expect_request("/hook").respond_with_data("")
    to = ("--ca", development_keys.ca, "--settings", tmp_path / "kaisa.toml")
    (tmp_path / "kaisa.toml").write_text(f"url = '{server.url_for('/hook')}'\nactive = false")
    assert invoke("send", *to, "--active").exit_code == 0
    assert invoke("test-request", *to, "--inactive").exit_code == 0
    assert len(server.log) == 2


@pytest.mark.parametrize("by", ["flag", "file"])
def test_a_weak_key_signs_if_that_is_asked_for(
    invoke: Invoke,
    server: HTTPServer,
    development_keys: DevelopmentKeys,
    tmp_path: Path,
    weak_key_pair: KeyPair,
    by: str,
) -> None:
    server.expect_request("/hook").respond_with_data("")
    arguments: tuple[object, ...] = ("--sign", weak_key_pair.private, "--allow-weak-key")
    if by == "file":
        (tmp_path / "kaisa.toml").write_text(f"[signature]\nkey = '{weak_key_pair.private}'\nallow_weak = true")
        arguments = ("--settings", tmp_path / "kaisa.toml")
    assert invoke("send", server.url_for("/hook"), "--ca", development_keys.ca, *arguments).exit_code == 0
    [(request, _)] = server.log
    form = dict(parse_qsl(request.get_data(as_text=True)))
    assert form["sign"] == weak_key_pair.sign_base64(form["payload"].encode())


def test_a_weak_key_is_refused_with_the_flag_that_permits_it(invoke: Invoke, weak_key_pair: KeyPair) -> None:
    said = misused(invoke("send", "https://localhost/", "--sign", weak_key_pair.private))
    assert said.endswith("has 1024 bits; use 2048 or more, or --allow-weak-key\n")


def test_a_key_too_small_for_its_profile_is_told_before_anything_is_sent(
    invoke: Invoke, weak_key_pair: KeyPair
) -> None:
    profile = ("--allow-weak-key", "--digest", "sha512", "--padding", "pss")
    said = misused(invoke("send", "https://localhost/", "--sign", weak_key_pair.private, *profile))
    assert said.startswith(f"signature.key: {weak_key_pair.private} cannot sign with sha512 and pss: ")
