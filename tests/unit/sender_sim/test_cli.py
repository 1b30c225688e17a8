"""The `sender-sim` command: test-request, send and certs; how misuse is told, and the exit codes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import click
import pytest
from click.testing import Result
from pytest_httpserver import HTTPServer

from receiver import wire
from sender_sim.certs import DevelopmentKeys
from tests.openssl import KeyPair
from tests.unit.sender_sim.conftest import Invoke


def received(server: HTTPServer) -> list[dict[str, str]]:
    """The forms the endpoint got."""
    return [dict(parse_qsl(request.get_data(as_text=True), keep_blank_values=True)) for request, _ in server.log]


def misused(result: Result) -> str:
    """The words of a command that ended with exit code 2, and not in a traceback."""
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert "Traceback" not in result.output
    return click.unstyle(result.stderr)


@pytest.fixture
def to(server: HTTPServer, development_keys: DevelopmentKeys) -> tuple[str, ...]:
    """Arguments that send to an endpoint that answers 200."""
    server.expect_request("/hook", "POST").respond_with_data('{"append": "noted"}')
    return server.url_for("/hook"), "--ca", str(development_keys.ca)


def test_a_test_request_shows_the_request_and_the_answer(
    invoke: Invoke, server: HTTPServer, to: tuple[str, ...]
) -> None:
    result = invoke("test-request", *to)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == [f"POST {to[0]}", "Content-Type: application/x-www-form-urlencoded"]
    assert lines[5].startswith("-> 200 OK (")
    assert lines[6:] == ['{"append": "noted"}', "saved with the call: 'noted'"]
    [form] = received(server)
    assert list(form) == [field.name for field in wire.FIELDS if field.name != "recording_id"]
    assert (form["id"], form["event_type"], form["details"]) == ("test-request", "0", "Test request")


def test_a_test_request_works_before_activation(
    invoke: Invoke, server: HTTPServer, to: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "kaisa.toml").write_text("active = false")
    assert invoke("test-request", *to, "--settings", tmp_path / "kaisa.toml").exit_code == 0
    assert len(received(server)) == 1


@pytest.mark.parametrize("command", ["send", "run"])
def test_before_activation_nothing_else_is_sent(
    invoke: Invoke, server: HTTPServer, to: tuple[str, ...], tmp_path: Path, command: str
) -> None:
    (tmp_path / "kaisa.toml").write_text("active = false")
    said = misused(invoke(command, *to, "--settings", tmp_path / "kaisa.toml"))
    assert said == "active: is false, so no data flows (C1); only test-request works before activation\n"
    assert received(server) == []


def test_a_test_request_in_json_is_one_object_for_machines(invoke: Invoke, to: tuple[str, ...]) -> None:
    result = invoke("test-request", *to, "--json", "--format", "json")
    assert result.exit_code == 0
    exchange = json.loads(result.stdout)
    assert json.loads(exchange["request"]["body"])["id"] == "test-request"
    assert exchange["request"]["content_type"] == "application/json"
    answer = exchange["answer"]
    assert (answer["outcome"], answer["success"], answer["status"]) == ("200 OK", True, 200)
    assert (answer["body"], answer["headers"]["Content-Length"]) == ('{"append": "noted"}', "19")
    assert (exchange["append"], exchange["violation"], exchange["kept"]) == ("noted", None, True)


@pytest.mark.parametrize("status", [201, 302, 400, 500])
def test_any_answer_but_200_is_exit_code_1_and_sent_once(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys, status: int
) -> None:
    server.expect_request("/hook").respond_with_data("no", status=status)
    result = invoke("test-request", server.url_for("/hook"), "--ca", development_keys.ca)
    assert result.exit_code == 1
    assert result.stdout.endswith("no\nFAILED: only a 200 counts (R2); a test request is not tried again (C10)\n")
    assert len(server.log) == 1


def test_of_a_long_answer_the_beginning_is_shown(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys
) -> None:
    server.expect_request("/hook").respond_with_data("x" * 5000)
    result = invoke("test-request", server.url_for("/hook"), "--ca", development_keys.ca)
    assert result.stdout.endswith(f"\n{'x' * 2000}... (5000 characters)\n")


def test_no_answer_is_exit_code_1(invoke: Invoke, development_keys: DevelopmentKeys, closed_port: int) -> None:
    result = invoke(
        "test-request", f"https://127.0.0.1:{closed_port}/", "--ca", development_keys.ca, "--format", "json"
    )
    assert result.exit_code == 1
    exchange = json.loads(result.stdout)
    assert set(exchange["answer"]) == {"outcome", "success", "seconds"}
    assert (exchange["answer"]["outcome"], exchange["kept"]) == ("connect: connection refused", False)


def test_an_answer_that_breaks_the_contract_is_exit_code_1(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys
) -> None:
    server.expect_request("/hook").respond_with_json({"append": "x" * 41})
    arguments = ("test-request", server.url_for("/hook"), "--ca", development_keys.ca)
    what = "R7: the append has 41 characters; 40 are saved at most"
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert result.stdout.endswith(f"\nBREAKS {what}\n")
    exchange = json.loads(invoke(*arguments, "--format", "json").stdout)
    assert (exchange["append"], exchange["violation"], exchange["kept"]) == (None, what, False)
    assert exchange["answer"]["success"] is True


@pytest.mark.parametrize(("label", "number"), [("post-call", "0"), ("sms", "1"), ("pre-call", "2")])
def test_send_sends_one_event_of_any_type(
    invoke: Invoke, server: HTTPServer, to: tuple[str, ...], label: str, number: str
) -> None:
    assert invoke("send", *to, "--event", label).exit_code == 0
    assert [form["event_type"] for form in received(server)] == [number]


def test_send_makes_up_the_same_call_for_the_same_seed(invoke: Invoke, server: HTTPServer, to: tuple[str, ...]) -> None:
    for seed in (5, 5, 6):
        invoke("send", *to, "--seed", seed)
    first, again, other = (timeless(form) for form in received(server))
    assert first == again
    assert first["id"] != other["id"]


def timeless(form: Mapping[str, str]) -> dict[str, str]:
    """The form without the time, which is now."""
    return {name: value for name, value in form.items() if name != "start"}


def test_send_changes_fields_to_whatever_is_asked_for(invoke: Invoke, server: HTTPServer, to: tuple[str, ...]) -> None:
    hostile = "a=b&c 😀 +%00"
    assert invoke("send", *to, "--set", f"details={hostile}", "--set", "duration=minus one").exit_code == 0
    [form] = received(server)
    assert (form["details"], form["duration"]) == (hostile, "minus one")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("form_nr=+46", "'form_nr' is not a field; did you mean from_nr?"),
        ("xyz=1", "'xyz' is not a field; known: start, duration, from_nr,"),
        ("details", "--set 'details': has no '='; write FIELD=TEXT"),
        ("recording_id=x", "the macro does not send {recording_id}; add it with --macro"),
    ],
)
def test_a_change_of_what_is_no_field_is_misuse(
    invoke: Invoke, server: HTTPServer, to: tuple[str, ...], change: str, words: str
) -> None:
    assert words in misused(invoke("send", *to, "--set", change))
    assert received(server) == []


def test_all_mistakes_in_changes_are_told_at_once(invoke: Invoke, to: tuple[str, ...]) -> None:
    said = misused(invoke("send", *to, "--set", "detials=x", "--set", "foo", "--set", "id=1"))
    assert said.splitlines() == [
        "--set 'detials=x': 'detials' is not a field; did you mean details?",
        "--set 'foo': has no '='; write FIELD=TEXT",
    ]


@pytest.mark.parametrize(
    ("retry", "afterwards"), [("true", "Kaisa would try again in 30 minutes"), ("false", "retry is off (C8)")]
)
def test_what_kaisa_would_do_next_is_told_of_an_event_that_failed(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys, tmp_path: Path, retry: str, afterwards: str
) -> None:
    server.expect_request("/hook").respond_with_data("no", status=500)
    settings = tmp_path / "kaisa.toml"
    settings.write_text(f"retry = {retry}\n")
    result = invoke("send", server.url_for("/hook"), "--ca", development_keys.ca, "--settings", settings)
    assert result.exit_code == 1
    assert result.stdout.endswith(f"FAILED: only a 200 counts (R2); {afterwards}\n")


def test_what_is_sent_can_be_signed(invoke: Invoke, server: HTTPServer, to: tuple[str, ...], key_pair: KeyPair) -> None:
    assert invoke("send", *to, "--sign", key_pair.private, "--macro", "a={id}").exit_code == 0
    [form] = received(server)
    assert set(form) == {"payload", "sign"}
    assert form["sign"] == key_pair.sign_base64(form["payload"].encode())


def test_flags_override_the_settings_file(
    invoke: Invoke, server: HTTPServer, to: tuple[str, ...], tmp_path: Path, key_pair: KeyPair
) -> None:
    file = tmp_path / "kaisa.toml"
    file.write_text(
        f"url = 'https://nowhere.invalid/'\nmacro = 'a={{id}}'\njson = true\n"
        f"[signature]\nkey = '{key_pair.private}'\nencoding = 'base64'"
    )
    assert invoke("send", *to, "--settings", file, "--form", "--encoding", "hex").exit_code == 0
    [form] = received(server)
    assert form["payload"].startswith("a=")
    assert len(bytes.fromhex(form["sign"])) == 256


@pytest.mark.parametrize("command", ["test-request", "send", "run"])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "url: is not set; give the endpoint's https URL\n"),
        (("http://localhost/",), "url: 'http://localhost/' is http; Kaisa posts to https only"),
        (("http://example.com/", "--allow-http"), "--allow-http permits http to this machine only"),
        (
            ("https://localhost/", "--ca", "/no/ca.pem"),
            "--ca: /no/ca.pem cannot be used: No such file or directory; name a PEM file of certificates to trust\n",
        ),
        (("https://localhost/", "--ca", __file__), f"--ca: {__file__} cannot be used: it holds no certificate; "),
        (("https://localhost/", "--ca", __file__), "--ca: "),
        (
            ("https://localhost/", "--sign", "/no.key"),
            "signature.key: /no.key cannot be read: No such file or directory; name the private key",
        ),
        (("https://localhost/", "--digest", "sha512"), "signature.key: is not set; name the private key"),
        (
            ("https://localhost/", "--macro", "a={idd}"),
            "macro: line 1, column 3: unknown macro {idd}; did you mean {id}?",
        ),
        (("https://localhost/", "--timeout", "1e300"), "timeout: 1e+300 must be over 0 and at most 20 (R3)\n"),
        (("--settings", "/no.toml"), "/no.toml cannot be read: No such file or directory\n"),
        (("https://localhost/", "--digest", "md5"), "'md5' is not one of 'sha256', 'sha384', 'sha512', 'sha1'"),
        (("https://localhost/", "--jsn"), "No such option"),
    ],
)
def test_settings_that_cannot_be_used_are_told_in_words_and_exit_code_2(
    invoke: Invoke, command: str, arguments: tuple[str, ...], words: str
) -> None:
    assert words in misused(invoke(command, *arguments))


def test_all_mistakes_are_told_at_once(invoke: Invoke) -> None:
    said = misused(invoke("run", "http://x.example/", "--ca", "/no.pem", "--sign", "/no.key", "--macro", "{"))
    assert [line.partition(":")[0] for line in said.splitlines() if not line.startswith(" ")] == [
        "url",
        "macro",
        "signature.key",
        "--ca",
    ]


def test_certs_mints_keys_once_and_again_only_by_force(invoke: Invoke, tmp_path: Path) -> None:
    folder = tmp_path / "dev"
    result = invoke("certs", folder)
    assert result.exit_code == 0
    assert f"sign with (--sign):             {folder}/kaisa-signing.key\n" in result.stdout
    before = (folder / "kaisa-signing.key").read_bytes()
    assert "already; --force replaces them" in " ".join(misused(invoke("certs", folder)).split())
    assert (folder / "kaisa-signing.key").read_bytes() == before
    assert invoke("certs", folder, "--force").exit_code == 0
    assert (folder / "kaisa-signing.key").read_bytes() != before


def test_certs_says_where_it_cannot_write(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = " ".join(misused(invoke("certs", tmp_path / "file" / "dev")).split())
    assert said.endswith("cannot be written: Not a directory")


@pytest.mark.parametrize("arguments", [("--help",), ("run", "-h"), ("--version",)])
def test_help_is_exit_code_0(invoke: Invoke, arguments: tuple[Any, ...]) -> None:
    assert invoke(*arguments).exit_code == 0
