"""Which checks are run, and what is known of the last time."""

from pathlib import Path

import pytest

from sender_sim.checks import last_failed
from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.model import Finding, Verdict
from sender_sim.checks.selection import select
from sender_sim.reading import SettingsError

URL = "https://endpoint.example/hook"
BY_ID = {check.id: check for check in CHECKS}


def selected(*only: str, skip: tuple[str, ...] = ()) -> list[str]:
    return [check.id for check in select(CHECKS, only, skip)]


def finding(name: str, verdict: Verdict) -> Finding:
    return Finding(check=BY_ID[name], verdict=verdict, happened="")


def test_without_names_all_checks_are_run_in_their_order() -> None:
    assert select(CHECKS) == CHECKS


def test_ids_and_groups_can_be_mixed_and_keep_the_order_of_the_catalogue() -> None:
    assert selected("method-get", "events", "answer-200") == [
        "answer-200",
        "event-missed-call",
        "event-sms",
        "event-pre-call",
        "method-get",
    ]


def test_what_is_skipped_is_not_run_even_if_it_was_asked_for() -> None:
    assert selected("events", skip=("event-sms",)) == ["event-missed-call", "event-pre-call"]
    assert "event-sms" not in selected(skip=("events",))


def test_every_unknown_name_is_told_at_once_with_what_may_be_meant() -> None:
    with pytest.raises(SettingsError) as error:
        select(CHECKS, ["event-smss", "qwrtz"], ["tekst"])
    first, second, third = error.value.problems
    assert first == "--only: 'event-smss' is no check and no group; did you mean event-sms?"
    assert second.startswith("--only: 'qwrtz' is no check and no group; known: answer, answer-200,")
    assert third == "--skip: 'tekst' is no check and no group; did you mean text?"


def test_to_leave_no_check_is_a_mistake() -> None:
    with pytest.raises(SettingsError, match="leave no check to run"):
        select(CHECKS, ["events"], ["events"])


def test_what_is_broken_is_remembered_for_its_url_alone(tmp_path: Path) -> None:
    last_failed.remember(URL, [finding("event-sms", Verdict.BROKEN), finding("answer-200", Verdict.KEPT)], tmp_path)
    assert last_failed.recall(URL, tmp_path) == ("event-sms",)
    assert last_failed.recall("https://other.example/", tmp_path) == ()


def test_what_was_broken_is_forgotten_when_it_is_kept_or_accepted_and_not_when_it_is_not_run(tmp_path: Path) -> None:
    broken = ("event-sms", "text-emoji", "method-get", "body-large")
    last_failed.remember(URL, [finding(name, Verdict.BROKEN) for name in broken], tmp_path)
    now = {"event-sms": Verdict.KEPT, "text-emoji": Verdict.ACCEPTED, "method-get": Verdict.NOT_RUN}
    last_failed.remember(URL, [finding(name, verdict) for name, verdict in now.items()], tmp_path)
    assert last_failed.recall(URL, tmp_path) == ("method-get", "body-large")


def test_the_memory_keeps_itself_out_of_git(tmp_path: Path) -> None:
    last_failed.remember(URL, [], tmp_path / ".sender-sim")
    assert (tmp_path / ".sender-sim" / ".gitignore").read_text("utf-8") == "*\n"


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[1]", b"\xff", b'{"https://endpoint.example/hook": 1}'])
def test_a_memory_that_nobody_can_read_knows_of_nothing_and_can_be_written_again(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "last-failed.json").write_bytes(content)
    assert last_failed.recall(URL, tmp_path) == ()
    last_failed.remember(URL, [finding("event-sms", Verdict.BROKEN)], tmp_path)
    assert last_failed.recall(URL, tmp_path) == ("event-sms",)
