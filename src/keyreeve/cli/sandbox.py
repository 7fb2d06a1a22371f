"""`keyreeve sandbox`: the embedded AWS emulator, in the foreground."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from keyreeve.cli import screen
from keyreeve.cli.options import Instant, example
from keyreeve.model.errors import ConfigError


@click.command(
    epilog=example(
        "keyreeve sandbox --account demo --at 2026-01-05T06:00:00Z",
        "keyreeve sandbox --port 5005",
    )
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
@click.option(
    "--account", default="demo", show_default=True, help="A YAML file, or demo, small, empty."
)
@click.option("--at", type=Instant(), help="The emulator's time; default: now.")
def sandbox(*, port: int, account: str, at: datetime | None) -> int:
    """Run the embedded AWS emulator on 127.0.0.1 until Ctrl-C.

    It prints the variables that lead the AWS SDK to it; nothing leaves this machine.
    """
    try:
        import moto  # noqa: F401 - whether the extra is there

        from keyreeve.sandbox import server
        from keyreeve.sandbox.account_file import load_document, read_account
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the emulator is an extra that is not installed ({error.name} is missing)",
            where="sandbox",
            remedy="pip install 'keyreeve[sandbox]'",
        ) from None
    data = read_account(load_document(account))
    screen.note("In another terminal, paste the export lines below, then: keyreeve check")
    screen.note("Ctrl-C ends the emulator and forgets everything in it.")
    try:
        server.serve(data, at or datetime.now(UTC).replace(microsecond=0), port, print_env=True)
    except OSError as error:
        raise ConfigError(
            f"port {port} cannot be used: {error.strerror}",
            where="--port",
            remedy="Leave --port out: a free one is taken.",
        ) from None
    return 0
