"""The lines that reproduce a request do it: curl sends the same bytes, openssl signs and verifies the same payload."""

import asyncio
import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from itertools import product
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from receiver import wire
from sender_sim.certs import DevelopmentKeys
from sender_sim.core import encode
from sender_sim.core.delivery import Attempt, Request
from sender_sim.core.sign import Profile, Signer
from sender_sim.reports import reproduce
from sender_sim.reports.reproduce import Command, Signing, commands
from sender_sim.transports import HttpsTransport, trust
from tests.openssl import KeyPair
from tests.shell import bash
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.endpoints import FORM, Connection, serving
from tests.unit.sender_sim.scripted import START

JSON = "application/json"
HOSTILE = 'it\'s "quoted" `id` $HOME \\ %s %41 + & = ; | ! ~ \n\r\t\0 å 😀 \N{RIGHT-TO-LEFT OVERRIDE}'
BODIES = {
    "empty": b"",
    "form": b"a=1&b=%C3%A5+%26",
    "quotes": rb"""'"'"'\'"\\"`id`$(id)${HOME}!!""",
    "file": b"@/etc/hostname",
    "option": b"--help",
    "directives": rb"%s%d%%\n\101",
    "option, not printable": b"-v\n",
    "every byte": bytes(range(256)),
    "line breaks": b"\r\n\n\r",
    "longer than an argument": b"xy" * 100_000,
    "longer than an argument, not printable": b"\xff\xfe" * 100_000,
    "one byte again and again": b"x" * 200_000,
    "another byte, not printable": b"\xff" * 200_000,
    "runs, and what stands between them": b"\0" * 6_000 + b"@a='" + b"\\" * 5_000 + b"-" * 4_999,
}
PROFILES = list(product(wire.DIGESTS, wire.PADDINGS, wire.SIGNATURE_ENCODINGS))


def request_to(url: str, body: bytes, content_type: str = FORM, *, seconds: float = 20) -> Request:
    return Request(url, content_type, body, timedelta(seconds=seconds))


def signed(key: KeyPair, profile: Profile, encoding: str = "form") -> Request:
    signer = Signer(
        key.private.read_bytes(), digest=profile.digest, padding_scheme=profile.padding, encoding=profile.encoding
    )
    body = encode.body([("id", "1"), ("text", HOSTILE)], encoding, signer)
    return request_to("https://localhost/", body, wire.CONTENT_TYPES[encoding])


def lines(found: Iterable[Command]) -> list[str]:
    return [command.line for command in found]


def sent_by_the_simulator(request: Request, ca: Path) -> None:
    async def send() -> None:
        async with HttpsTransport.open(trust(ca)) as transport:
            assert (await transport.send(Attempt("a/post-call", 1, START, request))).success

    asyncio.run(send())


@pytest.fixture
def url(server: HTTPServer) -> str:
    """An endpoint that takes everything, with what a URL may hold."""
    server.expect_request("/hook/å[1]").respond_with_data('{"append": "noted"}')
    return server.url_for("/hook/x/../å[1]?q=%c3%a5&y={a,b}[1-2]&it's#part")


@pytest.mark.parametrize("name", BODIES)
def test_curl_sends_what_the_simulator_sends(
    server: HTTPServer, url: str, development_keys: DevelopmentKeys, name: str
) -> None:
    request = request_to(url, BODIES[name])
    sent_by_the_simulator(request, development_keys.ca)
    [line] = lines(commands(request, ca=development_keys.ca))
    done = bash(line)
    assert done.returncode == 0, done.stderr
    assert b"200 OK\r\n" in done.stdout
    assert done.stdout.endswith(b'\r\n\r\n{"append": "noted"}')
    (expected, _), (got, _) = server.log
    assert got.get_data() == expected.get_data() == BODIES[name]
    assert dict(got.headers) == dict(expected.headers)
    assert (got.method, got.environ["RAW_URI"]) == (expected.method, expected.environ["RAW_URI"])
    assert got.environ["SERVER_PROTOCOL"] == expected.environ["SERVER_PROTOCOL"]


@pytest.mark.parametrize(
    ("method", "content_type", "body"),
    [("GET", "", b""), ("GET", FORM, b"a=1"), ("PUT", "text/plain", b"a=1"), ("POST", "", b"a=1"), ("POST", "", b"")],
)
def test_curl_sends_whatever_a_check_sends(
    server: HTTPServer, url: str, development_keys: DevelopmentKeys, method: str, content_type: str, body: bytes
) -> None:
    request = replace(request_to(url, body, content_type), method=method)
    sent_by_the_simulator(request, development_keys.ca)
    [line] = lines(commands(request, ca=development_keys.ca))
    assert bash(line).returncode == 0
    (expected, _), (got, _) = server.log
    assert (got.method, got.get_data()) == (expected.method, expected.get_data()) == (method, body)
    assert dict(got.headers) == dict(expected.headers)


