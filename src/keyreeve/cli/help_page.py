"""Writes the help that `kept_help` keeps: python -m keyreeve.cli.help_page."""

from __future__ import annotations

from pathlib import Path

import click

from keyreeve.cli.app import app
from keyreeve.cli.kept_help import FILE, WIDTH


def page() -> str:
    """What the command line itself says, on that many columns."""
    settings = {**app.context_settings, "terminal_width": WIDTH}
    with click.Context(app, info_name="keyreeve", **settings) as context:
        return app.get_help(context) + "\n"


if __name__ == "__main__":
    Path(FILE).write_text(page(), encoding="utf-8")
