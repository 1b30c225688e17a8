"""`receiver doctor`: why a captured request is refused, and what to change. Accepts and stores nothing."""

import json
import os
import sys
from typing import Final, NoReturn

import click
from marshmallow import fields
from sqlalchemy import select

from receiver import build, config, keys
from receiver.commands import counted, on_one_line, open_store, stop_at
from receiver.diagnosis import capture
from receiver.diagnosis.capture import Capture, NotACapture
from receiver.diagnosis.doctor import Report, Setup, State, diagnose
from receiver.errors import ConfigurationError, Problem, StoreUnavailable
from receiver.logs import mask
from receiver.store.tables import refusals

__all__ = ["doctor"]

_MAX_CAPTURE: Final = 128 * 1_048_576
# The settings a verdict depends on: a mistake in another one is `receiver check`'s to tell.
_SETTINGS: Final = (
    "KAISA_WEBHOOK_PATH",
    "KAISA_ALLOW_WEAK_KEYS",
    "KAISA_SIGNATURE_DIGEST",
    "KAISA_SIGNATURE_PADDING",
    "KAISA_SIGNATURE_ENCODING",
    "KAISA_MACRO",
    "KAISA_MAX_BODY",
)


@click.command()
@click.argument("file", required=False)
@click.option("--refusal", type=int, metavar="ID", help="A stored refusal instead of a file.")
@click.option(
    "--entry", type=click.IntRange(1), metavar="N", help="The N-th POST of a HAR file; the first if left out."
)
@click.option("--keys", "places", metavar="FILES", help="Keys to try; overrides KAISA_TRUSTED_KEYS.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="JSON: one object.")
@click.option("--show-numbers", is_flag=True, help="Do not mask phone numbers in the text.")
def doctor(
    file: str | None, refusal: int | None, entry: int | None, places: str | None, form: str, *, show_numbers: bool
) -> None:
    """Say why a captured request is refused, and what to change.

    FILE is a captured request: raw HTTP (request line, headers, body) or a HAR file; - reads standard input.
    Exit code 0: it would be accepted as configured. 1: it would not. 2: the command was misused.
    """
    if (file is None) == (refusal is None):
        raise click.UsageError("give a FILE or --refusal ID, one of them")
    if file is None and entry is not None:
        raise click.UsageError("--entry is for HAR files")
    captured = _stored(refusal) if refusal is not None else _read(file or "-", entry)
    report = diagnose(
        captured.content_type,
        captured.body,
        _setup(places),
        now=build.utc_now(),
        method=captured.method,
        path=captured.path,
        length=captured.length,
    )
    if form == "json":
        click.echo(json.dumps({"notes": captured.notes, **report.document()}))
    else:
        _print(report, captured.notes, show_numbers=show_numbers)
    sys.exit(1 if report.failed else 0)


def _read(file: str, entry: int | None) -> Capture:
    try:
        with click.open_file(file, "rb") as stream:
            data = stream.read(_MAX_CAPTURE + 1)
    except OSError as error:
        _misused(f"{file} cannot be read: {error.strerror}")
    except ValueError as error:
        _misused(f"{on_one_line(file)} cannot be read: {error}")  # a name with NUL in it
    if len(data) > _MAX_CAPTURE:
        _misused(f"{file} is over {_MAX_CAPTURE} bytes: cut the one request out of it")
    try:
        return capture.parse(data, entry=entry)
    except NotACapture as error:
        _misused(f"{file} {error}")


def _stored(refusal: int) -> Capture:
    inbox = open_store()
    wanted = select(refusals.c.content_type, refusals.c.body).where(refusals.c.id == refusal)
    try:
        with inbox.reading() as connection:
            row = connection.execute(wanted).one_or_none()
    except StoreUnavailable as error:
        _misused(f"the store cannot be read: {error.cause}")
    finally:
        inbox.close()
    if row is None:
        _misused(f"there is no refusal {refusal}: `receiver refusals list` lists them; the oldest are dropped")
    return Capture(row.content_type, row.body)


def _misused(what: str) -> NoReturn:
    raise click.UsageError(what)


def _setup(places: str | None) -> Setup:
    environ = {name: os.environ[name] for name in _SETTINGS if name in os.environ}
    try:
        # Without keys, so that those which cannot be trusted are a finding and not the end.
        settings = config.load({**environ, "KAISA_ACCEPT_UNSIGNED": "true"}, now=build.utc_now())
    except ConfigurationError as error:
        stop_at(error.problems)
        raise
    problems: list[Problem] = []
    places = os.environ.get("KAISA_TRUSTED_KEYS", "") if places is None else places
    trusted = keys.read_all(places, allow_weak=_flag("KAISA_ALLOW_WEAK_KEYS"), problems=problems)
    return Setup(
        keys=trusted,
        profile=settings.profile,
        macro=settings.macro,
        accept_unsigned=not places and _flag("KAISA_ACCEPT_UNSIGNED"),
        key_problems=tuple(problems),
        path=settings.webhook_path,
        max_body=settings.max_body,
    )


def _flag(name: str) -> bool:
    return os.environ.get(name, "") in fields.Boolean.truthy


def _print(report: Report, notes: tuple[str, ...], *, show_numbers: bool) -> None:
    def shown(text: str) -> str:
        return on_one_line(text if show_numbers else mask(text))

    for note in notes:
        click.echo(f"note: {shown(note)}")
    for step in report.steps:
        state = step.state.upper() if step.state == State.FAILED else step.state
        click.echo(f"{state:<14}  {step.name}: {shown(step.reason)}")
        if step.remedy:
            click.echo(f"{'':16}-> {shown(step.remedy)}")
    if report.failed:
        failed = ", ".join(step.name for step in report.failed)
        click.echo(f"A request like this is refused: {counted(len(report.failed), 'step')} failed ({failed}).")
    else:
        click.echo("A request like this is accepted as configured. Nothing was stored.")
