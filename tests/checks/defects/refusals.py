"""Endpoints that take what is no delivery, or fail over it."""

from urllib.parse import unquote_to_bytes

from flask import Response, request
from werkzeug.exceptions import InternalServerError

from tests.checks.endpoint import FORM, Endpoint, Values
from tests.checks.registry import defect


@defect("accepts an empty body", "body-empty")
class AcceptsNothing(Endpoint):
    def take(self) -> Response:
        return super().take() if request.content_length else self.respond("")


@defect("answers 500 to a malformed body", "body-malformed")
class FailsOverMalformed(Endpoint):
    def unreadable(self, error: ValueError) -> Response:
        raise InternalServerError


@defect("answers 200 to a malformed body", "body-malformed")
class AcceptsMalformed(Endpoint):
    def unreadable(self, error: ValueError) -> Response:
        return Response(status=200)


@defect("guesses what signed data means that is not UTF-8", "body-malformed", signed=True)
class GuessesTheCharset(Endpoint):
    def decode(self, escaped: bytes) -> str:
        try:
            return super().decode(escaped)
        except UnicodeDecodeError:
            return unquote_to_bytes(escaped.replace(b"+", b" ")).decode("latin-1")


@defect("has no size limit", "body-large")
class NoSizeLimit(Endpoint):
    limit = None


@defect("does not look at the content type", "content-type-other")
class IgnoresContentType(Endpoint):
    def encoding(self, content_type: str) -> str:
        return content_type.partition(";")[0] if "json" in content_type else FORM


@defect("answers 200 to GET", "method-get")
class AnswersGet(Endpoint):
    methods = ("GET", "POST")

    def take(self) -> Response:
        return Response("up") if request.method == "GET" else super().take()


@defect("does not give back a lock after an error", "still-answering")
class KeepsTheLock(Endpoint):
    def __init__(self, key: bytes | None = None) -> None:
        super().__init__(key)
        self.stuck = False
        self.app.before_request(self.look)

    def look(self) -> None:
        self.stuck = self.stuck or request.method == "GET"

    def handle(self, values: Values) -> None:
        if self.stuck:
            raise RuntimeError("database is locked")
