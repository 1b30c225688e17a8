"""The 40-character rule (R7) and where a longer text is cut."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import answer
from receiver.answer import Answer

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"  # 7 code points, one grapheme
PEOPLE = FAMILY.split("\u200d")
SWEDEN, NORWAY = "\U0001f1f8\U0001f1ea", "\U0001f1f3\U0001f1f4"
WAVE = "\U0001f44b\U0001f3fd"  # a hand and a skin tone
HEART = "\u2764\ufe0f"  # a heart and the selector that colours it


@pytest.mark.parametrize(
    "text",
    ["", "a", "a" * 40, "\U0001f600" * 40, FAMILY * 5 + "12345", SWEDEN * 20, "\0\n\ud800" + "x" * 37],
    ids=["nothing", "one", "40 letters", "40 emoji", "5 families", "20 flags", "hostile"],
)
def test_up_to_40_code_points_are_kept(text: str) -> None:
    assert answer.fit(text) == text
    assert answer.answer(text) == Answer(text, cut=False)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a" * 41, "a" * 40),
        ("\U0001f600" * 41, "\U0001f600" * 40),
        ("a" * 34 + FAMILY, "a" * 34),
        ("a" * 33 + FAMILY + "b", "a" * 33 + FAMILY),
        ("a" * 39 + "e\u0301", "a" * 39),
        ("a" * 38 + "e\u0301" + "b", "a" * 38 + "e\u0301"),
        ("a" * 39 + SWEDEN, "a" * 39),
        (SWEDEN * 19 + "a" + NORWAY, SWEDEN * 19 + "a"),
        (NORWAY * 21, NORWAY * 20),
        ("a" * 39 + WAVE, "a" * 39),
        ("a" * 39 + HEART, "a" * 39),
        ("a" * 39 + "\r\n", "a" * 39),
        ("a" * 39 + "\u1112\u1161\u11ab", "a" * 39),
        ("e" + "\u0301" * 40, ""),
    ],
    ids=[
        "letters", "emoji", "family", "family that fits", "accent", "accent that fits", "flag", "flag after a letter",
        "flags", "skin tone", "selector", "line break", "hangul", "one grapheme too long",
    ],
)  # fmt: skip
def test_a_longer_text_is_cut_before_the_grapheme_that_does_not_fit(text: str, kept: str) -> None:
    assert answer.fit(text) == kept
    assert answer.answer(text) == Answer(kept, cut=True)


PARTS = st.sampled_from(
    [
        "a",
        "é",
        "e\u0301",
        "\u0301",
        "\u0323",
        "\u200d",
        "\ufe0f",
        FAMILY,
        SWEDEN,
        NORWAY,
        WAVE,
        HEART,
        "\U0001f600",
        "ש",
        "\u202e",
        "\n",
    ]
)
TEXTS = st.lists(PARTS, max_size=60).map("".join)


@given(text=st.text(min_size=30, max_size=60) | TEXTS)
def test_the_answer_is_a_prefix_of_at_most_40_code_points(text: str) -> None:
    kept = answer.fit(text)
    assert text.startswith(kept)
    assert len(kept) <= 40
    assert kept == text or len(text) > 40


@given(text=TEXTS)
def test_the_answer_never_ends_inside_a_grapheme(text: str) -> None:
    kept = answer.fit(text)
    rest = text[len(kept) :]
    if not kept or not rest:
        return
    after_control = unicodedata.category(kept[-1]) in ("Cc", "Cf") and kept[-1] != "\u200d"
    extends = (
        unicodedata.category(rest[0]) in ("Mn", "Me") or rest[0] == "\u200d" or "\U0001f3fb" <= rest[0] <= "\U0001f3ff"
    )
    assert after_control or not extends
    assert not (kept[-1] == "\u200d" and rest[0] in PEOPLE and kept.removesuffix("\u200d")[-1:] in PEOPLE)
    if _regional(rest[0]):
        assert (len(kept) - len(kept.rstrip("".join(map(chr, range(0x1F1E6, 0x1F200)))))) % 2 == 0


def _regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def test_none_is_an_answer_without_append() -> None:
    assert answer.answer(None) == answer.EMPTY
    assert answer.EMPTY.body() == "{}"


@given(text=st.text(max_size=40))
def test_the_body_is_ascii_json_that_reads_back_as_the_text(text: str) -> None:
    body = answer.answer(text).body()
    assert body.isascii()
    assert json.loads(body) == {"append": text}


@pytest.mark.parametrize(
    ("result", "kind"), [(5, "int"), (True, "bool"), (b"text", "bytes"), (["a"], "list"), ({}, "dict")]
)
def test_anything_but_text_or_none_is_a_mistake_of_the_handler(result: object, kind: str) -> None:
    with pytest.raises(
        TypeError, match=rf"^the handler returned {kind}; return text of at most 40 characters, or None$"
    ):
        answer.answer(result)
