"""`keyreeve init`: the few needed facts, a commented config.yaml, access.yaml, and the bucket."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keyreeve.cli import opening, screen
from keyreeve.cli.options import example
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from keyreeve.config import Config
    from keyreeve.config.template import InitAnswers

_WHY = {
    "project_name": "The name stands in the subject of every mail and in the path of what is kept.",
    "storage": """State, escrowed credentials and the audit log: s3://NAME for a bucket, which
`keyreeve init --bucket` makes as it should be; or a path to a directory, for a try.""",
    "transport": """ses: Amazon SES. smtp: your own server. directory: .eml files on this machine,
and nobody gets any.""",
    "smtp_host": "The password is read from $KEYREEVE_SMTP_PASSWORD, never from the config.",
    "mail_directory": "Where the .eml files are written.",
    "sender": "From: of every mail. SES must have verified the address or its domain.",
    "cc": """The people who look after the account: in CC of every notice, never of a mail with
credentials. They get the weekly summary.""",
    "timezone": "An IANA name such as Europe/Berlin. The ladder counts dates in this zone.",
    "domains": """New credentials are mailed to addresses in these domains only. Whoever may tag an
IAM user chooses its address, so name your own, such as example.com.""",
    "free_slot": """AWS allows two access keys a user, and Inactive ones count. Keyreeve makes old
keys Inactive and never deletes them, so after one rotation both slots are taken and the next
rotation finds no room until the owner deletes the Inactive key. Keyreeve can do that for keys that
it made Inactive itself, some days later.""",
}
"""What a question means, told before it is asked."""
_OBSERVES = """
It begins with first_run: observe. Runs judge everything and keep what they saw; no owner is told
and nothing is done until `keyreeve arm`, which shows the coming 14 days and asks."""
_NAMED_HERE = ""
"""What `--bucket` means without a name: the bucket of the config."""
_ACCESS_FILE = "access.yaml"
"""Beside the config, where the config names no other."""


@click.command(
    epilog=example(
        "keyreeve init                        (asks)",
        "keyreeve init --yes --project-name ETV --storage s3://my-compliance-bucket \\",
        '    --sender "IAM Compliance <iam@example.com>" --cc msp@example.com',
        "keyreeve init --bucket               (makes the bucket of the config)",
        "keyreeve init --access               (writes who may do what, as a start)",
    )
)
@click.option("--project-name", help="The line that carries the project's identity.")
@click.option("--storage", metavar="PLACE", help="s3://bucket, or a directory.")
@click.option("--sender", help="From: of every mail; SES must know the address.")
@click.option("--cc", multiple=True, metavar="ADDRESS", help="The MSP team; may be repeated.")
@click.option("--timezone", help="IANA name of the zone of all dates. [default: UTC]")
@click.option("--transport", type=click.Choice(["ses", "smtp", "directory"]), help="[default: ses]")
@click.option("--smtp-host", help="For --transport smtp.")
@click.option("--mail-directory", help="For --transport directory. [default: ./mails]")
@click.option(
    "--domain",
    "domains",
    multiple=True,
    help="Credentials go only to addresses of this domain; may be repeated.",
)
@click.option(
    "--free-slot",
    type=click.IntRange(min=0),
    metavar="DAYS",
    help="Delete keys that Keyreeve made Inactive after so many days; 0: never. [default: 0]",
)
@click.option(
    "--first-run",
    type=click.Choice(["observe", "act"]),
    default="observe",
    show_default=True,
    help="observe: runs tell nobody until `keyreeve arm`.",
)
@click.option(
    "--bucket",
    is_flag=False,
    flag_value=_NAMED_HERE,
    metavar="[NAME]",
    help="Make the bucket: private, encrypted, versioned.",
)
@click.option(
    "--tls-only/--no-tls-only",
    default=None,
    help="With --bucket: a bucket policy that refuses requests without TLS. [default: on]",
)
@click.option(
    "--access",
    "access",
    is_flag=True,
    help="Write a commented access.yaml: groups, roles, required tags.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: take the defaults for what is not given.")
def init(
    *, bucket: str | None, tls_only: bool | None, access: bool, yes: bool, **given: Any
) -> int:
    """Write a commented config.yaml from a few answers. Never overwrites one.

    With --bucket also make the bucket as it should be, with --access write access.yaml; beside an
    existing config, only that.
    """
    path = opening.options().config_path
    exists = path.exists()
    if exists and bucket is None and not access:
        raise ConfigError(
            "there is a config already, and it is not overwritten",
            where=str(path),
            remedy="Edit it, or name another file: keyreeve --config FILE init.",
        )
    if exists:
        config = opening.config()
    else:
        if bucket and not given["storage"]:
            given["storage"] = f"s3://{bucket}"
        config = _write(path, _answers(given, yes=yes))
        screen.line(f"Wrote {screen.safe(str(path))}.")
    if access:
        _write_access(config)
    if bucket is not None:
        _make_bucket(config, bucket, tls_only=tls_only)
    if not exists:
        _next(config, bucket_made=bucket is not None)
    return 0


def _next(config: Config, *, bucket_made: bool) -> None:
    """The commands of the first hour, in their order."""
    observes = config.escalation_policy().observe_only
    steps = {
        "keyreeve init --bucket": "makes the bucket",
        "keyreeve doctor": "what is missing, each with what mends it",
        "keyreeve check": "what breaks the rules; changes nothing",
        "keyreeve run --execute": "the daily run; observes" if observes else "the daily run: acts",
        "keyreeve arm": "shows who will be told and what will be disabled, and asks",
    }
    if bucket_made or config.storage.bucket is None:
        del steps["keyreeve init --bucket"]
    if observes:
        screen.line(_OBSERVES)
        screen.line()
    else:
        del steps["keyreeve arm"]
    screen.line("Next:")
    for command, does in steps.items():
        screen.line(f"  {command:<24}{does}")


def _answers(given: dict[str, Any], *, yes: bool) -> InitAnswers:
    from keyreeve.config import Transport
    from keyreeve.config.sections import FirstRun
    from keyreeve.config.template import InitAnswers

    ask = _Questions(given, yes=yes)
    project = ask.text("project_name", "Project name")
    place = ask.text("storage", "Storage")
    is_bucket = place.startswith("s3://")
    transport = Transport(ask.text("transport", "Mail by (ses, smtp, directory)", "ses"))
    return InitAnswers(
        project_name=project,
        sender=ask.text("sender", "Sender, as Name <address>"),
        cc=ask.several("cc", "Team, separated by commas"),
        bucket=place.removeprefix("s3://").strip("/") if is_bucket else None,
        directory=None if is_bucket else place,
        timezone=ask.text("timezone", "Time zone", "UTC"),
        transport=transport,
        smtp_host=ask.text("smtp_host", "SMTP host") if transport is Transport.SMTP else None,
        mail_directory=(
            ask.text("mail_directory", "Directory for mails", "./mails")
            if transport is Transport.DIRECTORY
            else None
        ),
        domains=ask.several("domains", "Domains (empty: any)", needed=False),
        free_slot_after_days=ask.days("free_slot", "Delete after days (0: never)") or None,
        first_run=FirstRun(given["first_run"]),
    )


class _Questions:
    """Answers from options; what they lack is asked, or with --yes taken from the defaults."""

    def __init__(self, given: dict[str, Any], *, yes: bool) -> None:
        self._given = given
        self._yes = yes

    def text(self, name: str, question: str, default: str | None = None) -> str:
        """One line. UsageError if nobody may be asked and there is no default."""
        if self._given[name]:
            return str(self._given[name])
        if self._yes:
            return self._default(name, default)
        self._explain(name)
        return str(click.prompt(question, default=default, err=True))

    def several(self, name: str, question: str, *, needed: bool = True) -> tuple[str, ...]:
        """A list."""
        if self._given[name]:
            return tuple(self._given[name])
        if self._yes:
            return (self._default(name, None),) if needed else ()
        self._explain(name)
        default = None if needed else ""
        answer = click.prompt(question, default=default, show_default=False, err=True)
        return tuple(part.strip() for part in str(answer).split(",") if part.strip())

    def days(self, name: str, question: str) -> int:
        """A number of days; 0 by default."""
        if self._given[name] is not None or self._yes:
            return int(self._given[name] or 0)
        self._explain(name)
        return int(click.prompt(question, default=0, type=click.IntRange(min=0), err=True))

    @staticmethod
    def _explain(name: str) -> None:
        screen.note(f"\n{_WHY[name]}")

    @staticmethod
    def _default(name: str, default: str | None) -> str:
        if default is None:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"--yes asks nothing, so {option} must be given.")
        return default


def _write(path: Path, answers: InitAnswers) -> Config:
    """Judge the answers as the config will be judged, then write it. ConfigError with mistakes."""
    from keyreeve.config import parse
    from keyreeve.config.template import render_template

    text = render_template(answers)
    config = parse(text, path=path)
    _write_new(path, text)
    return config


def _write_new(path: Path, text: str) -> None:
    """ConfigError if it cannot be written, or if there is one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
                file.write(text)
        except BaseException:
            path.unlink(missing_ok=True)  # half of one would be in the way of the next attempt
            raise
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(path)) from None


