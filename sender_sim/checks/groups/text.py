"""Text as people and browsers write it, and as nobody should: a visitor's words reach the endpoint as they are."""

from typing import Final

from sender_sim.checks.judging import expect_taken
from sender_sim.checks.model import NotRun
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group
from sender_sim.core import hostile

__all__ = ["GROUP"]

GROUP: Final = Group("text", "Hostile text")

# Where free text is found, the freest first.
_FREE: Final = ("details", "channel", "referrer", "url")
_AS_DATA: Final = "handle text as data: bound parameters in SQL, an encoder for JSON and HTML, never string building"


@GROUP.must(
    "text-reserved",
    rule="R2 S",
    expected="the characters that forms are made of (& = + % #) are accepted inside a value",
    cause="the body is taken apart after it was decoded, or decoded twice",
    change="split a form at & and = first, then decode each part once; or leave it to the framework",
)
async def reserved(probe: Probe) -> None:
    """What would be names, escapes and separators if it were not escaped."""
    await _accepts(probe, "separators", "escapes", "envelope", "spaces", "shell")


@GROUP.must(
    "text-quotes",
    rule="R2 S",
    expected="quotes, backslashes and markup are accepted",
    cause="text is pasted into SQL, JSON or HTML",
    change=_AS_DATA,
)
async def quotes(probe: Probe) -> None:
    """What ends a string in SQL, JSON, HTML and templates."""
    await _accepts(probe, "quotes", "html", "sql", "template", "json", "formula")


@GROUP.must(
    "text-lines",
    rule="R2 S",
    expected="line breaks and tabs are accepted",
    cause="text is pasted into a header, a CSV file or a line of a log",
    change=_AS_DATA,
)
async def lines(probe: Probe) -> None:
    """A text message of several lines."""
    await _accepts(probe, "lines", "header", "width")


@GROUP.must(
    "text-emoji",
    rule="R2 S",
    expected="emoji and combined letters are accepted",
    cause="a database column or a file is not UTF-8 (MySQL's utf8 has no emoji; utf8mb4 has)",
    change="store and log text as UTF-8 throughout, utf8mb4 in MySQL",
)
async def emoji(probe: Probe) -> None:
    """Characters of four bytes of UTF-8, joined and coloured, and letters with many marks."""
    await _accepts(probe, "emoji", "combining")


@GROUP.must(
    "text-right-to-left",
    rule="R2 S",
    expected="right-to-left text is accepted, and the marks that change direction",
    cause="a filter for letters refuses what it does not know",
    change="store and log text as UTF-8 throughout, and refuse no letters",
)
async def right_to_left(probe: Probe) -> None:
    """Hebrew, Arabic, and an override."""
    await _accepts(probe, "right-to-left")


@GROUP.should(
    "text-control",
    rule="Data D",
    expected="NUL and other control characters are accepted",
    cause="PostgreSQL stores no NUL in text; XML and C strings end or break at them",
    change="escape or drop them before the text is stored",
)
async def control(probe: Probe) -> None:
    """Characters that nobody types, and that machines send."""
    await _accepts(probe, "nul", "controls")


@GROUP.should(
    "text-surrogate",
    rule="Data D",
    expected="half of a surrogate pair is accepted: a text that was cut in the middle of an emoji",
    cause="the text is encoded as strict UTF-8 when it is stored or logged, which such a half is not",
    change="replace it with U+FFFD before the text is stored",
)
async def surrogate(probe: Probe) -> None:
    """The first half of an emoji."""
    await _accepts(probe, "surrogate")


@GROUP.should(
    "text-long",
    rule="Data D",
    expected="a text of 1,000 characters is accepted, such as an SMS of many parts",
    cause="a database column is shorter, and refuses what is longer",
    change="make the column longer, or cut the text before it is stored",
)
async def long(probe: Probe) -> None:
    """Letters that take two bytes each."""
    await _accepts(probe, "long")


async def _accepts(probe: Probe, *names: str) -> None:
    """Deliveries with texts of core.hostile."""
    field = next((name for name in _FREE if name in probe.integration.macro.fields), None)
    if field is None:
        raise NotRun(f"the macro sends none of {', '.join(_FREE)}")
    for name in names:
        expect_taken(probe, await probe.post(probe.delivery(changes={field: hostile.TEXTS[name]})))
