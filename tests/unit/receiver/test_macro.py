"""The macro language: what it reads, and every mistake with its place."""

import pytest

from receiver import macro, wire
from receiver.macro import MacroError, MacroProblem, Pair, Placeholder


def problems(text: str, *, recording: bool = False) -> tuple[MacroProblem, ...]:
    with pytest.raises(MacroError) as raised:
        macro.parse(text, recording=recording)
    return raised.value.problems


def only(text: str, *, recording: bool = False) -> MacroProblem:
    (problem,) = problems(text, recording=recording)
    return problem


def test_the_default_macro_is_the_published_one() -> None:
    assert wire.DEFAULT_MACRO == (
        "start={start}&duration={duration}&from_nr={from_nr}&from_nr_area={from_nr_area}&to_nr={to_nr}"
        "&end_nr={end_nr}&channel={channel}&answered={answered}&publisher_id={publisher_id}"
        "&campaign_id={campaign_id}&referrer={referrer}&url={url}&details={details}&custnr={custnr}"
        "&event_type={event_type}&id={id}&fsid={fsid}"
    )


def test_the_default_macro_maps_every_name_to_its_own_field() -> None:
    parsed = macro.parse(wire.DEFAULT_MACRO, recording=False)
    assert [(pair.wire_name, pair.template) for pair in parsed.pairs] == [
        (pair.wire_name, (Placeholder(pair.wire_name),)) for pair in parsed.pairs
    ]
    assert len(parsed.pairs) == 17
    assert parsed.fields == {pair.wire_name for pair in parsed.pairs}


def test_a_template_keeps_literal_text_and_placeholders_in_order() -> None:
    parsed = macro.parse("tag={channel}-{publisher_id}!&src=kaisa&none=", recording=False)
    assert parsed.pairs == (
        Pair("tag", (Placeholder("channel"), "-", Placeholder("publisher_id"), "!")),
        Pair("src", ("kaisa",)),
        Pair("none", ()),
    )


def test_only_the_first_equals_sign_of_a_pair_divides_it() -> None:
    assert macro.parse("q=a={id}=b", recording=False).pairs == (Pair("q", ("a=", Placeholder("id"), "=b")),)


def test_line_breaks_around_a_pair_are_layout_and_spaces_within_are_not() -> None:
    parsed = macro.parse("\n  id={id}\r\n\t&\n  tag = x {channel} \n& a={url}", recording=False)
    assert parsed.pairs == (
        Pair("id", (Placeholder("id"),)),
        Pair("tag ", (" x ", Placeholder("channel"))),
        Pair(" a", (Placeholder("url"),)),
    )


@pytest.mark.parametrize(
    ("text", "column", "message", "excerpt"),
    [
        (
            "id={id}&x={chanel}",
            11,
            "unknown macro {chanel}; did you mean {channel}?",
            "  id={id}&x={chanel}\n            ^^^^^^^^",
        ),
        ("x={From_Nr}", 3, "unknown macro {From_Nr}; did you mean {from_nr}?", "  x={From_Nr}\n    ^^^^^^^^^"),
        (
            "x={recording}",
            3,
            "unknown macro {recording}; did you mean {recording_id}?",
            "  x={recording}\n    ^^^^^^^^^^^",
        ),
        ("x={id}&y={id", 10, "unbalanced brace: this '{' is never closed", "  x={id}&y={id\n           ^"),
        ("x=id}", 5, "unbalanced brace: this '}' closes nothing", "  x=id}\n      ^"),
        (
            "id={id}&id={fsid}",
            9,
            "wire name 'id' is used twice; each may occur once",
            "  id={id}&id={fsid}\n          ^^",
        ),
        (
            "payload={id}",
            1,
            "wire name 'payload' is reserved for signed requests; choose another",
            "  payload={id}\n  ^^^^^^^",
        ),
        ("sign={id}", 1, "wire name 'sign' is reserved for signed requests; choose another", "  sign={id}\n  ^^^^"),
        ("id={id}&&x=1", 9, "an empty pair; write name={field} between two '&'", "  id={id}&&x=1\n          ^"),
        ("id={id}&", 9, "an empty pair; write name={field} between two '&'", "  id={id}&\n          ^"),
        ("", 1, "an empty pair; write name={field} between two '&'", "  \n  ^"),
        ("id={id}&fsid", 9, "'fsid' has no '='; write name={field}", "  id={id}&fsid\n          ^^^^"),
        ("={id}", 1, "the name left of '=' is missing", "  ={id}\n  ^"),
        ("{id}=x", 1, "a wire name is plain text; placeholders go right of '='", "  {id}=x\n  ^^^^"),
        (
            "r={recording_id}",
            3,
            "{recording_id} exists only while the post-call waits for recordings (C9)",
            "  r={recording_id}\n    ^^^^^^^^^^^^^^",
        ),
    ],
)
def test_a_mistake_names_its_place_and_what_to_write(text: str, column: int, message: str, excerpt: str) -> None:
    assert only(text) == MacroProblem(1, column, message, excerpt)


