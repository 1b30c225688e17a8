"""What people write in files and flags, read with marshmallow: every mistake at once, with place and near misses."""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, cast

from marshmallow import Schema, ValidationError, fields, validate

from sender_sim.core import spans

__all__ = ["SettingsError", "Span", "collected", "flag", "near_miss", "number", "one_of", "text", "toml", "typed"]

T = TypeVar("T")


class SettingsError(ValueError):
    """Settings that cannot be used; `problems` holds every mistake, each with its place and remedy."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def collected(problems: list[str], read: Callable[[], T]) -> T | None:
    """What is read; if it cannot be, None, and its mistakes join `problems`, so that the rest is read too."""
    try:
        return read()
    except SettingsError as error:
        problems.extend(error.problems)
        return None


def toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file. Raises SettingsError."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError([f"{path} cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path} is not TOML: {error}"]) from None


def typed(
    schema: Schema, values: Mapping[str, Any], prefix: str, problems: list[str], *, kind: str = "a setting"
) -> dict[str, Any]:
    """Values by name; what cannot be read counts as its default, so that the other mistakes are found too.

    `prefix` is where the values stand, `kind` what a name is called that the schema does not know.
    """
    problems.extend(_misspelt(values, tuple(schema.load_fields), prefix, kind))
    defaults = cast("dict[str, Any]", schema.load({}))
    try:
        return defaults | cast("dict[str, Any]", schema.load(values))
    except ValidationError as error:
        for name, messages in cast("dict[str, list[str]]", error.messages).items():
            problems.append(f"{prefix}{name}: {values[name]!r} {' and '.join(messages)}")
        return defaults | cast("dict[str, Any]", error.valid_data)


def near_miss(name: str, known: Iterable[str], prefix: str = "") -> str:
    """What was probably meant, or else everything there is."""
    names = tuple(known)
    near = get_close_matches(name, names, n=1)
    return f"did you mean {prefix}{near[0]}?" if near else "known: " + ", ".join(names)


def text() -> fields.String:
    """A field of text; None if it is not there."""
    return fields.String(load_default=None, error_messages={"invalid": "is not text"})


def one_of(choices: Iterable[str], *, default: str | None) -> fields.String:
    """A field of one of some words."""
    words = tuple(choices)
    wrong = f"is none of {', '.join(words)}"
    return fields.String(
        load_default=default, validate=validate.OneOf(words, error=wrong), error_messages={"invalid": wrong}
    )


def flag(*, default: bool | None) -> fields.Boolean:
    """A field that is true or false, and nothing like it."""
    return fields.Boolean(load_default=default, pre_load=_true_or_false)


def number(default: float | None, least: float, most: float, wrong: str, *, least_too: bool = True) -> fields.Float:
    """A field of a number from `least` to `most`; `wrong` says what is asked for."""
    return fields.Float(
        load_default=default,
        validate=validate.Range(least, most, min_inclusive=least_too, error=wrong),
        error_messages={"invalid": wrong, "special": wrong},
    )


class Span(fields.Field[Any]):
    """A field of a length of time such as `1d12h`."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        try:
            return spans.parse(str(value))
        except ValueError as error:
            raise ValidationError(str(error)) from None


def _true_or_false(value: object) -> object:
    if not isinstance(value, bool):
        raise ValidationError("is neither true nor false")
    return value


def _misspelt(values: Mapping[str, Any], known: tuple[str, ...], prefix: str, kind: str) -> Iterator[str]:
    for name in values:
        if name not in known:
            yield f"{prefix}{name}: is not {kind}; {near_miss(name, known, prefix)}"
