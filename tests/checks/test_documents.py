"""The documents say of the checks what is so."""

import re
from datetime import date
from pathlib import Path

from sender_sim.checks import baseline
from sender_sim.checks.catalogue import CHECKS, GROUPS
from sender_sim.checks.model import Severity
from tests.checks import table


def page(path: Path) -> str:
    return path.read_text("utf-8")


def test_the_catalogue_of_the_document_is_that_of_the_code() -> None:
    assert page(table.CATALOGUE) == table.with_catalogue(page(table.CATALOGUE))


def test_the_table_of_the_document_is_what_the_tests_examine() -> None:
    assert page(table.TABLE) == table.table()


def test_the_baseline_that_is_shown_is_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", page(table.CATALOGUE), re.DOTALL)
    file = tmp_path / "baseline.toml"
    file.write_text(shown, "utf-8")
    assert len(baseline.read(file, CHECKS, date(2026, 3, 2)).entries) == 2


def test_names_of_checks_and_groups_are_unique_and_made_for_a_command_line() -> None:
    names = [check.id for check in CHECKS] + [group.name for group in GROUPS]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


def test_a_must_stands_on_what_kaisa_publishes() -> None:
    origins = {check.id: check.rule.split()[-1] for check in CHECKS}
    assert set(origins.values()) == {"S", "D"}
    assert [check.id for check in CHECKS if check.severity is Severity.MUST and origins[check.id] != "S"] == []


def test_every_rule_is_one_of_the_contract() -> None:
    contract = page(table.DOCS / "contract.md")
    for check in CHECKS:
        name, origin = check.rule.split()
        numbered = re.search(rf"^\| {name} ", contract, re.MULTILINE)
        section = re.search(rf"^## {name}|^## {name} |^## .*{name}", contract, re.MULTILINE)
        assert numbered or section, check.rule
        assert origin in ("S", "D")


def test_every_check_says_what_it_expects_what_is_likely_wrong_and_what_to_change() -> None:
    for check in CHECKS:
        for words in (check.expected, check.cause, check.change):
            assert words.strip() == words != ""
            assert "|" not in words  # they stand in a table
