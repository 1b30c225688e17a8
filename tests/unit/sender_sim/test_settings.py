"""A settings file and flags become an Integration; every mistake is told at once, with what to write instead."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from receiver import wire
from sender_sim import settings
from sender_sim.core.integration import Integration, url_problem
from sender_sim.settings import SettingsError
from tests.openssl import KeyPair

URL = "https://endpoint.example/webhook"


def problems(values: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        settings.load(values)
    return caught.value.problems


def file_problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        settings.read_file(path)
    return caught.value.problems


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_a_url_alone_is_kaisas_defaults() -> None:
    integration = settings.load({"url": URL})
    assert integration == Integration(url=URL)
    assert integration.macro.text == wire.DEFAULT_MACRO
    assert integration.timeout == timedelta(seconds=20)


def test_every_setting_of_a_file_arrives(tmp_path: Path, key_pair: KeyPair) -> None:
    file = write(
        tmp_path / "kaisa.toml",
        f"""
        url = "{URL}"
        macro = "call={{id}}&recording={{recording_id}}"
        json = true
        pre_call = true
        after_outbound = true
        retry = false
        wait_for_recording = true
        active = false
        timeout = 2.5
        [signature]
        key = "{key_pair.private}"
        digest = "sha512"
        padding = "pss"
        encoding = "hex"
        """,
    )
    integration = settings.load(settings.read_file(file))
    assert integration.macro.text == "call={id}&recording={recording_id}"
    assert integration.signer is not None
    assert len(integration.signer.sign(b"")) == 512
    assert integration == Integration(
        url=URL,
        macro=integration.macro,
        encoding="json",
        pre_call=True,
        after_outbound=True,
        retry=False,
        wait_for_recording=True,
        active=False,
        timeout=timedelta(seconds=2.5),
        signer=integration.signer,
    )


def test_a_relative_key_is_looked_for_beside_the_file(tmp_path: Path, key_pair: KeyPair) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "mine.key").write_bytes(key_pair.private.read_bytes())
    file = write(tmp_path / "sub" / "kaisa.toml", f'url = "{URL}"\n[signature]\nkey = "mine.key"')
    signer = settings.load(settings.read_file(file)).signer
    assert signer is not None
    assert signer.sign(b"x") == key_pair.sign_base64(b"x")


def test_every_mistake_is_reported_at_once() -> None:
    found = problems(
        {
            "url": "http://endpoint.example/",
            "macro": "a={form_nr}&a={id}",
            "json": "maybe",
            "retri": True,
            "pre_call": 7,
            "timeout": 0,
            "signature": {"digets": "sha256", "padding": "oaep", "encoding": "base85"},
        }
    )
    assert [problem.partition(":")[0] for problem in found] == [
        "retri",
        "json",
        "pre_call",
        "timeout",
        "signature.digets",
        "signature.padding",
        "signature.encoding",
        "url",
        "macro",
        "macro",
        "signature.key",
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"retri": True}, "retri: is not a setting; did you mean retry?"),
        ({"precall": True}, "precall: is not a setting; did you mean pre_call?"),
        ({"signature": {"digets": "sha256"}}, "signature.digets: is not a setting; did you mean signature.digest?"),
        ({"json": "maybe"}, "json: 'maybe' is neither true nor false"),
        ({"json": 1}, "json: 1 is neither true nor false"),
        ({"retry": "yes"}, "retry: 'yes' is neither true nor false"),
        ({"macro": 5}, "macro: 5 is not text"),
        ({"url": 5}, "url: 5 is not text"),
        ({"timeout": "soon"}, "timeout: 'soon' is not a number of seconds"),
        ({"timeout": 0}, "timeout: 0 must be over 0 and at most 20 (R3)"),
        ({"timeout": -1}, "timeout: -1 must be over 0 and at most 20 (R3)"),
        ({"timeout": 20.5}, "timeout: 20.5 must be over 0 and at most 20 (R3)"),
        ({"timeout": 1e300}, "timeout: 1e+300 must be over 0 and at most 20 (R3)"),
        ({"signature": "yes"}, "signature: 'yes' is not a table; write [signature] and `key = ...` below it"),
        ({"signature": {"digest": "md5"}}, "signature.digest: 'md5' is none of sha256, sha384, sha512, sha1"),
        ({"signature": {"padding": "oaep"}}, "signature.padding: 'oaep' is none of pkcs1v15, pss"),
        ({"signature": {"encoding": "base85"}}, "signature.encoding: 'base85' is none of base64, base64url, hex"),
        ({"signature": {"digest": "sha512"}}, "signature.key: is not set; name the private key (PEM) to sign with"),
        ({"signature": {}}, "signature.key: is not set; name the private key (PEM) to sign with"),
        (
            {"signature": {"key": "/no.key"}},
            (
                "signature.key: /no.key cannot be read: No such file or directory; name the private key (PEM) to sign "
                "with, or mint one with `sender-sim certs`"
            ),
        ),
    ],
)
def test_a_mistake_is_told_in_words(values: dict[str, Any], expected: str) -> None:
    assert expected in problems({"url": URL} | values)


def test_a_setting_that_is_near_no_other_is_told_with_all_there_are() -> None:
    assert problems({"url": URL, "xyz": 1}) == (
        (
            "xyz: is not a setting; known: url, active, macro, json, pre_call, after_outbound, retry, "
            "wait_for_recording, timeout, signature"
        ),
    )


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(seconds: float) -> None:
    [problem] = problems({"url": URL, "timeout": seconds})
    assert problem.startswith(f"timeout: {seconds} ")


def test_a_missing_url_is_told() -> None:
    assert problems({}) == ("url: is not set; give the endpoint's https URL",)


def test_a_mistake_in_the_macro_is_shown_where_it_is() -> None:
    assert problems({"url": URL, "macro": "id={id}&nr={form_nr}"}) == (
        (
            "macro: line 1, column 12: unknown macro {form_nr}; did you mean {from_nr}?\n"
            "  id={id}&nr={form_nr}\n"
            "             ^^^^^^^^^"
        ),
    )


def test_recording_id_needs_waiting_for_recordings() -> None:
    [problem] = problems({"url": URL, "macro": "r={recording_id}"})
    assert problem.startswith("macro: line 1, column 3: {recording_id} exists only while the post-call waits")
    assert settings.load({"url": URL, "macro": "r={recording_id}", "wait_for_recording": True}).wait_for_recording


def test_a_weak_key_is_told_with_its_path(weak_key_pair: KeyPair) -> None:
    path = str(weak_key_pair.private)
    expected = f"signature.key: {path} has 1024 bits; use 2048 or more, or --allow-weak-key"
    assert problems({"url": URL, "signature": {"key": path}}) == (expected,)


def test_a_file_that_is_not_toml_is_told_with_its_place(tmp_path: Path) -> None:
    [problem] = file_problems(write(tmp_path / "kaisa.toml", "url = https://example.com"))
    assert problem.startswith(f"{tmp_path}/kaisa.toml is not TOML: ")
    assert problem.endswith("(at line 1, column 7)")


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    file = tmp_path / "kaisa.toml"
    file.write_bytes(b'macro = "\xe9"')
    [problem] = file_problems(file)
    assert problem.startswith(f"{file} is not TOML: 'utf-8' codec can't decode byte 0xe9")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert file_problems(tmp_path / "no.toml") == (f"{tmp_path}/no.toml cannot be read: No such file or directory",)


@pytest.mark.parametrize(
    "url", ["https://example.com", "https://example.com:8443/a?b=c", "https://localhost/x", "HTTPS://[::1]:1/"]
)
def test_https_urls_are_posted_to(url: str) -> None:
    assert url_problem(url) is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_http_is_permitted_to_this_machine_alone_and_only_if_asked_for(host: str) -> None:
    assert url_problem(f"http://{host}/hook", allow_http=True) is None
    refusal = url_problem(f"http://{host}/hook")
    assert (
        refusal
        == f"'http://{host}/hook' is http; Kaisa posts to https only (write https://{host}..., or give --allow-http)"
    )
    assert settings.load({"url": f"http://{host}/hook"}, allow_http=True).url == f"http://{host}/hook"


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "localhost.example.com", "127.0.0.1.example.com"])
def test_http_to_another_machine_is_refused_even_if_asked_for(host: str) -> None:
    assert url_problem(f"http://{host}/", allow_http=True) == (
        f"'http://{host}/' is http; Kaisa posts to https only (--allow-http permits http to this machine only)"
    )


@pytest.mark.parametrize(
    "url", ["", "example.com/hook", "ftp://example.com/", "https://", "https:///path", "file:///x"]
)
def test_what_is_no_webhook_url_is_refused(url: str) -> None:
    assert url_problem(url) == f"{url!r} is not a webhook URL; write https://host/path"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com:99999/",
        "https://example.com:port/",
        "https://[::1/",
        "https://example..com/",
        f"https://{'a' * 64}.example/",
        "https://ex\ud800mple.com/",
        "https://\u2024.com/",  # a dot to the resolver
    ],
    ids=ascii,
)
def test_a_url_that_cannot_be_read_is_refused(url: str) -> None:
    refusal = url_problem(url)
    assert refusal is not None
    assert refusal.startswith(f"{url!r} is not a URL: ")


@pytest.mark.parametrize("user", ["user", "user:secret", ":secret"])
def test_a_url_with_a_user_is_refused_without_repeating_the_password(user: str) -> None:
    refusal = url_problem(f"https://{user}@example.com/")
    assert refusal == "the URL holds a user name or password; Kaisa posts without"
