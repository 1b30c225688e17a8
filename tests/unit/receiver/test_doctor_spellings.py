"""Each way a payload or a signature is rewritten on its way is recognised; signatures are by the openssl command."""

import base64
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.diagnosis import spellings
from receiver.diagnosis.doctor import Report, diagnose
from tests.calls import FORM, JSON, POST_CALL, form, json_text
from tests.clock import NOON
from tests.openssl import KeyPair
from tests.unit.receiver.test_doctor import read, setup, step

VALUES = {**POST_CALL, "details": "a b ~*'()!/é\U0001f389"}
QUOTE_PLUS = form(VALUES)
RFC_3986 = QUOTE_PLUS.replace(b"+", b"%20")
PHP = QUOTE_PLUS.replace(b"~", b"%7E")
JAVA = PHP.replace(b"%2A", b"*")
JAVASCRIPT = "&".join(name + "=" + quote(value, safe="~!'()*") for name, value in VALUES.items()).encode()
LOWER = b"".join(b"%" + part[:2].lower() + part[2:] for part in (b"%" + QUOTE_PLUS).split(b"%")[1:])[1:]
SPACED = json.dumps(VALUES).encode()
COMPACT = json.dumps(VALUES, separators=(",", ":")).encode()
BY_PHP = COMPACT.replace(b"/", b"\\/")
RAW = json.dumps(VALUES, ensure_ascii=False).encode()


def form_report(key_pair: KeyPair, *, signed: bytes, sent: bytes) -> Report:
    data = form({"payload": sent.decode("latin-1"), "sign": key_pair.sign_base64(signed)})
    return diagnose(FORM, data, setup(read(key_pair.public)), now=NOON)


def json_report(key_pair: KeyPair, *, signed: bytes, sent: bytes) -> Report:
    data = json_text({"payload": sent.decode(), "sign": key_pair.sign_base64(signed)})
    return diagnose(JSON, data, setup(read(key_pair.public)), now=NOON)


def found(report: Report, signed: bytes) -> str:
    """The name of the payload's spelling; nothing but that spelling differs."""
    assert report.finding is not None
    assert report.finding.payload.data == signed
    assert report.finding.sign.name == "as it came"
    failed = step(report, "signature")
    assert f"'payload' {report.finding.payload.name}" in failed.reason
    assert failed.remedy == report.finding.payload.remedy != ""
    return report.finding.payload.name


@pytest.mark.parametrize(
    ("signed", "sent", "name"),
    [
        (RFC_3986, QUOTE_PLUS, "with '%20' in place of '+'"),
        (QUOTE_PLUS, RFC_3986, "with '+' in place of '%20'"),
        (QUOTE_PLUS.replace(b"+", b" "), QUOTE_PLUS, "with a plain space in place of '+'"),
        (QUOTE_PLUS.replace(b"+", b" "), RFC_3986, "with a plain space in place of '%20'"),
        (QUOTE_PLUS, QUOTE_PLUS.replace(b"+", b" "), "with '+' in place of a plain space"),
        (RFC_3986, QUOTE_PLUS.replace(b"+", b" "), "with '%20' in place of a plain space"),
        (QUOTE_PLUS, QUOTE_PLUS.replace(b"&", b"&amp;"), "with '&' in place of '&amp;'"),
        (QUOTE_PLUS.replace(b"&", b"&amp;"), QUOTE_PLUS, "with '&amp;' in place of '&'"),
        (LOWER, QUOTE_PLUS, "percent-encoded anew as %2f (quote_plus of Python)"),
        (QUOTE_PLUS, LOWER, "percent-encoded anew as %2F (quote_plus of Python)"),
        (PHP, QUOTE_PLUS, "percent-encoded anew as %2F (urlencode of PHP)"),
        (JAVA, QUOTE_PLUS, "percent-encoded anew as %2F (the form encoding of browsers and Java)"),
        (RFC_3986, PHP, "percent-encoded anew as %2F (RFC 3986, rawurlencode of PHP)"),
        (JAVASCRIPT, QUOTE_PLUS, "percent-encoded anew as %2F (encodeURIComponent of JavaScript)"),
        (QUOTE_PLUS, JAVASCRIPT, "percent-encoded anew as %2F (quote_plus of Python)"),
        (unquote_plus(QUOTE_PLUS.decode()).encode(), QUOTE_PLUS, "percent-decoded once more"),
        (QUOTE_PLUS, quote(QUOTE_PLUS.decode(), safe="+").encode(), "percent-decoded once more, '+' kept"),
        (quote_plus(QUOTE_PLUS.decode()).encode(), QUOTE_PLUS, "still percent-encoded, as it stands in the body"),
        (
            re.sub("%..", lambda found: found[0].lower(), quote_plus(QUOTE_PLUS.decode())).encode(),
            QUOTE_PLUS,
            "percent-encoded once more as %2f (quote_plus of Python)",
        ),
        (QUOTE_PLUS + b"\n", QUOTE_PLUS, "with a line break (LF) at its end"),
        (QUOTE_PLUS + b"\r\n", QUOTE_PLUS, "with a line break (CRLF) at its end"),
        (QUOTE_PLUS, QUOTE_PLUS + b"\r\n", "without the line break at its end"),
        (QUOTE_PLUS, b" " + QUOTE_PLUS + b"\t\n", "without the white space around it"),
        (QUOTE_PLUS + b"\n&x=1", QUOTE_PLUS + b"\r\n&x=1", "with CRLF line breaks as LF"),
        (QUOTE_PLUS + b"\r\n&x=1", QUOTE_PLUS + b"\n&x=1", "with LF line breaks as CRLF"),
    ],
)
def test_a_form_written_otherwise_is_recognised(key_pair: KeyPair, signed: bytes, sent: bytes, name: str) -> None:
    assert found(form_report(key_pair, signed=signed, sent=sent), signed) == name