def _write_access(config: Config) -> None:
    from keyreeve.config.access import access_template

    named = config.baseline.access
    path = named or config.path.parent / _ACCESS_FILE
    if path.exists():
        raise ConfigError(
            "there is one already, and it is not overwritten",
            where=str(path),
            remedy="Edit it; `keyreeve doctor` compares it with the account.",
        )
    _write_new(path, access_template())
    screen.line(f"Wrote {screen.safe(str(path))}.")
    if named is None:
        where = screen.safe(str(config.path))
        screen.line(f"Name it in {where}, below `baseline:`, as `access: {path.name}`.")


def _make_bucket(config: Config, named: str, *, tls_only: bool | None) -> None:
    from keyreeve.aws.bucket import make
    from keyreeve.aws.sessions import Sessions

    name = config.storage.bucket
    if name is None:
        raise ConfigError(
            "storage is a directory, so there is no bucket to make",
            where=f"{config.path}: storage",
            remedy="Set storage.bucket.",
        )
    if named and named != name:
        raise ConfigError(
            f"--bucket says {named}, and storage.bucket is {name}",
            where="--bucket",
            remedy="Make them the same; --bucket alone makes the one of the config.",
        )
    given = opening.options()
    profile = given.profile or config.profile
    sessions = Sessions(rehearsal=False, profile=profile, region=given.region)
    for told in make(
        sessions.client("s3"), name, kms_key_id=config.storage.kms_key_id, tls_only=tls_only
    ):
        screen.line(told)
