"""`keyreeve review …`: access reviews, from the question to the removal.

Answers are handed in with `answer`: the file is one reviewer's answer to what was asked, and no
`import` of data in general.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen
from keyreeve.cli.options import Day, as_of, example
from keyreeve.cli.progress import watched
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from keyreeve.cli.office import Office
    from keyreeve.model.review import Removal
    from keyreeve.pipeline.review import Draft, Reviewing
    from keyreeve.pipeline.review_mails import Mailed
    from keyreeve.pipeline.review_removals import Carried

campaign_option = click.option(
    "--campaign", metavar="ID", help="Default: the only review that is open."
)
send_option = click.option("--send", is_flag=True, help="Mail them; without it, only show.")
execute_option = click.option(
    "--execute", is_flag=True, help="Take the access away; without it, only list."
)
accept_option = click.option(
    "--accept",
    "accepted",
    type=click.IntRange(min=1),
    metavar="N",
    help="So many may be shut out at once: N as the refusal named it.",
)


@click.group(
    epilog=example(
        "keyreeve review start --reviewers reviewers.yaml --due 2026-01-19 --send",
        "keyreeve review status",
    )
)
def review() -> None:
    """Ask who still needs what; keep the answers; end what nobody needs.

    Each reviewer gets a form of his own. Every step is kept as evidence below reviews/ and in the
    audit log. Nobody loses access without --execute.
    """


@review.command(
    epilog=example(
        "keyreeve review start --reviewers reviewers.yaml          (who would review whom)",
        'keyreeve review start --reviewers reviewers.yaml --name "Quarter 1" --send',
        "keyreeve review start --reviewers reviewers.yaml --out forms",
    )
)
@click.option(
    "--reviewers",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="YAML: who reviews whom.",
)
@click.option("--due", type=Day(), help="The last day to answer; default: in 14 days.")
@click.option("--name", default="Access review", show_default=True, help="What it is called.")
@click.option("--send", is_flag=True, help="Mail each reviewer the form.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the forms there.",
)
@as_of
def start(
    *, file: Path, due: date | None, name: str, send: bool, out: Path | None, as_of: datetime | None
) -> int:
    """Start a review: every user of the account is shown to a reviewer.

    Without --send and --out nothing is started: it only shows who would review whom.
    """
    from keyreeve.cli import review_words
    from keyreeve.config.reviewers import load_reviewers
    from keyreeve.governance.reviewing import PATIENCE
    from keyreeve.pipeline import review as use_case

    plan = load_reviewers(file)
    begins = send or out is not None
    with _at_work(as_of, execute=begins) as (desk, reviewing):
        draft = _draft(desk, name, due or reviewing.today(desk.now) + PATIENCE)
        with watched(quiet=opening.options().quiet) as progress:
            campaign = use_case.prepare(reviewing, plan, draft, desk.now, progress)
        if not begins:
            return review_words.planned(desk, campaign)
        if out is not None:
            out = _folder(out)
        use_case.start(reviewing, campaign, desk.now)
        written: list[Path] = []
        unwritten = None
        try:
            written += [] if out is None else _written(reviewing, campaign.campaign_id, out)
        except ConfigError as error:
            unwritten = error  # the review is started all the same, and whoever is due is mailed
        mailed = _mailed(desk, reviewing, campaign.campaign_id) if send else ()
        code = review_words.started(desk, campaign, written, mailed)
        if unwritten is None:
            return code
        screen.note(f"{screen.safe(f'{unwritten.where}: {unwritten.what}')}")
        screen.note("  The review is started all the same; `review remind --send` mails the forms.")
        return review_words.LEFT


@review.command(epilog=example("keyreeve review status", "keyreeve --output json review status"))
@campaign_option
@click.option("--all", "everything", is_flag=True, help="Closed reviews too.")
@as_of
def status(*, campaign: str | None, everything: bool, as_of: datetime | None) -> int:
    """Show who has answered, who is late, and whose access ends when."""
    from keyreeve.cli import review_words
    from keyreeve.governance.reviewing import removals
    from keyreeve.pipeline.removals import all_files

    if campaign is not None and everything:
        raise click.UsageError("--campaign and --all exclude each other.")
    with _at_work(as_of, execute=False) as (desk, reviewing):
        files = all_files(reviewing.records)
        shown = [reviewing.chosen(campaign)] if campaign is not None else list(files)
        if campaign is None and not everything:
            shown = [each for each in files if each.result is None]
        today = reviewing.today(desk.now)
        return review_words.standing(desk, shown, removals(reviewing.records.closed()), today)


@review.command(epilog=example("keyreeve review remind", "keyreeve review remind --send"))
@campaign_option
@send_option
@as_of
def remind(*, campaign: str | None, send: bool, as_of: datetime | None) -> int:
    """Mail whoever has not answered; once the day is over, the team (mail.cc) reads it too."""
    from keyreeve.cli import review_words
    from keyreeve.pipeline import review_mails as use_case

    with _at_work(as_of, execute=send) as (desk, reviewing):
        file = reviewing.chosen(campaign)
        done = use_case.remind(reviewing, file, desk.now, desk.by, send=send)
        return review_words.reminded(desk, file.campaign, done, send=send)


@review.command(epilog=example("keyreeve review answer answers-2026-01-05-access-review-ana.json"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_of
def answer(*, file: Path, as_of: datetime | None) -> int:
    """Hand in the FILE that a reviewer has sent: the form's JSON, or the filled-in CSV.

    It is checked as a whole: one mistake, and nothing is kept. Until the review is closed a later
    answer takes the place of an earlier one.
    """
    from keyreeve.cli import review_words
    from keyreeve.pipeline import review as use_case

    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(file)) from None
    with _at_work(as_of, execute=True) as (desk, reviewing):
        made, new = use_case.answer(reviewing, content, str(file), desk.now, desk.by)
        return review_words.answered(desk, made, new=new)


@review.command(
    epilog=example(
        "keyreeve review close",
        'keyreeve review close --incomplete --reason "bob has left; his part is reviewed in May"',
        "keyreeve review close --execute",
    )
)
@campaign_option
@click.option("--incomplete", is_flag=True, help="Close although answers are missing.")
@click.option("--reason", help="With --incomplete: why, in a sentence; it is kept.")
@execute_option
@accept_option
@as_of
def close(
    *,
    campaign: str | None,
    incomplete: bool,
    reason: str | None,
    execute: bool,
    accepted: int | None,
    as_of: datetime | None,
) -> int:
    """Write the result, once, and list whose access was revoked.

    With --execute these users are offboarded, as `keyreeve user offboard` does it. Time-boxes wait
    for their day: see `keyreeve review due`.
    """
    from keyreeve.cli import review_words
    from keyreeve.pipeline import review as use_case

    if incomplete is not bool(reason and reason.strip()):
        raise click.UsageError("--incomplete and --reason belong together.")
    with _at_work(as_of, execute=False) as (_, reviewing):  # a refusal takes no lock
        use_case.may_close(reviewing.chosen(campaign), reason)
    with _at_work(as_of, execute=True) as (desk, reviewing):
        file = reviewing.chosen(campaign)
        result = use_case.close(reviewing, file, desk.now, desk.by, reason)
        due = _due(desk, reviewing, result.campaign_id)
        done = _carried_out(desk, reviewing, due, accepted) if execute else None
        return review_words.closed(desk, result, due, done)


@review.command(epilog=example("keyreeve review due", "keyreeve review due --execute"))
@execute_option
@accept_option
@as_of
def due(*, execute: bool, accepted: int | None, as_of: datetime | None) -> int:
    """List whose access ends by a closed review, and end it at its day.

    Exits with 1 if something was refused or failed.
    """
    from keyreeve.cli import review_words
    from keyreeve.governance.reviewing import due as are_due
    from keyreeve.governance.reviewing import removals

    with _at_work(as_of, execute=execute) as (desk, reviewing):
        found = removals(reviewing.records.closed())
        today = reviewing.today(desk.now)
        now_due = are_due(found, today)
        done = _carried_out(desk, reviewing, now_due, accepted) if execute else None
        return review_words.due(desk, found, today, done)


# --- parts ------------------------------------------------------------------------------------


@contextmanager
def _at_work(as_of: datetime | None, *, execute: bool) -> Iterator[tuple[Office, Reviewing]]:
    """With `execute` the account's lock is held: something is written."""
    from keyreeve.cli import office
    from keyreeve.pipeline.review_recovery import catch_up
    from keyreeve.wiring.reviews import reviewing

    with office.at_work(as_of, execute=execute) as desk:
        at_hand = reviewing(desk.door, desk.roster)
        if execute:
            catch_up(at_hand, desk.now)
        yield desk, at_hand


