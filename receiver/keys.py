"""Files and folders -> trusted keys. What cannot be trusted with is noted, not raised: the rest is read too."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from receiver.errors import Problem
from receiver.signature import KeyUnusable, TrustedKey, read_pem

__all__ = ["read_all"]

_WHERE: Final = "KAISA_TRUSTED_KEYS"
_SUFFIXES: Final = (".pem", ".crt", ".cer", ".pub")


def read_all(places: str, *, allow_weak: bool, problems: list[Problem]) -> tuple[TrustedKey, ...]:
    """The keys in comma-separated files and folders; in a folder, of files that end in .pem, .crt, .cer or .pub.

    `old.pem;from=2026-01-01;until=2026-02-01T12:00` is trusted in that time only (UTC), inside the dates of its
    certificate if it is one. A key that stands in several files is taken once.
    """
    keys: dict[tuple[object, ...], TrustedKey] = {}
    for place in filter(None, (part.strip() for part in places.split(","))):
        name, *options = place.split(";")
        window = _window(place, options, problems)
        for path in _files(name.strip(), problems):
            for key in _read(path, problems, allow_weak=allow_weak):
                limited = key.limited(window.get("from"), window.get("until"))
                keys.setdefault((limited.fingerprint, limited.not_before, limited.not_after), limited)
    return tuple(keys.values())


def _window(place: str, options: list[str], problems: list[Problem]) -> dict[str, datetime]:
    window: dict[str, datetime] = {}
    for option in options:
        name, _, text = (part.strip() for part in option.partition("="))
        try:
            moment = datetime.fromisoformat(text) if name in ("from", "until") else None
        except ValueError:
            moment = None
        if moment is None:
            remedy = "write FILE;from=2026-01-31;until=2026-02-28T12:00, times in UTC"
            problems.append(Problem(_WHERE, f"{option.strip()!r} in {place!r} is no limit in time", remedy))
        else:
            window[name] = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return window


def _read(path: Path, problems: list[Problem], *, allow_weak: bool) -> tuple[TrustedKey, ...]:
    try:
        return read_pem(str(path), path.read_bytes(), allow_weak=allow_weak)
    except KeyUnusable as error:
        problems.append(Problem(_WHERE, str(error), "name Kaisa's key file alone, or mend or remove this one"))
    except OSError as error:
        problems.append(Problem(_WHERE, f"{path} cannot be read: {error.strerror}", "let the receiver read it"))
    return ()


def _files(place: str, problems: list[Problem]) -> Iterator[Path]:
    path = Path(place)
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())
        if not found:
            remedy = "put Kaisa's public key or certificate there"
            problems.append(Problem(_WHERE, f"{place} holds no file that ends in {', '.join(_SUFFIXES)}", remedy))
        yield from found
    elif path.exists():
        yield path
    else:
        what = f"{place} does not exist (looked in {path.absolute().parent})"
        remedy = "name the file with Kaisa's public key or certificate, or its folder"
        problems.append(Problem(_WHERE, what, remedy))
