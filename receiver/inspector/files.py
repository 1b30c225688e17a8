"""The inspector's style sheet, script and icon, from memory. An address names the content, so it is kept for good."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask import Response, abort, request, url_for

__all__ = ["Files"]

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOLDER: Final = Path(__file__).with_name("static")
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    content_type: str
    version: str


class Files:
    """What stands in static/ beside this module."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._files = {path.name: _read(path) for path in folder.iterdir() if path.suffix in _TYPES}

    def address(self, name: str) -> str:
        """Where a page finds a file."""
        return url_for("inspector.file", name=name, v=self._files[name].version)

    def file(self, name: str) -> Response:
        """Answer with a file."""
        if name not in self._files:
            abort(404)
        found = self._files[name]
        response = Response(found.content, content_type=found.content_type)
        response.headers["Cache-Control"] = _FOR_GOOD if request.args.get("v") == found.version else "no-cache"
        response.set_etag(found.version)
        response.make_conditional(request)
        return response


def _read(path: Path) -> _File:
    content = path.read_bytes()
    return _File(content, _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16])
