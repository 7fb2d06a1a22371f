"""The daily run, its order stated once.

load ─▶ collect ─▶ evaluate ─▶ casebook ─▶ plan ─▶ execute (or rehearse) ─▶ publish ─▶ record
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from keyreeve.codec.seal import content_digest
from keyreeve.codec.values import to_json
from keyreeve.controls.catalogue import CARDS
from keyreeve.controls.evaluation import evaluate
from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.casebook import Casebook, Happening, bring_up_to_date
from keyreeve.escalation.limits import vanished
from keyreeve.escalation.operations import disarmed_users
from keyreeve.escalation.outlook import FindingKey, Outlook
from keyreeve.escalation.planner import Planned, make_plan
from keyreeve.escalation.purge import Escrowed
from keyreeve.escalation.spared import status_of
from keyreeve.escalation.standing import population_of
from keyreeve.model.access import AccessModel
from keyreeve.model.case import LastRun, State
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.errors import AwsFailure, BrokenOff, CannotStart, ConfigError
from keyreeve.model.evidence import KEPT
from keyreeve.model.finding import Evaluation, Finding, FindingStatus
from keyreeve.model.identifiers import AccountId, RunId, UserId
from keyreeve.model.months import MinutesPer, Months
from keyreeve.model.notice import Summary
from keyreeve.model.people import Sweep
from keyreeve.model.plan import Outcome, OutcomeKind, Plan
from keyreeve.model.policy import EscalationPolicy
from keyreeve.model.snapshot import AccountSnapshot, CollectionGap
from keyreeve.model.usage import UsageReading
from keyreeve.model.week import Week
from keyreeve.pipeline.access_report import sweep_of
from keyreeve.pipeline.channels import tell_of_run
from keyreeve.pipeline.collect import collect
from keyreeve.pipeline.execution import Execution
from keyreeve.pipeline.memory import recall
from keyreeve.pipeline.months import read_months
from keyreeve.pipeline.publish import publish
from keyreeve.pipeline.purge import old_escrow
from keyreeve.pipeline.rehearsal import rehearse
from keyreeve.pipeline.removals import with_removals
from keyreeve.pipeline.usage import (
    UsageTools,
    change_over_rows,
    keep_usage,
    note_usage,
    read_usage,
)
from keyreeve.pipeline.workbench import Post, Tools, Workbench
from keyreeve.ports import CredentialReport, Mailer, Progress
from keyreeve.ports.months import AuditHistory
from keyreeve.ports.reviews import ReviewRecords
from keyreeve.ports.week import EventHistory
from keyreeve.reporting.summary import summarise

WEEK = timedelta(days=7)
EXIT_DONE, EXIT_PARTLY, EXIT_REFUSED = 0, 1, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account of one project, wired: what a run is about."""

    project: str
    account_id: AccountId
    run_id: RunId
    policy: EscalationPolicy
    tools: Tools
    post: Post
    access: AccessModel | None = None
    """None: no access.yaml is configured."""
    events: EventHistory | None = None
    """CloudTrail; asked where a summary is due. None: no access model."""
    reviews: ReviewRecords | None = None
    """Access reviews, whose removals the summary names; None: no access model."""
    history: AuditHistory | None = None
    """The audit log read back; asked where a summary is due."""
    minutes_per: MinutesPer = field(default_factory=MinutesPer)
    usage: UsageTools | None = None
    """How keys are used; asked for cases from day 7 on. None: nobody asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the facts of a day amount to, before anything is done."""

    snapshot: AccountSnapshot
    evaluation: Evaluation
    people: HumanDecisions
    casebook: Casebook
    outlook: Outlook
    planned: Planned
    sweep: Sweep | None = None
    """Who stands where the access model does not want it; None: there is no model."""
    week: Week | None = None
    """What CloudTrail tells, where a summary is due; None: nobody asked."""
    months: Months | None = None
    """The last month and the one before, where a summary is due; None: nobody asked."""

    @property
    def plan(self) -> Plan:
        """What the run would do."""
        return self.planned.plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a run has seen before it does anything."""

    judged: Judgement
    recovered: list[str]
    """Steps that a stop left unrecorded."""
    report: CredentialReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run did, for people and programs."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    happenings: tuple[Happening, ...]
    executed: bool
    exit_code: int
    state: State
    summary: Summary
    sweep: Sweep | None = None
    usage: UsageReading | None = None


def run(
    account: Account,
    now: datetime,
    progress: Progress,
    *,
    execute: bool,
    accepted: int | None = None,
) -> Report:
    """One run of one account at `now`. With `execute` false nothing anywhere is changed."""
    seen = look(account, now, progress, accepted)
    judged = seen.judged
    if judged.plan.summary_due:
        judged = replace(judged, week=week_of(account, now), months=months_of(account, now))
    if not execute:
        outcomes = rehearse(judged.plan)
        return _report(account, judged, outcomes, judged.planned.state, executed=False)

    usage = judged.outlook.usage
    if account.usage is not None and usage is not None:
        judged = _with_gaps(judged, keep_usage(account.usage, usage))
    bench = Workbench(
        account.tools, account.post, judged.outlook, judged.planned.state, account.run_id
    )
    _begin(bench, judged, seen.recovered, seen.report, accepted)
    try:
        return _carry_out(account, bench, judged, progress)
    except CannotStart as failure:
        raise BrokenOff(failure.what, where=failure.where, remedy=failure.remedy) from failure


def look(account: Account, now: datetime, progress: Progress, accepted: int | None = None) -> Seen:
    """The reading half of a run: the facts of today and what they amount to. Changes nothing.

    ConfigError for a time before the last run; AccountUnreadable.
    """
    tools = account.tools
    state, recovered = recall(account.project, account.account_id, tools, account.policy.days)
    _not_before(state, now)
    snapshot, report = collect(tools.reader, account.policy, state.keys, now, progress)
    mailbox = _room(tools.mailer)
    if isinstance(mailbox, CollectionGap):
        snapshot = replace(snapshot, gaps=(*snapshot.gaps, mailbox))
    usage = _usage(account, state, snapshot, now, progress)
    judged = judge(
        account,
        state,
        snapshot,
        tools.people.read(),
        now,
        mailbox,
        accepted,
        old_escrow(tools, account.policy, now),
        usage,
    )
    judged = _with_gaps(judged, usage.unread if usage else ())
    return Seen(judged=judged, recovered=recovered, report=report)


def _carry_out(account: Account, bench: Workbench, judged: Judgement, progress: Progress) -> Report:
    """Act, publish, record: from here on something may have been done.

    The audit log ends with the digest of what was published: it is published first.
    """
    summary = partial(summary_of, account, judged)
    due = summary if judged.plan.summary_due else None
    outcomes = Execution(bench, progress).carry_out(judged.plan, due)
    outcomes.extend(tell_of_run(bench, judged.plan, outcomes))
    bench.tools.lease.check()
    kept = publish(
        bench.tools.archive,
        judged.plan,
        outcomes,
        judged.casebook.happenings,
        exit_code(judged.plan, outcomes),
        judged.sweep,
        judged.outlook.usage,
        account_readable=judged.snapshot.account_readable,
    )
    state = record(bench, judged, outcomes, kept)
    return _report(account, judged, outcomes, state, executed=True)


def judge(
    account: Account,
    state: State,
    snapshot: AccountSnapshot,
    people: HumanDecisions,
    now: datetime,
    mailbox: int | CollectionGap | None,
    accepted: int | None = None,
    escrowed: tuple[Escrowed, ...] = (),
    usage: UsageReading | None = None,
) -> Judgement:
    """Evaluate, bring the cases up to date, plan: the pure middle of every run."""
    policy = account.policy
    calendar = Calendar(policy)
    evaluation = evaluate(snapshot, policy, now, state.keys)
    present = {user.user_id for user in snapshot.users if user.user_id}
    doubted = vanished(state.population, present, policy.limits)
    casebook = bring_up_to_date(
        state,
        snapshot,
        evaluation,
        people,
        calendar,
        now,
        keep_absent=doubted is not None and doubted.number != accepted,
    )
    outlook = Outlook(
        snapshot=snapshot,
        findings=_by_user(evaluation),
        keys=casebook.state.keys,
        people=people,
        calendar=calendar,
        cards=CARDS,
        now=now,
        gaps=frozenset(gap.user_id for gap in evaluation.gaps if gap.user_id),
        disarmed=disarmed_users(casebook.state),
        usage=usage,
    )
    planned = make_plan(
        run_id=account.run_id,
        state=casebook.state,
        outlook=outlook,
        evaluation=evaluation,
        mailbox=mailbox,
        accepted=accepted,
        escrowed=escrowed,
    )
    return Judgement(
        snapshot=snapshot,
        evaluation=evaluation,
        people=people,
        casebook=casebook,
        outlook=outlook,
        planned=planned,
        sweep=sweep_of(account.access, snapshot),
    )


def record(
    bench: Workbench, judged: Judgement, outcomes: list[Outcome], kept: Mapping[str, str]
) -> State:
    """Write down what tomorrow needs: the run, the population, the end of the audit chain."""
    plan = judged.plan
    ended = {"exit_code": exit_code(plan, outcomes), KEPT: dict(kept)}
    state = replace(
        bench.state,
        last_run=LastRun(
            run_id=plan.run_id, as_of=plan.as_of, on=plan.on, exit_code=exit_code(plan, outcomes)
        ),
        population=(
            population_of(judged.outlook, bench.state.population)
            if plan.refusal is None and judged.snapshot.account_readable
            else bench.state.population
        ),
    )
    bench.tools.audit.append("run.finished", bench.stamp, ended)
    bench.tools.lease.check()
    state = replace(state, audit_head=bench.tools.audit.flush())
    bench.tools.lease.check()
    bench.tools.states.save(state)
    return state


def exit_code(plan: Plan, outcomes: list[Outcome]) -> int:
    """0 done, 1 some parts failed or could not be read, 4 refused (the first of 4, 1 wins)."""
    if plan.refusal is not None:
        return EXIT_REFUSED
    failed = any(outcome.kind is OutcomeKind.FAILED for outcome in outcomes)
    return EXIT_PARTLY if failed or plan.gaps else EXIT_DONE


def _room(mailer: Mailer) -> int | CollectionGap | None:
    """Recipients that the mail system still takes; None: any number; a gap where it does not say.

    A quota that could not be read is not the same as none: gate 6 needs a fact (P9).
    """
    try:
        return mailer.remaining_quota()
    except AwsFailure as failure:
        return CollectionGap(
            step=failure.call, reason=f"the mail quota could not be read: {failure.what}"
        )


def _usage(
    account: Account,
    state: State,
    snapshot: AccountSnapshot,
    now: datetime,
    progress: Progress,
) -> UsageReading | None:
    """What AWS tells today; None where nobody asks, or where nothing can be said of anybody."""
    if account.usage is None or not snapshot.account_readable:
        return None
    clock, calendar = account.tools.clock, Calendar(account.policy)
    return read_usage(account.usage, clock, state, snapshot, calendar, now, progress)


def _with_gaps(judged: Judgement, gaps: tuple[CollectionGap, ...]) -> Judgement:
    """Named like every gap; the cases were judged without them, so they hold nobody."""
    plan = replace(judged.plan, gaps=(*judged.plan.gaps, *gaps))
    return replace(judged, planned=replace(judged.planned, plan=plan)) if gaps else judged


def _not_before(state: State, now: datetime) -> None:
    last = state.last_run
    if last is not None and now < last.as_of:
        raise ConfigError(
            f"{now.isoformat()} is before this project's last run ({last.as_of.isoformat()})",
            where="--as-of",
            remedy="Give a later time: days that were told to people are not taken back.",
        )


def _begin(
    bench: Workbench,
    judged: Judgement,
    recovered: list[str],
    report: CredentialReport,
    accepted: int | None,
) -> None:
    """Everything that must be durable before the first act."""
    plan, audit = judged.plan, bench.tools.audit
    caller, made = judged.snapshot.caller, report.generated_at
    collected = f"collected/{made:%Y/%m/%d}/credential-report-{made:%H%M%SZ}.csv"
    audit.append(
        "run.started",
        bench.stamp,
        {
            "as_of": plan.as_of.isoformat(),
            "caller": caller.arn if caller else None,
            "observing": plan.observing,
            "findings": len(plan.findings),
            "gaps": [f"{gap.step}: {gap.reason}" for gap in plan.gaps],
            "population": plan.population,
            "allowed": plan.allowed,
            "refusal": plan.refusal.reason if plan.refusal else None,
            "recovered_steps": recovered,
            KEPT: {collected: content_digest(report.content)},
        },
    )
    if accepted is not None:
        audit.append(
            "people.accepted_blast_radius",
            bench.stamp,
            {"number": accepted, "by": caller.arn if caller else None},
        )
    for happening in judged.casebook.happenings:
        audit.append(
            f"case.{happening.event}",
            bench.stamp,
            {
                "user_id": happening.user_id,
                "user_name": happening.user_name,
                "control": happening.control.value if happening.control else None,
                "resource_id": happening.resource_id,
                "detail": happening.detail,
                "ended": [to_json(ended) for ended in happening.ended],
            },
        )
    for held in plan.held:
        audit.append(
            "held",
            bench.stamp,
            {
                "gate": held.gate.value,
                "reason": held.reason,
                "user_id": held.user_id,
                "user_name": held.user_name,
                "control": held.control.value if held.control else None,
                "resource_id": held.resource_id,
            },
        )
    note_usage(judged.outlook, judged.planned.state, audit, bench.stamp)
    bench.tools.archive.keep(collected, report.content)
    bench.tools.lease.check()
    bench.state = replace(bench.state, audit_head=audit.flush())
    bench.tools.lease.check()
    bench.tools.states.save(bench.state)


def _by_user(evaluation: Evaluation) -> dict[UserId, dict[FindingKey, Finding]]:
    out: dict[UserId, dict[FindingKey, Finding]] = {}
    for finding in evaluation.findings:
        if finding.user_id is not None:
            out.setdefault(finding.user_id, {})[finding.key] = finding
    return out


def summary_of(account: Account, judged: Judgement, state: State) -> Summary:
    """The summary of the day, with the state as it stands after the day's acts."""
    summary = summarise(
        with_open_findings(judged),
        state,
        judged.people,
        CARDS,
        account.post.letterhead,
        len(judged.snapshot.users),
        judged.sweep,
        judged.week,
        judged.months,
        change_over_rows(judged.outlook, state),
        _unjudged(judged),
    )
    return with_removals(account.reviews, summary, judged.snapshot)


