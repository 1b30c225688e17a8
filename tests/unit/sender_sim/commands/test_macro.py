"""C3, C11: `sender-sim macro` shows what a macro sends, or every mistake in it."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from click.testing import CliRunner

from receiver import wire
from sender_sim.cli import main
from tests import openssl
from tests.openssl import KeyPair
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.test_cli import misused

# The bytes are typed by hand, from the contract and the sample call of C10.
MACRO = "caller={from_nr}&src=kaisa co&tag={channel}-{publisher_id}&id={id}&kind={event_type}"
AS_FORM = "caller=%2B46701740605&src=kaisa+co&tag=Google+SEM-&id=test-request&kind=0"
AS_JSON = '{"caller":"+46701740605","src":"kaisa co","tag":"Google SEM-","id":"test-request","kind":"0"}'
GREEN = "\x1b[32m"


def shown(invoke: Invoke, *arguments: object) -> dict[str, Any]:
    """What the command says in JSON."""
    result = invoke("macro", *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def verified(key: KeyPair, payload: bytes, signature: bytes, folder: Path, *options: str) -> bytes:
    """What openssl says of the signature."""
    (folder / "signature").write_bytes(signature)
    return openssl.run("dgst", *options, "-verify", key.public, "-signature", folder / "signature", data=payload)


def test_the_pairs_are_shown_in_their_order_with_what_is_sent_as_text(invoke: Invoke) -> None:
    result = invoke("macro", MACRO)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:6] == [
        "Sent, in this order:",
        "  caller = {from_nr}",
        "  src    = kaisa co  (literal text)",
        "  tag    = {channel}-{publisher_id}  (several fields: read back only as a whole)",
        "  id     = {id}",
        "  kind   = {event_type}",
    ]


def test_every_field_is_used_or_not_used_and_has_its_meaning(invoke: Invoke) -> None:
    _, used_and_not = invoke("macro", MACRO).stdout.split("Used:\n")
    used, rest = used_and_not.split("Not used:\n")
    unused = rest.split("\n\n")[0]
    assert [line.split()[0] for line in used.splitlines()] == [
        "{from_nr}",
        "{channel}",
        "{publisher_id}",
        "{event_type}",
        "{id}",
    ]
    listed = [line.split(maxsplit=1) for line in (used + unused).splitlines()]
    assert sorted(listed) == sorted([f"{{{field.name}}}", field.meaning] for field in wire.FIELDS)


def test_used_fields_are_green_where_there_are_colours_and_nothing_else_is(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = CliRunner().invoke(main, ["macro", "a={id}"], color=True).stdout
    assert [line for line in coloured.splitlines() if "\x1b" in line] == [
        f"  {GREEN}{'{id}':<14}\x1b[0m  unique call id",
    ]
    assert "\x1b" not in invoke("macro", "a={id}").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(main, ["macro", "a={id}"], color=True).stdout


def test_the_bytes_of_a_sample_are_those_that_are_sent(invoke: Invoke) -> None:
    samples = shown(invoke, MACRO)["samples"]
    assert samples == {
        "form": {"content_type": "application/x-www-form-urlencoded", "body": AS_FORM},
        "json": {"content_type": "application/json", "body": AS_JSON},
    }
    text = invoke("macro", MACRO).stdout
    assert f"\nA sample as form (application/x-www-form-urlencoded, {len(AS_FORM)} bytes):\n{AS_FORM}\n" in text
    assert f"\nA sample as json (application/json, {len(AS_JSON)} bytes):\n{AS_JSON}\n" in text


def test_without_a_key_it_says_how_to_see_the_signed_form(invoke: Invoke) -> None:
    said = invoke("macro", MACRO).stdout
    assert said.endswith("\nSigned: give --sign KEY to see it; `sender-sim certs` mints a key to try it with\n")


def test_with_a_key_the_signed_forms_are_shown_and_openssl_verifies_them(
    invoke: Invoke, key_pair: KeyPair, tmp_path: Path
) -> None:
    samples = shown(invoke, MACRO, "--sign", key_pair.private)["samples"]
    assert list(samples) == ["form", "json", "signed_form", "signed_json"]
    form = dict(parse_qsl(samples["signed_form"]["body"], strict_parsing=True))
    in_json = json.loads(samples["signed_json"]["body"])
    for envelope, payload in ((form, AS_FORM), (in_json, AS_JSON)):
        assert (list(envelope), envelope["payload"]) == (["payload", "sign"], payload)
        signature = base64.b64decode(envelope["sign"], validate=True)
        assert verified(key_pair, payload.encode(), signature, tmp_path, "-sha256") == b"Verified OK\n"
    text = invoke("macro", MACRO, "--sign", key_pair.private).stdout
    assert f"{samples['signed_form']['body']}\n" in text
    assert "give --sign" not in text


def test_the_signature_has_the_profile_that_is_asked_for(invoke: Invoke, key_pair: KeyPair, tmp_path: Path) -> None:
    profile = ("--digest", "sha512", "--padding", "pss", "--encoding", "hex")
    sample = shown(invoke, MACRO, "--sign", key_pair.private, *profile)["samples"]["signed_form"]["body"]
    envelope = dict(parse_qsl(sample))
    options = ("-sha512", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
    signature = bytes.fromhex(envelope["sign"])
    assert verified(key_pair, AS_FORM.encode(), signature, tmp_path, *options) == b"Verified OK\n"


def test_without_a_macro_it_is_kaisas_default_macro(invoke: Invoke) -> None:
    document = shown(invoke)
    assert document["text"] == wire.DEFAULT_MACRO
    assert [field["name"] for field in document["fields"] if not field["used"]] == ["recording_id"]
    assert document["notes"] == []


@pytest.mark.parametrize("arguments", [("-",), ("--file", "-")])
def test_the_macro_is_read_from_standard_input(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, ["macro", *arguments, "--format", "json"], input="a={id}\n&b={url}\n")
    assert [pair["wire_name"] for pair in json.loads(result.stdout)["pairs"]] == ["a", "b"]


def test_the_macro_is_read_from_a_file(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "macro.txt").write_bytes(b"\xef\xbb\xbfn\xc3\xa4r={start}&\r\nid={id}\r\n")
    document = shown(invoke, "--file", tmp_path / "macro.txt")
    assert [(pair["wire_name"], pair["fields"]) for pair in document["pairs"]] == [("när", ["start"]), ("id", ["id"])]


def test_recordings_are_permitted_only_while_the_post_call_waits_for_them(invoke: Invoke) -> None:
    assert "{recording_id} exists only while" in misused(invoke("macro", "r={recording_id}"))
    sample = shown(invoke, "r={recording_id}", "--wait-for-recording")["samples"]["form"]["body"]
    assert sample == "r=rec-test-request"


def test_every_mistake_is_told_with_its_place_a_caret_and_the_nearest_name(invoke: Invoke) -> None:
    said = misused(invoke("macro", "a={form_nr}&b={\n&a=x"))
    assert said.splitlines() == [
        "line 1, column 3: unknown macro {form_nr}; did you mean {from_nr}?",
        "  a={form_nr}&b={",
        "    ^^^^^^^^^",
        "line 1, column 15: unbalanced brace: this '{' is never closed",
        "  a={form_nr}&b={",
        "                ^",
        "line 2, column 2: wire name 'a' is used twice; each may occur once",
        "  &a=x",
        "   ^",
    ]


def test_mistakes_of_the_macro_and_of_the_key_are_told_together(invoke: Invoke) -> None:
    said = misused(invoke("macro", "a={x}", "--sign", "/no.key"))
    assert said.startswith("line 1, column 3: unknown macro {x}")
    assert "\nsignature.key: /no.key cannot be read: No such file or directory; " in said


def test_mistakes_in_json_are_one_object_and_exit_code_2(invoke: Invoke) -> None:
    result = invoke("macro", "a={form_nr}", "--format", "json")
    assert (result.exit_code, result.stderr) == (2, "")
    assert json.loads(result.stdout) == {
        "good": False,
        "text": "a={form_nr}",
        "problems": [
            {
                "line": 1,
                "column": 3,
                "message": "unknown macro {form_nr}; did you mean {from_nr}?",
                "excerpt": "  a={form_nr}\n    ^^^^^^^^^",
            }
        ],
    }


def test_what_a_terminal_would_obey_is_not_obeyed_and_carets_stay_in_place(invoke: Invoke) -> None:
    hostile = "\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}"
    assert r"  \x1b[2J\u202e = {id}" in invoke("macro", f"{hostile}={{id}}").stdout
    assert misused(invoke("macro", f"{hostile}={{idd}}")).splitlines()[1:] == ["  ?[2J?={idd}", "        ^^^^^"]


def test_a_macro_that_no_delivery_can_be_known_again_by_is_noted(invoke: Invoke) -> None:
    note = "cannot be read back: a receiver tells a repeated delivery from a new one only by its bytes"
    assert shown(invoke, "call=call-{id}")["notes"] == [f"{{event_type}} {note}"]
    assert f"note: {{id}} and {{event_type}} {note}\n" in invoke("macro", "both={id}{event_type}").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a={id}", "--file", "macro.txt"), "give the macro as TEXT or with --file, not both"),
        (("--file", "/no/macro.txt"), "/no/macro.txt cannot be read: No such file or directory"),
        (("--file", "/"), "/ cannot be read: Is a directory"),
        (("--digest", "sha512"), "signature.key: is not set; name the private key"),
        (("",), "line 1, column 1: an empty pair"),
    ],
)
def test_misuse_is_told_in_words(invoke: Invoke, arguments: tuple[str, ...], words: str) -> None:
    assert words in " ".join(misused(invoke("macro", *arguments)).split())


def test_a_file_that_is_no_text_is_misuse(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "macro").write_bytes(b"a=\xff")
    assert "cannot be read as UTF-8 text" in " ".join(misused(invoke("macro", "--file", tmp_path / "macro")).split())
