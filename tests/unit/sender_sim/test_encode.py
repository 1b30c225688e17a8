"""C3, C4, C7: macro and values become bytes from which the standard library's parsers read the same values again."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from receiver import macro, wire
from sender_sim.core import encode
from sender_sim.core.sign import Signer
from tests.openssl import KeyPair

Pairs = list[tuple[str, str]]

HOSTILE = (
    "\0",
    "\ud83d",  # half of an emoji
    "😀",
    "\N{RIGHT-TO-LEFT OVERRIDE}שלום",
    "e\N{COMBINING ACUTE ACCENT}",
    "\ufeff",
    "\r\n",
    "&a=b",
    "+ %20 %2B %",
    "{id}",
    "\"'\\",
    "</script>",
    "\x7f\x1b[31m",
    "payload=x&sign=y",
)
texts = st.one_of(
    st.text(),
    st.text(st.characters()),  # surrogates too
    st.lists(st.sampled_from(HOSTILE)).map("".join),
)


def without(excluded: str) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_characters=excluded), min_size=1, max_size=8)


# Line breaks around a pair are layout, braces and '&' are the language: none of them is text of a macro.
names = without("&={}\r\n").filter(lambda name: name not in (wire.PAYLOAD, wire.SIGN))
fields = st.sampled_from([field.name for field in wire.FIELDS])
templates = st.lists(st.one_of(fields.map(lambda name: (name,)), without("&{}\r\n")), max_size=4)
macros = st.lists(st.tuples(names, templates), min_size=1, max_size=6, unique_by=lambda pair: in_json(pair[0]))
values = st.fixed_dictionaries({field.name: texts for field in wire.FIELDS})


def in_json(text: str) -> str:
    """JSON writes an emoji and its two halves in the same way: read back, they are the emoji."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def written(pairs: list[tuple[str, list[str | tuple[str]]]]) -> str:
    """The macro's text."""
    parts = ("".join(part if isinstance(part, str) else f"{{{part[0]}}}" for part in template) for _, template in pairs)
    return "&".join(f"{name}={template}" for (name, _), template in zip(pairs, parts, strict=True))


def filled(pairs: list[tuple[str, list[str | tuple[str]]]], of: dict[str, str]) -> Pairs:
    """What the macro stands for."""
    return [
        (name, "".join(part if isinstance(part, str) else of[part[0]] for part in template)) for name, template in pairs
    ]


def read_form(body: bytes) -> Pairs:
    text = body.decode("ascii")
    return parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="surrogatepass")


def read_json(body: bytes) -> Pairs:
    pairs: Pairs = json.loads(body.decode("ascii"), object_pairs_hook=list)
    return pairs


@pytest.fixture(scope="module")
def signer(key_pair: KeyPair) -> Signer:
    return Signer(key_pair.private.read_bytes())


@pytest.fixture(scope="module")
def public_key(key_pair: KeyPair) -> rsa.RSAPublicKey:
    key = serialization.load_pem_public_key(key_pair.public.read_bytes())
    assert isinstance(key, rsa.RSAPublicKey)
    return key


@given(macros, values)
def test_an_expanded_macro_has_the_values_in_the_place_of_their_fields(pairs: Any, of: dict[str, str]) -> None:
    assert list(encode.expand(macro.parse(written(pairs), recording=True), of)) == filled(pairs, of)


@given(macros, values)
def test_a_form_holds_what_went_in(pairs: Any, of: dict[str, str]) -> None:
    expected = filled(pairs, of)
    assert read_form(encode.body(expected, wire.FORM, None)) == expected


@given(macros, values)
def test_a_json_object_holds_what_went_in(pairs: Any, of: dict[str, str]) -> None:
    expected = filled(pairs, of)
    assert read_json(encode.body(expected, wire.JSON, None)) == [(in_json(a), in_json(b)) for a, b in expected]


@given(macros, values)
def test_a_signed_form_holds_what_went_in_and_a_signature_of_it(
    signer: Signer, public_key: rsa.RSAPublicKey, pairs: Any, of: dict[str, str]
) -> None:
    expected = filled(pairs, of)
    (first, payload), (second, signature) = read_form(encode.body(expected, wire.FORM, signer))
    assert (first, second) == ("payload", "sign")
    assert read_form(payload.encode()) == expected
    verify(public_key, payload, signature)


@given(macros, values)
def test_a_signed_json_object_holds_what_went_in_as_text_and_a_signature_of_it(
    signer: Signer, public_key: rsa.RSAPublicKey, pairs: Any, of: dict[str, str]
) -> None:
    expected = filled(pairs, of)
    (first, payload), (second, signature) = read_json(encode.body(expected, wire.JSON, signer))
    assert (first, second) == ("payload", "sign")
    assert read_json(payload.encode()) == [(in_json(a), in_json(b)) for a, b in expected]
    verify(public_key, payload, signature)


def verify(key: rsa.RSAPublicKey, payload: str, signature: str) -> None:
    """Raises InvalidSignature."""
    key.verify(base64.b64decode(signature, validate=True), payload.encode(), padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("form", b"a=%C3%A5+%26+%3D%2B%25%00%0D%0A&b+c=&%C3%A4=%F0%9F%98%80%ED%A0%BD"),
        ("json", rb'{"a":"\u00e5 & =+%\u0000\r\n","b c":"","\u00e4":"\ud83d\ude00\ud83d"}'),
    ],
)
def test_the_bytes_are_these(encoding: str, expected: bytes) -> None:
    pairs = [("a", "å & =+%\0\r\n"), ("b c", ""), ("ä", "😀\ud83d")]
    assert encode.body(pairs, encoding, None) == expected


def test_a_signed_form_percent_codes_the_payload_once_more() -> None:
    class Stub(Signer):
        def __init__(self) -> None:
            self.signed = b""

        def sign(self, payload: bytes) -> str:
            self.signed = payload
            return "a+b/c=="

    signer = Stub()
    pairs = [("a", "1 2"), ("b", "ö")]
    assert encode.body(pairs, wire.FORM, signer) == b"payload=a%3D1%2B2%26b%3D%25C3%25B6&sign=a%2Bb%2Fc%3D%3D"
    assert signer.signed == b"a=1+2&b=%C3%B6"
    assert encode.body(pairs, wire.JSON, signer) == rb'{"payload":"{\"a\":\"1 2\",\"b\":\"\\u00f6\"}","sign":"a+b/c=="}'
    assert signer.signed == rb'{"a":"1 2","b":"\u00f6"}'
