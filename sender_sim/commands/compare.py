"""`sender-sim compare`: a real request of Kaisa beside what the simulator would send with the same settings."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sender_sim.compare import capture, comparison
from sender_sim.compare.capture import Captured, NotACapture
from sender_sim.compare.comparison import Comparison, Settings
from sender_sim.compare.model import Difference
from sender_sim.compare.signature import NotAKey, public_keys
from sender_sim.core.sign import Profile
from sender_sim.options import output_format, unsigned, what_is_sent_options
from sender_sim.reports.printable import printable
from sender_sim.settings import SettingsError

__all__ = ["compare"]

_SHOWN: Final = 300
_FILE: Final = click.Path(path_type=Path)


@click.command()
@click.argument("captured", metavar="CAPTURE", type=_FILE)
@what_is_sent_options
@click.option("--trust", type=_FILE, help="Verify signatures with the public keys or certificates in this PEM file.")
@click.option("--entry", type=click.IntRange(1), metavar="N", help="The N-th request of a HAR file.")
@output_format
def compare(captured: Path, trust: Path | None, entry: int | None, form: str, **options: Any) -> None:
    """List every difference between a captured request of Kaisa and what would be sent with the same settings.

    CAPTURE is raw HTTP/1.1 (request line, headers, an empty line, the body byte for byte) or a HAR file; - reads
    standard input. What the call's values are is no difference, how they are written is. With --sign or --trust a
    signed request is expected; nothing is signed, so any key will do for --sign.

    Exit codes: 0 there is no difference, 1 there are some, 2 the command was misused.
    """
    settings = _settings(trust, **options)
    found = comparison.compare(_captured(captured, entry), settings)
    if form == "json":
        click.echo(json.dumps(_as_dict(found)))
    else:
        click.echo("\n".join(printable(line) for line in _lines(found)))
    sys.exit(1 if found.differences else 0)


def _settings(trust: Path | None, **options: Any) -> Settings:
    """What to compare with. Raises SettingsError with every mistake."""
    problems: list[str] = []
    expected = None
    keys: tuple[RSAPublicKey, ...] = ()
    try:
        expected = unsigned(**options)
    except SettingsError as error:
        problems.extend(error.problems)
    try:
        keys = public_keys(trust.read_bytes()) if trust else ()
    except OSError as error:
        problems.append(f"--trust: {trust} cannot be read: {error.strerror}; name a PEM file with Kaisa's public key")
    except NotAKey as error:
        problems.append(f"--trust: {trust} {error}")
    if expected is None or problems:
        raise SettingsError(problems)
    integration, profile = expected
    profile = profile or (Profile() if trust else None)
    return Settings(integration.macro, integration.encoding, profile, keys, integration.url or None)


def _captured(file: Path, entry: int | None) -> Captured:
    try:
        with click.open_file(str(file), "rb") as stream:
            return capture.read(stream.read(capture.LONGEST + 1), entry=entry)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None
    except NotACapture as error:
        raise click.UsageError(f"{file} {error}") from None


def _as_dict(found: Comparison) -> dict[str, Any]:
    return {
        "differences": [asdict(each) for each in found.differences],
        "notes": list(found.notes),
        "body": _text(found.body),
        "rebuilt": None if found.rebuilt is None else _text(found.rebuilt),
        "differs_at": found.differs_at,
    }


def _lines(found: Comparison) -> Iterator[str]:
    for difference in found.differences:
        yield from _paragraph(difference)
    for note in found.notes:
        yield f"note: {note}"
    if not found.differences:
        yield "No difference: with these settings the simulator would send the same."
        return
    count = len(found.differences)
    body = "" if found.differs_at is None else f"; the bodies differ from byte {found.differs_at} on (the first is 0)"
    yield f"{count} {'difference' if count == 1 else 'differences'}{body}"


def _paragraph(difference: Difference) -> Iterator[str]:
    where = f", in {', '.join(difference.where)}" if difference.where else ""
    yield f"DIFFERENT  {difference.what}{where}"
    yield f"           Kaisa:     {_shortened(difference.kaisa)}"
    yield f"           simulator: {_shortened(difference.simulator)}"
    yield f"           -> {difference.change}"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


def _text(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")
