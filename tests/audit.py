"""Asks whether a vulnerability of what this repository pins is known (`make audit`).

Exit codes: 0 everything was looked up and nothing is known, 1 something is known, 2 not everything could be looked up.
An audit that could not ask is no audit: pip-audit itself ends with 0 then.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["verdict"]

CLEAN: Final = 0
VULNERABLE: Final = 1
NOT_ASKED: Final = 2

_ROOT: Final = Path(__file__).resolve().parents[1]
_PIP_AUDIT: Final = "pip-audit==2.10.1"
_PINS: Final = ("requirements.txt", "requirements-dev.txt")
_SHOWN: Final = 5


def main() -> int:
    """Run pip-audit, in an environment of its own, over the pins; say what came of it."""
    pins = [option for file in _PINS for option in ("--requirement", file)]
    options = ["--format", "json", "--progress-spinner", "off", "--no-deps", "--disable-pip", *pins]
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "tool", "run", "--quiet", "--from", _PIP_AUDIT, "pip-audit", *options]
    try:
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=600)
        code, lines = _read(done.stdout, done.stderr)
    except (OSError, subprocess.TimeoutExpired) as error:
        code, lines = NOT_ASKED, [f"NOT AUDITED: pip-audit could not be run: {error}"]
    sys.stdout.write("\n".join(lines) + "\n")
    return code


def _read(output: str, errors: str) -> tuple[int, list[str]]:
    try:
        document: Mapping[str, Any] = json.loads(output)
    except ValueError:
        told = (errors.strip().splitlines() or ["it said nothing"])[-1]
        return NOT_ASKED, ["NOT AUDITED: the database of vulnerabilities could not be asked", f"    {told[:300]}"]
    return verdict(document["dependencies"])


def verdict(dependencies: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """pip-audit's list of dependencies -> exit code, and what to say."""
    known = list(_known(dependencies))
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    looked_up = len(dependencies) - len(skipped)
    lines = [*known]
    if skipped or not looked_up:
        more = f" and {len(skipped) - _SHOWN} more" if len(skipped) > _SHOWN else ""
        names = f": not {', '.join(skipped[:_SHOWN])}{more}" if skipped else ""
        lines.append(f"NOT AUDITED: {looked_up} of {len(dependencies)} packages could be looked up{names}")
    if known:
        return VULNERABLE, lines
    if skipped or not looked_up:
        return NOT_ASKED, lines
    return CLEAN, [f"{looked_up} packages looked up, no vulnerability is known"]


def _known(dependencies: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in dependencies:
        for found in each.get("vulns", ()):
            fixed = ", ".join(found.get("fix_versions", ())) or "none yet"
            yield f"{each['name']} {each['version']}: {found['id']} (mended in: {fixed})"


if __name__ == "__main__":
    sys.exit(main())
