"""The pages: the list, a delivery, a refusal, the background jobs that failed. They read; nothing here writes."""

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from flask import Response, abort, get_flashed_messages, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from receiver import build, wire
from receiver.commands.shown import event_label
from receiver.config import Settings
from receiver.diagnosis import doctor
from receiver.inspector import curl, fields, listing, raw, report, rows, search, session
from receiver.inspector.visible import Hiding
from receiver.receive import Receiver
from receiver.replay import look
from receiver.store import queries

if TYPE_CHECKING:
    from receiver.jobs.queue import Job

__all__ = ["LIVE", "Pages"]

# A page that asks for itself again, to be brought up to date; it has If-None-Match.
LIVE: Final = "X-Inspector-Live"

# Seconds between two of these: what is found by an index, what is searched for, one row or the jobs.
_LIST_EVERY: Final = 2
_SEARCH_EVERY: Final = 10
_ROW_EVERY: Final = 5

_JOBS: Final = 100


class Pages:
    """What they show is the store's, seen with the receiver's settings."""

    def __init__(self, settings: Settings, receiver: Receiver) -> None:
        self._settings = settings
        self._receiver = receiver
        self._inbox = receiver.inbox
        self._setup = doctor.Setup(
            keys=settings.trusted_keys,
            profile=settings.profile,
            macro=settings.macro,
            accept_unsigned=not settings.trusted_keys,
            path=settings.webhook_path,
            max_body=settings.max_body,
        )
        # A diagnosis of a large body computes for seconds: one at a time.
        self._diagnosing = threading.BoundedSemaphore(1)

    def inbox(self) -> ResponseReturnValue:
        """The list of deliveries and refusals."""
        wanted = search.parse(request.args)
        tidy: dict[str, Any] = wanted.but()
        if request.args.to_dict(flat=False) != {name: [value] for name, value in tidy.items()}:
            return redirect(url_for("inspector.inbox", **tidy), 303)  # one state, one address
        with self._inbox.reading() as connection:
            found = listing.find(connection, wanted)
            counts = listing.counts(connection)
            background = self._receiver.jobs.overview(connection) if self._receiver.jobs else None
        hiding = _hiding("inbox")
        lines = [rows.line(row, hiding) for row in found.rows]
        return _page(
            "inbox",
            facts=([each.version for each in lines], found.next, counts, background),
            every=_SEARCH_EVERY if wanted.text or wanted.number else _LIST_EVERY,
            context=lambda: {
                "wanted": wanted,
                "lines": lines,
                "found": found,
                "counts": counts,
                "background": background,
                "states": search.STATES,
                "events": search.EVENTS,
                "codes": search.CODES,
                "signed": bool(self._settings.trusted_keys),
                "webhook": self._webhook(),
            },
        )

    def delivery(self, number: int) -> ResponseReturnValue:
        """One delivery."""
        row = self._one("deliveries", number)
        with self._inbox.reading() as connection:
            revisions = listing.revisions(connection, row["key"])
        return _page(
            "delivery",
            name=f"delivery {number}",
            facts=(row["state"], row["last_seen"], row["handled_at"], row["body"] is None, len(revisions)),
            every=_ROW_EVERY,
            context=lambda: {
                "row": row,
                "revisions": revisions,
                "event": event_label(row),
                "background": self._receiver.router.background.names_for(row["event_type"]),
                "steps": report.of_delivery(row, revisions, self._settings, self._receiver.router),
                "seen": _attempts(row),
                "values": fields.typed(row, self._settings.macro),
                "wire_values": fields.wire_values(row),
                "numbers": fields.number_names(self._settings.macro),
                "replay": look(self._inbox, self._receiver.router, number, build.utc_now()),
                **self._bytes("delivery", row),
            },
        )

    def refusal(self, number: int) -> ResponseReturnValue:
        """One refused request; with `?diagnosis=run` the doctor looks at it."""
        row = self._one("refusals", number)
        asked = request.args.get("diagnosis") == "run"
        return _page(
            "refusal",
            name=f"refusal {number}",
            facts=(row["last_seen"], row["count"], asked),
            every=0,
            context=lambda: {
                "row": row,
                "steps": report.of_refusal(row),
                "asked": asked,
                "diagnosis": self._diagnosis(row) if asked else None,
                **self._bytes("refusal", row),
            },
        )

    def jobs(self) -> ResponseReturnValue:
        """The background jobs that were given up."""
        if self._receiver.jobs is None:
            abort(404)
        with self._inbox.reading() as connection:
            overview = self._receiver.jobs.overview(connection)
        failed: Sequence[Job] = self._receiver.jobs.newest(_JOBS, failed=True)
        return _page(
            "jobs",
            facts=(overview, [job.id for job in failed]),
            every=_ROW_EVERY,
            context=lambda: {"overview": overview, "failed": failed},
        )

    def _one(self, table: str, number: int) -> dict[str, Any]:
        with self._inbox.reading() as connection:
            try:
                return queries.one(connection, table, number)
            except queries.NotFound:
                abort(404)

    def _bytes(self, page: str, row: dict[str, Any]) -> dict[str, Any]:
        """A request's body as the page shows it, the addresses of its other parts, and how to send it again."""
        body, start = row["body"], request.args.get("from", 0, type=int)

        def at(**changed: Any) -> str:
            asked = {name: request.args.get(name) for name in ("view", "from", "diagnosis")} | changed
            return url_for(f"inspector.{page}", number=row["id"], **{name: to for name, to in asked.items() if to})

        return {
            "view": "hex" if request.args.get("view") == "hex" else "text",
            "at": at,
            "window": None if body is None else raw.window(body, start, _hiding(f"{page} {row['id']}")),
            "curl": None if body is None else curl.command(self._webhook(), row["content_type"], body),
            "retry": wire.RETRY_INTERVAL,
            "given_up": row["first_seen"] + wire.RETRY_WINDOW,
        }

    def _webhook(self) -> str:
        return f"{request.host_url.rstrip('/')}{request.script_root}{self._settings.webhook_path}"

    def _diagnosis(self, row: dict[str, Any]) -> doctor.Report | None:
        """The doctor's report with the settings as they are; None: another one is being made."""
        if not self._diagnosing.acquire(blocking=False):
            return None
        try:
            return doctor.diagnose(row["content_type"], row["body"], self._setup, now=build.utc_now())
        finally:
            self._diagnosing.release()


