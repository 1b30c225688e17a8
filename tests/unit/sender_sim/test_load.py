"""Load by Locust, in a process of its own: what is sent, and the names of what an endpoint does wrong."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from sender_sim.certs import DevelopmentKeys
from tests.calls import FORM, JSON
from tests.openssl import KeyPair
from tests.unit.sender_sim.endpoints import (
    Behaviour,
    Connection,
    Seen,
    answering,
    http,
    outcome_at,
    server_tls,
    serving,
)

SETTINGS = """
pre_call = true
after_outbound = true
timeout = 2
[signature]
key = "{key}"
"""


# Ends by a number of requests, not by a clock, and says what was counted.
LOCUSTFILE = """
import json, os
from pathlib import Path
from locust import events
from sender_sim.load import KaisaUser

@events.request.add_listener
def end(exception, **_):
    stats = KaisaUser.running.stats
    if stats.total.num_requests >= int(os.environ["REQUESTS"]):
        KaisaUser.running.quit()

@events.init.add_listener
def begin(runner, **_):
    KaisaUser.running = runner

@events.quitting.add_listener
def tell(environment, **_):
    stats = environment.stats
    requests = {entry.name: entry.num_requests for entry in stats.entries.values()}
    failures = [[error.to_name(), error.occurrences] for error in stats.errors.values()]
    Path("counted.json").write_text(json.dumps([requests, failures]))
"""


@dataclass
class Loaded:
    """What Locust ended with and what it counted: requests by name, failures by what is broken."""

    exit_code: int
    errors: str
    requests: dict[str, int]
    failures: Counter[str]


async def locust(folder: Path, *arguments: str, requests: int = 40, **variables: str) -> Loaded:
    """Locust with one user, until that many requests have ended."""
    (folder / "locustfile.py").write_text(LOCUSTFILE, "utf-8")
    others = {name: value for name, value in os.environ.items() if not name.startswith(("KAISA_", "LOCUST_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "locust", "--headless", "--users", "1", "--run-time", "60s", *arguments),
        cwd=folder,
        env={**others, "REQUESTS": str(requests), **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode is not None
    counted = folder / "counted.json"
    by_name, failed = json.loads(counted.read_text("utf-8")) if counted.exists() else ({}, [])
    failures = Counter[str]()
    for name, occurrences in failed:
        failures[name.partition(": ")[2]] += occurrences
    return Loaded(process.returncode, errors.decode(), by_name, failures)


@pytest.fixture
def options(tmp_path: Path, development_keys: DevelopmentKeys, key_pair: KeyPair) -> list[str]:
    """All events in form, signed, two seconds for each attempt."""
    (tmp_path / "integration.toml").write_text(SETTINGS.format(key=key_pair.private), "utf-8")
    return ["--kaisa-settings", "integration.toml", "--kaisa-ca", str(development_keys.ca)]


def at(
    behaviour: Behaviour, keys: DevelopmentKeys, folder: Path, *options: str, requests: int = 40, **variables: str
) -> tuple[Loaded, list[Seen]]:
    """What Locust counts at an endpoint with this behaviour, over TLS, and what the endpoint sees."""

    async def both() -> tuple[Loaded, list[Seen]]:
        async with serving(behaviour, server_tls(keys)) as endpoint:
            host = f"--host={endpoint.url}"
            return await locust(folder, host, *options, requests=requests, **variables), endpoint.seen

    return asyncio.run(both())


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Meets each connection with the next of these; what comes after them is answered 200."""
    waiting = list(behaviours)

    async def behave(connection: Connection) -> None:
        await (waiting.pop(0) if waiting else answering(http(b"")))(connection)

    return behave


async def reset(connection: Connection) -> None:
    await connection.read_request()
    await connection.reset()


async def drip(connection: Connection) -> None:
    """Answers 200, a byte at a time, without an end."""
    await connection.read_request()
    await connection.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await asyncio.sleep(0.05)
        await connection.write(b".")


async def be_silent(connection: Connection) -> None:
    await connection.read_request()
    await connection.reader.read()


