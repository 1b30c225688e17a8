"""C3, C4, C7: whatever text a call holds, the receiver reads the fields the sender put into whatever macro."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import body, macro, signature, wire
from receiver.signature import Profile, TrustedKey
from sender_sim.core import encode
from sender_sim.core.sign import Signer
from tests.calls import FORM, JSON
from tests.clock import NOON
from tests.openssl import KeyPair
from tests.unit.sender_sim.test_encode import in_json, macros, values, written

DEFAULT = [(field.name, [(field.name,)]) for field in wire.FIELDS if field.name != "recording_id"]
# Half an emoji in a macro would make a whole one with the half beside it, and be no literal text any more.
whole_macros = macros.filter(lambda pairs: not re.search("[\ud800-\udfff]", written(pairs)))


@pytest.fixture(scope="module")
def signer(key_pair: KeyPair) -> Signer:
    return Signer(key_pair.private.read_bytes())


@pytest.fixture(scope="module")
def trusted(key_pair: KeyPair) -> tuple[TrustedKey, ...]:
    return signature.read_pem("kaisa.pem", key_pair.public.read_bytes(), allow_weak=False)


@pytest.mark.parametrize("content_type", [FORM, JSON])
@pytest.mark.parametrize("signed", [False, True], ids=["bare", "signed"])
@given(pairs=st.just(DEFAULT) | whole_macros, of=values)
def test_fields_come_out_of_the_bytes_as_they_went_into_the_macro(
    signer: Signer,
    trusted: tuple[TrustedKey, ...],
    content_type: str,
    pairs: Any,
    of: dict[str, str],
    *,
    signed: bool,
) -> None:
    template = macro.parse(written(pairs), recording=True)
    encoding = wire.JSON if content_type == JSON else wire.FORM
    sent = encode.body(encode.expand(template, of), encoding, signer if signed else None)

    decoded = body.decode(content_type, sent)
    reading = template.read(decoded.values())

    read = in_json if encoding == wire.JSON else str
    alone = [placeholders[0] for pair in template.pairs if len(placeholders := pair.placeholders) == 1]
    assert reading.fields == {field: read(of[field]) for field in alone}
    assert (reading.missing, reading.unexpected, reading.mismatched) == ((), (), ())
    if decoded.envelope:
        signature.verify(decoded.envelope.payload, decoded.envelope.signature, trusted, Profile(), now=NOON)
    assert (decoded.envelope is not None) == signed
