"""Every way in which a captured request differs from what the simulator would send; bodies are written by hand."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import macro, wire
from sender_sim.compare import comparison
from sender_sim.compare.capture import Captured
from sender_sim.compare.comparison import Comparison, Settings
from sender_sim.compare.model import MACRO, REPORT, Difference
from sender_sim.core import encode

HEADERS = [("Host", "example.com"), ("User-Agent", "kaisa-webhook-kit-sender-sim"), ("Accept", "*/*")]
TYPES = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
TEXTS = "a={channel}&b={details}&nr={from_nr}"


def captured(body: bytes, encoding: str, *more: tuple[str, str]) -> Captured:
    return Captured("POST", "/hook", [*HEADERS, ("Content-Type", TYPES[encoding]), *more], body)


def settings(text: str = TEXTS, encoding: str = "form", **others: Any) -> Settings:
    return Settings(macro.parse(text, recording=True), encoding, **others)


def of_form(body: bytes, text: str = TEXTS) -> Comparison:
    return comparison.compare(captured(body, "form"), settings(text))


def of_json(body: bytes, text: str = TEXTS) -> Comparison:
    return comparison.compare(captured(body, "json"), settings(text, "json"))


def told(found: Comparison) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """What, as Kaisa, as the simulator, where: of differences that no setting covers."""
    assert [each for each in found.differences if each.change != REPORT] == []
    return [(each.what, each.kaisa, each.simulator, each.where) for each in found.differences]


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"a=Google+SEM&b=%C3%A5%00%0A%26%3D%2B%25%F0%9F%98%80%ED%A0%BD&nr=%2B46701234567", "form"),
        (b"a=&b=&nr=", "form"),
        (rb'{"a":"Google SEM/","b":"\u00e5\u0000\n\ud83d\ude00\ud83d\"\\","nr":"+46701234567"}', "json"),
        (b'{"a":"","b":"","nr":""}', "json"),
    ],
)
def test_what_the_simulator_sends_itself_is_no_difference(body: bytes, encoding: str) -> None:
    found = comparison.compare(captured(body, encoding), settings(encoding=encoding))
    assert found == Comparison((), (), body, body)
    assert found.differs_at is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a=x%20y&b=z%20&nr=", ("escaping of a space", "%20", "+", ("a", "b"))),
        (b"a=%c3%a5&b=%2B&nr=", ("hex digits of escapes", "%c3%a5", "%C3%A5", ("a",))),
        (b"a=*&b=*&nr=", ("escaping of '*'", "*", "%2A", ("a", "b"))),
        (b"a=%7E&b=&nr=", ("escaping of '~'", "%7E", "~", ("a",))),
        (b"a=%41&b=&nr=", ("escaping of 'A'", "%41", "A", ("a",))),
        (b"a=\xc3\xa5&b=&nr=", ("characters beyond ASCII", "å", "%C3%A5", ("a",))),
        (b"a=%E9&b=&nr=", ("bytes that are no UTF-8", "%E9", "%EF%BF%BD", ("a",))),
        (b"a=\xe9&b=&nr=", ("bytes that are no UTF-8", r"\xe9", "%EF%BF%BD", ("a",))),
        (b"a=100%&b=&nr=", ("escaping of '%'", "%", "%25", ("a",))),
        (b"a=1=2&b=&nr=", ("escaping of '='", "=", "%3D", ("a",))),
        (b"a=&b=&nr=\n", ("escaping of '\\n'", r"'\n'", "%0A", ("nr",))),
        (b"a&b=&nr=", ("names without '='", "nothing", "=", ("a",))),
        (b"a=&&b=&nr=", ("empty pairs", "&", "nothing", ())),
        (b"&a=&b=&nr=", ("empty pairs", "&", "nothing", ())),
        (b"a=&b=&nr=&", ("empty pairs", "&", "nothing", ())),
        (b"%61=&b=&nr=", ("escaping of 'a'", "%61", "a", ("a",))),
    ],
)
def test_how_a_form_is_written(body: bytes, expected: tuple[str, str, str, tuple[str, ...]]) -> None:
    found = of_form(body)
    assert [each for each in told(found) if each[0] != "format of a value"] == [expected]
    assert found.differs_at is not None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb'{"a":"https:\/\/x","b":"\/","nr":""}', ("escaping of '/'", r"\/", "/", ("a", "b"))),
        ('{"a":"å😀","b":"","nr":""}'.encode(), ("characters beyond ASCII", "å", r"\u00e5", ("a",))),
        (rb'{"a":"\u00E5","b":"\uD83D\uDE00","nr":""}', ("hex digits of escapes", r"\u00E5", r"\u00e5", ("a", "b"))),
        (rb'{"a":"\u0026","b":"","nr":""}', ("escaping of '&'", r"\u0026", "&", ("a",))),
        (rb'{"a":"\u000a","b":"","nr":""}', ("escaping of '\\n'", r"\u000a", r"\n", ("a",))),
        (b'{"a":"\n","b":"","nr":""}', ("escaping of '\\n'", r"'\n'", r"\n", ("a",))),
        (rb'{"\u0061":"","b":"","nr":""}', ("escaping of 'a'", r"\u0061", "a", ("a",))),
        (b'{"a": "","b": "","nr":""}', ("white space around the parts of the JSON", "' '", "nothing", ())),
        (b'{"a":"","b":"","nr":""}\n', ("white space around the parts of the JSON", r"'\n'", "nothing", ())),
        (b'\xef\xbb\xbf{"a":"","b":"","nr":""}', ("byte order mark", "\ufeff", "nothing", ())),
        (b'{"a":63,"b":-1.50e3,"nr":""}', ("values that are numbers", "63", '"63"', ("a", "b"))),
        (b'{"a":true,"b":false,"nr":""}', ("values that are true and false", "true", '"true"', ("a", "b"))),
        (b'{"a":null,"b":"","nr":""}', ("values that are null", "null", '""', ("a",))),
        (b'{"a":{"x": [1]},"b":"","nr":""}', ("values that are objects", '{"x": [1]}', r'"{\"x\": [1]}"', ("a",))),
        (b'{"a":[],"b":"","nr":""}', ("values that are lists", "[]", '"[]"', ("a",))),
    ],
)
def test_how_json_is_written(body: bytes, expected: tuple[str, str, str, tuple[str, ...]]) -> None:
    found = of_json(body)
    assert told(found) == [expected]
    assert found.differs_at is not None


def test_every_kind_is_told_once_with_its_first_example() -> None:
    found = of_json(rb'{"a": "\/ \u00E5 & \/", "b": 1, "nr": null}')
    assert [(what, where) for what, _, _, where in told(found)] == [
        ("white space around the parts of the JSON", ()),
        ("escaping of '/'", ("a",)),
        ("hex digits of escapes", ("a",)),
        ("values that are numbers", ("b",)),
        ("values that are null", ("nr",)),
    ]
    assert found.rebuilt == rb'{"a":"/ \u00e5 & /","b":"1","nr":""}'
    assert found.differs_at == 5


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a=&nr=", Difference("missing names", "not there", "sent, empty where there is no value", MACRO, ("b",))),
        (b"a=&b=&nr=&c=&d=", Difference("names that are not expected", "sent", "not sent", MACRO, ("c", "d"))),
        (b"b=&a=&nr=", Difference("order of the names", "b, a, nr", "a, b, nr", MACRO)),
        (b"a=&b=&nr=&a=", Difference("names that are repeated", "sent more than once", "sent once", REPORT, ("a",))),
    ],
)
def test_names_that_are_not_those_of_the_macro(body: bytes, expected: Difference) -> None:
    assert of_form(body).differences == (expected,)


def test_what_is_missing_or_more_is_not_out_of_order() -> None:
    found = of_json(b'{"x":"","nr":"","a":""}')
    assert [(each.what, each.kaisa) for each in found.differences] == [
        ("missing names", "not there"),
        ("names that are not expected", "sent"),
        ("order of the names", "nr, a"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "shown", "format_"),
    [
        ("start", "2026-01-05T09:00:00Z", "2026-01-05T09:00:00Z", "YYYY-MM-DD HH:MM:SS"),
        ("start", "1767603600", "1767603600", "YYYY-MM-DD HH:MM:SS"),
        ("start", "", "nothing", "YYYY-MM-DD HH:MM:SS"),
        ("duration", "00:01:03", "00:01:03", "seconds, digits alone"),
        ("answered", "true", "true", "1 or 0"),
        ("event_type", "post-call", "post-call", "0, 1 or 2"),
        ("from_nr", "0701740605", "070*****05", "+ and digits (E.164), or nothing"),
        ("to_nr", "46 70-174 06 05", "46 7*-*** ** 05", "+ and digits (E.164), or nothing"),
        ("end_nr", "anonymous", "anonymous", "+ and digits (E.164), or nothing"),
    ],
)
def test_a_value_in_another_format(field: str, value: str, shown: str, format_: str) -> None:
    body = encode.data([("x", f"<{value}>")], "form")
    assert told(of_form(body, f"x=<{{{field}}}>")) == [("format of a value", shown, format_, (field,))]


@pytest.mark.parametrize("value", ["null", "None", "N/A", "undefined", "{publisher_id}"])
def test_a_value_that_says_that_there_is_none(value: str) -> None:
    body = encode.data([("x", value)], "json")
    expected = ("a value that does not exist", value, "nothing: an empty value", ("publisher_id",))
    assert told(of_json(body, "x={publisher_id}")) == [expected]


@pytest.mark.parametrize(("number", "label"), [("2", "pre-call"), ("1", "sms")])
def test_a_duration_where_no_call_has_been_held(number: str, label: str) -> None:
    text = "t={event_type}&d={duration}&ok={answered}"
    found = of_form(f"t={number}&d=63&ok=1".encode(), text)
    assert told(found) == [(f"values of a {label}", "63, 1", "0", ("duration", "answered"))]
    assert of_form(f"t={number}&d=0&ok=0".encode(), text).differences == ()
    assert of_form(b"t=0&d=63&ok=1", text).differences == ()


@pytest.mark.parametrize(
    ("template", "value"),
    [("kaisa", "other"), ("#{id}!", "#1"), ("{channel}-{publisher_id}", "SEM"), ("a.c{id}", "abc1")],
)
def test_text_around_a_value_that_is_not_the_macros(template: str, value: str) -> None:
    [difference] = of_form(encode.data([("x", value)], "form"), f"x={template}").differences
    assert difference == Difference("text around a value", value, template, MACRO, ("x",))


def test_values_of_the_call_are_no_difference() -> None:
    text = "x={channel}-{publisher_id}&src=kaisa&id=#{id}"
    assert of_form(b"x=a-b-c&src=kaisa&id=%23%231%0A", text).differences == ()


def test_headers_that_are_others_are_differences_and_those_of_the_connection_are_not() -> None:
    headers = [
        ("host", "example.com"),
        ("CONTENT-TYPE", "application/json; charset=utf-8"),
        ("user-agent", "Freespee/2.1"),
        ("Accept-Encoding", "gzip"),
        ("Content-Length", "2"),
        ("Connection", "close"),
        ("Transfer-Encoding", "chunked"),
        (":method", "POST"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("Via", "1.1 proxy"),
    ]
    found = comparison.compare(Captured("PUT", "/", headers, b'{"a":""}'), settings("a={id}", "json"))
    assert told(found) == [
        ("method", "PUT", "POST", ()),
        ("header Content-Type", "application/json; charset=utf-8", "application/json", ()),
        ("header Accept-Encoding", "gzip", "not sent", ()),
        ("header Accept", "not sent", "*/*", ()),
    ]
    assert found.notes == (
        "the sender calls itself 'Freespee/2.1'; the simulator says that it is the simulator",
        "not compared, because proxies add them: X-Forwarded-For, Via",
    )


def test_another_encoding_is_one_difference_with_its_setting_and_the_rest_is_compared_in_it() -> None:
    found = comparison.compare(captured(b'{"a": "1"}', "json"), settings("a={id}"))
    assert [(each.what, each.change) for each in found.differences] == [
        ("encoding", "--json"),
        ("white space around the parts of the JSON", REPORT),
    ]
    [difference] = comparison.compare(captured(b"a=1", "form"), settings("a={id}", "json")).differences
    assert difference == Difference("encoding", "form", "json", "--form")


def test_a_content_type_that_is_not_the_bodys_is_a_difference() -> None:
    found = comparison.compare(captured(b'{"a":"1"}', "form"), settings("a={id}", "json"))
    assert told(found) == [("header Content-Type", TYPES["form"], TYPES["json"], ())]


@pytest.mark.parametrize(
    ("target", "url", "expected"),
    [
        ("/hook?a=1", "https://example.com/hook?a=1#x", None),
        ("https://other.example/hook", "https://example.com/hook", None),
        ("/%C3%A5", "https://example.com/å", None),
        ("/", "https://example.com", None),
        ("/hook", "https://example.com/hook?a=1", ("/hook", "/hook?a=1")),
        ("/h/", "https://example.com/h", ("/h/", "/h")),
    ],
)
def test_the_path_is_compared_where_a_url_is_given(target: str, url: str, expected: tuple[str, str] | None) -> None:
    request = Captured("POST", target, captured(b"a=1", "form").headers, b"a=1")
    assert comparison.compare(request, settings("a={id}")).differences == ()
    found = comparison.compare(request, settings("a={id}", url=url)).differences
    change = "URL: give the one of Kaisa's Setup"
    assert found == ((Difference("path of the URL", *expected, change),) if expected else ())


@pytest.mark.parametrize(
    ("body", "more", "words"),
    [
        (b'{"a":', (), "not JSON: Expecting value: line 1 column 6 (char 5)"),
        (b'{"a":"1"} {}', (), "not JSON: Extra data: line 1 column 11 (char 10)"),
        (b'["a"]', (), "JSON, but no object"),
        (b'{"a":"\xe9"}', (), "not UTF-8: byte 0xE9 at 6"),
        (b'{"a":' + b"[" * 100_000, (), "JSON that is nested too deeply"),
        (b"\x1f\x8b\x08", (("Content-Encoding", "gzip"),), "compressed (gzip)"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_difference(body: bytes, more: tuple[tuple[str, str], ...], words: str) -> None:
    found = comparison.compare(captured(body, "json", *more), settings("a={id}", "json"))
    assert Difference("body", words, "json that can be read") in found.differences
    assert (found.rebuilt, found.differs_at) == (None, None)


bodies = st.one_of(
    st.binary(max_size=40),
    st.text(st.sampled_from("abnr=&%+2Fc3 å*~"), max_size=40).map(str.encode),
    st.dictionaries(st.sampled_from(["a", "b", "nr", "c"]), st.one_of(st.text(), st.integers(), st.none())).map(
        lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    ),
    st.dictionaries(st.sampled_from(["a", "b", "nr"]), st.text(), min_size=3).map(
        lambda value: json.dumps(value, separators=(",", ":")).encode()
    ),
)


@given(bodies)
def test_bodies_that_differ_have_a_difference_and_bodies_that_do_not_have_none(body: bytes) -> None:
    encoding = "json" if body.startswith(b"{") else "form"
    found = comparison.compare(captured(body, encoding), settings(encoding=encoding))
    of_values = ("format of a value", "a value that does not exist")
    of_bytes = [each for each in found.differences if each.what not in of_values]
    assert bool(of_bytes) == (found.rebuilt != body)


texts = st.text(st.characters())
fields = st.fixed_dictionaries({field.name: texts for field in wire.FIELDS})


@given(fields, st.sampled_from(["form", "json"]))
def test_whatever_the_values_are_what_the_encoder_writes_is_built_again(values: dict[str, str], encoding: str) -> None:
    text = "källa=<{channel}&b c={details}{url}&c=&d={referrer}"
    body = encode.data(encode.expand(macro.parse(text, recording=False), values), encoding)
    found = comparison.compare(captured(body, encoding), settings(text, encoding))
    assert found.rebuilt == body
    assert [each for each in found.differences if each.what != "a value that does not exist"] == []
