r"""Lambda `keyreeve.handlers.daily_run.handle`: the daily run, once, of the account it stands in.

The stack `automation` starts it by schedule, as `keyreeve run --execute` would be; by hand:

    aws lambda invoke --function-name keyreeve-PROJECT-run --cli-binary-format raw-in-base64-out \
        --payload '{"execute": false}' answer.json

    event     {} runs · {"execute": false} rehearses · {"accept_blast_radius": N} as a refusal said
              · {"as_of": TIME} on an emulator only; a word that is not known is refused
    answer    counts, what failed, what could not be read, where the run's record lies; no secret
    error     whatever `run` exits with another code than 0 for, what failed named: the invocation
              counts as failed, and nobody tries it again before tomorrow

    KEYREEVE_CONFIG        a path in the package, or s3://BUCKET/KEY; see wiring.functions
    KEYREEVE_CONFIG_YAML   instead: the config's text
    KEYREEVE_SECRETS       ARN of a secret with variables that the config names; optional

One line of JSON tells the log group that a run has ended: an alarm asks for it every day.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from keyreeve import logs
from keyreeve.codec.redaction import redact
from keyreeve.codec.values import to_json
from keyreeve.governance.stacks import stack_project
from keyreeve.model.errors import ConfigError, KeyreeveError, LockLost
from keyreeve.model.plan import OutcomeKind
from keyreeve.pipeline.daily import Account, Report, run
from keyreeve.pipeline.heartbeat import missed, tell_watchers, with_heartbeats
from keyreeve.ports import Lease
from keyreeve.storage.layout import prefix, project_slug
from keyreeve.wiring import account_for_writing, open_door, wire
from keyreeve.wiring.functions import configured
from keyreeve.wiring.heartbeat import watchers

Answer = dict[str, Any]

_WORDS: Final = frozenset({"execute", "accept_blast_radius", "as_of"})
_SCHEDULED: Final = "Scheduled Event"
"""The detail-type of an event that a rule or a schedule without input sends."""
_NAMED: Final = 25
"""So many failures are told in full; the run's record has all."""
_RESERVE: Final = 60_000
"""Milliseconds before AWS ends the function: enough for one act, and to give the lock back."""
_UNEXPECTED: Final = 1
_log = logging.getLogger("keyreeve.daily_run")


class DailyRunFailed(Exception):
    """The run's exit code was not 0: its text names what failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the event asks for."""

    execute: bool = True
    accepted: int | None = None
    as_of: datetime | None = None


def handle(event: object, context: Any = None) -> Answer:
    """Run once. DailyRunFailed for whatever `keyreeve run` would not exit with 0 for."""
    _speak()
    try:
        answer, failed = _run(_asked(event), context)
    except KeyreeveError as error:
        raise _failed(error.exit_code, str(error)) from None
    except Exception as error:  # noqa: BLE001 - the last line of defence: no secret in AWS's log
        _log.exception("unexpected")
        said = f"unexpected: {type(error).__name__}: {error}"
        raise _failed(_UNEXPECTED, said) from None
    _say(answer)
    if answer["exit_code"]:
        raise _failed(answer["exit_code"], failed)
    return answer


def _run(asked: _Asked, context: Any) -> tuple[Answer, str]:
    """The answer, and what failed, for people."""
    config = configured()
    door = open_door(config, execute=asked.execute, as_of=asked.as_of)
    if asked.execute:
        with account_for_writing(door) as account:
            report = run(
                _in_time(account, context),
                door.now,
                _Quiet(),
                execute=True,
                accepted=asked.accepted,
            )
    else:
        report = run(wire(door), door.now, _Quiet(), execute=False, accepted=asked.accepted)
    where = f"s3://{config.storage.bucket}/{prefix(config.project_name)}"
    answer = _told(report, config.project_name, where)
    watching = watchers(config, door.sessions, metric=False) if asked.execute else ()
    beats = tell_watchers(watching)
    answer |= {"exit_code": with_heartbeats(report.exit_code, beats), "heartbeat": to_json(beats)}
    return answer, "\n".join(filter(None, (_what_failed(report, answer), *missed(beats))))


# --- what is asked --------------------------------------------------------------------------------


def _asked(event: object) -> _Asked:
    """ConfigError for what is not known: a slip must not become a run that acts."""
    if not isinstance(event, Mapping):
        raise _misunderstood(f"{type(event).__name__} is no JSON object")
    if event.get("detail-type") == _SCHEDULED:
        return _Asked()
    unknown = sorted(str(word) for word in event if word not in _WORDS)
    if unknown:
        raise _misunderstood(f"{unknown[0]!r} is not known")
    execute, accepted = event.get("execute", True), event.get("accept_blast_radius")
    if not isinstance(execute, bool):
        raise _misunderstood("execute is true or false")
    if accepted is not None and (type(accepted) is not int or accepted < 1):
        raise _misunderstood("accept_blast_radius is the number that the refusal named")
    return _Asked(execute=execute, accepted=accepted, as_of=_instant(event.get("as_of")))


