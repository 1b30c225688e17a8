"""Endpoints that mind what came before."""

import json
from typing import Any

from flask import Response
from werkzeug.exceptions import Conflict

from tests.checks.endpoint import Endpoint, Values
from tests.checks.registry import defect
from tests.checks.servers import over_http


@defect(
    "answers 409 to a duplicate",
    "duplicate-accepted",
    "retry-after-lost-answer",
    serve=over_http,
)
class Answers409(Endpoint):
    def duplicate(self, known: Response) -> Response:
        raise Conflict


@defect("does the work again for a duplicate, which comes out otherwise", "duplicate-same-answer")
class AnswersAnew(Endpoint):
    def append(self, values: Values) -> str:
        self.count = getattr(self, "count", 0) + 1
        return f"{self.count} calls"

    def take(self) -> Response:
        self.answers.clear()
        return super().take()


@defect("answers 201 to everything, and otherwise to a duplicate", "answer-200", "duplicate-same-answer")
class AnswersAnewWith201(AnswersAnew):
    def respond(self, append: Any) -> Response:
        return Response(json.dumps({"append": append}), 201, content_type="application/json")


@defect("answers too much, and as much again but otherwise to a duplicate", "append-length", "duplicate-same-answer")
class AnswersTooMuchAnew(AnswersAnew):
    def append(self, values: Values) -> str:
        return f"{super().append(values):>50}"


@defect("remembers the last ten deliveries only", "duplicate-same-answer")
class ForgetsSoon(Endpoint):
    def append(self, values: Values) -> str:
        self.count = getattr(self, "count", 0) + 1
        while len(self.answers) >= 10:
            del self.answers[next(iter(self.answers))]
        return f"{self.count} calls"


@defect("remembers calls, and refuses one that begins after it ended", "order-reversed")
class RefusesLatePreCalls(Endpoint):
    def __init__(self, key: bytes | None = None) -> None:
        super().__init__(key)
        self.over: set[str] = set()

    def handle(self, values: Values) -> None:
        if values["event_type"] == "0":
            self.over.add(values["id"])
        elif values["event_type"] == "2" and values["id"] in self.over:
            raise Conflict