WRONG: dict[str, list[Behaviour]] = {
    "R2: 503 Service Unavailable": [answering(http(b"\xff\xfe", status="503 Busy"))],
    "R2: 201 Created": [answering(http(b"", status="201 Created"))],
    "R2: 302 Found": [answering(http(b"", status="302 Found", headers="Location: /elsewhere\r\n"))],
    "R2: reset: the connection was closed before there was an answer": [answering(b""), reset],
    "R2: reset: the connection was closed in mid-answer": [
        answering(http(b"12345")[:-1]),
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        answering(b"HTTP/1.1 200 OK\r\nContent-Le"),
    ],
    "R2: protocol: expected http/, rtsp/ or ice/": [answering(b"SSH-2.0-OpenSSH_9.2\r\n")],
    "R3: no whole answer after 2 s": [be_silent, drip],
    "R7: the append is over 40 characters": [answering(http(b'{"append": "%s"}' % (b"x" * 41)))],
    "R7: the append is not text": [answering(http(b'{"append": 12}'))],
    "R7: the answer is not readable JSON": [answering(http(b'{"append": "x"'))],
}


def test_what_an_endpoint_does_wrong_is_counted_under_the_rule_it_breaks(
    tmp_path: Path, options: list[str], development_keys: DevelopmentKeys
) -> None:
    endpoint = in_turn(*chain(*WRONG.values()))
    loaded, seen = at(endpoint, development_keys, tmp_path, *options, "--kaisa-duplicates", "0")
    assert loaded.failures == {name: len(ways) for name, ways in WRONG.items()}, loaded.errors
    assert loaded.exit_code == 1
    assert sum(loaded.requests.values()) == 40
    assert {each.line for each in seen} == {"POST /hook?tenant=1&x=%C3%A5 HTTP/1.1"}


def test_a_duplicate_that_is_answered_otherwise_than_before_is_counted(
    tmp_path: Path, options: list[str], development_keys: DevelopmentKeys
) -> None:
    first, other = answering(http(b'{"append": "first"}')), answering(http(b'{"append": "other"}'))
    endpoint = in_turn(first, first, first, other, first, answering(http(b"", status="500 Oh")))
    loaded, seen = at(endpoint, development_keys, tmp_path, *options, "--kaisa-duplicates", "1")
    assert loaded.failures == {
        "duplicate: answered with another append than before": 1,
        "R2: 500 Internal Server Error": 1,
    }, loaded.errors
    assert set(loaded.requests) <= {"pre-call", "pre-call again", "post-call", "post-call again", "sms", "sms again"}
    bodies = [each.body for each in seen]
    assert bodies[0:6:2] == bodies[1:6:2]
    assert len(set(bodies)) == (len(bodies) + 1) // 2


def test_everything_is_every_event_in_both_encodings_each_signed(
    tmp_path: Path, options: list[str], development_keys: DevelopmentKeys, key_pair: KeyPair
) -> None:
    loaded, seen = at(
        answering(http(b"{}")),
        development_keys,
        tmp_path,
        *options,
        "--kaisa-everything",
        requests=600,
        KAISA_DUPLICATES="0",
    )
    assert (loaded.exit_code, loaded.failures) == (0, {}), loaded.errors
    assert set(loaded.requests) == {"pre-call", "post-call", "sms"}
    kinds = {}
    for each in seen:
        in_json = each.headers["content-type"] == JSON
        envelope = json.loads(each.body) if in_json else dict(parse_qsl(each.body.decode()))
        data = json.loads(envelope["payload"]) if in_json else dict(parse_qsl(envelope["payload"]))
        kinds[in_json, data["event_type"]] = envelope
    assert set(kinds) == {(in_json, event_type) for in_json in (False, True) for event_type in ("0", "1", "2")}
    for envelope in kinds.values():
        assert envelope["sign"] == key_pair.sign_base64(envelope["payload"].encode())


def test_a_request_looks_as_the_simulators_does_and_keeps_no_cookie(
    tmp_path: Path, options: list[str], development_keys: DevelopmentKeys
) -> None:
    answer = answering(http(b"", headers="Set-Cookie: a=b\r\n"))
    _, [first, second, *_] = at(answer, development_keys, tmp_path, *options)
    _, endpoint = outcome_at(answer, development_keys)
    [simulated] = endpoint.seen
    for each in (first, second):
        assert each.headers.keys() - {"accept-encoding"} == simulated.headers.keys()
        assert each.headers["accept-encoding"] == "identity"
        assert each.headers["user-agent"] == simulated.headers["user-agent"]
        assert each.headers["accept"] == simulated.headers["accept"]


