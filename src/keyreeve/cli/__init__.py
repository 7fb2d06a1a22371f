"""The command line: parse, call, print, exit.

app        the lazy group of verbs and the global options
options    what every verb knows, and the kinds of values that people type
kept_help  the first page, said without importing what parses
opening    from options to a config, a door, an account
screen     results on stdout, as tables for people or JSON for programs
progress   how far it is, on stderr, where somebody watches
<verb>     one module a verb, imported when it is called

Errors for people say where, what, and what to do; a traceback only with `-v`. Exit codes: 0 done,
1 in part, 2 usage, 3 findings, 4 refused, 5 locked, 6 could not start, 130 interrupted.
"""

from __future__ import annotations

import atexit
import gc
import io
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from keyreeve.cli.kept_help import kept
from keyreeve.model.errors import KeyreeveError

if TYPE_CHECKING:
    import click

USAGE = 2
FAILED = 1
INTERRUPTED = 130
_BETWEEN_COLLECTIONS = 1_000_000
"""Objects. The facts of thousands of users live as long as the command does: looking through them
for cycles after every 700 new ones, as Python does by default, costs a seventh of a check."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code. Never raises."""
    gc.set_threshold(_BETWEEN_COLLECTIONS)
    atexit.register(gc.freeze)  # a last search for cycles, right before all memory is given back
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    given = sys.argv[1:] if arguments is None else list(arguments)
    told = kept(given)
    if told is not None:
        return _say(told)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _command(given)
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(text: str) -> int:
    """The kept help, as far as somebody listens: without click, which would be imported for it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        import os

        # What is left in the buffer goes nowhere, or Python tries once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"cannot write the help: {error.strerror}\n")
        return FAILED
    return 0


def _command(arguments: list[str]) -> int:
    """One command, its errors told on stderr and turned into an exit code."""
    import click

    from keyreeve.cli.app import app

    try:
        code = app.main(arguments, prog_name="keyreeve", standalone_mode=False)
    except click.Abort as abort:
        return _aborted(abort)
    except KeyboardInterrupt:
        return _tell("interrupted", INTERRUPTED)
    except click.ClickException as error:
        told = io.StringIO()
        error.show(told)  # click quotes some of what was typed as it is
        return _tell(_redacted(told.getvalue().rstrip("\n")), USAGE)
    except KeyreeveError as error:
        return _tell(_redacted(str(error)), error.exit_code)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else FAILED
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback for people
        return _unexpected(error, arguments)
    return code if isinstance(code, int) else 0


def _interrupt(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - a handler's signature
    """SIGTERM (a cancelled pipeline) ends a run like Ctrl-C: the lock is given back."""
    raise KeyboardInterrupt


def _aborted(abort: click.Abort) -> int:
    """Ctrl-C, or a prompt that nobody can answer."""
    cause = abort.__cause__ or abort.__context__
    if isinstance(cause, EOFError):
        return _tell(
            "Error: a question needs an answer, and there is no terminal to ask.\n"
            "  Ask on a terminal, or give the answers as options where `--help` names some.",
            USAGE,
        )
    return _tell("interrupted", INTERRUPTED)


def _unexpected(error: Exception, arguments: list[str]) -> int:
    from keyreeve.codec.redaction import redact
    from keyreeve.logs import escape_control

    text = escape_control(redact(f"{type(error).__name__}: {error}"))
    if "-v" not in arguments and "--verbose" not in arguments:
        return _tell(f"unexpected: {text}; run with -v for the traceback", FAILED)
    import traceback

    trace = "".join(traceback.format_exception(error))
    return _tell(f"{_redacted(trace)}unexpected: {text}", FAILED)


def _redacted(text: str) -> str:
    """Without secrets; line by line: our own line breaks stay, foreign escapes are shown."""
    from keyreeve.codec.redaction import redact
    from keyreeve.logs import escape_control

    return "\n".join(escape_control(line) for line in redact(text).split("\n"))


def _tell(text: str, code: int) -> int:
    import click

    click.echo(text, err=True)
    return code
