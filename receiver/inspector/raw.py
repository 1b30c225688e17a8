"""The bytes of a body, a window of them at a time: as a hex dump and as text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from receiver.inspector.visible import Hiding, visible

__all__ = ["WINDOW", "Line", "Window", "window"]

# Bytes that are shown at once.
WINDOW: Final = 4_096
_LINE: Final = 16
# Bytes around a window that are looked at, so that a number which its end goes through is masked too.
_CONTEXT: Final = 64
_HIDDEN: Final = "*"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a hex dump: where it stands, its bytes in two halves, the same as ASCII."""

    offset: str
    halves: tuple[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Window:
    """Bytes from `start` on, of `size` in all; `masked` says whether a number in them is hidden."""

    start: int
    end: int
    size: int
    masked: bool
    text: Markup
    lines: tuple[Line, ...]

    @property
    def before(self) -> int | None:
        """Where the window before it starts."""
        return max(0, self.start - WINDOW) if self.start else None

    @property
    def after(self) -> int | None:
        """Where the next window starts."""
        return self.end if self.end < self.size else None


def window(body: bytes, start: int, hiding: Hiding) -> Window:
    """The window that begins at `start`, or at the line or the end of the body that is nearest."""
    start = min(max(0, start), max(0, len(body) - 1)) // _LINE * _LINE
    end = min(start + WINDOW, len(body))
    hidden = _hidden(body, start, end, hiding)
    return Window(
        start=start,
        end=end,
        size=len(body),
        masked=any(hidden),
        text=_text(body, start, end, hiding),
        lines=tuple(_lines(body[start:end], start, hidden)),
    )


def _hidden(body: bytes, start: int, end: int, hiding: Hiding) -> list[bool]:
    """Which bytes of the window are in the middle of a number."""
    first = max(0, start - _CONTEXT)
    plain = body[first : end + _CONTEXT].decode("latin-1")  # one character is one byte
    shown = zip(plain, hiding.raw(plain), strict=True)
    return [one != other for one, other in shown][start - first : end - first]


def _text(body: bytes, start: int, end: int, hiding: Hiding) -> Markup:
    start, end = _at_character(body, start), _at_character(body, end)
    first, last = _at_character(body, max(0, start - _CONTEXT)), _at_character(body, end + _CONTEXT)
    before, shown, after = (_decoded(body[one:two]) for one, two in ((first, start), (start, end), (end, last)))
    whole = hiding.raw(before + shown + after)
    return visible(whole[len(before) : len(before) + len(shown)], limit=len(shown))


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _at_character(body: bytes, place: int) -> int:
    """The same place, or the next one where a character of UTF-8 begins."""
    for moved in range(place, min(place + 4, len(body))):
        if body[moved] & 0xC0 != 0x80:
            return moved
    return min(place, len(body))


def _lines(data: bytes, start: int, hidden: list[bool]) -> Iterator[Line]:
    for at in range(0, len(data), _LINE):
        pairs = list(zip(data[at : at + _LINE], hidden[at : at + _LINE], strict=True))
        digits = [_HIDDEN * 2 if hide else f"{byte:02x}" for byte, hide in pairs]
        text = "".join(_HIDDEN if hide else chr(byte) if 0x20 <= byte < 0x7F else "·" for byte, hide in pairs)
        half = _LINE // 2
        yield Line(f"{start + at:08x}", (" ".join(digits[:half]), " ".join(digits[half:])), text)
