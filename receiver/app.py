"""The only module that knows Flask: routes, problem+json, health."""

import hmac
import json
import os
import re
import secrets
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog
from flask import Flask, Response, g, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]  # gunicorn has no types
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as WrongMethod
from werkzeug.exceptions import NotFound as NoPage
from werkzeug.middleware.proxy_fix import ProxyFix

from receiver import config, logs
from receiver.advice import advice
from receiver.build import build, utc_now
from receiver.config import Settings
from receiver.errors import (
    BadRequest,
    BodyTooLarge,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Refusal,
    StoreUnavailable,
    UnreadableBody,
    shortened,
)
from receiver.receive import Receipt, Receiver
from receiver.store.records import Arrival

if TYPE_CHECKING:
    from receiver.metrics import Metrics

__all__ = ["create_app"]

log = structlog.get_logger()

_REQUEST_ID: Final = "X-Request-ID"
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
# An answer is data for programs: no browser is to guess at it, show it in a frame or load anything for it.
_SECURITY: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ADVICE_EVERY: Final = timedelta(days=1)
_READ_AT_ONCE: Final = 65_536
# So many names nobody knows are logged; the rest is in the store.
_NAMES_LOGGED: Final = 20


def create_app(settings: Settings | None = None) -> Flask:
    """The receiver as a WSGI application. Raises ConfigurationError with every mistake of the settings."""
    logs.configure()
    settings = settings or config.load(os.environ, now=utc_now())
    receiver = build(settings)
    app = Flask("receiver", static_folder=None)
    app.url_map.merge_slashes = False  # a redirect would be a failure to Kaisa
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # as Flask's own docs do
    app.before_request(_name_request)
    _add_advice(app, settings)
    metrics = _add_metrics(app, settings, receiver) if settings.metrics_token else None
    _add_webhook(app, settings, receiver, metrics)
    _add_health(app, receiver)
    if settings.inspect_password:
        from receiver.inspector.blueprint import add_inspector  # a receiver without it does not load it

        add_inspector(app, settings, receiver)
    _add_errors(app)
    app.after_request(_finish_headers)
    app.teardown_request(lambda _: structlog.contextvars.clear_contextvars())
    return app


def _add_advice(app: Flask, settings: Settings) -> None:
    """Say what should be known now and once a day: a receiver runs for longer than a certificate is about to expire."""
    due = utc_now()

    def tell() -> None:
        nonlocal due
        now = utc_now()
        if now >= due:
            due = now + _ADVICE_EVERY
            for sentence in advice(settings, now):
                log.warning("should be known", what=sentence)

    tell()
    app.before_request(tell)


def _name_request() -> None:
    """Give the request an id, its proxy's if it has one, that every log line of it carries and the answer names.

    One that looks like a phone number would be the only one in the log: it is not taken.
    """
    given = request.headers.get(_REQUEST_ID, "")
    taken = _ID.fullmatch(given) and logs.mask(given) == given
    g.request_id = given if taken else secrets.token_hex(8)
    structlog.contextvars.bind_contextvars(request=g.request_id)


def _add_metrics(app: Flask, settings: Settings, receiver: Receiver) -> "Metrics":
    from receiver.metrics import CONTENT_TYPE, Metrics  # a receiver without it does not load the library

    metrics = Metrics(receiver.inbox)
    expected = f"Bearer {settings.metrics_token}"

    def page() -> Response:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode()):
            raise NotFound(f"nothing is at {shortened(request.path)}")
        return Response(metrics.page(utc_now()), content_type=CONTENT_TYPE)

    app.add_url_rule("/metrics", view_func=page)
    return metrics


def _add_webhook(app: Flask, settings: Settings, receiver: Receiver, metrics: "Metrics | None") -> None:
    def webhook() -> Response:
        started, at = time.perf_counter(), utc_now()
        received = bytearray()
        try:
            _read_body(received, settings.max_body)
            receipt = receiver.receive(_arrival(received, at))
        except Refusal as refusal:
            _keep(receiver, _arrival(received, at), refusal)
            if metrics:
                metrics.refused(refusal.status, refusal.code, time.perf_counter() - started)
            raise
        finally:
            g.milliseconds = round((time.perf_counter() - started) * 1000, 1)
        _log_receipt(receipt)
        if metrics:
            metrics.accepted(_label(receipt), time.perf_counter() - started, duplicate=receipt.duplicate)
        return _json(receipt.answer, 200)

    path = settings.webhook_path
    app.add_url_rule(
        path,
        view_func=webhook,
        methods=["POST"],
        provide_automatic_options=False,
        strict_slashes=not path.endswith("/"),  # else werkzeug redirects the path without the slash
    )


def _arrival(received: bytearray, at: datetime) -> Arrival:
    return Arrival(request.content_type, bytes(received), at, request.remote_addr)


