"""Calls: placed, listed with their appends and pictures, and each delivery whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from receiver import wire
from sender_sim.console.access import LONGEST_ADDRESS
from sender_sim.console.book import CallEntry, DeliveryEntry, Standing
from sender_sim.console.orders import BLANK, CALLS_AT_ONCE, KINDS, OrderError, made_up, order
from sender_sim.console.picture import Axis, Lane, around, fitting, lane, window
from sender_sim.console.reading import read
from sender_sim.console.simulation import Simulation
from sender_sim.console.state import Placed
from sender_sim.console.trouble import TROUBLES
from sender_sim.core.call import Call, Direction, Kind
from sender_sim.reports.reproduce import commands

__all__ = ["blueprint"]

_PAGE: Final = 20
_WINDOWS: Final = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the list is shown. Empty: everything."""

    text: str = ""
    kind: str = ""
    standing: str = ""

    def passes(self, entry: CallEntry) -> bool:
        """Whether a call is shown."""
        facts = entry.facts
        if self.kind and self.kind != kind_of(facts):
            return False
        if self.standing and self.standing != entry.standing:
            return False
        searched = (facts.id, facts.fsid, *facts.details.values(), *entry.appends)
        return not self.text or any(self.text.lower() in value.lower() for value in searched)


def kind_of(call: Call) -> str:
    """Its key in KINDS."""
    if call.kind is Kind.SMS:
        return "sms"
    return "outbound" if call.direction is Direction.OUTBOUND else "inbound"


def blueprint(simulation: Simulation) -> Blueprint:
    """The pages."""
    pages = Blueprint("calls", __name__)

    @pages.get("/calls")
    def show() -> str:
        form = request.args if "order" in request.args else {}
        return _list(simulation, form, _problems(form, simulation) if form else {})

    @pages.post("/calls")
    def place() -> Response | str:
        form = request.form
        try:
            placed = _ordered(form, simulation)
        except OrderError as error:
            filled = {name: value for name, value in form.items() if name != "token"}
            address = f"{url_for('.show')}?{urlencode({'order': '1'} | filled)}#place"
            return redirect(address) if len(address) <= LONGEST_ADDRESS else _list(simulation, form, error.problems)
        simulation.place(placed)
        if len(placed) != 1:
            flash(f"{len(placed)} calls are placed; they begin one after the other.")
            return redirect(url_for(".show"))
        flash("The call is placed.")
        return redirect(url_for(".show_call", name=placed[0].call.id))

    @pages.get("/calls/<path:name>")
    def show_call(name: str) -> str:
        with simulation.still():
            entry = simulation.book.calls.get(name) or abort(404, f"there is no call {name}")
            axis = fitting([entry], simulation.now)
            coming = [each for each in simulation.book.coming() if each.call == name]
            trouble = simulation.trouble(name)
            return render_template(
                "call.html",
                entry=entry,
                kind=KINDS[kind_of(entry.facts)],
                coming=coming,
                trouble=trouble,
                axis=axis,
                lanes=_lanes(entry, axis, simulation),
            )

    @pages.get("/deliveries/<path:name>")
    def show_delivery(name: str) -> str:
        with simulation.still():
            delivery = simulation.book.deliveries.get(name) or abort(404, f"there is no delivery {name}")
            return _delivery(delivery, simulation)

    return pages


def _ordered(form: Mapping[str, str], simulation: Simulation) -> list[Placed]:
    """The calls a form asks for. Raises OrderError."""
    if "count" in form:
        return made_up(form, simulation.now, simulation.random)
    return [order(form, simulation.now, simulation.random)]


def _problems(form: Mapping[str, str], simulation: Simulation) -> Mapping[str, str]:
    try:
        _ordered(form, simulation)
    except OrderError as error:
        return error.problems
    return {}


def _list(simulation: Simulation, form: Mapping[str, str], problems: Mapping[str, str]) -> str:
    seen = Filter(request.args.get("q", "").strip(), request.args.get("which", ""), request.args.get("standing", ""))
    page = max(1, request.args.get("page", 1, int))
    zoom = request.args.get("zoom", "fit")
    with simulation.still():
        found = [entry for entry in reversed(simulation.book.calls.values()) if seen.passes(entry)]
        shown = found[(page - 1) * _PAGE : page * _PAGE]
        now = simulation.now
        axis = window(now, _WINDOWS[zoom]) if zoom in _WINDOWS else fitting(shown, now)
        return render_template(
            "calls.html",
            silence=simulation.silence,
            rows=[(entry, kind_of(entry.facts), _lanes(entry, axis, simulation)) for entry in shown],
            axis=axis,
            found=len(found),
            total=len(simulation.book.calls),
            page=page,
            pages=max(1, -(-len(found) // _PAGE)),
            filter=seen,
            zoom=zoom,
            zooms=["fit", *_WINDOWS],
            kinds=KINDS,
            standings=list(Standing),
            troubles=TROUBLES,
            most=CALLS_AT_ONCE,
            stage=simulation.state.stage,
            form=_filled(form),
            problems=problems,
        )


def _filled(form: Mapping[str, str]) -> Mapping[str, str]:
    """What stands in the form that places a call: what was sent, or else what it begins with."""
    return form if "kind" in form else {**BLANK, **form}


def _lanes(entry: CallEntry, axis: Axis, simulation: Simulation) -> list[tuple[DeliveryEntry, Lane]]:
    return [(delivery, lane(delivery, entry, axis, simulation.now)) for delivery in entry.deliveries]


def _delivery(delivery: DeliveryEntry, simulation: Simulation) -> str:
    entry = simulation.book.calls[delivery.call]
    axis = around(delivery, entry, simulation.now)
    number = request.args.get("attempt", len(delivery.tries), int)
    shown: dict[str, Any] = {"attempt": None, "answer": None}
    if delivery.tries:
        if not 1 <= number <= len(delivery.tries):
            abort(404, f"there is no attempt {number} of {delivery.id}")
        shown = {"attempt": delivery.tries[number - 1], "answer": simulation.state.answer_to(delivery.id, number)}
    return render_template(
        "delivery.html",
        delivery=delivery,
        entry=entry,
        axis=axis,
        lane=lane(delivery, entry, axis, simulation.now),
        groups=list(_groups(delivery)),
        reading=read(delivery.request) if delivery.request else None,
        commands=list(commands(delivery.request, ca=simulation.options.ca)) if delivery.request else [],
        window=wire.RETRY_WINDOW,
        **shown,
    )


def _groups(delivery: DeliveryEntry) -> Iterator[list[Any]]:
    """Attempts in order, with those that follow each other and ended alike together."""
    group: list[Any] = []
    for each in delivery.tries:
        if group and group[-1].outcome != each.outcome:
            yield group
            group = []
        group.append(each)
    if group:
        yield group
