"""If Kaisa were written in PHP or in JavaScript: what their own encoders write, and how `compare` tells it."""

import json
import subprocess

import pytest

from receiver import macro
from sender_sim.compare import comparison
from sender_sim.compare.capture import Captured
from sender_sim.compare.comparison import Settings
from tests.independent.receivers import program

VALUES = {"id": "1", "text": "a/b c~*'() å 😀 \0\n\"\\<&>"}
TYPES = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
# program, encoding, the expression, and every kind of difference to the simulator's own writing.
WRITERS = [
    ("php", "form", "http_build_query($v)", ["escaping of '~'"]),
    ("php", "form", "http_build_query($v, '', '&', PHP_QUERY_RFC3986)", ["escaping of a space"]),
    ("php", "json", "json_encode($v)", ["escaping of '/'"]),
    ("php", "json", "json_encode($v, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE)", ["characters beyond ASCII"]),
    ("php", "json", "json_encode($v, JSON_UNESCAPED_SLASHES)", []),
    (
        "php",
        "json",
        "json_encode($v, JSON_UNESCAPED_SLASHES | JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS | JSON_HEX_QUOT)",
        ['escaping of "\'"', "escaping of '\"'", "escaping of '<'", "escaping of '&'", "escaping of '>'"],
    ),
    (
        "php",
        "json",
        "json_encode($v, JSON_UNESCAPED_SLASHES | JSON_PRETTY_PRINT)",
        ["white space around the parts of the JSON"],
    ),
    ("node", "form", "new URLSearchParams(v).toString()", ["escaping of '~'", "escaping of '*'"]),
    (
        "node",
        "form",
        "Object.entries(v).map((pair) => pair.map(encodeURIComponent).join('=')).join('&')",
        ["escaping of a space", "escaping of '*'", 'escaping of "\'"', "escaping of '('", "escaping of ')'"],
    ),
    ("node", "json", "JSON.stringify(v)", ["characters beyond ASCII"]),
]


def written(name: str, expression: str) -> bytes:
    """What the expression is of VALUES, called `v`."""
    scripts = {
        "php": ["-r", f"$v = json_decode(stream_get_contents(STDIN), true); echo {expression};"],
        "node": ["-e", f"const v = JSON.parse(require('fs').readFileSync(0)); process.stdout.write({expression});"],
    }
    command = [program(name), *scripts[name]]
    return subprocess.run(
        command, input=json.dumps(VALUES).encode(), capture_output=True, check=True, timeout=30
    ).stdout


@pytest.mark.parametrize(("name", "encoding", "expression", "expected"), WRITERS)
def test_what_other_languages_write_is_told_kind_by_kind(
    name: str, encoding: str, expression: str, expected: list[str]
) -> None:
    headers = [("Accept", "*/*"), ("User-Agent", "kaisa-webhook-kit-sender-sim"), ("Content-Type", TYPES[encoding])]
    captured = Captured("POST", "/", headers, written(name, expression))
    found = comparison.compare(captured, Settings(macro.parse("id={id}&text={details}", recording=False), encoding))
    assert [each.what for each in found.differences] == expected
    assert (found.differs_at is None) == (not expected)
