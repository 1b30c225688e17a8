"""gunicorn's own log, in the form of the application's: of its processes, and of requests that are no HTTP."""

import logging
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # gunicorn has no types

from receiver.logs import ToStructlog

__all__ = ["JsonLog"]


class JsonLog(Logger):  # type: ignore[misc]
    """Writes JSON, with numbers masked: gunicorn quotes what a broken request sends."""

    error_log: logging.Logger

    def setup(self, cfg: Any) -> None:
        """Set the log up, also on a reload."""
        super().setup(cfg)
        self.error_log.handlers = [ToStructlog("server")]
