"""Text as people and browsers write it, and as nobody should: a visitor's words reach the endpoint as they are."""

from typing import Final

from sender_sim.checks.judging import expect_taken
from sender_sim.checks.model import NotRun
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group

__all__ = ["GROUP"]

GROUP: Final = Group("text", "Hostile text")

# Where free text is found, the freest first.
_FREE: Final = ("details", "channel", "referrer", "url")
_AS_DATA: Final = "handle text as data: bound parameters in SQL, an encoder for JSON and HTML, never string building"


@GROUP.must(
    "text-reserved",
    rule="Data D",
    expected="the characters that forms are made of (& = + % #) are accepted inside a value",
    cause="the body is taken apart after it was decoded, or decoded twice",
    change="split a form at & and = first, then decode each part once; or leave it to the framework",
)
async def reserved(probe: Probe) -> None:
    """What would be names, escapes and separators if it were not escaped."""
    await _accepts(probe, "1+1=2 & 100% of %2B%26 %zz #a;b&id=&payload=x&sign=y")


@GROUP.must(
    "text-quotes",
    rule="Data D",
    expected="quotes, backslashes and markup are accepted",
    cause="text is pasted into SQL, JSON or HTML",
    change=_AS_DATA,
)
async def quotes(probe: Probe) -> None:
    """What ends a string in SQL, JSON, HTML and templates."""
    await _accepts(probe, "O'Brien said \"it's 5 \\ 6\"; -- </script><b>{{id}} ${id} {id}")


@GROUP.must(
    "text-lines",
    rule="Data D",
    expected="line breaks and tabs are accepted",
    cause="text is pasted into a header, a CSV file or a line of a log",
    change=_AS_DATA,
)
async def lines(probe: Probe) -> None:
    """A text message of several lines."""
    await _accepts(probe, "one\ntwo\r\nthree\tfour\r\n\r\nX-Injected: yes\n")


@GROUP.must(
    "text-emoji",
    rule="Data D",
    expected="emoji and letters of every script are accepted",
    cause="a database column or a file is not UTF-8 (MySQL's utf8 has no emoji; utf8mb4 has)",
    change="store and log text as UTF-8 throughout, utf8mb4 in MySQL",
)
async def emoji(probe: Probe) -> None:
    """Two, three and four bytes of UTF-8 a character, joined and coloured ones too."""
    await _accepts(probe, "Tack! 👍🏽 Åsa 日本 👩‍👩‍👧‍👦 ZA̡͊͠͝LGO")


@GROUP.must(
    "text-right-to-left",
    rule="Data D",
    expected="right-to-left text is accepted, and the marks that change direction",
    cause="a filter for letters refuses what it does not know",
    change="store and log text as UTF-8 throughout, and refuse no letters",
)
async def right_to_left(probe: Probe) -> None:
    """Hebrew, Arabic, and an override."""
    await _accepts(probe, "שלום مرحبا \N{RIGHT-TO-LEFT OVERRIDE}321\N{POP DIRECTIONAL FORMATTING}")


@GROUP.should(
    "text-control",
    rule="Data D",
    expected="NUL and other control characters are accepted",
    cause="PostgreSQL stores no NUL in text; XML and C strings end or break at them",
    change="escape or drop them before the text is stored",
)
async def control(probe: Probe) -> None:
    """Characters that nobody types, and that machines send."""
    await _accepts(probe, "nul \0, escape \x1b[31m, delete \x7f, next line \x85")


@GROUP.should(
    "text-surrogate",
    rule="Data D",
    expected="half of a surrogate pair is accepted: a text that was cut in the middle of an emoji",
    cause="the text is encoded as strict UTF-8 when it is stored or logged, which such a half is not",
    change="replace it with U+FFFD before the text is stored",
)
async def surrogate(probe: Probe) -> None:
    """The first half of an emoji."""
    await _accepts(probe, "cut \ud83d")


@GROUP.should(
    "text-long",
    rule="Data D",
    expected="a text of 2,000 characters is accepted: an SMS of many parts, the URL of a search",
    cause="a database column is shorter, and refuses what is longer",
    change="make the column longer, or cut the text before it is stored",
)
async def long(probe: Probe) -> None:
    """As long as browsers and servers let a URL be."""
    await _accepts(probe, "long " * 400)


async def _accepts(probe: Probe, text: str) -> None:
    field = next((name for name in _FREE if name in probe.integration.macro.fields), None)
    if field is None:
        raise NotRun(f"the macro sends none of {', '.join(_FREE)}")
    expect_taken(probe, await probe.post(probe.delivery(changes={field: text})))
