"""Writes what came of `make chaos` into docs/resilience.md, below its mark."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.chaos.outcome import Outcome

__all__ = ["PAGE", "replaced", "write"]

PAGE: Final = Path(__file__).parents[2] / "docs" / "resilience.md"
MARK: Final = "<!-- made by `make chaos` -->"
_HEAD: Final = "| what befell it | figures | what was wrong |\n|---|---|---|\n"


def write(outcomes: Sequence[Outcome], *, minutes: float) -> None:
    """Put the table in the place of the one there was."""
    told = f"{datetime.now(UTC):%Y-%m-%d}, {_machine()}, {minutes:.0f} minutes, seed {outcomes[0].seed}."
    head, mark, _ = PAGE.read_text("utf-8").partition(MARK)
    PAGE.write_text(f"{head}{mark}\n\n{told}\n\n{_HEAD}{''.join(map(_row, outcomes))}", "utf-8")


def replaced(page: str, outcome: Outcome) -> str:
    """The page with the row of an experiment that was done again; the rest stays."""
    begin = f"| {outcome.what} |"
    return "".join(_row(outcome) if line.startswith(begin) else line for line in page.splitlines(keepends=True))


def _row(outcome: Outcome) -> str:
    figures = ", ".join(_figure(name, value) for name, value in outcome.figures.items())
    return f"| {outcome.what} | {figures} | {'; '.join(outcome.findings) or 'nothing'} |\n"


def _figure(name: str, value: float) -> str:
    return f"{value:,} {name}"


def _machine() -> str:
    """As far as it says itself."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores ({model}), {platform.system()}, Python {platform.python_version()}"
