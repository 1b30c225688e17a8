"""The macro under the cursor: what is wrong with it and where, which macros it uses (C11), the bytes it sends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from receiver import macro, wire
from receiver.macro import MacroError, MacroProblem
from receiver.wire import EventType
from sender_sim.console.draft import Draft, by_field
from sender_sim.core import synthetic
from sender_sim.core.delivery import Request
from sender_sim.core.engine import request_for
from sender_sim.settings import SettingsError

__all__ = ["Chip", "Mark", "Preview", "Problem", "inserted", "preview"]

_KNOWN: Final = tuple(field.name for field in wire.FIELDS)
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_NOWHERE: Final = "https://your-endpoint.example/webhook"


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of the macro's text; `kind` is `plain`, `known` or `wrong`."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in the macro, and what to write instead, if that is clear."""

    line: int
    column: int
    message: str
    excerpt: str
    instead: str


@dataclass(frozen=True, slots=True)
class Chip:
    """One macro of the palette."""

    name: str
    meaning: str
    used: bool
    available: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """`payload` is what is signed; `unsigned` says why nothing is, though it is asked for."""

    marks: list[Mark]
    problems: list[Problem]
    palette: list[Chip]
    event_type: EventType
    request: Request | None = None
    payload: bytes | None = None
    unsigned: str = ""

    @property
    def request_body(self) -> bytes | None:
        """The exact bytes that are sent; None until the macro is right."""
        return self.request.body if self.request else None


def preview(draft: Draft, event_type: EventType, now: datetime) -> Preview:
    """What the draft's macro comes to. Never raises, whatever the draft holds."""
    text = draft.macro or wire.DEFAULT_MACRO
    problems = _problems(text, recording=draft.wait_for_recording)
    seen = Preview(list(_marks(text, problems)), list(map(_problem, problems)), _palette(draft, text), event_type)
    if problems:
        return seen
    # What is wrong elsewhere in the form does not keep the macro from being shown.
    lone = Draft(url=_NOWHERE, macro=draft.macro, json=draft.json, wait_for_recording=draft.wait_for_recording)
    signed = replace(draft, url=_NOWHERE)
    unsigned = ""
    bare = lone.load(active=True, allow_http=False)
    integration = bare
    try:
        integration = signed.load(active=True, allow_http=False)
    except SettingsError as error:
        unsigned = "; ".join(words for problems in by_field(error.problems).values() for words in problems)
    recorded = draft.wait_for_recording and event_type is EventType.POST_CALL
    call, recording = synthetic.sample(now), "rec-test-request" if recorded else ""
    request = request_for(call, event_type, integration, recording_id=recording)
    payload = request_for(call, event_type, bare, recording_id=recording).body if integration.signer else None
    return replace(seen, request=request, payload=payload, unsigned=unsigned)


def inserted(text: str, name: str) -> str:
    """The macro with one more pair at its end; an empty one begins as Kaisa's default."""
    begun = text or wire.DEFAULT_MACRO
    return f"{begun}{'' if begun.endswith('&') else '&'}{name}={{{name}}}"


def _problems(text: str, *, recording: bool) -> tuple[MacroProblem, ...]:
    try:
        macro.parse(text, recording=recording)
    except MacroError as error:
        return error.problems
    return ()


def _problem(found: MacroProblem) -> Problem:
    marked = _PLACEHOLDER.match(found.excerpt.split("\n")[0], found.column + 1)
    near = get_close_matches(marked[1].lower(), _KNOWN, n=1, cutoff=0.5) if marked else []
    instead = near[0] if marked and near and marked[1] not in _KNOWN else ""
    return Problem(found.line, found.column, found.message, found.excerpt, instead)


def _palette(draft: Draft, text: str) -> list[Chip]:
    used = set(_PLACEHOLDER.findall(text))
    return [
        Chip(
            field.name,
            field.meaning,
            field.name in used,
            field.name != wire.RECORDING_FIELD or draft.wait_for_recording,
        )
        for field in wire.FIELDS
    ]


def _marks(text: str, problems: tuple[MacroProblem, ...]) -> Iterator[Mark]:
    """The text in pieces: mistakes, macros that are right, and what is neither."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    kinds = ["plain"] * len(text)
    for found in _PLACEHOLDER.finditer(text):
        if found[1] in _KNOWN:
            kinds[found.start() : found.end()] = ["known"] * len(found[0])
    for problem in problems:
        at, carets = starts[problem.line - 1] + problem.column - 1, problem.excerpt.rpartition("\n")[2].count("^")
        kinds[at : at + carets] = ["wrong"] * len(kinds[at : at + carets])
    begin = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or kinds[at] != kinds[begin]:
            yield Mark(text[begin:at], kinds[begin])
            begin = at