@pytest.mark.parametrize("json", [False, True])
def test_what_is_sent_is_what_the_settings_say(
    tmp_path: Path, development_keys: DevelopmentKeys, *, json: bool
) -> None:
    macro = "nr={from_nr}&kind={event_type}&rec={recording_id}"
    settings = f'macro = "{macro}"\njson = {str(json).lower()}\nwait_for_recording = true\n'
    (tmp_path / "integration.toml").write_text(settings, "utf-8")
    loaded, seen = at(
        answering(http(b"")),
        development_keys,
        tmp_path,
        requests=300,
        KAISA_SETTINGS="integration.toml",
        KAISA_CA=str(development_keys.ca),
    )
    assert (loaded.exit_code, loaded.failures) == (0, {}), loaded.errors
    assert {name.removesuffix(" again") for name in loaded.requests} == {"post-call", "sms"}
    assert {each.headers["content-type"] for each in seen} == {JSON if json else FORM}
    bodies = [each.body for each in seen]
    begin, recorded = (b'{"nr":"+', b'"rec":"rec-') if json else (b"nr=%2B", b"&rec=rec-")
    assert all(body.startswith(begin) for body in bodies)
    assert {recorded in body for body in bodies} == {False, True}


def test_a_certificate_that_is_not_trusted_is_counted_as_such(
    tmp_path: Path, options: list[str], development_keys: DevelopmentKeys, strangers_keys: DevelopmentKeys
) -> None:
    strangers = [*options[:-1], str(strangers_keys.ca)]
    loaded, seen = at(answering(http(b"")), development_keys, tmp_path, *strangers, requests=3)
    [name] = loaded.failures
    assert name.startswith("R2: tls: the certificate is not trusted: ")
    assert loaded.failures[name] == 3
    assert seen == []


def test_an_endpoint_that_is_not_there_is_counted_as_such(tmp_path: Path, options: list[str], closed_port: int) -> None:
    loaded = asyncio.run(locust(tmp_path, *options, f"--host=https://127.0.0.1:{closed_port}/", requests=3))
    assert loaded.failures == {"R2: connect: connection refused": 3}
    assert loaded.exit_code == 1


def test_options_that_cannot_be_used_are_all_told_at_once_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "integration.toml").write_text("jsn = true\n[signature]\nkey = 'gone.key'\n", "utf-8")
    refused = ["--kaisa-settings", "integration.toml", "--kaisa-ca", "gone.pem", "--host", "http://127.0.0.1:9/"]
    loaded = asyncio.run(locust(tmp_path, *refused))
    assert loaded.exit_code == 2
    problems = [line for line in loaded.errors.splitlines() if not line.startswith("[")]
    assert [line.split(";")[0] for line in problems] == [
        "jsn: is not a setting",
        "url: 'http://127.0.0.1:9/' is http",
        "signature.key: gone.key cannot be read: No such file or directory",
        "--ca: gone.pem cannot be used: No such file or directory",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kaisa-duplicates", "1.5"], "'1.5' must be from 0 to 1"),
        (["--kaisa-setings", "x"], "Did you mean '--kaisa-settings'?"),
        ([], "url: is not set; give the endpoint's https URL"),
    ],
)
def test_a_mistake_says_what_to_write(tmp_path: Path, arguments: list[str], words: str) -> None:
    loaded = asyncio.run(locust(tmp_path, *arguments))
    assert loaded.exit_code == 2
    assert words in loaded.errors


def test_an_inactive_integration_sends_nothing(tmp_path: Path) -> None:
    (tmp_path / "integration.toml").write_text("active = false\nurl = 'https://127.0.0.1:9/'\n", "utf-8")
    loaded = asyncio.run(locust(tmp_path, "--kaisa-settings", "integration.toml"))
    assert loaded.exit_code == 2
    assert "active: is false, so no data flows (C1)" in loaded.errors


def test_nothing_else_of_the_simulator_needs_locust() -> None:
    script = """if True:
        import pkgutil, sys
        sys.modules["locust"] = sys.modules["gevent"] = None
        import sender_sim
        for module in pkgutil.walk_packages(sender_sim.__path__, "sender_sim."):
            if module.name not in ("sender_sim.load", "sender_sim.__main__"):
                __import__(module.name)
                print(module.name)
        """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"sender_sim.cli", "sender_sim.core.engine"} <= set(done.stdout.split())
