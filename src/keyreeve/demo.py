"""The demo: sixteen days of the main job in an account of forty users, on the embedded emulator.

It plays the users' part too (somebody rotates a key, enrols MFA, leaves the company), and leaves
the mails, the state, the audit log and the reports where a person can open them.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html import escape
from pathlib import Path
from tempfile import TemporaryFile

from keyreeve import wiring
from keyreeve.codec.values import to_json
from keyreeve.config import parse
from keyreeve.model.decisions import Hold, Waiver
from keyreeve.model.errors import ConfigError
from keyreeve.model.identifiers import ControlId
from keyreeve.model.plan import Outcome, OutcomeKind
from keyreeve.pipeline import daily
from keyreeve.pipeline.account_report import read_report
from keyreeve.render import report as rendered
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Mail, Sandbox, events
from keyreeve.storage.decisions import StoredDecisions
from keyreeve.storage.layout import CREDENTIALS
from keyreeve.wiring.account_report import sources

FIRST_DAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
"""A Monday: the sixteen days cross two weekends."""
DAYS = 16
DECIDING = 2
"""The day on which the team accepts one finding and stops one case."""
ACCOUNT = "demo"
CONFIG = f"""\
project_name: "ETV"
storage: {{bucket: {BUCKET}}}
mail:
  sender: "IAM Compliance <iam-compliance@example.com>"
  cc: [msp-team@example.com]
  owner: {{domains: [example.com]}}
exclusions:
  - {{tag: "keyreeve:exclude=true", reason: "watched, never touched"}}
"""
_INDEX = "index.html"
_TITLE = "<title>Keyreeve demo</title>"
"""By it a later demo knows the folder of an earlier one."""
_WRITTEN = (_INDEX, "mails", "storage", "report.html", "report.json", "report.csv")
"""What a demo leaves, and the only things that a later one removes."""
_STORY = {
    "rotate_key": "{user} replaces an access key",
    "use_key": "{user}'s programs use their key",
    "enrol_mfa": "{user} enrols an MFA device",
    "change_password": "{user} changes the password",
    "delete_key": "{user} deletes an old access key",
    "delete_user": "{user} leaves the company: the user is deleted",
    "sign_in": "{user} signs in",
}
_TOLD = {
    "create_replacement_key": "new key      {o.user_name}: {o.reason}",
    "reset_password": "new password {o.user_name}: {o.reason}",
    "deactivate_access_key": "enforced     {o.user_name}: {o.reason}",
    "delete_login_profile": "enforced     {o.user_name}: {o.reason}",
    "quarantine": "enforced     {o.user_name}: {o.reason}",
    "send_closing": "closed       {o.user_name}: everything is in order",
    "send_team_notice": "to the team  {o.reason}",
    "send_summary": "to the team  the weekly summary",
}


@dataclass(frozen=True, slots=True)
class _Pen:
    """Bold and dim on a terminal that wants them; plain text elsewhere."""

    colour: bool

    def bold(self, text: str) -> str:
        return f"\033[1m{text}\033[0m" if self.colour else text

    def dim(self, text: str) -> str:
        return f"\033[2m{text}\033[0m" if self.colour else text


class _Quiet:
    """ports.Progress: the story is progress enough."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Nothing."""

    def step(self, count: int = 1) -> None:
        """Nothing."""


def play(output: Path, *, coloured: bool) -> int:
    """Run the story and fill `output`; 0 if every day ended well.

    ConfigError, before the first day, where `output` holds what no demo has written.
    """
    pen = _Pen(coloured)
    _make_room(output)
    _say("Starting the embedded AWS emulator on 127.0.0.1 …")
    with Sandbox(account=ACCOUNT, at=FIRST_DAY) as sandbox:
        os.environ.update(sandbox.environment())
        codes = [_day(sandbox, number, pen) for number in range(DAYS)]
        mails = sandbox.mails()
        _keep_pages(output, mails)
        _keep_storage(output)
        _report(output, FIRST_DAY + timedelta(days=DAYS - 1))
        _end(output, mails, pen)
    return max(codes)


