"""What every verb knows, and the kinds of values that people type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_CONFIG = Path("config.yaml")


class Output(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The global options."""

    config: Path | None = None
    """As given; None: ./config.yaml."""
    profile: str | None = None
    region: str | None = None
    account: str | None = None
    """Which of the project's accounts; None: all of them, or the only one."""
    output: Output = Output.TABLE
    quiet: bool = False
    verbose: bool = False

    @property
    def config_path(self) -> Path:
        """The config file, whether it exists or not."""
        return self.config or DEFAULT_CONFIG

    @property
    def json(self) -> bool:
        """Whether a program reads the result."""
        return self.output is Output.JSON

    def begin(self) -> None:
        """Let the logs speak as loudly as was asked for."""
        from keyreeve import logs

        verbosity = logs.Verbosity.NORMAL
        if self.quiet:
            verbosity = logs.Verbosity.QUIET
        if self.verbose:
            verbosity = logs.Verbosity.VERBOSE
        logs.set_up(verbosity)


class Instant(click.ParamType[datetime]):
    """An ISO 8601 time with its zone."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Aware, UTC. A time without zone is a usage error: nobody could say which day it is."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time like 2026-01-05T06:00:00Z", param, ctx)
        if at.utcoffset() is None:
            self.fail(f"{value!r} has no zone: append Z for UTC, or +05:30", param, ctx)
        return at.astimezone(UTC)


class Day(click.ParamType[date]):
    """A calendar date."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date like 2026-01-31", param, ctx)


class Span(click.ParamType[timedelta]):
    """A duration such as `24h` or `3d`."""

    name = "DURATION"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Longer than zero."""
        if isinstance(value, timedelta):
            return value
        from keyreeve.config.values import Impossible, parse_duration

        try:
            span = parse_duration(value)
        except Impossible as error:
            meant = f" (did you mean {error.meant}?)" if error.meant else ""
            self.fail(f"{value!r}: {error.what}{meant}", param, ctx)
        if not span:
            self.fail(f"{value!r}: it must be longer than zero", param, ctx)
        return span


class AccountNumber(click.ParamType[str]):
    """An AWS account's id."""

    name = "ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Twelve digits."""
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) == 12):  # noqa: PLR2004 - AWS's own
            self.fail(f"{value!r} is no account number of twelve digits", param, ctx)
        return text


def as_of(command: F) -> F:
    """The option `--as-of`."""
    return click.option(
        "--as-of",
        type=Instant(),
        help="Judge as at this instant, such as 2026-01-05T06:00:00Z.",
    )(command)


def example(*lines: str) -> str:
    r"""The examples at the end of a verb's help, kept as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
