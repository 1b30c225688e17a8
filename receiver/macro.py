"""The macro language: `wire_name=text with {field}` pairs joined by `&` (C3).

`parse` reads a macro and reports every mistake with its place; `Macro.read` maps what arrived back to fields.
Line breaks around a pair are layout; everything else in it is sent as it stands.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from receiver import wire

__all__ = ["Macro", "MacroError", "MacroProblem", "Pair", "Placeholder", "Reading", "parse"]

_KNOWN = tuple(field.name for field in wire.FIELDS)
_LAYOUT = re.compile(r"\A[ \t]*\r?\n\s*|[ \t]*\r?\n\s*\Z")
_TOKEN = re.compile(r"(?P<text>[^{}]+)|\{(?P<name>[^{}]*)\}|(?P<stray>[{}])")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{name}`: where the value of a field goes."""

    name: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One `wire_name=template` of a macro; the template is literal text and placeholders, in order."""

    wire_name: str
    template: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the fields in the template, in order."""
        return tuple(part.name for part in self.template if isinstance(part, Placeholder))

    def extract(self, value: object) -> object | None:
        """The field's value inside `value`, for a template of one placeholder; None if its literal text differs."""
        if len(self.template) == 1:
            return value
        if not isinstance(value, str):
            return None
        texts = [part if isinstance(part, str) else None for part in self.template]
        at = texts.index(None)
        prefix, suffix = "".join(filter(None, texts[:at])), "".join(filter(None, texts[at:]))
        if len(value) < len(prefix) + len(suffix) or not (value.startswith(prefix) and value.endswith(suffix)):
            return None
        return value[len(prefix) : len(value) - len(suffix)]


@dataclass(frozen=True, slots=True)
class Reading:
    """What arrived, sorted by a macro: by field, and the wire names that are missing, not in it or do not fit it."""

    fields: dict[str, object]
    unexpected: tuple[str, ...]
    missing: tuple[str, ...]
    mismatched: tuple[str, ...]


@dataclass(frozen=True)
class Macro:
    """A parsed macro."""

    text: str
    pairs: tuple[Pair, ...]

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields used anywhere in the macro."""
        return frozenset(name for pair in self.pairs for name in pair.placeholders)

    @cached_property
    def wire_names(self) -> dict[str, Pair]:
        """Every name that is sent, in order, and its pair."""
        return {pair.wire_name: pair for pair in self.pairs}

    @cached_property
    def sources(self) -> dict[str, Pair]:
        """Field -> the pair it is read from: the first one that carries that field and no other."""
        sources: dict[str, Pair] = {}
        for pair in self.pairs:
            if len(pair.placeholders) == 1:
                sources.setdefault(pair.placeholders[0], pair)
        return sources

    def read(self, values: Mapping[str, object]) -> Reading:
        """Map wire values back to fields. What combines several fields or none is no field's value."""
        fields: dict[str, object] = {}
        mismatched: list[str] = []
        for name, pair in self.sources.items():
            if pair.wire_name not in values:
                continue
            value = pair.extract(values[pair.wire_name])
            if value is None:
                mismatched.append(pair.wire_name)
            else:
                fields[name] = value
        unexpected = tuple(name for name in values if name not in self.wire_names)
        missing = tuple(name for name in self.wire_names if name not in values)
        return Reading(fields, unexpected, missing, tuple(mismatched))


@dataclass(frozen=True, slots=True)
class MacroProblem:
    """One mistake: where it stands (line and column count from 1), what it is, its line with a caret below."""

    line: int
    column: int
    message: str
    excerpt: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}\n{self.excerpt}"


class MacroError(ValueError):
    """A macro that cannot be used; `problems` holds every mistake in it."""

    def __init__(self, problems: tuple[MacroProblem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def parse(text: str, *, recording: bool) -> Macro:
    """Parse a macro; `recording` says whether `{recording_id}` may be used (C9).

    Raises MacroError with every mistake: unknown, empty or unbalanced placeholder, a pair without name or `=`,
    a repeated or reserved wire name.
    """
    parser = _Parser(text, recording=recording)
    pairs = tuple(parser.parse())
    if parser.problems:
        raise MacroError(tuple(sorted(parser.problems, key=lambda problem: (problem.line, problem.column))))
    return Macro(text, pairs)


class _Parser:
    """Walks the text once, pair by pair, noting mistakes instead of stopping at the first."""

    def __init__(self, text: str, *, recording: bool) -> None:
        self.text = text
        self.recording = recording
        self.problems: list[MacroProblem] = []
        self.seen: set[str] = set()

    def parse(self) -> Iterator[Pair]:
        start = 0
        for raw in self.text.split("&"):
            content = _LAYOUT.sub("", raw)
            yield from self.pair(content, start + raw.find(content))
            start += len(raw) + 1

    def pair(self, content: str, start: int) -> Iterator[Pair]:
        if not content.strip():
            self.note(start, 1, "an empty pair; write name={field} between two '&'")
            return
        name, equals, template = content.partition("=")
        if not equals:
            self.note(start, len(content), f"{content!r} has no '='; write name={{field}}")
            return
        self.check_wire_name(name, start)
        yield Pair(name, tuple(self.template(template, start + len(name) + 1)))

    def check_wire_name(self, name: str, start: int) -> None:
        if not name:
            self.note(start, 1, "the name left of '=' is missing")
        elif "{" in name or "}" in name:
            self.note(start, len(name), "a wire name is plain text; placeholders go right of '='")
        elif name in (wire.PAYLOAD, wire.SIGN):
            self.note(start, len(name), f"wire name {name!r} is reserved for signed requests; choose another")
        elif name in self.seen:
            self.note(start, len(name), f"wire name {name!r} is used twice; each may occur once")
        self.seen.add(name)

    def template(self, text: str, start: int) -> Iterator[str | Placeholder]:
        for token in _TOKEN.finditer(text):
            at = start + token.start()
            if token["text"] is not None:
                yield token["text"]
            elif token["stray"] is not None:
                other = "is never closed" if token["stray"] == "{" else "closes nothing"
                self.note(at, 1, f"unbalanced brace: this '{token['stray']}' {other}")
            else:
                self.check_placeholder(token["name"], at)
                yield Placeholder(token["name"])

    def check_placeholder(self, name: str, at: int) -> None:
        if name == wire.RECORDING_FIELD and not self.recording:
            self.note(at, len(name) + 2, f"{{{name}}} exists only while the post-call waits for recordings (C9)")
        elif name not in _KNOWN:
            near = get_close_matches(name.lower(), _KNOWN, n=1, cutoff=0.5)
            hint = f"did you mean {{{near[0]}}}?" if near else "known: " + ", ".join(_KNOWN)
            self.note(at, len(name) + 2, f"unknown macro {{{name}}}; {hint}")

    def note(self, at: int, length: int, message: str) -> None:
        begin = self.text.rfind("\n", 0, at) + 1
        end = self.text.find("\n", at)
        shown = self.text[begin : end if end >= 0 else len(self.text)].rstrip("\r").replace("\t", " ")
        caret = " " * (at - begin) + "^" * max(1, min(length, len(shown) - (at - begin)))
        line = self.text.count("\n", 0, at) + 1
        self.problems.append(MacroProblem(line, at - begin + 1, message, f"  {shown}\n  {caret}"))
