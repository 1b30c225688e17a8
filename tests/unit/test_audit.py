"""An audit that could not look everything up does not pass for one that did."""

from typing import Any

import pytest

from tests.audit import CLEAN, NOT_ASKED, VULNERABLE, verdict

GOOD = {"name": "flask", "version": "3.1.0", "vulns": []}
BAD = {"name": "jinja2", "version": "3.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.6"]}]}
SKIPPED = {"name": "click", "skip_reason": "Dependency not found and could not be audited: click (8.5)"}


@pytest.mark.parametrize(
    ("dependencies", "code", "said"),
    [
        ([GOOD], CLEAN, "1 packages looked up, no vulnerability is known"),
        ([GOOD, BAD], VULNERABLE, "jinja2 3.0: PYSEC-1 (mended in: 3.1.6)"),
        ([GOOD, SKIPPED], NOT_ASKED, "NOT AUDITED: 1 of 2 packages could be looked up: not click"),
        ([SKIPPED] * 7, NOT_ASKED, "not click, click, click, click, click and 2 more"),
        ([BAD, SKIPPED], VULNERABLE, "NOT AUDITED: 1 of 2"),
        ([], NOT_ASKED, "NOT AUDITED: 0 of 0"),
    ],
)
def test_only_what_was_looked_up_whole_and_is_clean_passes(
    dependencies: list[dict[str, Any]], code: int, said: str
) -> None:
    given, lines = verdict(dependencies)
    assert given == code
    assert said in "\n".join(lines)