def test_a_body_that_is_too_large_on_purpose_is_still_a_line_that_can_be_read() -> None:
    body = b"id=1&padding=" + b"x" * 10_485_760
    [line] = lines(commands(request_to("https://localhost/", body)))
    assert len(line) < 500
    writes, _, _ = line.partition(" | curl ")
    assert bash(f"{{ {writes}; }} | sha256sum").stdout.split()[0].decode() == sha256(body).hexdigest()


@given(st.binary(max_size=300))
def test_whatever_bytes_are_to_be_written_are_written(data: bytes) -> None:
    line = reproduce._writes(data)
    assert line.isascii()
    assert line.isprintable()
    assert bash(line).stdout == data


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50))
def test_whatever_a_path_is_it_is_one_word(text: str) -> None:
    word = reproduce._quoted(text)
    assert word.isascii()
    assert word.isprintable()
    assert bash(f"printf '%s\\0' {word}").stdout == text.encode() + b"\0"


def test_curl_gives_up_when_the_attempt_would(development_keys: DevelopmentKeys) -> None:
    async def silent(connection: Connection) -> None:
        await connection.read_request()
        await connection.reader.read()

    async def run() -> int:
        async with serving(silent, None) as endpoint:
            request = request_to(f"http://127.0.0.1:{endpoint.port}/", b"a=1", seconds=0.2)
            [line] = lines(commands(request, ca=development_keys.ca))
            return (await asyncio.to_thread(bash, line)).returncode

    assert asyncio.run(run()) == 28  # curl's "operation timed out"


def test_curl_has_the_20_seconds_of_every_attempt() -> None:
    [line] = lines(commands(request_to("https://localhost/", b"")))
    assert " --max-time 20 " in line
    assert "--cacert" not in line


def test_curl_trusts_the_ca_that_is_given_and_no_other(
    url: str, development_keys: DevelopmentKeys, strangers_keys: DevelopmentKeys
) -> None:
    request = request_to(url, b"a=1")
    assert bash(*lines(commands(request, ca=strangers_keys.ca))).returncode == 60  # curl's "cannot be authenticated"
    assert bash(*lines(commands(request, ca=development_keys.ca))).returncode == 0


def test_neither_a_proxy_nor_a_settings_file_of_curl_changes_what_is_sent(
    server: HTTPServer, url: str, development_keys: DevelopmentKeys, tmp_path: Path, closed_port: int
) -> None:
    (tmp_path / ".curlrc").write_text("user-agent = mine\ndata = more\n")
    environment = {"HOME": str(tmp_path), "HTTPS_PROXY": f"http://127.0.0.1:{closed_port}", "CURL_HOME": str(tmp_path)}
    [line] = lines(commands(request_to(url, b"a=1"), ca=development_keys.ca))
    assert bash(line, environment=environment).returncode == 0
    [(got, _)] = server.log
    assert (got.get_data(), got.headers["User-Agent"]) == (b"a=1", "kaisa-webhook-kit-sender-sim")


@pytest.mark.parametrize("encoding", ["form", "json"])
@pytest.mark.parametrize("names", PROFILES, ids="-".join)
def test_openssl_signs_and_verifies_the_same_payload(
    key_pair: KeyPair, names: tuple[str, str, str], encoding: str
) -> None:
    profile = Profile(*names)
    request = signed(key_pair, profile, encoding)
    _, sign, verify = lines(commands(request, signing=Signing(key_pair.private, profile)))
    again = bash(sign)
    assert (again.returncode, again.stderr) == (0, b"")
    *_, sent = envelope(request)
    if profile.padding == "pkcs1v15":
        assert again.stdout.decode() == f"{sent}\n"
    else:  # another salt each time
        assert len(again.stdout.decode()) == len(sent) + 1
    assert bash(verify).stdout == b"Verified OK\n"


def envelope(request: Request) -> tuple[str, str]:
    """What is in an envelope, by the standard library."""
    if request.content_type == JSON:
        members = json.loads(request.body)
        return members["payload"], members["sign"]
    form = parse_qs(request.body.decode(), strict_parsing=True)
    return form["payload"][0], form["sign"][0]