def test_a_name_near_to_none_gets_the_whole_list() -> None:
    known = ", ".join(field.name for field in wire.FIELDS)
    assert only("x={zzzzzz}").message == f"unknown macro {{zzzzzz}}; known: {known}"
    assert only("x={}").message == f"unknown macro {{}}; known: {known}"


def test_a_mistake_on_a_later_line_shows_that_line_alone() -> None:
    problem = only("id={id}\r\n&\tx={chanel}\r\n&y={url}")
    assert (problem.line, problem.column) == (2, 5)
    assert problem.excerpt == "  & x={chanel}\n      ^^^^^^^^"
    assert str(problem) == (
        "line 2, column 5: unknown macro {chanel}; did you mean {channel}?\n  & x={chanel}\n      ^^^^^^^^"
    )


def test_an_empty_pair_before_a_line_break_is_shown_where_it_stands() -> None:
    assert only("id={id}&\n") == MacroProblem(
        1, 9, "an empty pair; write name={field} between two '&'", "  id={id}&\n          ^"
    )


def test_every_mistake_is_told_at_once_in_the_order_of_the_text() -> None:
    found = problems("id={idd}\n&id={id}\n&x\n&y={url}}&={")
    assert [(problem.line, problem.column) for problem in found] == [(1, 4), (2, 2), (3, 2), (4, 9), (4, 11), (4, 12)]


def test_the_error_text_holds_every_problem() -> None:
    with pytest.raises(MacroError) as raised:
        macro.parse("a={x y z}&b", recording=False)
    assert str(raised.value) == "\n".join(str(problem) for problem in raised.value.problems)
    assert len(raised.value.problems) == 2


def test_the_recording_is_a_field_while_post_calls_wait_for_it() -> None:
    assert macro.parse("r={recording_id}", recording=True).fields == {"recording_id"}


def test_reading_maps_renamed_names_and_names_what_is_not_in_the_macro() -> None:
    parsed = macro.parse("caller={from_nr}&src=kaisa&tag={channel}-{publisher_id}&id={id}", recording=False)
    reading = parsed.read({"caller": "+46701234567", "src": "kaisa", "tag": "a-b", "new": ["x"]})
    assert reading.fields == {"from_nr": "+46701234567"}
    assert reading.unexpected == ("new",)
    assert reading.missing == ("id",)
    assert reading.mismatched == ()


def test_a_field_is_read_from_the_first_name_that_carries_it_alone() -> None:
    parsed = macro.parse("both={id}/{fsid}&first=c-{id}&second={id}", recording=False)
    reading = parsed.read({"both": "1/2", "first": "c-1", "second": "1"})
    assert reading.fields == {"id": "1"}
    assert parsed.sources["id"].wire_name == "first"
    assert reading.unexpected == ()


def test_a_name_of_the_macro_is_never_unexpected_whether_or_not_it_is_a_fields_value() -> None:
    parsed = macro.parse("src=kaisa&none=&both={id}/{fsid}&x=c-{url}&id={id}&again={id}", recording=False)
    values = {"src": "kaisa", "none": "", "both": "1/2", "x": "does not fit", "id": "1", "again": "2"}
    assert parsed.read(values).unexpected == ()
    assert parsed.read({"zeta": "1", **values, "Id": "1", "": ""}).unexpected == ("zeta", "Id", "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("pre-X-post", "X"),
        ("pre--post", ""),
        ("pre-pre--post-post", "pre--post"),
        ("pre-post", None),
        ("xpre-X-post", None),
        ("pre-X-postx", None),
        ("", None),
        (["pre-X-post"], None),
    ],
)
def test_literal_text_around_a_placeholder_is_taken_off_or_the_value_does_not_fit(
    value: object, expected: str | None
) -> None:
    parsed = macro.parse("x=pre-{id}-post", recording=False)
    reading = parsed.read({"x": value})
    assert reading.fields == ({} if expected is None else {"id": expected})
    assert reading.mismatched == (("x",) if expected is None else ())


def test_a_lone_placeholder_takes_any_value_as_it_is() -> None:
    assert macro.parse("x={id}", recording=False).read({"x": ["a"]}).fields == {"id": ["a"]}
