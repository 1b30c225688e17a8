"""The hand-written bodies of this folder, as data. README.md says how they were made."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
_CONTENT_TYPES = {".form": "application/x-www-form-urlencoded", ".json": "application/json"}


@dataclass(frozen=True)
class Vector:
    name: str
    body: bytes
    content_type: str | None
    trust: Path | None
    digest: str
    padding: str
    encoding: str
    status: int
    code: str | None
    payload: bytes | None
    values: dict[str, Any] | None

    def __str__(self) -> str:
        return self.name


def _vector(entry: dict[str, Any], values: dict[str, dict[str, Any]]) -> Vector:
    body = entry["body"]
    differences = [
        str(entry[name]) for name in ("content_type", "trust", "digest", "padding", "encoding") if name in entry
    ]
    return Vector(
        name=" ".join([body, *differences]),
        body=(FOLDER / "bodies" / body).read_bytes(),
        content_type=entry.get("content_type", _CONTENT_TYPES[Path(body).suffix]),
        trust=FOLDER / entry["trust"] if "trust" in entry else None,
        digest=entry.get("digest", "sha256"),
        padding=entry.get("padding", "pkcs1v15"),
        encoding=entry.get("encoding", "base64"),
        status=entry.get("status", 200),
        code=entry.get("code"),
        payload=(FOLDER / "payloads" / entry["payload"]).read_bytes() if "payload" in entry else None,
        values=values[entry["values"]] if "values" in entry else None,
    )


def load() -> list[Vector]:
    """Every vector of index.json."""
    index = json.loads((FOLDER / "index.json").read_text("utf-8"))
    return [_vector(entry, index["values"]) for entry in index["vectors"]]
