"""Logs carry ids, never people: secrets are masked and tracebacks lose their messages.

An exception's text may quote the value that caused it (a date of birth, a file name), so the log keeps its type and
where it happened. The full traceback with values exists in a debugger, not in a file.
"""

from __future__ import annotations

import json
import logging
import traceback

from django.conf import settings

from novamind.clock import now


class SanitizingFilter(logging.Filter):
    """Masks ``password=…`` and its like, and drops the arguments of database errors."""

    def filter(self, record: logging.LogRecord) -> bool:
        if settings.HIPAA_LOG_SANITIZATION_ENABLED:
            message = record.getMessage()
            record.msg, record.args = settings.LOG_SECRETS.sub(r"\1=[masked]", message), ()
        return True


class LineFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, where an exception was raised."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": now().isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in ("pipeline_id", "step", "status", "seconds", "severity", "job_id", "request_id"):
            if hasattr(record, name):
                line[name] = getattr(record, name)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["where"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])[-8:]
            ]
            if not settings.HIPAA_LOG_SANITIZATION_ENABLED:
                line["detail"] = str(record.exc_info[1])
        return json.dumps(line, default=str)