def _instant(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        raise _misunderstood("as_of is a time with its zone, such as 2026-01-05T06:00:00Z")
    return at


def _misunderstood(what: str) -> ConfigError:
    return ConfigError(
        what,
        where="event",
        remedy=f"Send {{}}, or an object of {', '.join(sorted(_WORDS))}. Nothing was done.",
    )


# --- what it is given -----------------------------------------------------------------------------


class _Quiet:
    """ports.Progress: nobody watches."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Nothing."""

    def step(self, count: int = 1) -> None:
        """Nothing."""


class _InTime:
    """ports.Lease: the lock, and the time that is left before AWS ends the function in mid-act."""

    def __init__(self, lease: Lease, context: Any) -> None:
        self._lease = lease
        self._context = context

    def check(self) -> None:
        """LockLost when the lock is lost, or time is nearly over."""
        if self._context.get_remaining_time_in_millis() < _RESERVE:
            raise LockLost(
                "the function's time is nearly over",
                where="Lambda",
                remedy=(
                    "Nothing is lost: the next run goes on where this one stopped. Invoke it "
                    "again; where that is not enough, use a container, Jenkins or cron."
                ),
            )
        self._lease.check()


def _in_time(account: Account, context: Any) -> Account:
    """The account, whose acts stop before the function's end."""
    if not hasattr(context, "get_remaining_time_in_millis"):
        return account
    lease = _InTime(account.tools.lease, context)
    return replace(account, tools=replace(account.tools, lease=lease))


# --- what it tells --------------------------------------------------------------------------------


def _told(report: Report, project: str, where: str) -> Answer:
    plan = report.plan
    kinds = Counter(outcome.kind.value for outcome in report.outcomes)
    return {
        "schema": "keyreeve.daily_run/1",
        "project": stack_project(project_slug(project)),
        "project_name": project,
        "account_id": plan.account_id,
        "run_id": plan.run_id,
        "as_of": plan.as_of.isoformat(),
        "on": plan.on.isoformat(),
        "executed": report.executed,
        "exit_code": report.exit_code,
        "findings": len(plan.findings),
        "outcomes": dict(sorted(kinds.items())),
        "held": len(plan.held),
        "failed": _some(_failures(report)),
        "unread": _some(f"{gap.step}: {gap.reason}" for gap in plan.gaps),
        "refusal": redact(plan.refusal.reason) if plan.refusal else None,
        "record": f"{where}runs/{plan.run_id}/run.json" if report.executed else None,
    }


def _failures(report: Report) -> Iterable[str]:
    for outcome in report.outcomes:
        if outcome.kind is OutcomeKind.FAILED:
            what = " ".join(filter(None, (outcome.effect_kind, outcome.resource_id)))
            yield f"{outcome.user_name or 'team'}: {what}: {outcome.reason}"


def _some(texts: Iterable[str]) -> list[str]:
    """The first of them, without what looks like a secret; how many more there are."""
    found = [redact(text) for text in texts]
    more = len(found) - _NAMED
    return found if more <= 0 else [*found[:_NAMED], f"… and {more} more"]


def _what_failed(report: Report, answer: Answer) -> str:
    lines = [*answer["failed"], *(f"not read: {text}" for text in answer["unread"])]
    refusal = report.plan.refusal
    if refusal is not None:
        lines.insert(0, f"refused: {refusal.reason}")
        accept = f'{{"accept_blast_radius": {refusal.number}}}'
        lines.insert(1, f"If the facts are right, invoke it once with {accept}.")
    if answer["record"]:
        lines.append(f"All of it: {answer['record']}")
    return "\n".join(lines)


def _failed(exit_code: int, text: str) -> DailyRunFailed:
    told = "\n".join(logs.escape_control(line) for line in redact(text).split("\n"))
    return DailyRunFailed(f"exit code {exit_code}: {told}")


def _say(answer: Answer) -> None:
    """One line of JSON for the log group, where a metric filter counts runs that have ended."""
    word = "daily_run.ended" if answer["executed"] else "daily_run.rehearsed"
    line = json.dumps({"keyreeve": word, **answer}, ensure_ascii=True)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _speak() -> None:
    """Our log alone: the runtime's own handler would write every line once more, unredacted."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    logs.set_up(logs.Verbosity.VERBOSE, stream=sys.stdout)
    for name in logs.CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