def _unjudged(judged: Judgement) -> int:
    """Users, none of them excluded, of whom nobody can say today whether they are in order."""
    named = {gap.user_name for gap in judged.evaluation.gaps}
    policy, seen = judged.outlook.policy, judged.snapshot
    return sum(
        (user.name in named or not seen.account_readable) and policy.exclusion_for(user) is None
        for user in seen.users
    )


def with_open_findings(judged: Judgement) -> Plan:
    """The plan without the findings that people have accepted: nobody counts them as open."""
    users, policy = judged.outlook.users, judged.outlook.policy
    found = tuple(
        finding
        for finding in judged.plan.findings
        if status_of(
            finding,
            users.get(finding.user_id) if finding.user_id else None,
            judged.people,
            policy,
            judged.plan.on,
        )
        is FindingStatus.OPEN
    )
    return replace(judged.plan, findings=found)


def week_of(account: Account, now: datetime) -> Week | None:
    """Administrators' sessions and changes of IAM; None without an access model.

    CloudTrail may be mute: the summary then says so, and goes out all the same.
    """
    if account.access is None or account.events is None:
        return None
    roles = frozenset(grant.role for grant in account.access.grants if grant.administrator)
    try:
        return account.events.week(roles, now - WEEK)
    except AwsFailure as failure:
        return Week(unread=str(failure).partition("\n")[0])


def months_of(account: Account, now: datetime) -> Months | None:
    """The last month against the one before, from the audit log."""
    if account.history is None:
        return None
    return read_months(account.history, account.policy.timezone, now, account.minutes_per)


def _report(
    account: Account, judged: Judgement, outcomes: list[Outcome], state: State, *, executed: bool
) -> Report:
    return Report(
        plan=judged.plan,
        outcomes=tuple(outcomes),
        happenings=judged.casebook.happenings,
        executed=executed,
        exit_code=exit_code(judged.plan, outcomes),
        state=state,
        summary=summary_of(account, judged, state),
        sweep=judged.sweep,
        usage=judged.outlook.usage,
    )
