"""What a stranger could try that no other test tries. docs/security.md says which test shows what."""

import ast
import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import pytest

import receiver
from receiver.errors import Refusal
from receiver.event import CallEvent
from receiver.signature import TrustedKey
from tests.calls import FORM, JSON, POST_CALL, form, json_text, signed_form, signed_json
from tests.openssl import KeyPair
from tests.unit.receiver.conftest import Pipeline, client

SOURCES = sorted(Path(receiver.__file__).parent.rglob("*.py"))
# What a program asks others with.
CLIENTS = {"aiohttp", "ftplib", "http.client", "httpx", "requests", "smtplib", "telnetlib", "urllib.request", "urllib3"}


@pytest.fixture
def handled(pipeline: Pipeline, trusted: tuple[TrustedKey, ...]) -> list[str | None]:
    """The calls that the handler was run for; the pipeline takes signed requests alone."""
    runs: list[str | None] = []

    @pipeline.router.post_call
    def call_ended(event: CallEvent) -> str:
        runs.append(event.id)
        return "handled"

    pipeline.keys = trusted
    return runs


def test_a_request_that_was_overheard_and_is_sent_again_later_runs_nothing(
    pipeline: Pipeline, handled: list[str | None], key_pair: KeyPair
) -> None:
    overheard = signed_form(POST_CALL, key_pair)
    pipeline.receive(overheard)
    pipeline.clock.advance(timedelta(days=365))
    again = pipeline.receive(overheard)
    assert (again.duplicate, json.loads(again.answer)) == (True, {"append": "handled"})
    assert handled == ["call-1"]


def test_a_signature_counts_in_one_encoding_and_not_in_the_other(
    pipeline: Pipeline, handled: list[str | None], key_pair: KeyPair
) -> None:
    as_form, as_json = form(POST_CALL), json_text(POST_CALL)
    in_json = json_text({"payload": as_form.decode(), "sign": key_pair.sign_base64(as_form)})
    sign = quote_from_bytes(key_pair.sign_base64(as_json).encode(), safe="")
    in_form = b"payload=%b&sign=%b" % (quote_from_bytes(as_json).encode(), sign.encode())
    for content_type, body in ((JSON, in_json), (FORM, in_form)):
        with pytest.raises(Refusal) as refused:
            pipeline.receive(body, content_type)
        assert refused.value.status in (400, 422)
    assert handled == []


@pytest.mark.parametrize(
    "content", [form(POST_CALL), json_text(POST_CALL), bytes(50_000_000)], ids=["form", "json", "bomb"]
)
@pytest.mark.parametrize("content_type", [FORM, JSON])
def test_a_compressed_body_is_not_unpacked(content: bytes, content_type: str, environ: dict[str, str]) -> None:
    packed = gzip.compress(content, compresslevel=9)
    headers = {"Content-Encoding": "gzip"}
    answer = client(environ).post("/webhook", data=packed, content_type=content_type, headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/../etc/passwd",
            "/..%2f..%2fetc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "//etc/passwd",
            "/webhook/../metrics",
        ),
        *(
            "/static/../receiver/handlers.py",
            "/receiver/handlers.py",
            "/.env",
            "/.git/config",
            "/webhook%00",
            "/webhook/",
        ),
        *("/inspect/files/..%2f..%2fsession.py", "/inspect/files/%2e%2e%2fsession.py", "/kaisa-webhook.sqlite3"),
    ],
)
def test_no_path_leads_to_a_file(path: str, environ: dict[str, str]) -> None:
    answer = client({**environ, "KAISA_INSPECT_PASSWORD": "correct horse battery"}).get(path)
    assert answer.status_code in (302, 303, 404)  # 303: to the inspector's password, whatever there is behind it
    assert b"import" not in answer.data


def test_no_line_of_the_log_grows_with_what_was_sent(
    environ: dict[str, str], log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    flask = client(environ)
    for name in POST_CALL:
        flask.post("/webhook", data=form({**POST_CALL, name: "+4 (6) " * 20_000}), content_type=FORM)
        flask.post("/webhook", data=form({**POST_CALL, name * 20_000: "x"}), content_type=FORM)
    lines = log_lines()
    assert len(lines) == 2 * len(POST_CALL)
    assert max(len(json.dumps(line)) for line in lines) < 2_000


def test_the_receiver_can_ask_nobody_for_anything() -> None:
    """There is no way to make it ask: a URL in a call is text."""
    imported = {
        (str(source), name)
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        for name in _names(node)
    }
    assert imported
    assert sorted(pair for pair in imported if pair[1] in CLIENTS) == []


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def test_signed_json_sent_again_runs_nothing_either(
    pipeline: Pipeline, handled: list[str | None], key_pair: KeyPair
) -> None:
    overheard = signed_json(POST_CALL, key_pair)
    assert [pipeline.receive(overheard, JSON).duplicate for _ in range(3)] == [False, True, True]
    assert handled == ["call-1"]
