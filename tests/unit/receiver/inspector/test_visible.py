"""Text from outside on a page: all of it can be seen, none of it acts."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.inspector.visible import Hiding, visible

MASKED, SHOWN = Hiding(numbers_shown=False), Hiding(numbers_shown=True)
ESCAPED = re.compile(r'<span class="esc" title="U\+([0-9A-F]{4,6})[^"]*">[^<]*</span>\n?')


def read_back(markup: str) -> str:
    """The text that markup was made of."""
    inside = re.fullmatch(r"<bdi>(.*)</bdi>", markup, re.DOTALL)
    assert inside
    parts = ESCAPED.split(inside[1])
    return "".join(unescape(part) if at % 2 == 0 else chr(int(part, 16)) for at, part in enumerate(parts))


@given(st.text(alphabet=st.characters(), max_size=300))
def test_every_character_is_there_and_none_is_markup(text: str) -> None:
    assert read_back(visible(text)) == text


@given(st.text(alphabet=st.characters(), max_size=300))
def test_nothing_unprintable_is_left_and_every_page_can_be_encoded(text: str) -> None:
    markup = visible(text)
    assert markup.replace("\n", "").isprintable()
    assert markup.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("<script>alert(1)</script>", "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"),
        ('" onload="x', "<bdi>&#34; onload=&#34;x</bdi>"),
        ("שלום", "<bdi>שלום</bdi>"),
        (
            "a\u202egnp.exe",
            '<bdi>a<span class="esc" title="U+202E RIGHT-TO-LEFT OVERRIDE">\\u202e</span>gnp.exe</bdi>',
        ),
        ("\x1b[2J", '<bdi><span class="esc" title="U+001B">\\x1b</span>[2J</bdi>'),
        ("\ud800", '<bdi><span class="esc" title="U+D800">\\ud800</span></bdi>'),
        ("one\ntwo", '<bdi>one<span class="esc" title="U+000A">\\n</span>\ntwo</bdi>'),
        (r"\u202e", r"<bdi>\u202e</bdi>"),
        ("👍", "<bdi>👍</bdi>"),
    ],
)
def test_what_acts_is_shown_as_what_it_is(text: str, markup: str) -> None:
    assert visible(text) == markup


def test_the_lines_of_a_traceback_are_lines() -> None:
    assert visible("one\n\n<two>\x07", lines=True) == (
        '<bdi>one\n\n&lt;two&gt;<span class="esc" title="U+0007">\\x07</span></bdi>'
    )


def test_of_a_long_text_the_beginning_is_shown_and_how_much_more_there_is() -> None:
    assert visible("x" * 5_000, limit=10) == (
        '<bdi>xxxxxxxxxx</bdi><span class="more"> … and 4,990 characters more</span>'
    )
    assert MASKED.text("x" * 1_000_000, limit=10).endswith("and 999,990 characters more</span>")


def test_numbers_are_masked_unless_they_are_asked_for() -> None:
    assert MASKED.text("call +46 70-123 45 67 now") == "<bdi>call +46***********67 now</bdi>"
    assert SHOWN.text("call +46 70-123 45 67 now") == "<bdi>call +46 70-123 45 67 now</bdi>"
    assert MASKED.number("12345") == "<bdi>***45</bdi>"
    assert SHOWN.number("12345") == "<bdi>12345</bdi>"
    assert MASKED.value("2026-03-01 11:58:00") == "<bdi>2026-03-01 11:58:00</bdi>"
    assert MASKED.raw("from=%2B46701234567&x=1") == "from=%2B467******67&x=1"


@pytest.mark.parametrize("cut", range(12))
def test_a_number_is_masked_also_where_the_text_is_cut_in_it(cut: int) -> None:
    markup = MASKED.text("x" * 20 + "+46701234567", limit=20 + cut)
    assert not re.search(r"\d{4}", markup.partition("</bdi>")[0])