def _day(sandbox: Sandbox, number: int, pen: _Pen) -> int:
    """One daily run, told; then what the users do until the next."""
    now = FIRST_DAY + timedelta(days=number)
    sandbox.set_clock(now)
    config = parse(CONFIG, path=Path("config.yaml"))
    door = wiring.open_door(config, execute=True, as_of=now)
    with wiring.account_for_writing(door) as account:
        report = daily.run(account, now, _Quiet(), execute=True)
    _say("")
    _say(pen.bold(f"{now:%a} {now.day} {now:%b %Y}  ·  day {number}"))
    lines = list(_told(report))
    for line in lines or ["nothing is due"]:
        _say(f"  {line}")
    if number == DECIDING:
        for line in _decide(door, now):
            _say(pen.dim(f"  … {line}"))
    for day, hour, user, act, details in events(ACCOUNT):
        if day == number:
            sandbox.set_clock(now + timedelta(hours=hour))
            sandbox.act(user, act, **details)
            _say(pen.dim(f"  … {_STORY.get(act, '{user}: ' + act).format(user=user)}"))
    return report.exit_code


def _decide(door: wiring.Door, now: datetime) -> Iterable[str]:
    """What the team decides: a waiver and a hold, each with its record in the audit log."""
    decisions, today, by = StoredDecisions(door.store), now.date(), door.caller.arn
    waiver = Waiver(
        waiver_id="W20260107-d3m0",
        user="priya.nair",
        control=ControlId.INLINE_POLICIES,
        resource_id=None,
        reason="the bucket moves to an account of its own in February",
        requested_by="priya.nair",
        approved_by="lea.brandt",
        expires_on=today + timedelta(days=24),
        added_at=now,
        added_by=by,
    )
    hold = Hold(
        user="robert.klein",
        until=today + timedelta(days=19),
        reason="on parental leave until then",
        added_at=now,
        added_by=by,
    )
    decisions.add_waiver(waiver, today=today)
    decisions.add_hold(hold, today=today)
    with wiring.account_for_writing(door) as account:
        account.tools.states.load()  # tells where the end of the audit log is
        account.tools.audit.append("people.waived", now, {"waiver": to_json(waiver), "by": by})
        held = {"user_name": hold.user, "until": hold.until.isoformat(), "reason": hold.reason}
        account.tools.audit.append("people.held", now, {**held, "by": by})
        account.tools.audit.flush()
    yield f"the team accepts {waiver.user}'s inline policies until {waiver.expires_on}"
    yield f"the team holds the case of {hold.user} until {hold.until}"


def _told(report: daily.Report) -> Iterable[str]:
    """What the run did, a line per matter."""
    done = [o for o in report.outcomes if o.kind is OutcomeKind.DONE]
    yield from _notices(done)
    yield from (_TOLD[o.effect_kind].format(o=o) for o in done if o.effect_kind in _TOLD)
    for outcome in report.outcomes:
        if outcome.kind in (OutcomeKind.DEFERRED, OutcomeKind.REFUSED, OutcomeKind.FAILED):
            yield f"{outcome.kind.value:<12} {outcome.user_name}: {outcome.reason}"
    waiting = sum(
        1
        for case in report.state.users.values()
        if case.opened_on is None and not any(r.held for r in case.findings.values())
    )
    if waiting:
        allowed = report.plan.allowed
        yield f"waiting      {waiting} cases open on the next mail days ({allowed} a day)"


def _notices(done: list[Outcome]) -> Iterable[str]:
    """Notices by stage, with names."""
    stages: dict[str, list[str]] = {}
    for outcome in done:
        if outcome.effect_kind == "send_notice":
            stages.setdefault(outcome.reason.split(" to ")[0], []).append(outcome.user_name)
    for stage, users in stages.items():
        names = ", ".join(users[:4]) + (f" and {len(users) - 4} more" if len(users) > 4 else "")  # noqa: PLR2004
        mails = "mail" if len(users) == 1 else "mails"
        yield f"{len(users):>2} {mails:<9} {stage.replace('_', ' ')}: {names}"


# --- what is left behind --------------------------------------------------------------------------


