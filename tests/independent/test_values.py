"""What we encode, PHP and Node read: every value and every name comes out as it went in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver import wire
from sender_sim.core import encode
from tests.independent.receivers import Receiver
from tests.independent.sending import altered, answered, outcomes, request, signer

HOSTILE = {
    "start": "\0",
    "duration": "\0a\0",
    "from_nr": "+46 70 & 1=2",
    "from_nr_area": "Göteborg",
    "to_nr": "😀👩\N{ZERO WIDTH JOINER}👧",
    "end_nr": "\N{RIGHT-TO-LEFT OVERRIDE}שלום \N{ARABIC LETTER SEEN}",
    "channel": "\"double\" 'single' `back` \\ \\\\ \\u0041",
    "answered": "%",
    "publisher_id": "%2B%20%00+%zz",
    "campaign_id": "\r\n \n \r \t",
    "referrer": "https://www.example.com/?a=1&b=2;c=3#d",
    "url": "</script><!--{{x}}${y}",
    "details": "payload=x&sign=y",
    "custnr": "\ufeff\u2028\u2029\x7f\x1b[31m",
    "event_type": "  ",
    "id": "0",
    "fsid": "e\N{COMBINING ACUTE ACCENT}\N{REPLACEMENT CHARACTER}\U0010ffff",
}
NAMES = ("0", "1", "a.b", "a b", "a[b]", "[", "å", "😀", "+", "%41", "'\"\\", "\0", "A", "a", "__proto__", "toString")
# Halves of emojis are told of below.
texts = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_hostile_text_is_read_as_it_was_meant(receiver: Receiver, encoding: str) -> None:
    assert set(HOSTILE) == {field.name for field in wire.FIELDS} - {wire.RECORDING_FIELD}
    assert answered(receiver, request(receiver, HOSTILE, encoding=encoding)).status == 200
    assert receiver.readings()[-1] == [[name, value] for name, value in HOSTILE.items()]


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_names_are_read_as_they_were_meant(receiver: Receiver, encoding: str) -> None:
    text = "&".join(f"{name}={number}{{id}}" for number, name in enumerate(NAMES))
    assert answered(receiver, request(receiver, {"id": "!"}, text, encoding=encoding)).status == 200
    assert dict(receiver.readings()[-1]) == {name: f"{number}!" for number, name in enumerate(NAMES)}


@given(texts=st.lists(texts, min_size=1, max_size=20))
@settings(max_examples=40)
def test_whatever_the_text_is_it_is_read(receiver: Receiver, texts: list[str]) -> None:
    pairs = [(f"n{number}", text) for number, text in enumerate(texts)]
    requests = [
        altered(
            request(receiver, {}, encoding=encoding),
            body=encode.body(pairs, encoding, signer(receiver)),
        )
        for encoding in wire.CONTENT_TYPES
    ]
    assert [outcome.success for outcome in outcomes(receiver, requests)] == [True, True]
    assert receiver.readings()[-2:] == [[list(pair) for pair in pairs]] * 2


def test_half_an_emoji_is_refused_by_whoever_insists_on_utf_8(receiver: Receiver) -> None:
    """R2: they would be sent it again for seven days. A receiver that wants it has to be lenient, as ours is."""
    half = {"details": "\ud83d"}
    assert answered(receiver, request(receiver, half, "text={details}")).status == 400
    in_json = answered(receiver, request(receiver, half, "text={details}", encoding="json"))
    assert in_json.status == (400 if receiver.name == "php" else 200)  # JavaScript's text has halves
    if receiver.name == "node":
        assert receiver.readings()[-1] == [["text", "\ud83d"]]
