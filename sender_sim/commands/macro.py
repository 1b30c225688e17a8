"""`sender-sim macro`: what a macro sends, or what is wrong with it (C3, C11)."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from receiver import wire
from receiver.macro import Macro, MacroError, MacroProblem, Pair, parse
from receiver.wire import EventType
from sender_sim.core import encode, synthetic
from sender_sim.core.delivery import Request
from sender_sim.core.engine import request_for
from sender_sim.core.integration import Integration
from sender_sim.core.sign import Signer
from sender_sim.options import output_format, recording_option, signature_options, signer
from sender_sim.reports.printable import blotted, printable
from sender_sim.settings import SettingsError

__all__ = ["macro"]

# The sample is the same whenever it is asked for, so that two outputs can be compared.
_SAMPLE_START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_SAMPLE_RECORDING: Final = "rec-test-request"
_UNSIGNED: Final = "Signed: give --sign KEY to see it; `sender-sim certs` mints a key to try it with"


@click.command()
@click.argument("text", required=False)
@click.option("--file", type=click.Path(path_type=Path), help="Read the macro from this file; - is standard input.")
@recording_option
@signature_options
@output_format
def macro(text: str | None, file: Path | None, wait_for_recording: bool | None, form: str, **signature: Any) -> None:
    """Show what a macro sends: its pairs, the fields it uses, and the exact bytes of a sample call.

    TEXT is the macro, - reads standard input; without one, Kaisa's default macro is shown.

    Exit codes: 0 the macro is good, 2 it has mistakes.
    """
    text = _text(text, file)
    parsed = signs = None
    mistakes: tuple[MacroProblem, ...] = ()
    problems: tuple[str, ...] = ()
    try:
        parsed = parse(text, recording=bool(wait_for_recording))
    except MacroError as error:
        mistakes = error.problems
    try:
        signs = signer(**signature)
    except SettingsError as error:
        problems = error.problems
    if parsed is None or problems:
        _refuse(text, mistakes, problems, form)
    else:
        _show(parsed, _samples(parsed, signs), form)


def _text(text: str | None, file: Path | None) -> str:
    """The macro, from wherever it was given."""
    if file is None and text != "-":
        return wire.DEFAULT_MACRO if text is None else text
    if file is not None and text is not None:
        raise click.UsageError("give the macro as TEXT or with --file, not both")
    name = "-" if file is None else str(file)
    try:
        with click.open_file(name, "rb") as stream:
            content: bytes = stream.read()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise click.UsageError(f"{name} cannot be read: {error.strerror}") from None
    except ValueError as error:  # no UTF-8, or a name that no file has
        raise click.UsageError(f"{name} cannot be read as UTF-8 text: {error}") from None


def _refuse(text: str, mistakes: tuple[MacroProblem, ...], problems: tuple[str, ...], form: str) -> None:
    if form == "json":
        click.echo(json.dumps({"good": False, "text": text, "problems": [asdict(mistake) for mistake in mistakes]}))
        mistakes = ()
    for problem in (*map(str, mistakes), *problems):
        click.echo(blotted(problem), err=True)
    sys.exit(2)


def _samples(parsed: Macro, signs: Signer | None) -> dict[str, Request]:
    """A sample post-call in every shape it can have, by what the shape is called."""
    signers = {"": None} | ({"signed ": signs} if signs else {})
    call, samples = synthetic.sample(_SAMPLE_START), {}
    for prefix, by in signers.items():
        for encoding in wire.CONTENT_TYPES:
            settings = Integration(url="", macro=parsed, encoding=encoding, signer=by)
            request = request_for(call, EventType.POST_CALL, settings, recording_id=_SAMPLE_RECORDING)
            samples[prefix + encoding] = request
    return samples


def _show(parsed: Macro, samples: dict[str, Request], form: str) -> None:
    if form == "json":
        click.echo(json.dumps(_as_dict(parsed, samples)))
        return
    colour = False if os.environ.get("NO_COLOR") else None  # None: if the terminal has any
    for line in _lines(parsed, samples):
        click.echo(line, color=colour)


def _as_dict(parsed: Macro, samples: dict[str, Request]) -> dict[str, Any]:
    fields = [{"name": each.name, "meaning": each.meaning, "used": each.name in parsed.fields} for each in wire.FIELDS]
    templates = dict(encode.expand(parsed, encode.AS_WRITTEN))
    pairs = [
        {"wire_name": pair.wire_name, "template": templates[pair.wire_name], "fields": list(pair.placeholders)}
        for pair in parsed.pairs
    ]
    return {
        "good": True,
        "text": parsed.text,
        "problems": [],
        "pairs": pairs,
        "fields": fields,
        "notes": list(_notes(parsed)),
        "samples": {
            shape.replace(" ", "_"): {"content_type": request.content_type, "body": request.body.decode("ascii")}
            for shape, request in samples.items()
        },
    }


def _lines(parsed: Macro, samples: dict[str, Request]) -> Iterator[str]:
    width = max(len(printable(pair.wire_name)) for pair in parsed.pairs)
    yield "Sent, in this order:"
    for pair, (name, template) in zip(parsed.pairs, encode.expand(parsed, encode.AS_WRITTEN), strict=True):
        row = f"  {printable(name):<{width}} = {printable(template)}"
        yield f"{row}  ({_remark(pair)})" if len(pair.placeholders) != 1 else row
    yield from _palette("Used:", parsed, used=True)
    yield from _palette("Not used:", parsed, used=False)
    for note in _notes(parsed):
        yield f"note: {note}"
    for shape, request in samples.items():
        yield f"\nA sample as {shape} ({request.content_type}, {len(request.body)} bytes):"
        yield request.body.decode("ascii")  # the encoders leave nothing else
    if len(samples) == len(wire.CONTENT_TYPES):
        yield f"\n{_UNSIGNED}"


def _remark(pair: Pair) -> str:
    return "several fields: read back only as a whole" if pair.placeholders else "literal text"


def _palette(title: str, parsed: Macro, *, used: bool) -> Iterator[str]:
    """The fields that are used, in green as in Kaisa's editor (C11), or those that are not; with their meaning."""
    width = max(len(field.name) for field in wire.FIELDS) + 2
    fields = [field for field in wire.FIELDS if (field.name in parsed.fields) is used]
    yield title if fields else f"{title} none"
    for field in fields:
        name = f"{f'{{{field.name}}}':<{width}}"
        yield f"  {click.style(name, fg='green') if used else name}  {field.meaning}"


def _notes(parsed: Macro) -> Iterator[str]:
    """What is no mistake and worth knowing."""
    missing = [f"{{{name}}}" for name in ("id", "event_type") if name not in parsed.sources]
    if missing:
        yield (
            f"{' and '.join(missing)} cannot be read back: a receiver tells a repeated delivery from a new one only by "
            "its bytes"
        )