def _make_room(output: Path) -> None:
    """A folder to write to: new, empty, or of an earlier demo, and then nothing else is in it."""
    remedy = "Name a new folder, an empty one, or that of an earlier demo."
    try:
        output.mkdir(parents=True, exist_ok=True)
        # Hidden notes of a file manager are in nobody's way, and stay.
        names = sorted(path.name for path in output.iterdir() if path.name[0] != ".")
        ours = not names or _TITLE in (output / _INDEX).read_text(encoding="utf-8")
        foreign = next((name for name in names if not ours or name not in _WRITTEN), None)
        if foreign is None:
            TemporaryFile(dir=output).close()
    except FileNotFoundError:  # no index: not what a demo has written
        foreign = names[0]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else f"{_INDEX} is no text"
        raise ConfigError(
            f"cannot write there: {why}", where=f"--output {output}", remedy=remedy
        ) from None
    if foreign is not None:
        raise ConfigError(
            f"{foreign} lies there, and no demo has written that; nothing was changed",
            where=f"--output {output}",
            remedy=remedy,
        )


def _keep_pages(output: Path, mails: list[Mail]) -> None:
    """The mails and the page that leads to them; what an earlier demo has left goes first."""
    # First and last: by it a later demo knows this folder, should this one be stopped.
    (output / _INDEX).write_text(_index([]), encoding="utf-8")
    for name in _WRITTEN[1:]:
        path = output / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (output / "mails").mkdir(parents=True)
    rows = []
    for mail in mails:
        message = email.message_from_bytes(mail.delivered, policy=email.policy.default)
        if not isinstance(message, EmailMessage):
            continue
        name = f"{mail.number:03d}-{_file_name(str(message['To']))}"
        (output / "mails" / f"{name}.eml").write_bytes(mail.delivered)
        body = message.get_body(("html",))
        if body is not None:
            html = str(body.get_content())
            (output / "mails" / f"{name}.html").write_text(html, encoding="utf-8")
        rows.append((name, message))
    (output / _INDEX).write_text(_index(rows), encoding="utf-8")


def _keep_storage(output: Path) -> None:
    """The bucket as files, but for the escrowed credentials: they stay where they are."""
    door = wiring.open_door(parse(CONFIG, path=Path("config.yaml")), execute=False)
    for row in door.store.list(""):
        found = None if row.key.startswith(CREDENTIALS) else door.store.get(row.key)
        if found is not None:
            path = output / "storage" / row.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(found.content)


def _report(output: Path, now: datetime) -> None:
    """The report after the last run: as a page, as JSON, as CSV."""
    door = wiring.open_door(parse(CONFIG, path=Path("config.yaml")), execute=False, as_of=now)
    found = read_report(wiring.wire(door), sources(door), now, _Quiet())
    written = {
        "report.html": rendered.page(found),
        "report.json": json.dumps(rendered.document(found), indent=1) + "\n",
        "report.csv": rendered.rows(found),
    }
    for name, text in written.items():
        (output / name).write_text(text, encoding="utf-8")


def _file_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-._@" else "_" for c in text)[:60]


def _index(rows: list[tuple[str, EmailMessage]]) -> str:
    """A page that leads to every mail."""
    items = "\n".join(
        f"<tr><td>{escape(str(m['Date'] or '')[:16])}</td><td>{escape(str(m['To']))}</td>"
        f'<td><a href="mails/{escape(name)}.html">{escape(str(m["Subject"]))}</a></td></tr>'
        for name, m in rows
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">{_TITLE}
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; }}
body {{ margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
td {{ padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8884; vertical-align: top; }}
td {{ overflow-wrap: anywhere; }} td:first-child {{ min-width: 4em; }}
</style></head><body>
<h1>Sixteen days, {len(rows)} mails</h1>
<p><a href="report.html"><b>The report</b></a> shows how things stand after the last of them.
The state is <a href="storage/state.json">storage/state.json</a>; the audit log lies below
storage/audit, the reports of the runs below storage/runs.</p>
<table>{items}</table></body></html>
"""


def _end(output: Path, mails: list[Mail], pen: _Pen) -> None:
    count = Counter("private" if len(mail.destinations) == 1 else "with the team" for mail in mails)
    _say("")
    _say(pen.bold("Sixteen days are over."))
    _say(f"  {len(mails)} mails were sent, {count['with the team']} of them with the team in copy.")
    _say(f"  Look at them:     {output / 'index.html'}")
    _say(f"  The report:       {output / 'report.html'} (and .json, .csv)")
    _say(f"  State:            {output / 'storage' / 'state.json'}")
    _say(f"  Audit log:        {output / 'storage' / 'audit'}")
    _say(f"  Reports of runs:  {output / 'storage' / 'runs'}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
