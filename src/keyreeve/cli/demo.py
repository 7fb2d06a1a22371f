"""`keyreeve demo`: the whole story on the emulator."""

from __future__ import annotations

from pathlib import Path

import click

from keyreeve.cli import screen
from keyreeve.cli.options import example


@click.command(epilog=example("keyreeve demo", "keyreeve demo --output /tmp/demo"))
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="Where mails, state, audit log and reports are left.",
)
def demo(*, output: Path) -> int:
    """Play 16 daily runs on an emulated account of about 40 users, and tell the story."""
    from keyreeve.demo import play

    return int(play(output, coloured=screen.coloured()))
