"""`sender-sim compare`: a captured request beside the same settings, in text, in JSON, and by its exit code."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from receiver import macro
from receiver.wire import EventType
from sender_sim.certs import DevelopmentKeys
from sender_sim.cli import main
from sender_sim.core import synthetic
from sender_sim.core.delivery import Attempt
from sender_sim.core.engine import request_for
from sender_sim.core.integration import Integration
from sender_sim.core.sign import Signer
from sender_sim.transports import HttpsTransport, trust
from tests.openssl import KeyPair
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.endpoints import Connection, http, server_tls, serving
from tests.unit.sender_sim.scripted import START
from tests.unit.sender_sim.test_cli import misused

MACRO = "id={id}&text={details}"
NO_DIFFERENCE = "No difference: with these settings the simulator would send the same.\n"
KAISA = (
    b"POST /hook HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\nUser-Agent: kaisa-webhook-kit-sender-sim\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 18\r\n\r\nid=1&text=call%20me"
)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    file = tmp_path / "capture.http"
    file.write_bytes(KAISA)
    return file


def sent_by_the_simulator(keys: DevelopmentKeys, **settings: Any) -> bytes:
    """The bytes of a test request as they reach an endpoint."""
    seen = bytearray()

    async def record(connection: Connection) -> None:
        head = await connection.reader.readuntil(b"\r\n\r\n")
        length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        seen.extend(head + await connection.reader.readexactly(length))
        await connection.write(http(b"{}"))

    async def send() -> None:
        async with serving(record, server_tls(keys)) as endpoint, HttpsTransport.open(trust(keys.ca)) as transport:
            integration = Integration(url=endpoint.url, **settings)
            call = synthetic.sample(datetime(2026, 1, 5, 9, 0, tzinfo=UTC))
            request = request_for(call, EventType.POST_CALL, integration)
            assert (await transport.send(Attempt("a/post-call", 1, START, request))).success

    asyncio.run(send())
    return bytes(seen)


@pytest.mark.parametrize("signs", [False, True], ids=["bare", "signed"])
@pytest.mark.parametrize("encoding", ["form", "json"])
def test_what_the_simulator_really_sends_is_no_difference(
    invoke: Invoke, development_keys: DevelopmentKeys, tmp_path: Path, encoding: str, *, signs: bool
) -> None:
    text = "när={start}&tag={channel}-{publisher_id}&id={id}&nr={from_nr}&ok={answered}&s={duration}"
    signer = Signer(development_keys.signing_key.read_bytes(), digest="sha512") if signs else None
    settings = {"macro": macro.parse(text, recording=False), "encoding": encoding, "signer": signer}
    (tmp_path / "capture").write_bytes(sent_by_the_simulator(development_keys, **settings))
    flags = ("--trust", development_keys.signing_certificate, "--digest", "sha512") if signs else ()
    result = invoke("compare", tmp_path / "capture", "--macro", text, f"--{encoding}", *flags)
    assert (result.exit_code, result.stdout) == (0, NO_DIFFERENCE)


def test_every_difference_is_told_with_its_place_both_sides_and_what_to_change(invoke: Invoke, capture: Path) -> None:
    capture.write_bytes(KAISA.replace(b"*/*", b"*/*\r\nX-Real-IP: 192.0.2.1"))
    result = invoke("compare", capture, "https://example.com/other", "--macro", MACRO)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "DIFFERENT  path of the URL",
        "           Kaisa:     /hook",
        "           simulator: /other",
        "           -> URL: give the one of Kaisa's Setup",
        "DIFFERENT  escaping of a space, in text",
        "           Kaisa:     %20",
        "           simulator: +",
        "           -> no setting covers this: the simulator is wrong here, please report it",
        "note: Content-Length is 18, and 19 bytes follow the headers: all are compared",
        "note: not compared, because proxies add them: X-Real-IP",
        "2 differences; the bodies differ from byte 14 on (the first is 0)",
    ]


def test_in_json_the_two_bodies_are_there_as_well(invoke: Invoke, capture: Path) -> None:
    result = invoke("compare", capture, "--macro", MACRO, "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "differences": [
            {
                "what": "escaping of a space",
                "kaisa": "%20",
                "simulator": "+",
                "change": "no setting covers this: the simulator is wrong here, please report it",
                "where": ["text"],
            }
        ],
        "notes": ["Content-Length is 18, and 19 bytes follow the headers: all are compared"],
        "body": "id=1&text=call%20me",
        "rebuilt": "id=1&text=call+me",
        "differs_at": 14,
    }


def test_a_capture_comes_from_standard_input_too() -> None:
    result = CliRunner().invoke(main, ["compare", "-", "--macro", MACRO], input=KAISA.replace(b"%20", b"+"))
    assert result.exit_code == 0, result.output


def test_an_entry_of_a_har_file_is_chosen(invoke: Invoke, tmp_path: Path) -> None:
    headers = [{"name": name, "value": value} for name, value in (("accept", "*/*"), ("content-type", "text/plain"))]
    entries = [{"request": {"method": "GET"}}, {"request": {"method": "POST", "headers": headers}}]
    (tmp_path / "capture.har").write_text(json.dumps({"log": {"entries": entries}}))
    arguments = ("compare", tmp_path / "capture.har", "--macro", MACRO, "--format", "json")
    first = json.loads(invoke(*arguments).stdout)
    assert first["differences"][0]["what"] == "method"
    assert first["notes"] == ["the first of 2 entries is compared; --entry chooses another"]
    second = json.loads(invoke(*arguments, "--entry", 2).stdout)
    assert [each["what"] for each in second["differences"]] == [
        "header Content-Type",
        "missing names",
    ]


def test_the_settings_of_a_file_are_compared_with(
    invoke: Invoke, capture: Path, tmp_path: Path, key_pair: KeyPair
) -> None:
    settings = tmp_path / "integration.toml"
    settings.write_text(
        f"url = 'https://example.com/hook'\nmacro = '{MACRO}'\njson = true\n[signature]\nkey = 'no.key'"
    )
    found = json.loads(invoke("compare", capture, "--settings", settings, "--format", "json").stdout)["differences"]
    assert [(each["what"], each["change"]) for each in found[:2]] == [
        ("encoding", "--form"),
        ("signing", "leave --sign, --trust and the file's [signature] out"),
    ]
    # What the file signs with is not asked for: Kaisa's key is with Kaisa.
    payload = "id=1&text="
    body = f"payload=id%3D1%26text%3D&sign={key_pair.sign_base64(payload.encode())}"
    body = body.replace("+", "%2B").replace("/", "%2F").replace("==", "%3D%3D")
    capture.write_bytes(KAISA.partition(b"Content-Length")[0] + b"\r\n" + body.encode())
    result = invoke("compare", capture, "--settings", settings, "--form", "--trust", key_pair.public)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        0,
        "No difference: with these settings the simulator would send the same.",
    )


def test_recordings_are_a_name_like_any_other_while_the_post_call_waits_for_them(invoke: Invoke, capture: Path) -> None:
    text = "id={id}&text={recording_id}"
    assert "{recording_id} exists only while" in misused(invoke("compare", capture, "--macro", text))
    assert invoke("compare", capture, "--macro", text, "--wait-for-recording").exit_code == 1


def test_what_a_terminal_would_obey_is_shown_and_not_obeyed(invoke: Invoke, capture: Path) -> None:
    capture.write_bytes(KAISA.replace(b"call%20me", b"\x1b[2J" + b"x" * 10_000))
    shown = invoke("compare", capture, "--macro", "id={id}", "--json").stdout
    assert [char for char in shown if not char.isprintable() and char != "\n"] == []
    assert max(map(len, shown.splitlines())) < 400


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("/no/capture",), "/no/capture cannot be read: No such file or directory"),
        (("/",), "/ cannot be read: Is a directory"),
        ((__file__,), "is no captured request: its first line must be like 'POST /webhook HTTP/1.1'"),
        ((), "Missing argument 'CAPTURE'"),
        ((__file__, "--entry", "0"), "Invalid value for '--entry'"),
        ((__file__, "ftp://x"), "url: 'ftp://x' is not a webhook URL"),
        ((__file__, "--trust", "/no.pem"), "--trust: /no.pem cannot be read: No such file or directory"),
        ((__file__, "--trust", __file__), "holds neither a public key nor a certificate in PEM"),
    ],
)
def test_misuse_is_told_in_words(invoke: Invoke, arguments: tuple[str, ...], words: str) -> None:
    assert words in " ".join(misused(invoke("compare", *arguments)).split())


def test_all_mistakes_are_told_at_once(invoke: Invoke, capture: Path, tmp_path: Path) -> None:
    settings = tmp_path / "integration.toml"
    settings.write_text("jsn = true\n[signature]\ndigest = 'md5'")
    said = misused(invoke("compare", capture, "http://x.example", "--settings", settings, "--trust", "/no.pem"))
    assert [line.partition(":")[0] for line in said.splitlines()] == ["jsn", "url", "signature.digest", "--trust"]


def test_every_option_that_decides_what_is_sent_is_there_and_none_that_decides_how() -> None:
    names = {parameter.name for parameter in main.commands["compare"].params}
    assert names == {
        *("captured", "url", "file", "macro", "json", "key", "digest", "padding", "encoding", "allow_weak"),
        *("wait_for_recording", "trust", "entry", "form"),
    }
