"""Endpoints that verify signatures wrongly, or do not."""

import base64
import json
from urllib.parse import parse_qsl, unquote_plus, urlencode

from flask import abort

from tests.checks.endpoint import Endpoint, Values
from tests.checks.registry import defect

FORGED = ("signed-payload-tampered", "signed-signature-tampered", "signed-other-key", "signed-other-delivery")


@defect("trusts another key", "signed-accepted", signed=True, strangers_key=True)
class TrustsAnotherKey(Endpoint):
    """Nothing is wrong with it but its key."""


@defect("decodes the signature twice, and so loses its '+'", "signed-accepted", signed=True, cause="decoded twice")
class LosesPlus(Endpoint):
    def signature(self, sign: str) -> bytes:
        lost = unquote_plus(sign).replace(" ", "")
        return base64.b64decode(lost + "=" * (-len(lost) % 4))


@defect("verifies a form that it has written anew", "signed-exact-bytes", signed=True)
class VerifiesReencodedBytes(Endpoint):
    def payload(self, values: Values) -> bytes:
        if values["payload"].startswith("{"):
            return super().payload(values)
        pairs = parse_qsl(values["payload"], keep_blank_values=True, errors="surrogatepass")
        return urlencode(pairs, errors="surrogatepass").encode("ascii")


@defect("verifies JSON that it has written anew", "signed-exact-bytes", signed=True, encoding="json")
class VerifiesReencodedJson(Endpoint):
    def payload(self, values: Values) -> bytes:
        if not values["payload"].startswith("{"):
            return super().payload(values)
        return json.dumps(json.loads(values["payload"]), separators=(",", ":")).encode("ascii")


@defect("verifies nothing", *FORGED, signed=True)
class VerifiesNothing(Endpoint):
    def verifies(self, payload: bytes, signature: bytes) -> bool:
        return True


@defect("verifies that the signature is one it has seen", "signed-other-delivery", signed=True)
class RemembersSignatures(Endpoint):
    def __init__(self, key: bytes | None = None) -> None:
        super().__init__(key)
        self.seen: set[bytes] = set()

    def verifies(self, payload: bytes, signature: bytes) -> bool:
        if signature not in self.seen and super().verifies(payload, signature):
            self.seen.add(signature)
        return signature in self.seen


@defect("verifies only where there is a signature", "signed-signature-missing", signed=True)
class SignatureIsOptional(Endpoint):
    def open(self, body: bytes, encoding: str) -> Values:
        values = self.parse(body, encoding)
        if not values.get("sign") and values.get("payload"):
            return self.parse(self.payload(values), encoding)
        return super().open(body, encoding)


@defect("takes data beside a signature for signed", "signed-payload-missing", signed=True)
class PayloadIsOptional(Endpoint):
    def open(self, body: bytes, encoding: str) -> Values:
        values = self.parse(body, encoding)
        if values.get("sign") and not values.get("payload"):
            return values
        return super().open(body, encoding)


@defect("accepts what is not signed at all", "signed-unsigned", signed=True)
class EnvelopeIsOptional(Endpoint):
    def open(self, body: bytes, encoding: str) -> Values:
        values = self.parse(body, encoding)
        return super().open(body, encoding) if {"payload", "sign"} & values.keys() else values


@defect("fails over what is no signature", "signed-refusal-status", signed=True)
class FailsOverNonsense(Endpoint):
    def signature(self, sign: str) -> bytes:
        try:
            return base64.b64decode(sign, validate=True)
        except ValueError:
            abort(500)