def _attempts(row: dict[str, Any]) -> list[tuple[int, datetime, str]]:
    """Number, time and distance from the one before of each attempt whose time is kept."""
    seen = [datetime.fromisoformat(each) for each in json.loads(row["seen"])]
    first = row["attempts"] - len(seen) + 1
    gaps = ["", *(_span(later - earlier) for earlier, later in pairwise(seen))]
    return [(first + at, moment, gap) for at, (moment, gap) in enumerate(zip(seen, gaps, strict=True))]


def _span(gap: Any) -> str:
    seconds = int(gap.total_seconds())
    parts = ((seconds // 86_400, "d"), (seconds // 3_600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def _hiding(name: str) -> Hiding:
    return Hiding(numbers_shown=session.numbers_shown_until(name, build.utc_now()) is not None)


def _page(
    template: str, *, facts: object, every: int, context: Callable[[], dict[str, Any]], name: str = ""
) -> Response:
    """The page; 304 where its reader has it. `facts` are what it shows that may change, `every` how often to ask.

    `context` is called for a page that is sent: a body may take a while to read, and an open page asks all the time.
    """
    name = name or template
    until = session.numbers_shown_until(name, build.utc_now())
    tag = hashlib.sha256(repr((request.full_path, facts, until, session.csrf_token())).encode("utf-8", "replace"))
    live = LIVE in request.headers
    if live and request.if_none_match.contains(tag.hexdigest()):
        response = make_response("", 304)
    else:
        messages = [] if live else get_flashed_messages(with_categories=True)
        show = Hiding(numbers_shown=until is not None)
        shown = 1 + int((until - build.utc_now()).total_seconds()) if until else 0
        text = render_template(
            f"inspector/{template}.html",
            page=name,
            every=every,
            until=until,
            shown=shown,
            messages=messages,
            show=show,
            **context(),
        )
        response = make_response(text)
    response.set_etag(tag.hexdigest())
    return response
