"""Which checks were broken the last time, for each URL, in a file of the current folder."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from sender_sim.checks.model import Finding, Verdict

__all__ = ["FOLDER", "recall", "remember"]

FOLDER: Final = Path(".sender-sim")
_FILE: Final = "last-failed.json"


def recall(url: str, folder: Path = FOLDER) -> tuple[str, ...]:
    """The ids of the checks that were broken; a file that is not there, or that nobody can read, knows of none."""
    return tuple(_load(folder).get(url, ()))


def remember(url: str, findings: Iterable[Finding], folder: Path = FOLDER) -> None:
    """Keep what is broken now; what was broken and was not run this time stays. Raises OSError."""
    known = _load(folder)
    broken = dict.fromkeys(known.get(url, ()))
    for finding in findings:
        if finding.verdict is Verdict.BROKEN:
            broken[finding.check.id] = None
        elif finding.verdict is not Verdict.NOT_RUN:
            broken.pop(finding.check.id, None)
    folder.mkdir(exist_ok=True)
    (folder / ".gitignore").write_text("*\n", "utf-8")
    (folder / _FILE).write_text(json.dumps(known | {url: list(broken)}, indent=1) + "\n", "utf-8")


def _load(folder: Path) -> dict[str, list[str]]:
    try:
        content: Any = json.loads((folder / _FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {url: [str(name) for name in names] for url, names in content.items() if isinstance(names, list)}