def test_a_signature_made_anew_with_pss_verifies_as_well(key_pair: KeyPair) -> None:
    profile = Profile(padding="pss")
    request = signed(key_pair, profile)
    signing = Signing(key_pair.private, profile)
    _, sign, verify = lines(commands(request, signing=signing))
    anew = bash(sign).stdout.decode().strip()
    assert anew not in verify
    _, sent = envelope(request)
    assert bash(verify.replace(sent, anew)).stdout == b"Verified OK\n"


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_openssl_does_not_verify_what_was_tampered_with(key_pair: KeyPair, encoding: str) -> None:
    request = signed(key_pair, Profile(), encoding)
    altered = request_to(request.url, request.body.replace(b"id", b"ix"), request.content_type)
    assert altered.body != request.body
    *_, verify = lines(commands(altered, signing=Signing(key_pair.private, Profile())))
    done = bash(verify)
    assert (done.returncode, done.stdout) == (1, b"Verification failure\n")


def test_the_files_may_be_called_anything(
    server: HTTPServer, url: str, development_keys: DevelopmentKeys, tmp_path: Path
) -> None:
    folder = tmp_path / 'it\'s a\n"folder" of å\\x41 $HOME'
    folder.mkdir()
    key, ca = folder / "-key", folder / "ca"
    shutil.copy(development_keys.signing_key, key)
    shutil.copy(development_keys.ca, ca)
    body = encode.body([("id", "1")], "form", Signer(key.read_bytes()))
    found = lines(commands(request_to(url, body), ca=ca, signing=Signing(key, Profile())))
    assert [bash(line).returncode for line in found] == [0, 0, 0]
    assert [request.get_data() for request, _ in server.log] == [body]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=1&b=2", FORM),
        (b"payload=x", FORM),
        (b"\xff=\xff", FORM),
        (b'{"a": 1}', JSON),
        (b'{"payload": {}, "sign": "x"}', JSON),
        (b'["payload", "sign"]', JSON),
        (b"{", JSON),
        (b"\xff", JSON),
    ],
)
def test_what_is_no_envelope_is_only_sent(key_pair: KeyPair, body: bytes, content_type: str) -> None:
    found = list(
        commands(request_to("https://localhost/", body, content_type), signing=Signing(key_pair.private, Profile()))
    )
    assert [command.purpose for command in found] == ["send the same request again"]


def test_a_signature_that_cannot_be_read_is_not_verified(key_pair: KeyPair) -> None:
    request = request_to("https://localhost/", b"payload=id%3D1&sign=%21")
    found = list(commands(request, signing=Signing(key_pair.private, Profile())))
    assert [command.purpose for command in found] == ["send the same request again", "sign its payload again"]


def test_without_the_key_a_signed_request_is_only_sent(key_pair: KeyPair) -> None:
    assert len(list(commands(signed(key_pair, Profile())))) == 1


@pytest.mark.parametrize("command", ["send", "test-request"])
def test_the_lines_that_a_command_prints_do_what_it_has_done(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys, command: str
) -> None:
    server.expect_request("/hook").respond_with_data("no", status=500)
    to = (server.url_for("/hook"), "--ca", development_keys.ca, "--sign", development_keys.signing_key, "--json")
    result = invoke(command, *to, "--reproduce")
    assert result.exit_code == 1
    _, *printed = result.stdout.split("\n\n# ")
    purposes, found = zip(*(each.rstrip("\n").split(":\n") for each in printed), strict=True)
    assert purposes == (
        "send the same request again",
        "sign its payload again",
        "verify its signature with the public key",
    )
    send, sign, verify = map(bash, found)
    assert send.stdout.startswith(b"HTTP/1.0 500 ")
    first, again = (request.get_data() for request, _ in server.log)
    assert again == first
    assert sign.stdout.decode().strip() == json.loads(first)["sign"]
    assert verify.stdout == b"Verified OK\n"


def test_the_lines_are_part_of_the_json_where_they_are_asked_for(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys, tmp_path: Path
) -> None:
    server.expect_request("/hook").respond_with_data("")
    file = tmp_path / "kaisa.toml"
    file.write_text(f"url = '{server.url_for('/hook')}'\n[signature]\nkey = 'k.key'\nencoding = 'hex'")
    shutil.copy(development_keys.signing_key, tmp_path / "k.key")
    to = ("send", "--settings", file, "--ca", development_keys.ca, "--format", "json")
    assert "reproduce" not in json.loads(invoke(*to).stdout)
    found = json.loads(invoke(*to, "--reproduce").stdout)["reproduce"]
    assert [bash(each["line"]).returncode for each in found] == [0, 0, 0]
    assert len({request.get_data() for request, _ in server.log[1:]}) == 1
