"""Endpoints that answer wrongly, late, or with an append that is none."""

import json
import threading
import time
from typing import Any

from flask import Response

from tests.checks.endpoint import Endpoint, Values
from tests.checks.registry import defect
from tests.checks.servers import over_http

PATIENCE = 3.0


@defect("answers 201", "answer-200")
class Answers201(Endpoint):
    def respond(self, append: Any) -> Response:
        return Response(json.dumps({"append": append}), 201, content_type="application/json")


@defect("answers 202", "answer-200")
class Answers202(Endpoint):
    def respond(self, append: Any) -> Response:
        return Response(json.dumps({"append": append}), 202, content_type="application/json")


@defect("answers 204", "answer-200")
class Answers204(Endpoint):
    def respond(self, append: Any) -> Response:
        return Response(status=204)


@defect("redirects", "answer-200")
class Redirects(Endpoint):
    def take(self) -> Response:
        return Response(status=308, headers={"Location": "/hook/"})


@defect("answers 500 to everything", "answer-200")
class AlwaysFails(Endpoint):
    def handle(self, values: Values) -> None:
        raise RuntimeError("as it was told")


@defect("answers after the sender has given up", "answer-in-time", timeout=0.2)
class Slow(Endpoint):
    def handle(self, values: Values) -> None:
        time.sleep(0.3)


@defect(
    "handles one request after the other, and each takes its time",
    "answer-many-at-once",
    serve=over_http,
    timeout=PATIENCE,
)
class Serial(Endpoint):
    """The second of those who come at once holds up all behind it, and is over with it half a second too late."""

    def __init__(self, key: bytes | None = None) -> None:
        super().__init__(key)
        self.database = threading.Lock()
        self.held_up = False

    def handle(self, values: Values) -> None:
        if not self.database.acquire(blocking=False):
            self.database.acquire()
            if not self.held_up:
                time.sleep(PATIENCE + 0.5)
            self.held_up = True
        time.sleep(0.01)
        self.database.release()


@defect("puts its JSON together by hand", "append-readable")
class JsonByHand(Endpoint):
    def respond(self, append: Any) -> Response:
        text = f'{{"append": "{append}"}}'.encode("utf-8", "replace")
        return Response(text, 200, content_type="application/json")


@defect("answers a number as append", "append-text")
class NumberAsAppend(Endpoint):
    def append(self, values: Values) -> Any:
        return len(self.answers)


@defect("answers null where it has no append", "append-text")
class NullAsAppend(Endpoint):
    def append(self, values: Values) -> Any:
        return super().append(values) if values["event_type"] == "0" else None


@defect("answers an append of 41 characters", "append-length")
class Append41(Endpoint):
    def append(self, values: Values) -> Any:
        return values.get("details", "")[:41]


@defect("answers an append of 41 characters to a pre-call alone", "append-length")
class LongForPreCalls(Endpoint):
    def append(self, values: Values) -> Any:
        return "a caller we know, and know all of: 41 cha" if values["event_type"] == "2" else super().append(values)


@defect("counts the characters on the screen, not code points", "append-length")
class CountsGraphemes(Endpoint):
    def append(self, values: Values) -> Any:
        details = values.get("details", "")
        return details[:280] if "\N{ZERO WIDTH JOINER}" in details else details[:40]


@defect("answers its append as text/html", "append-content-type")
class AppendAsHtml(Endpoint):
    def respond(self, append: Any) -> Response:
        return Response(json.dumps({"append": append}), 200)
