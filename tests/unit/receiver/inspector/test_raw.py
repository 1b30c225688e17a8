"""Raw bytes, a window at a time: each byte is shown once, and the middle of no number is."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.inspector.raw import WINDOW, Window, window
from receiver.inspector.visible import Hiding
from tests.calls import POST_CALL, form, json_text

MASKED, SHOWN = Hiding(numbers_shown=False), Hiding(numbers_shown=True)


def dumped(shown: Window) -> bytes:
    """What a hex dump says."""
    return b"".join(bytes.fromhex(" ".join(line.halves)) for line in shown.lines)


def windows(body: bytes, hiding: Hiding) -> list[Window]:
    found = [window(body, 0, hiding)]
    while (start := found[-1].after) is not None:
        found.append(window(body, start, hiding))
    return found


def words(shown: Window) -> str:
    return unescape(re.sub(r"<[^>]*>", "", shown.text))


@given(st.binary(max_size=300), st.integers(-10, 400))
def test_a_dump_holds_the_bytes_from_its_start_on(body: bytes, start: int) -> None:
    shown = window(body, start, SHOWN)
    assert dumped(shown) == body[shown.start : shown.end]
    assert shown.start % 16 == 0
    assert [line.offset for line in shown.lines] == [f"{at:08x}" for at in range(shown.start, shown.end, 16)]
    assert shown.size == len(body)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW + 5])
def test_windows_follow_each_other_without_a_gap(size: int) -> None:
    body = bytes(at % 251 for at in range(size))
    shown = windows(body, SHOWN)
    assert b"".join(map(dumped, shown)) == body
    assert [each.before for each in shown[1:]] == [each.start for each in shown[:-1]]


def test_no_character_is_torn_between_two_windows() -> None:
    body = ("x" + "åäö👍" * 2_000).encode()
    assert "".join(map(words, windows(body, SHOWN))) == body.decode()


def test_bytes_that_are_no_text_are_told_as_what_they_are() -> None:
    assert words(window(b"caf\xe9\x00", 0, SHOWN)) == r"caf\xe9\x00"


@pytest.mark.parametrize("body", [form(POST_CALL), json_text(POST_CALL), form({"payload": form(POST_CALL).decode()})])
@pytest.mark.parametrize("before", [0, WINDOW - 100, WINDOW - 60, WINDOW - 55, WINDOW - 50, WINDOW - 5])
def test_no_view_shows_the_middle_of_a_number_wherever_it_is_cut(body: bytes, before: int) -> None:
    for shown in windows(b"a" * before + body, MASKED):
        text, ascii_column = words(shown), "".join(line.text for line in shown.lines)
        for number in ("46701234567", "46812345678", "46850000000"):
            assert not [part for at in range(2, 7) if (part := number[at : at + 3]) in text or part in ascii_column]
    assert any(each.masked for each in windows(b"a" * before + body, MASKED))


def test_a_dump_hides_the_same_bytes_as_its_text() -> None:
    (line,) = window(b"nr=+46701234567", 0, MASKED).lines
    assert line.halves == ("6e 72 3d 2b 34 36 37 **", "** ** ** ** ** 36 37")
    assert line.text == "nr=+467******67"


@given(st.text(alphabet="0123456789+-. %2B()å\x00=&", max_size=200))
def test_masking_moves_nothing(text: str) -> None:
    body = text.encode()
    shown, masked = window(body, 0, SHOWN), window(body, 0, MASKED)
    assert [len(line.text) for line in shown.lines] == [len(line.text) for line in masked.lines]
    pairs = zip("".join(line.text for line in shown.lines), "".join(line.text for line in masked.lines), strict=True)
    assert all(one == other or other == "*" for one, other in pairs)
