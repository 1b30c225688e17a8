"""The OpenAPI document is valid, and the receiver answers as it says."""

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import openapi_spec_validator
import pytest
import schemathesis
from click.testing import CliRunner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from receiver import cli, config, openapi, wire
from receiver.app import create_app
from receiver.config import Settings
from tests.clock import NOON
from tests.openssl import KeyPair

ROOT = Path(__file__).resolve().parents[3]
MACROS = [
    "",
    "caller={from_nr}&tag={channel}-{publisher_id}&src=kaisa&call=a.b*({id})&kind={event_type}&again={event_type}",
]
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# Bounded, and the same on every run.
BOUNDED = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def load(environ: dict[str, str]) -> Settings:
    return config.load(environ, now=NOON)


def operation(document: dict[str, Any], app: Flask) -> Any:
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    return schema[wire_path(document)]["POST"]


def wire_path(document: dict[str, Any]) -> str:
    (path,) = document["paths"]
    assert isinstance(path, str)
    return path


def statuses(document: dict[str, Any]) -> list[str]:
    return list(document["paths"]["/webhook"]["post"]["responses"])


def codes(document: dict[str, Any]) -> dict[str, set[str]]:
    responses = document["paths"]["/webhook"]["post"]["responses"]
    return {
        status: set(answer["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"]["enum"])
        for status, answer in responses.items()
        if status != "200"
    }


@pytest.mark.parametrize("macro", MACROS)
@pytest.mark.parametrize("signed", [False, True])
def test_the_document_is_valid_openapi(
    environ: dict[str, str], signed_environ: dict[str, str], macro: str, signed: bool
) -> None:
    chosen = signed_environ if signed else environ
    openapi_spec_validator.validate(openapi.document(load({**chosen, "KAISA_MACRO": macro})))


def test_every_code_of_the_documents_table_is_in_it_with_its_status(signed_environ: dict[str, str]) -> None:
    rows = re.findall(r"^\| (\d{3}) \| `([a-z0-9-]+)`", (ROOT / "docs/refusals.md").read_text("utf-8"), re.MULTILINE)
    expected: dict[str, set[str]] = {}
    for status, code in rows:
        if code not in ("not-found", "method-not-allowed"):  # of other paths and methods
            expected.setdefault(status, set()).add(code)
    assert codes(openapi.document(load(signed_environ))) == expected


def test_without_keys_no_signature_is_missing(environ: dict[str, str], signed_environ: dict[str, str]) -> None:
    unsigned, signed = openapi.document(load(environ)), openapi.document(load(signed_environ))
    assert set(statuses(signed)) - set(statuses(unsigned)) == {"401"}
    content = signed["paths"]["/webhook"]["post"]["requestBody"]["content"]
    assert content == {
        "application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/form-envelope"}},
        "application/json": {"schema": {"$ref": "#/components/schemas/json-envelope"}},
    }


def test_the_macro_names_the_properties(environ: dict[str, str]) -> None:
    document = openapi.document(load({**environ, "KAISA_MACRO": MACROS[1], "KAISA_WEBHOOK_PATH": "/hooks/kaisa"}))
    assert list(document["paths"]) == ["/hooks/kaisa"]
    event = document["components"]["schemas"]["form-event"]
    assert event["properties"] == {
        "caller": {"description": "the caller's phone number", "type": "string"},
        "tag": {"description": "kept under its wire name", "type": "string"},
        "src": {"description": "kept under its wire name", "type": "string"},
        "call": {"description": "unique call id", "type": "string", "pattern": r"^a\.b\*\(([\s\S]*)?\)$"},
        "kind": {"description": "0 post-call, 1 SMS, 2 pre-call", "type": "string", "pattern": "^(0|1|2)?$"},
        "again": {"description": "kept under its wire name", "type": "string"},
    }
    assert event["anyOf"] == [{"required": [name]} for name in event["properties"]]


def test_the_command_prints_it(environ: dict[str, str]) -> None:
    result = CliRunner().invoke(cli.main, ["openapi"], env=environ)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads(json.dumps(openapi.document(load(environ))))


def test_without_usable_settings_there_is_none(environ: dict[str, str]) -> None:
    result = CliRunner().invoke(cli.main, ["openapi"], env={**environ, "KAISA_MACRO": "x={nonsense}"})
    assert (result.exit_code, result.stdout) == (2, "")
    assert "unknown macro {nonsense}" in result.stderr


@pytest.mark.parametrize("macro", MACROS, ids=["default macro", "other macro"])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "with keys"])
def test_the_receiver_answers_as_the_document_says(
    environ: dict[str, str], signed_environ: dict[str, str], macro: str, signed: bool
) -> None:
    chosen = load({**(signed_environ if signed else environ), "KAISA_MACRO": macro})
    document, app, seen = openapi.document(chosen), create_app(chosen), set()

    @BOUNDED
    @given(case=operation(document, app).as_strategy())
    def check(case: schemathesis.Case[Any]) -> None:
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        seen.add(response.status_code)

    check()
    assert seen & ({403} if signed else {200})


def test_signed_events_are_answered_as_the_document_says(signed_environ: dict[str, str], key_pair: KeyPair) -> None:
    chosen = load(signed_environ)
    document, app, seen = openapi.document(chosen), create_app(chosen), set()
    private = serialization.load_pem_private_key(key_pair.private.read_bytes(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    signed_operation = operation(document, app)
    # Events as the unsigned document describes them, put into an envelope here.
    document_of_events = openapi.document(chosen) | {"paths": {"/webhook": {"post": _bare(document)}}}

    @BOUNDED
    @given(case=operation(document_of_events, app).as_strategy(), other=st.booleans())
    def check(case: schemathesis.Case[Any], other: bool) -> None:
        is_form = case.media_type == wire.CONTENT_TYPES[wire.FORM]
        values = case.body if isinstance(case.body, dict) else {}
        payload = urlencode(values, errors="surrogatepass").encode() if is_form else json.dumps(values).encode()
        signature = private.sign(payload + b"?" * other, padding.PKCS1v15(), hashes.SHA256())
        envelope = {"payload": payload.decode(), "sign": base64.b64encode(signature).decode()}
        enveloped = signed_operation.Case(body=envelope, media_type=case.media_type)
        response = enveloped.call()
        enveloped.validate_response(response, checks=CHECKS)
        seen.add(response.status_code)

    check()
    assert seen >= {200, 403}


def _bare(document: dict[str, Any]) -> dict[str, Any]:
    content = {
        wire.CONTENT_TYPES[encoding]: {"schema": {"$ref": f"#/components/schemas/{encoding}-event"}}
        for encoding in (wire.FORM, wire.JSON)
    }
    post = dict(document["paths"]["/webhook"]["post"])
    return {**post, "requestBody": {"required": True, "content": content}}
