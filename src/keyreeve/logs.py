"""Logging for people, to stderr: short lines, no secret, no forged line.

Three defences, each enough on its own for the leak it is meant for:

1. The SDK and its relatives never speak below INFO, whatever the root logger or `-v` says: their
   DEBUG log prints whole requests and answers, secrets included.
2. What looks like a secret is taken out of every line, tracebacks included. Key ids stay.
3. Control characters are shown escaped and tracebacks are indented, so that a user name with a
   line break cannot write a log line of its own.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from enum import IntEnum
from typing import TextIO

from keyreeve.codec.redaction import redact

CHATTY = (
    "aiobotocore",
    "aiosmtpd",
    "apprise",
    "boto3",
    "botocore",
    "mail.log",  # aiosmtpd's own name for its session log
    "moto",
    "s3transfer",
    "urllib3",
    "werkzeug",
)
"""Loggers whose DEBUG lines may hold secrets."""


class Verbosity(IntEnum):
    """How much is told on stderr."""

    QUIET = -1
    """`-q`: warnings and errors."""
    NORMAL = 0
    """What happens."""
    VERBOSE = 1
    """`-v`: also why, with time, source and tracebacks."""


_LEVELS = {
    Verbosity.QUIET: logging.WARNING,
    Verbosity.NORMAL: logging.INFO,
    Verbosity.VERBOSE: logging.DEBUG,
}


def escape_control(text: str) -> str:
    r"""The text on one line: what would steer a terminal or break a line is shown as `\x1b`."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


class SdkSilence(logging.Filter):
    """Drops DEBUG lines of the chatty, should somebody lower one of their loggers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line may be shown."""
        return record.levelno >= logging.INFO or not any(
            f"{record.name}.".startswith(f"{name}.") for name in CHATTY
        )


class SafeFormatter(logging.Formatter):
    """Lines for people, redacted and escaped."""

    def __init__(self, *, verbose: bool) -> None:
        super().__init__()
        self._verbose = verbose

    def format(self, record: logging.LogRecord) -> str:
        """One line; under `-v` followed by an indented traceback."""
        lines = [escape_control(self._prefix(record) + redact(_message(record)))]
        if record.exc_info and self._verbose:
            trace = redact(self.formatException(record.exc_info))
            lines.extend(f"  | {escape_control(line)}" for line in trace.split("\n"))
        return "\n".join(lines)

    def _prefix(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower()
        if self._verbose:
            at = datetime.fromtimestamp(record.created, UTC)
            return f"{at:%H:%M:%S}Z {level} {record.name}: "
        return f"{level}: " if record.levelno != logging.INFO else ""


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # logging would print the bare arguments to stderr, past every defence.
        return f"{record.msg} (its arguments do not fit)"


def set_up(verbosity: Verbosity = Verbosity.NORMAL, *, stream: TextIO | None = None) -> None:
    """Log to `stream` (default: stderr). Called again, it replaces what it did before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.set_name("keyreeve")
    handler.addFilter(SdkSilence())
    handler.setFormatter(SafeFormatter(verbose=verbosity is Verbosity.VERBOSE))
    root = logging.getLogger()
    for old in [each for each in root.handlers if each.get_name() == "keyreeve"]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("keyreeve").setLevel(_LEVELS[verbosity])
    floor = logging.INFO if verbosity is Verbosity.VERBOSE else logging.WARNING
    for name in CHATTY:
        logging.getLogger(name).setLevel(floor)
