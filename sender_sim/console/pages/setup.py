"""Setup: the settings form (C2-C9), and the macro editor with its palette (C11) and a preview of what is sent."""

from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from receiver import wire
from receiver.wire import EventType
from sender_sim.console.access import LONGEST_ADDRESS
from sender_sim.console.draft import Draft, by_field
from sender_sim.console.preview import inserted, preview
from sender_sim.console.simulation import Simulation
from sender_sim.core.exchange import Exchange
from sender_sim.core.lifecycle import Stage, Step, possible
from sender_sim.settings import SettingsError

__all__ = ["blueprint"]

_EVENTS = {event_type.label: event_type for event_type in EventType}
_SAVES = {"save": Step.SAVE, "activate": Step.SAVE_AND_ACTIVATE}
_SAID = {
    Stage.SET_UP: "Saved. Data flows once the integration is activated.",
    Stage.ACTIVE: "Saved, and active: from now on data flows.",
}
_PROFILE = {"digest": wire.DIGESTS, "padding": wire.PADDINGS, "encoding": wire.SIGNATURE_ENCODINGS}


def blueprint(simulation: Simulation) -> Blueprint:
    """The pages."""
    pages = Blueprint("setup", __name__)

    @pages.get("/setup")
    def show() -> str:
        draft = Draft.from_form(request.args) if "draft" in request.args else None
        problems = simulation.problems_of(draft) if draft and "tried" in request.args else ()
        return _page(simulation, draft, by_field(problems))

    @pages.post("/setup")
    def change() -> Response | str:
        draft, action = Draft.from_form(request.form), request.form.get("action", "")
        if action not in _SAVES:
            return _onward(simulation, _edited(draft, action))
        try:
            stage = simulation.take(_SAVES[action], draft)
        except SettingsError:
            return _onward(simulation, draft, tried=True)
        flash(_SAID[stage])
        return redirect(url_for(".show"))

    @pages.post("/setup/preview")
    def show_preview() -> str:
        return render_template("preview.html", **_shown(simulation, Draft.from_form(request.form)))

    return pages


def _address(draft: Draft, *, tried: bool = False) -> str:
    """Where the form stands as it was filled in, saved or not; with its mistakes, if saving it was tried."""
    query = {"draft": "1", "event": _event().label} | draft.as_query() | ({"tried": "1"} if tried else {})
    return f"{url_for('setup.show')}?{urlencode(query)}"


def _onward(simulation: Simulation, draft: Draft, *, tried: bool = False) -> Response | str:
    """On with the form as it was filled in: at its address, or here where that is too long."""
    address = _address(draft, tried=tried)
    if len(address) <= LONGEST_ADDRESS:
        return redirect(address)
    return _page(simulation, draft, by_field(simulation.problems_of(draft) if tried else ()))


def _event() -> EventType:
    return _EVENTS.get(request.values.get("event", ""), EventType.POST_CALL)


def _edited(draft: Draft, action: str) -> Draft:
    """What a button without a script does to the macro: adds to it, or begins it with the default."""
    verb, _, name = action.partition(":")
    if verb == "insert" and name in {field.name for field in wire.FIELDS}:
        return replace(draft, macro=inserted(draft.macro, name))
    return replace(draft, macro=wire.DEFAULT_MACRO) if verb == "default" else draft


def _shown(simulation: Simulation, draft: Draft) -> dict[str, Any]:
    """What the page shows of a draft, and changes while it is typed."""
    saved = simulation.saved
    return {
        "preview": preview(draft, _event(), simulation.now),
        "address": _address(draft),
        "saved": saved,
        "unsaved": draft.differing(saved.draft) if saved else [],
    }


def _page(simulation: Simulation, draft: Draft | None, problems: dict[str, list[str]]) -> str:
    with simulation.still():
        stage, history, tests = simulation.state.stage, simulation.state.settings(), simulation.state.tests()
    shown = draft or (history[-1].draft if history else simulation.options.first)
    changes = [now.draft.differing(before.draft) for before, now in pairwise(history)]
    return render_template(
        "setup.html",
        stage=stage,
        may_save=Step.SAVE in possible(stage),
        draft=shown,
        history=list(zip(history, [None, *changes], strict=False))[::-1],
        tests=[(test, Exchange(test.request, test.outcome)) for test in tests],
        problems=problems,
        default_macro=wire.DEFAULT_MACRO,
        profile=_PROFILE,
        events=list(_EVENTS),
        event=_event().label,
        **_shown(simulation, shown),
    )
