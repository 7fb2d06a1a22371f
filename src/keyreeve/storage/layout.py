"""Where everything lies: the same keys in a bucket and below a directory.

iam-compliance/{project}/                  accounts: self
iam-compliance/{project}/{account_id}/     several accounts
  state.json · lock.json · audit-end.json · audit-start.json
  waivers.json · holds.json · pause.json · usage.json
  ops/{operation_id}/{attempt}-{step}.json
  credentials/access-keys/{user_id}/{operation_id}-{attempt}.csv
  credentials/passwords/{user_id}/{operation_id}-{attempt}.csv
  audit/YYYY/MM/DD/{run_id}/{sequence of the first record, six digits}.jsonl
  audit-inbox/{instant}-{run_id}-{event}.json     records that wait for the holder of the lock
  feedback/YYYY/MM/DD/HHMMSS-{digest}.json          mails that came back, by arrival (UTC)
  set-aside/…                                       what `state repair` took out of their way
  evidence/salt.json                                what pseudonyms are made with
  reviews/{campaign}/…                              access reviews, each step written once
  mails/ · collected/ · runs/{run_id}/ · reports/
iam-compliance/{project}/fleet/YYYY-MM-DD/ several accounts: what a day has left over all of them
iam-compliance/{project}/fleet-results/    what the state machine gathers of its own accord
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.errors import ConfigError
from keyreeve.model.identifiers import AccountId, OperationId, RunId, UserId

if TYPE_CHECKING:
    from keyreeve.model.case import Step

STATE = "state.json"
LOCK = "lock.json"
AUDIT_END = "audit-end.json"
AUDIT_START = "audit-start.json"
WAIVERS = "waivers.json"
HOLDS = "holds.json"
PAUSE = "pause.json"
USAGE = "usage.json"
OPERATIONS = "ops/"
CREDENTIALS = "credentials/"
AUDIT = "audit/"
AUDIT_INBOX = "audit-inbox/"
FEEDBACK = "feedback/"
SET_ASIDE = "set-aside/"
EVIDENCE = "evidence/"
SALT = f"{EVIDENCE}salt.json"
MAILS = "mails/"
COLLECTED = "collected/"
RUNS = "runs/"
REVIEWS = "reviews/"
REPORTS = "reports/"
FLEET = "fleet/"
FLEET_RESULTS = "fleet-results/"
SENT_FINDINGS = f"{REPORTS}security-hub.json"
"""What Security Hub was sent; written anew by whoever sends, on the condition of its version."""
ARCHIVES = (MAILS, COLLECTED, RUNS, REPORTS)
WRITTEN_ONCE = (OPERATIONS, CREDENTIALS, AUDIT, AUDIT_INBOX, SET_ASIDE, REVIEWS)
"""Prefixes whose objects are never written a second time; evidence/ is another, of who exports."""
REPLACED = (STATE, LOCK, AUDIT_END, WAIVERS, HOLDS, PAUSE, USAGE)
"""Documents that are written anew; all but the last on the condition that nobody else did.
AUDIT_START is written by who ends the oldest part of the audit log, and by nobody else."""
KEPT_BROKEN = f"{STATE}.broken-"
"""How the name of a state begins that `state repair` has put aside."""
PROBE = "doctor-probe.json"
"""What the doctor tries to write on a condition that cannot hold."""

_CREDENTIAL_FOLDERS = {
    CredentialKind.ACCESS_KEY: "access-keys",
    CredentialKind.PASSWORD: "passwords",
}
_CREDENTIAL_KINDS = {folder: kind for kind, folder in _CREDENTIAL_FOLDERS.items()}
_ESCROW = re.compile(
    rf"{CREDENTIALS}(?P<folder>{'|'.join(_CREDENTIAL_KINDS)})"
    r"/(?P<user>[^/]+)/(?P<operation>[^/]+)-(?P<attempt>[1-9][0-9]{0,8})\.csv"
)


def project_slug(project_name: str) -> str:
    """The project's name in lower case, made safe for a path: letters a–z, digits, `. _ -`.

    Accents are dropped, everything else becomes `-`. ConfigError if nothing is left. Two names
    may meet in one slug: the state knows its project's exact name and refuses the other.
    """
    plain = unicodedata.normalize("NFKD", project_name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9._-]+", "-", plain).strip(".-")
    if not slug:
        raise ConfigError(
            f"the name {project_name!r} leaves nothing to name a folder with",
            where="project_name",
            remedy="Use at least one letter a–z or digit in it.",
        )
    return slug


def prefix(project_name: str, account_id: AccountId | None = None) -> str:
    """The prefix of one account; None for `accounts: self`. Ends with a slash."""
    project = f"iam-compliance/{project_slug(project_name)}/"
    return project if account_id is None else f"{project}{account_id}/"


def operation_prefix(operation: OperationId) -> str:
    """Where the steps of one operation lie."""
    return f"{OPERATIONS}{_part(operation)}/"


def step_key(step: Step) -> str:
    """The write-once object of a step."""
    return f"{operation_prefix(step.operation_id)}{step.attempt}-{step.name.value}.json"


def escrow_key(kind: CredentialKind, user: UserId, operation: OperationId, attempt: int) -> str:
    """The write-once object of one attempt's secret."""
    folder = _CREDENTIAL_FOLDERS[kind]
    return f"{CREDENTIALS}{folder}/{_part(user)}/{_part(operation)}-{attempt}.csv"


