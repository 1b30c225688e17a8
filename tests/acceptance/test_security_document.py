"""docs/security.md names tests that there are, for every threat."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "security.md").read_text("utf-8")
ROWS = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and "shown by" not in line]


def existing() -> set[str]:
    sources = (path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for source in sources for name in re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE)}


def test_every_threat_has_a_test_that_exists() -> None:
    assert len(ROWS) > 30
    named = {row: re.findall(r"`(test_\w+)`", row.rsplit("|", 2)[1]) for row in ROWS}
    assert [row for row, tests in named.items() if not tests] == []
    assert sorted({test for tests in named.values() for test in tests} - existing()) == []


def test_nothing_else_in_the_document_is_called_a_test_that_is_none() -> None:
    assert set(re.findall(r"\btest_\w+", DOCUMENT)) <= existing()
