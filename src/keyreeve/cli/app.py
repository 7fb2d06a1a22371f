"""The group of verbs: each in a module of its own, imported when it is called.

`keyreeve --help` pays for none of them: the one-line descriptions stand here.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from keyreeve import __version__
from keyreeve.cli.options import Options, Output

SECTIONS: dict[str, dict[str, str]] = {
    "Begin": {
        "init": "Write a commented config.yaml; make the bucket.",
        "doctor": "See whether everything is in place, and how to mend it.",
        "arm": "Let a project that only observes act, after showing what comes.",
        "policy": "Print the IAM policies that Keyreeve's own roles need.",
        "package": "Make the zip of the functions on AWS.",
        "sandbox": "Run the embedded AWS emulator.",
        "demo": "See the whole story run on the emulator.",
    },
    "Every day": {
        "check": "Show what breaks the rules; change nothing.",
        "plan": "Show what today's run would do, or the days to come.",
        "run": "Do the daily run: tell, hand out, enforce.",
        "summary": "Show or send the weekly summary.",
    },
    "Govern": {
        "baseline": "Groups, roles, trail, alarms, detection as stacks; deploy and verify.",
        "user": "Onboard, tag, reconcile, demote, release, offboard users.",
        "review": "Access reviews: ask who still needs what, and carry it out.",
        "evidence": "Take evidence of a period away; verify it; end what is kept too long.",
        "report": "Write the report: posture, cases, users, evidence; or who may do what.",
        "assume": "Open a session of a role, with MFA; or write a profile for it.",
    },
    "For the team": {
        "case": "Look at open cases; hold, extend, resend.",
        "waiver": "Accept a finding until a date; list, revoke.",
        "reinstate": "Make an Inactive key Active again for a while.",
        "mail": "See a mail as it would look.",
        "state": "Look at, verify, repair or unlock the storage.",
    },
}
GLOBAL = ("--config", "--profile", "--region", "--output", "--quiet", "-q", "--verbose", "-v")


class Verbs(click.Group):
    """A lazy group: listing its verbs imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every verb, in the order in which people meet them."""
        return [verb for verbs in SECTIONS.values() for verb in verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module; None if there is no such verb."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"keyreeve.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The verbs with their descriptions, in sections."""
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(verbs.items()), col_max=12)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the verb that was perhaps meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            meant = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not meant:
                raise
            raise click.UsageError(f"{error.message} Did you mean {meant[0]!r}?", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """As click does; a global option behind the verb is told where it belongs."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if error.option_name not in GLOBAL:
                raise
            verb = ctx.invoked_subcommand
            raise click.UsageError(
                f"{error.option_name} stands before the verb: "
                f"keyreeve {error.option_name} … {verb} …",
                error.ctx,
            ) from None


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: keyreeve --config etv.yaml plan --days 14",
)
@click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="KEYREEVE_CONFIG",
    metavar="FILE",
    help="Default: $KEYREEVE_CONFIG, then ./config.yaml.",
)
@click.option("--profile", metavar="NAME", help="A profile of the AWS SDK's own configuration.")
@click.option("--region", metavar="NAME", help="The AWS region of SES and S3.")
@click.option(
    "--output",
    type=click.Choice([kind.value for kind in Output]),
    default=Output.TABLE.value,
    show_default=True,
    help="Tables for people, or one JSON document.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only results, warnings and errors.")
@click.option("-v", "--verbose", is_flag=True, help="Also why, and tracebacks.")
@click.version_option(__version__, "--version", prog_name="keyreeve")
@click.pass_context
def app(ctx: click.Context, /, *, output: str, quiet: bool, verbose: bool, **given: Any) -> None:
    """Keeps the keys of an AWS account.

    Finds IAM credentials that break the rules, tells their owners, hands out new ones, and shuts
    the old ones on the promised day. What changes AWS needs --execute, mail on its own --send.
    """
    if quiet and verbose:
        raise click.UsageError("-q and -v exclude each other.")
    options = Options(output=Output(output), quiet=quiet, verbose=verbose, **given)
    options.begin()
    ctx.obj = options