def _draft(desk: Office, name: str, due: date) -> Draft:
    from keyreeve.pipeline.review import Draft

    return Draft(name=" ".join(name.split()), due=due, by=desk.by)


def _mailed(desk: Office, reviewing: Reviewing, campaign: str) -> tuple[Mailed, ...]:
    from keyreeve.pipeline.review_mails import remind

    file = reviewing.chosen(campaign)
    return remind(reviewing, file, desk.now, desk.by, send=True)


def _due(desk: Office, reviewing: Reviewing, campaign: str) -> tuple[Removal, ...]:
    from keyreeve.governance.reviewing import due as are_due
    from keyreeve.governance.reviewing import removals

    found = are_due(removals(reviewing.records.closed()), reviewing.today(desk.now))
    return tuple(each for each in found if each.campaign_id == campaign)


def _carried_out(
    desk: Office, reviewing: Reviewing, due: tuple[Removal, ...], accepted: int | None
) -> tuple[Carried, ...]:
    from keyreeve.pipeline.review_removals import carry_out

    return carry_out(reviewing, due, desk.now, desk.by, accepted)


def _folder(out: Path) -> Path:
    """ConfigError if it cannot be written to: found before anything is started."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".keyreeve"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ConfigError(f"cannot write there: {error.strerror}", where=f"--out {out}") from None
    return out


def _written(reviewing: Reviewing, campaign: str, out: Path) -> Iterator[Path]:
    from keyreeve.pipeline.review import form_files

    file = reviewing.chosen(campaign)
    for task in file.campaign.tasks:
        for name, content in form_files(reviewing, file.campaign, task).items():
            screen.keep(content, out / name)
            yield out / name
