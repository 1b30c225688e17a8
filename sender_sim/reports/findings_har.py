"""Every exchange of an examination as an HTTP Archive 1.2, which browsers' developer tools open; a check is a page."""

import base64
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from sender_sim.checks.model import Examination, Finding
from sender_sim.core.delivery import Request
from sender_sim.core.exchange import Exchange
from sender_sim.core.outcome import Answered, Outcome
from sender_sim.reports.printable import printable

__all__ = ["as_dict"]

_HTTP: Final = "HTTP/1.1"
_UNKNOWN: Final = -1
# Of a body that is larger its beginning is kept: only a check of a limit sends one.
_LARGEST: Final = 1024 * 1024


def as_dict(examination: Examination) -> dict[str, Any]:
    """The document as JSON-ready values."""
    pages, entries = [], []
    for finding, exchanges in _by_check(examination):
        pages.append(_page(finding, exchanges[0].at or examination.at))
        entries += [_entry(exchange, finding.check.id, exchange.at or examination.at) for exchange in exchanges]
    creator = {"name": "sender-sim", "version": version("kaisa-webhook-kit")}
    return {"log": {"version": "1.2", "creator": creator, "pages": pages, "entries": entries}}


def _by_check(examination: Examination) -> Iterator[tuple[Finding, list[Exchange]]]:
    """What each check has made. What several share, the plain delivery, is the first one's."""
    seen = set()
    for finding in examination.findings:
        own = [exchange for exchange in finding.made if id(exchange) not in seen]
        seen |= {id(exchange) for exchange in own}
        if own:
            yield finding, own


def _page(finding: Finding, at: datetime) -> dict[str, Any]:
    title = printable(f"{finding.check.id}: {finding.verdict}: {finding.happened}")
    return {"startedDateTime": at.isoformat(), "id": finding.check.id, "title": title, "pageTimings": {}}


def _entry(exchange: Exchange, page: str, at: datetime) -> dict[str, Any]:
    milliseconds = round(exchange.outcome.seconds * 1000, 3)
    return {
        "pageref": page,
        "startedDateTime": at.isoformat(),
        "time": milliseconds,
        "request": _request(exchange.request),
        "response": _response(exchange.outcome),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }


def _request(request: Request) -> dict[str, Any]:
    parts = urlsplit(request.url)
    headers = {"Host": parts.netloc, **request.headers}
    headers |= {"Content-Length": str(len(request.body))} if request.body or request.method == "POST" else {}
    written = {
        "method": request.method,
        "url": request.url,
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": _pairs(headers.items()),
        "queryString": _pairs(parse_qsl(parts.query, keep_blank_values=True)),
        "headersSize": _UNKNOWN,
        "bodySize": len(request.body),
    }
    # `encoding` is of the proposal for HAR 1.3, and so is the only way to keep bytes that are no text.
    return written | ({"postData": {"mimeType": request.content_type, **_text(request.body)}} if request.body else {})


def _response(outcome: Outcome) -> dict[str, Any]:
    if not isinstance(outcome, Answered):
        return _answer(0, "", [], b"") | {"httpVersion": "", "bodySize": _UNKNOWN, "_error": printable(str(outcome))}
    _, _, phrase = str(outcome).partition(" ")
    return _answer(outcome.status, phrase, list(outcome.headers), outcome.body)


def _answer(status: int, phrase: str, headers: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
    named = {name.lower(): value for name, value in headers}
    return {
        "status": status,
        "statusText": phrase,
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": _pairs(headers),
        "content": {"size": len(body), "mimeType": _valid(named.get("content-type", "x-unknown")), **_text(body)},
        "redirectURL": _valid(named.get("location", "")),
        "headersSize": _UNKNOWN,
        "bodySize": len(body),
    }


def _text(body: bytes) -> dict[str, str]:
    """A body as text, or where it is none in Base64."""
    kept = body[:_LARGEST]
    comment = {"comment": f"the first {_LARGEST} of {len(body)} bytes"} if len(body) > _LARGEST else {}
    try:
        return {"text": kept.decode("utf-8")} | comment
    except UnicodeDecodeError:
        return {"text": base64.b64encode(kept).decode("ascii"), "encoding": "base64"} | comment


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": _valid(name), "value": _valid(value)} for name, value in pairs]


def _valid(text: str) -> str:
    """The text without lone surrogates: what a header holds that is no UTF-8 is read as such."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