@pytest.mark.parametrize(
    ("signed", "sent", "name"),
    [
        (SPACED.replace(b"/", b"\\/"), SPACED, r"with '\/' for '/'"),
        (SPACED, SPACED.replace(b"/", b"\\/"), r"with '/' for '\/'"),
        (RAW, SPACED, r"with letters for '\uXXXX'"),
        (SPACED, RAW, r"with '\uXXXX' for letters"),
        (RAW.replace(b"/", b"\\/"), SPACED, r"with '\/' for '/' and letters for '\uXXXX'"),
        (BY_PHP, RAW, r"as JSON written anew: compact, '\uXXXX', '\/'"),
        (COMPACT, SPACED, r"as JSON written anew: compact, '\uXXXX', '/'"),
        (SPACED, COMPACT, r"as JSON written anew: with spaces, '\uXXXX', '/'"),
        (RAW, BY_PHP, "as JSON written anew: with spaces, raw letters, '/'"),
        (
            json.dumps(VALUES, indent=4).encode(),
            COMPACT,
            r"as JSON written anew: indented, '\uXXXX', '/'",
        ),
        (SPACED + b"\n", SPACED, "with a line break (LF) at its end"),
        (SPACED, json.dumps(SPACED.decode()).encode(), "read as the JSON string it is"),
        (
            json.dumps(SPACED.decode()).encode()[1:-1],
            SPACED,
            "still escaped, as it stands between the quotes of the body",
        ),
        (json.dumps(SPACED.decode()).encode(), SPACED, "as a JSON string, in quotes"),
    ],
)
def test_json_written_otherwise_is_recognised(key_pair: KeyPair, signed: bytes, sent: bytes, name: str) -> None:
    assert found(json_report(key_pair, signed=signed, sent=sent), signed) == name


def test_a_payload_object_that_was_written_anew_is_recognised(key_pair: KeyPair) -> None:
    data = json_text({"payload": VALUES, "sign": key_pair.sign_base64(BY_PHP)})
    report = diagnose(JSON, data, setup(read(key_pair.public)), now=NOON)
    assert found(report, BY_PHP) == r"as JSON written anew: compact, '\uXXXX', '\/'"


def test_what_differs_is_shown_with_its_place_and_not_more(key_pair: KeyPair) -> None:
    report = form_report(key_pair, signed=RFC_3986, sent=QUOTE_PLUS)
    at = QUOTE_PLUS.index(b"+")
    assert f"The first difference is at byte {at}: '+11' arrived, '%20' was signed" in step(report, "signature").reason


def test_a_signature_over_more_than_the_payload_is_recognised(key_pair: KeyPair) -> None:
    bare, whole = QUOTE_PLUS + b"&x=1", form({"payload": QUOTE_PLUS.decode()})
    for signed, rest in ((bare, bare), (whole, whole)):
        data = rest + b"&" + form({"sign": key_pair.sign_base64(signed)})
        report = diagnose(FORM, data, setup(read(key_pair.public)), now=NOON)
        assert report.finding is not None
        assert report.finding.payload.name == "the body without its 'sign', as it stands"
        assert "docs/contract.md" in step(report, "signature").remedy


def test_a_signature_over_a_json_body_without_it_is_recognised(key_pair: KeyPair) -> None:
    data = json_text({**VALUES, "sign": key_pair.sign_base64(BY_PHP)})
    report = diagnose(JSON, data, setup(read(key_pair.public)), now=NOON)
    assert found(report, BY_PHP) == r"the body without its 'sign', as JSON: compact, '\uXXXX', '\/'"


def test_a_sign_without_payload_that_fits_nothing_is_left_to_the_envelope(key_pair: KeyPair) -> None:
    data = QUOTE_PLUS + b"&" + form({"sign": key_pair.sign_base64(b"else")})
    report = diagnose(FORM, data, setup(read(key_pair.public)), now=NOON)
    assert [step.name for step in report.failed] == ["envelope"]