def _read_body(received: bytearray, limit: int) -> None:
    """Append the body to `received`: what came of a broken one is kept. Raises BodyTooLarge, UnreadableBody.

    Read from the server itself: Werkzeug trusts it to deliver what Content-Length says, and cuts a chunked body short.
    """
    declared, source = request.content_length, request.environ["wsgi.input"]
    if declared is None and not request.environ.get("wsgi.input_terminated"):
        return  # no body, as far as such a server can tell
    too_large = BodyTooLarge(f"the body is over {limit:,} bytes")
    if declared is not None and declared > limit:
        raise too_large
    wanted = limit + 1 if declared is None else declared
    try:
        while len(received) < wanted and (piece := source.read(min(wanted - len(received), _READ_AT_ONCE))):
            received += piece
    except OSError as error:
        raise UnreadableBody("the body did not come to its end", code="truncated-body") from error
    except ParseException as error:
        raise UnreadableBody("the chunked encoding of the body is broken", code="malformed-chunks") from error
    if declared is not None and len(received) < declared:
        raise UnreadableBody("the body ended before its Content-Length", code="truncated-body")
    if len(received) > limit:
        raise too_large


def _keep(receiver: Receiver, arrival: Arrival, refusal: Refusal) -> None:
    """Keep a refused request for the operator; it is refused all the same where that fails."""
    if refusal.kept:
        try:
            receiver.inbox.refuse(arrival, refusal)
        except StoreUnavailable as error:
            log.warning("refusal not kept", cause=error.cause)


def _add_health(app: Flask, receiver: Receiver) -> None:
    def alive() -> Response:
        return _json('{"status": "alive"}', 200)

    def ready() -> Response:
        receiver.inbox.check_writable(utc_now())
        background = receiver.background()
        return _json(json.dumps({"status": "ready"} | ({"background": background} if background else {})), 200)

    app.add_url_rule("/healthz", view_func=alive)
    app.add_url_rule("/readyz", view_func=ready)


def _add_errors(app: Flask) -> None:
    def refused(refusal: Refusal) -> Response:
        _log_refusal(refusal)
        return _problem(refusal)

    def unroutable(error: HTTPException) -> Response:
        if isinstance(error, WrongMethod):
            allowed = ", ".join(sorted(error.valid_methods or ()))
            detail = f"{request.method} is not answered at {shortened(request.path)}"
            response = _problem(MethodNotAllowed(detail, remedy=f"use {allowed}"))
            response.headers["Allow"] = allowed
            return response
        if isinstance(error, NoPage):
            nothing = NotFound(f"nothing is at {shortened(request.path)}")
            # A webhook sent to a wrong path is to be seen by its operator; who browses is not.
            return refused(nothing) if request.method == "POST" else _problem(nothing)
        if error.code and error.code < 500:
            return refused(BadRequest(error.name))
        return crashed(error)

    def crashed(error: Exception) -> Response:
        log.error("internal error", traceback=logs.traceback_of(error))
        return _problem(InternalError("an error that the receiver does not know; its log says more"))

    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, unroutable)
    app.register_error_handler(Exception, crashed)


def _problem(refusal: Refusal) -> Response:
    response = _json(json.dumps(refusal.document()), refusal.status, "problem+json")
    if isinstance(refusal, BodyTooLarge):
        response.headers["Connection"] = "close"  # the rest of the body is not read
    return response


def _json(text: str, status: int, subtype: str = "json") -> Response:
    return Response(text, status, content_type=f"application/{subtype}")


def _finish_headers(response: Response) -> Response:
    given = {name.lower() for name, _ in response.headers}
    response.headers.add(_REQUEST_ID, g.request_id)
    for name, value in _SECURITY.items():
        if name.lower() not in given:
            response.headers.add(name, value)
    return response


def _label(receipt: Receipt) -> str:
    event_type = receipt.event.event_type
    return event_type.label if event_type is not None else "none"


def _log_receipt(receipt: Receipt) -> None:
    log.info(
        "accepted",
        delivery=receipt.stored.id,
        call=receipt.event.id and shortened(receipt.event.id),
        type=_label(receipt),
        from_nr=receipt.event.from_nr and shortened(receipt.event.from_nr),
        duplicate=receipt.duplicate,
        revision=receipt.stored.revision,
        signed_by=receipt.signed_by.fingerprint[:16] if receipt.signed_by else None,
        missing_names=receipt.missing,
        unexpected_names=[shortened(name) for name in receipt.unexpected[:_NAMES_LOGGED]],
        ms=g.get("milliseconds"),
    )


def _log_refusal(refusal: Refusal) -> None:
    log.warning(
        "refused",
        status=refusal.status,
        code=refusal.code,
        detail=refusal.detail,
        remedy=refusal.remedy,
        evidence=refusal.evidence,
        ms=g.get("milliseconds"),
    )
