"""An endpoint that keeps to the contract, in as few words as can be, and in steps that a defect replaces one of.

It is written from the contract and shares no code with the receiver.
"""

import base64
import binascii
import hashlib
import json
import re
import threading
from typing import Any
from urllib.parse import unquote_to_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask, Response, request
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    Unauthorized,
    UnprocessableEntity,
    UnsupportedMediaType,
)

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MIB = 1024 * 1024
Values = dict[str, str]


class Endpoint:
    """Takes deliveries at /hook, signed if it is given a public key (PEM). `names` is where it finds what it needs."""

    limit: int | None = MIB
    methods: tuple[str, ...] = ("POST",)
    names = {"id": "id", "event_type": "event_type", "details": "details"}  # noqa: RUF012 - nobody changes it

    def __init__(self, key: bytes | None = None) -> None:
        self.key = serialization.load_pem_public_key(key) if key else None
        self.answers: dict[object, Response] = {}
        self.lock = threading.Lock()
        self.app = Flask(f"{__name__}.{type(self).__name__}")
        self.app.config["MAX_CONTENT_LENGTH"] = self.limit
        self.app.add_url_rule("/hook", view_func=self.take, methods=list(self.methods))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self.app(environ, start_response)

    def take(self) -> Response:
        """One delivery, step by step."""
        try:
            encoding = self.encoding(request.content_type or "")
            values = self.open(self.body(), encoding)
        except HTTPException:
            raise
        except ValueError as error:
            return self.unreadable(error)
        self.validate(values)
        key = self.key_of(values)
        with self.lock:
            known = self.answers.get(key)
        if known is not None:
            return self.duplicate(known)
        answer = self.answer(values)
        with self.lock:
            self.answers[key] = answer
        return answer

    def encoding(self, content_type: str) -> str:
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type not in (FORM, JSON):
            raise UnsupportedMediaType
        return media_type

    def body(self) -> bytes:
        return request.get_data(cache=False)

    def open(self, body: bytes, encoding: str) -> Values:
        """The values, out of their envelope where signatures are asked for."""
        values = self.parse(body, encoding)
        if self.key is None:
            return values
        if not values.get("payload") or not values.get("sign"):
            raise Unauthorized
        payload = self.payload(values)
        if not self.verifies(payload, self.signature(values["sign"])):
            raise Forbidden
        return self.parse(payload, encoding)

    def payload(self, values: Values) -> bytes:
        return values["payload"].encode("utf-8", "surrogatepass")

    def signature(self, sign: str) -> bytes:
        try:
            return base64.b64decode(sign, validate=True)
        except binascii.Error:
            raise Forbidden from None

    def verifies(self, payload: bytes, signature: bytes) -> bool:
        assert isinstance(self.key, rsa.RSAPublicKey)
        try:
            self.key.verify(signature, payload, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def parse(self, body: bytes, encoding: str) -> Values:
        return self.parse_form(body) if encoding == FORM else self.parse_json(body)

    def parse_form(self, body: bytes) -> Values:
        if re.search(rb"%(?![0-9A-Fa-f]{2})", body):
            raise ValueError("a bad escape")
        pairs = (piece.partition(b"=") for piece in body.split(b"&") if piece)
        return {self.decode(name): self.decode(value) for name, _, value in pairs}

    def decode(self, escaped: bytes) -> str:
        return unquote_to_bytes(escaped.replace(b"+", b" ")).decode("utf-8", "surrogatepass")

    def parse_json(self, body: bytes) -> Values:
        values = json.loads(body.decode("utf-8", "surrogatepass"))
        if not isinstance(values, dict):
            raise ValueError("no object")  # noqa: TRY004 - a body that cannot be read
        return values

    def unreadable(self, error: ValueError) -> Response:
        raise BadRequest(str(error))

    def validate(self, values: Values) -> None:
        if not values.get(self.names["id"]) or values.get(self.names["event_type"]) not in ("0", "1", "2"):
            raise UnprocessableEntity

    def key_of(self, values: Values) -> object:
        return hashlib.sha256(json.dumps(sorted(values.items())).encode()).digest()

    def duplicate(self, known: Response) -> Response:
        return self.again(known)

    def again(self, known: Response) -> Response:
        """A response cannot be sent twice."""
        return Response(known.get_data(), known.status, list(known.headers))

    def answer(self, values: Values) -> Response:
        self.handle(values)
        return self.respond(self.append(values))

    def handle(self, values: Values) -> None:
        """What the endpoint is there for."""

    def append(self, values: Values) -> Any:
        return values.get(self.names["details"], "")[:40]

    def respond(self, append: Any) -> Response:
        return Response(json.dumps({"append": append}), 200, content_type=JSON)
