"""The table of docs/performance.md, which `make bench` writes; what is around it is written by hand."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.benchmarks.figure import Figure, Measured

__all__ = ["DOCUMENT", "machine", "row", "with_table"]

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "performance.md"
_BEGIN: Final = "<!-- make bench writes from here -->\n"
_END: Final = "<!-- to here -->\n"
_HEAD: Final = "| what | goal | measured | reached | in figures |\n|---|---|---|---|---|\n"


def row(figure: Figure, measured: Measured) -> str:
    """A line of the table."""
    value = figure.shown.format(measured.value)
    return f"| {figure.name} | {figure.goal} | {value} | {figure.verdict(measured)} | {measured.note} |"


def machine(*, quick: bool) -> str:
    """Where and when it was measured, and with what."""
    model = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "model name: unknown")
    packages = ", ".join(f"{name} {version(name)}" for name in ("flask", "gunicorn", "sqlalchemy", "aiohttp", "simpy"))
    how = "a quick run, growth with a twentieth of the rows" if quick else "a full run"
    load = os.getloadavg()[2]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {how}: {os.cpu_count()} cores, {model.partition(':')[2].strip()}, "
        f"{platform.system()} {platform.release().partition('-')[0]}; Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {packages}. Other work on it meanwhile: load average {load:.1f}.\n"
    )


def with_table(text: str, where: str, rows: Sequence[str]) -> str:
    """The document with another table."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    table = "".join(f"{line}\n" for line in rows)
    return f"{before}{_BEGIN}\n{where}\n{_HEAD}{table}\n{_END}{after}"


def _lines(path: str) -> Sequence[str]:
    file = Path(path)
    return file.read_text("utf-8").splitlines() if file.exists() else ()
