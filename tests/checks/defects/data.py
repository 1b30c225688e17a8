"""Endpoints that read some deliveries only."""

import re
import sqlite3
from contextlib import closing
from urllib.parse import unquote_plus

from flask import Response, after_this_request
from werkzeug.exceptions import UnprocessableEntity, UnsupportedMediaType

from receiver.wire import DEFAULT_MACRO
from tests.checks.endpoint import FORM, JSON, Endpoint, Values
from tests.checks.registry import defect

CUSTOM_MACRO = "caller={from_nr}&ref={id}&kind={event_type}&text={details}&tag={channel}-{publisher_id}"
ALL_NAMES = {pair.partition("=")[0] for pair in DEFAULT_MACRO.split("&")}


@defect("reads JSON only, where forms are sent", "encoding-as-set")
class ReadsJsonOnly(Endpoint):
    def encoding(self, content_type: str) -> str:
        if super().encoding(content_type) != JSON:
            raise UnsupportedMediaType
        return JSON


@defect("reads forms only", "encoding-other")
class ReadsFormsOnly(Endpoint):
    def encoding(self, content_type: str) -> str:
        if super().encoding(content_type) != FORM:
            raise UnsupportedMediaType
        return FORM


@defect("parses a form as JSON without looking", "encoding-as-set")
class ParsesJsonWithoutLooking(Endpoint):
    def parse(self, body: bytes, encoding: str) -> Values:
        return self.parse_json(body)


@defect("compares the content type as a whole", "encoding-charset")
class ComparesWholeContentType(Endpoint):
    def encoding(self, content_type: str) -> str:
        if content_type not in (FORM, JSON):
            raise UnsupportedMediaType
        return content_type


@defect("takes 0 for a missing value", "event-missed-call")
class ZeroIsMissing(Endpoint):
    def validate(self, values: Values) -> None:
        super().validate(values)
        if values["event_type"] == "0" and not int(values.get("duration", 1)):
            raise UnprocessableEntity


@defect("refuses SMS", "event-sms")
class RefusesSms(Endpoint):
    def validate(self, values: Values) -> None:
        super().validate(values)
        if values["event_type"] == "1":
            raise UnprocessableEntity


@defect(
    "answers 204 to what it has no use for",
    "event-pre-call",
    also=("order-reversed",),
    because="whoever takes no pre-call takes none that is late",
)
class NoUseForPreCalls(Endpoint):
    def answer(self, values: Values) -> Response:
        return Response(status=204) if values["event_type"] == "2" else super().answer(values)


@defect("reads the default macro, where another is set", "macro-custom", macro=CUSTOM_MACRO)
class DefaultMacroOnly(Endpoint):
    """Nothing is wrong with it but the settings."""


@defect("refuses names it does not know", "macro-more-names")
class RefusesUnknownNames(Endpoint):
    def validate(self, values: Values) -> None:
        super().validate(values)
        if values.keys() - ALL_NAMES:
            raise UnprocessableEntity


@defect("requires every name of the default macro", "macro-fewer-names")
class RequiresEveryName(Endpoint):
    def validate(self, values: Values) -> None:
        super().validate(values)
        if ALL_NAMES - values.keys():
            raise UnprocessableEntity


@defect(
    "reads campaign_id as a number",
    "value-optional-empty",
    also=("value-all-empty",),
    because="what is all empty has no campaign either",
)
class CampaignIsANumber(Endpoint):
    def handle(self, values: Values) -> None:
        int(values.get("campaign_id", "0"))


@defect("requires the caller's number", "value-all-empty")
class RequiresTheCaller(Endpoint):
    def validate(self, values: Values) -> None:
        super().validate(values)
        if values.get("from_nr") == "":
            raise UnprocessableEntity


@defect("takes a recording for granted", "value-no-recording", macro=f"{DEFAULT_MACRO}&recording_id={{recording_id}}")
class RequiresARecording(Endpoint):
    def validate(self, values: Values) -> None:
        super().validate(values)
        if values.get("recording_id") == "":
            raise UnprocessableEntity


@defect("takes forms apart after decoding them", "text-reserved")
class DecodesFirst(Endpoint):
    def parse_form(self, body: bytes) -> Values:
        super().parse_form(body)  # what is malformed is refused
        return dict(piece.split("=", 1) for piece in unquote_plus(body.decode("ascii")).split("&"))


@defect("pastes text into SQL", "text-quotes")
class PastesIntoSql(Endpoint):
    def handle(self, values: Values) -> None:
        details = values.get("details", "").replace("\0", "").encode("utf-8", "replace").decode()
        with closing(sqlite3.connect(":memory:")) as database:
            database.execute("create table calls (details text)")
            database.execute(f"insert into calls values ('{details}')")  # noqa: S608 - the defect


@defect("pastes text into a header", "text-lines")
class PastesIntoAHeader(Endpoint):
    def handle(self, values: Values) -> None:
        text = values.get("details", "")

        @after_this_request
        def name(response: Response) -> Response:
            response.headers["X-Details"] = text.encode("ascii", "replace").decode()
            return response


@defect("stores three bytes of UTF-8 at most, as MySQL's utf8 does", "text-emoji")
class NoEmoji(Endpoint):
    def handle(self, values: Values) -> None:
        if any(ord(char) > 0xFFFF for char in values.get("details", "")):
            raise RuntimeError("1366 Incorrect string value")


@defect("refuses marks that change the direction of text", "text-right-to-left")
class RefusesBidi(Endpoint):
    def validate(self, values: Values) -> None:
        super().validate(values)
        if re.search("[\u202a-\u202e]", values.get("details", "")):
            raise UnprocessableEntity


@defect("stores no NUL, as PostgreSQL does not", "text-control")
class NoNul(Endpoint):
    def handle(self, values: Values) -> None:
        if "\0" in values.get("details", ""):
            raise RuntimeError("a string literal cannot contain NUL (0x00) characters")


@defect("writes strict UTF-8", "text-surrogate")
class StrictUtf8(Endpoint):
    def handle(self, values: Values) -> None:
        values.get("details", "").encode("utf-8")


@defect("stores 255 characters of a text, and refuses what is longer", "text-long")
class ShortColumn(Endpoint):
    def handle(self, values: Values) -> None:
        if len(values.get("details", "")) > 255:
            raise RuntimeError("value too long for type character varying(255)")