def wrapped(sign: str, width: int, line_break: str) -> str:
    return "".join(sign[at : at + width] + line_break for at in range(0, len(sign), width))


SIGNS: dict[str, tuple[Callable[[str], str], str]] = {
    "surrounded": (lambda sign: f" {sign}\n", "without the white space around it"),
    "wrapped by openssl": (lambda sign: wrapped(sign, 64, "\n"), "joined into one line"),
    "wrapped by PHP": (lambda sign: wrapped(sign, 76, "\r\n"), "joined into one line"),
    "spaces": (lambda sign: sign.replace("+", " "), "with '+' where spaces stand"),
    "spaces and wrapped": (
        lambda sign: wrapped(sign, 64, "\r\n").replace("+", " "),
        "with '+' where spaces stand",
    ),
    "encoded twice": (lambda sign: quote(sign, safe=""), "percent-decoded once more"),
    "escaped": (lambda sign: sign.replace("/", "\\/"), r"with '\/' read as '/'"),
    "unpadded": (lambda sign: sign.rstrip("="), "as it came, with its '=' at the end"),
    "unpadded and wrapped": (
        lambda sign: wrapped(sign.rstrip("="), 64, "\n"),
        "joined into one line, with its '=' at the end",
    ),
}


def rich_signature(key_pair: KeyPair) -> tuple[bytes, str]:
    """A payload whose signature has both '+' and '/' in it."""
    for number in range(100):
        payload = b"%b&n=%d" % (QUOTE_PLUS, number)
        sign = key_pair.sign_base64(payload)
        if "+" in sign[:60] and "/" in sign:
            return payload, sign
    raise AssertionError("no such signature")


@pytest.mark.parametrize("kind", SIGNS)
def test_a_sign_written_otherwise_is_recognised(key_pair: KeyPair, kind: str) -> None:
    payload, sign = rich_signature(key_pair)
    change, name = SIGNS[kind]
    data = form({"payload": payload.decode(), "sign": change(sign)})
    report = diagnose(FORM, data, setup(read(key_pair.public)), now=NOON)
    assert report.finding is not None
    assert report.finding.sign.data == sign
    assert (report.finding.payload.name, report.finding.sign.name) == ("as it came", name)
    assert step(report, "signature").remedy == report.finding.sign.remedy


def test_several_changes_at_once_are_all_told(key_pair: KeyPair) -> None:
    raw = key_pair.sign(RFC_3986, digest="sha384", padding="pss")
    sign = wrapped(base64.b64encode(raw).decode(), 64, "\n")
    data = form({"payload": QUOTE_PLUS.decode(), "sign": sign})
    report = diagnose(FORM, data, setup(read(key_pair.public)), now=NOON)
    reason = step(report, "signature").reason
    assert ": digest sha384; padding pss; 'payload' with '%20' in place of '+'; 'sign' joined into one line." in reason
    assert step(report, "signature").remedy.startswith(
        "set KAISA_SIGNATURE_DIGEST=sha384; set KAISA_SIGNATURE_PADDING=pss; something between Kaisa and this receiver"
    )


def test_what_is_too_large_to_write_otherwise_says_so(key_pair: KeyPair) -> None:
    big = QUOTE_PLUS + b"&x=" + b"+" * spellings.RESPELT_UP_TO
    report = form_report(key_pair, signed=b"else", sent=big)
    assert "did make this signature" in step(report, "signature").reason
    data = form({"payload": big.decode(), "sign": base64.b64encode(b"\1" * 256).decode()})
    report = diagnose(FORM, data, setup(read(key_pair.public)), now=NOON)
    assert "over 1048576 bytes only the payload as it came is tried" in step(report, "signature").reason
    assert list(spellings.payloads(None, big, "form")) == []


@given(payload=st.binary(), body=st.binary(), encoding=st.sampled_from(["form", "json"]))
def test_any_bytes_have_spellings_each_once_and_what_came_first(payload: bytes, body: bytes, encoding: str) -> None:
    first, *others = spellings.payloads(payload, body, encoding)
    assert (first.name, first.data, first.remedy) == ("as it came", payload, "")
    assert len({each.data for each in others} | {payload}) == len(others) + 1
    assert [each for each in others if not each.remedy] == []


@given(raw=st.binary(min_size=1))
def test_what_is_encoded_is_read_in_its_encoding_with_its_size(raw: bytes) -> None:
    for encoding, text in {
        "hex": raw.hex(),
        "base64": base64.b64encode(raw).decode(),
        "base64url": base64.urlsafe_b64encode(raw).decode(),
    }.items():
        assert (encoding, len(raw)) in spellings.apparent(text)


@given(sign=st.text())
def test_any_text_has_spellings_as_a_sign_each_once(sign: str) -> None:
    first, *others = spellings.signs(sign)
    assert (first.data, first.remedy) == (sign, "")
    assert len({each.data for each in others} | {sign}) == len(others) + 1
