"""Lines for a shell, run in bash as a person would paste them."""

import os
import subprocess
import tempfile
from collections.abc import Mapping

Done = subprocess.CompletedProcess[bytes]


def bash(line: str, *, environment: Mapping[str, str] | None = None) -> Done:
    """What came of a line. It is read from a file: as an argument of bash it could not be of any length."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii", suffix=".sh") as script:
        script.write(line)
        script.flush()
        return subprocess.run(
            ["bash", script.name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=60,
            env={**os.environ, **(environment or {})},
        )
