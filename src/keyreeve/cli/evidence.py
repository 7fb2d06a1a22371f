"""`keyreeve evidence …`: what auditors take away, how they verify it, and its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from keyreeve.cli import opening, screen, words
from keyreeve.cli.options import Day, example
from keyreeve.model.errors import ConfigError, StateUnreadable

if TYPE_CHECKING:
    from keyreeve.model.case import State
    from keyreeve.model.evidence import Pack, Period
    from keyreeve.storage.retention import Expired, Purged
    from keyreeve.wiring import Door

UNSOUND = 1
_MOST_NAMED = 20


@click.group(
    epilog=example(
        "keyreeve evidence export --from 2026-01-01 --to 2026-03-31 --out q1.zip",
        "keyreeve evidence verify q1.zip",
    )
)
def evidence() -> None:
    """Take evidence of a period away, verify it, end what is kept too long."""


@evidence.command(
    epilog=example(
        "keyreeve evidence export --from 2026-01-01 --to 2026-03-31 --out q1.zip",
        "keyreeve evidence export --from 2026-01-01 --to 2026-03-31 --out q1.zip --mask \\",
        "    --sign alias/evidence",
    )
)
@click.option("--from", "first", type=Day(), required=True, help="First day, in UTC.")
@click.option("--to", "last", type=Day(), required=True, help="Last day, in UTC, included.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.zip",
    help="A new file; it holds names and addresses.",
)
@click.option("--mask", is_flag=True, help="Pseudonyms for users, addresses and ARNs.")
@click.option("--sign", metavar="KEY", help="A KMS key that signs. Default: evidence.signing_key.")
def export(*, first: date, last: date, out: Path, mask: bool, sign: str | None) -> int:
    """Make one archive of everything that is kept of a period.

    Credential reports, runs, mails without secrets, the audit log with its links before and after,
    decisions, reviews, configuration, policies; a manifest; a script that verifies all of it
    offline. The same storage makes the same bytes. That it was made enters the audit log.

    Exits with 1 and names each problem if what is kept is not sound; the pack is made all the same.
    """
    from keyreeve.cli.deciding import record
    from keyreeve.pipeline.evidence import EXPORTED, exported, make_pack
    from keyreeve.storage.evidence import StoredEvidence
    from keyreeve.wiring.evidence import signer_for, subject_of, surroundings

    opened, state = _door(execute=True)
    period = _period(first, last, opened.now.date())
    key = sign or opened.config.evidence.signing_key
    signer = signer_for(opened, key) if key else None
    try:
        pack = make_pack(
            StoredEvidence(opened.store, state.audit_head if state else None),
            subject_of(opened, period),
            surroundings(opened),
            opened.now.date(),
            mask=mask,
            signer=signer,
        )
    except OverflowError as error:
        raise ConfigError(
            str(error), where="evidence export", remedy="Export a shorter period."
        ) from None
    signed_by = signer.key().key_id if signer else None
    with _new(out) as file:
        told = exported(pack, period, masked=mask, signed_by=signed_by)
        record(opened, EXPORTED, {**told, "by": opened.caller.arn})
        try:
            file.write(pack.content)
            file.flush()
        except OSError as error:
            raise ConfigError(
                f"cannot be written: {error.strerror}",
                where=str(out),
                remedy="Make room, or name another place: the same pack is made again.",
            ) from None
    _say_exported(out, pack, told)
    return UNSOUND if pack.problems else 0


def _say_exported(out: Path, pack: Pack, told: Mapping[str, object]) -> None:
    from keyreeve.codec.verify_pack import remarks

    if opening.options().json:
        document = {"schema": "keyreeve.evidence.export/1", "file": str(out), **told}
        screen.json_document({**document, "problems": list(pack.problems)})
        return
    files, records = words.count(pack.files, "file"), words.count(pack.records, "audit record")
    screen.line(f"{screen.safe(str(out))}: {files}, {records}")
    screen.line(f"SHA-256 of manifest.json: {pack.manifest_sha256}")
    screen.line(f"SHA-256 of the pack:      {told['pack_sha256']}")
    screen.line(f"keyreeve evidence verify {screen.safe(str(out))} --expect {pack.manifest_sha256}")
    if not pack.problems:
        for each in remarks(pack.content):
            screen.line(screen.safe(each))
    for problem in pack.problems[:_MOST_NAMED]:
        screen.note(f"NOT SOUND: {screen.safe(problem)}")
    if pack.problems:
        screen.note("What is kept was altered: `keyreeve state verify` examines the storage.")


@evidence.command(
    epilog=example(
        "keyreeve evidence verify q1.zip",
        "keyreeve evidence verify q1.zip --expect 3b0c…",
        "python3 verify.py q1.zip --expect 3b0c…",
    )
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--expect",
    metavar="SHA256",
    help="The sum of manifest.json, as the export printed it and the audit log holds it.",
)
def verify(*, file: Path, expect: str | None) -> int:
    """Verify a pack offline: every file, every line of the audit log, nothing missing or added.

    The same code lies in every pack as verify.py. Exits with 1 and names the first altered file
    and line. Without --expect, or a signature, a pack that was made up as a whole is not found.
    """
    from keyreeve.codec.verify_pack import problems, remarks

    content = _content(file)
    found = problems(content, expect)
    if opening.options().json:
        screen.json_document(
            {
                "schema": "keyreeve.evidence.verify/1",
                "file": str(file),
                "sound": not found,
                "compared": expect is not None,
                "problems": found,
            }
        )
        return UNSOUND if found else 0
    for problem in found:
        screen.line(screen.safe(problem))
    if found:
        screen.line(f"NOT SOUND: {words.count(len(found), 'problem')}; the first is named first.")
        return UNSOUND
    screen.line("Sound: every file, every line of the audit log; nothing missing, nothing added.")
    if expect is None:
        screen.note("Not compared with anything from elsewhere: use --expect, or the signature.")
    for each in remarks(content):
        screen.line(screen.safe(each))
    return 0


@evidence.command(epilog=example("keyreeve evidence purge", "keyreeve evidence purge --execute"))
@click.option("--execute", is_flag=True, help="Purge; without it, only say what would go.")
def purge(*, execute: bool) -> int:
    """End what is kept longer than `retention` says: reports, runs, mails; the oldest audit log.

    The audit log stays verifiable: it then begins behind a record that it names itself. What
    Object Lock keeps is said, and tried again next time.
    """
    from keyreeve.storage.retention import expired

    opened, _ = _door(execute=execute)
    kept = opened.config.retention
    before = ((opened.now - kept.runs).date(), (opened.now - kept.audit).date())
    found = expired(opened.store, *before)
    done = _purge(opened, before) if execute and found.keys else None
    _say_purged(found, done)
    return 0


def _purge(opened: Door, before: tuple[date, date]) -> Purged:
    """Looked for anew under the lock."""
    from keyreeve.storage.retention import expired
    from keyreeve.storage.retention import purge as end
    from keyreeve.wiring import account_for_writing

    with account_for_writing(opened, mails=False) as account:
        account.tools.states.load()  # tells where the end of the chain is
        found = expired(opened.store, *before)
        return end(
            opened.store,
            account.tools.audit,
            found,
            at=opened.now,
            by=opened.caller.arn,
            check=account.tools.lease.check,
        )


def _say_purged(found: Expired, done: Purged | None) -> None:
    if opening.options().json:
        screen.json_document(
            {
                "schema": "keyreeve.evidence.purge/1",
                "executed": done is not None,
                "runs_before": found.runs_before.isoformat(),
                "audit_before": found.audit_before.isoformat(),
                "objects": dict(found.counts),
                "gone": done.gone if done else 0,
                "locked": list(done.locked) if done else [],
            }
        )
        return
    screen.line(f"Kept: runs and mails since {found.runs_before}, audit since {found.audit_before}")
    if not found.keys:
        screen.line("Nothing is older.")
        return
    verb = "was to go" if done else "would go"
    for folder, number in found.counts.items():
        screen.line(f"  {folder}/ {words.count(number, 'object')} {verb}")
    if done is None:
        screen.note("Nothing was changed: --execute purges.")
        return
    screen.line(f"Purged {words.count(done.gone, 'object')}.")
    if done.locked:
        kept = words.count(len(done.locked), "object")
        screen.line(f"Object Lock keeps {kept}: tried again next time.")
        for key in done.locked[:_MOST_NAMED]:
            screen.line(f"  {screen.safe(key)}")


# --- what both need -------------------------------------------------------------------------------


def _door(*, execute: bool) -> tuple[Door, State | None]:
    """At the time of the runs: of the wall clock, or of an emulator's last run. And the state."""
    opened = opening.door(execute=execute)
    state = None
    with suppress(StateUnreadable):  # evidence is wanted all the more
        state = opening.wired(opened).tools.states.load()
    return opening.now_of(opened, state, None), state


def _period(first: date, last: date, today: date) -> Period:
    from keyreeve.model.evidence import Period

    if first > last:
        raise ConfigError(f"{first} is after {last}", where="--from")
    if last > today:
        raise ConfigError(
            f"{last} has not come yet", where="--to", remedy=f"The newest day is {today}."
        )
    return Period(first=first, last=last)


@contextmanager
def _new(out: Path) -> Iterator[BinaryIO]:
    """For its owner alone; gone if what follows fails. ConfigError if it cannot be made."""
    import os

    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(
            "it is there already", where=str(out), remedy="Name a new file, or move it away."
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(out)) from None
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, opened with its mode
            yield file
    except BaseException:
        out.unlink(missing_ok=True)
        raise


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(file)) from None