def escrow_parts(key: str) -> tuple[CredentialKind, UserId, OperationId, int] | None:
    """What `escrow_key` was made of; None for a key that it does not make."""
    found = _ESCROW.fullmatch(key)
    if found is None:
        return None
    kind = _CREDENTIAL_KINDS[found["folder"]]
    parts = kind, UserId(found["user"]), OperationId(found["operation"]), int(found["attempt"])
    return parts if escrow_key(*parts) == key else None


def audit_day(day: date) -> str:
    """Where the audit segments of a day lie."""
    return f"{AUDIT}{day:%Y/%m/%d}/"


def audit_key(day: date, run_id: RunId, sequence: int) -> str:
    """The segment that begins with record `sequence` of the chain."""
    return f"{audit_day(day)}{_part(run_id)}/{sequence:06d}.jsonl"


def run_day(day: date) -> str:
    """Where a listing of the records of runs begins: before the first of the day (UTC)."""
    return f"runs/{day:%Y%m%d}"


def fleet_day(on: date) -> str:
    """Where a fleet's day lies, below the project's prefix."""
    return f"{FLEET}{on.isoformat()}/"


def summary_key(on: date) -> str:
    """The summary of a fleet's day."""
    return f"{fleet_day(on)}summary.json"


def fleet_mail_key(week: date) -> str:
    """That the summary of a week was accepted by the mail system."""
    return f"{FLEET}mails/{week.isoformat()}.json"


def inbox_key(at: datetime, run_id: RunId, event: str) -> str:
    """Where a record waits for the audit log; sorts by time."""
    return f"{AUDIT_INBOX}{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{_part(run_id)}-{_part(event)}.json"


def feedback_day(at: datetime) -> str:
    """Where the feedback lies that arrived on the day of `at`, in UTC."""
    return f"{FEEDBACK}{at.astimezone(UTC):%Y/%m/%d}/"


def feedback_key(arrived_at: datetime, digest: str) -> str:
    """One object of feedback; `digest` is that of its content."""
    time = f"{arrived_at.astimezone(UTC):%H%M%S}"
    return f"{feedback_day(arrived_at)}{time}-{_part(digest)[:16]}.json"


def _part(text: str) -> str:
    """One name between two slashes. ValueError for what could lead elsewhere."""
    if not text or "/" in text or text in (".", ".."):
        raise ValueError(f"{text!r} cannot be one part of a key")
    return text
