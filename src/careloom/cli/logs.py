"""Logs of a process: one JSON object a line, without patient data."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            # The kind only: messages of exceptions can carry what a patient said.
            line["error"] = record.exc_info[0].__name__
        return orjson.dumps(line).decode()


def configure_logs(level: str) -> None:
    """Send logs of this level and above to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("careloom").setLevel(level.upper())
    # It writes parts of what it parses, file names among them.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    for noisy in ("pynetdicom", "uvicorn", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
