"""The plan carried out: per user acts first, then the one notice that says what was done.

One user's failure stops no other (P13).  What stops everybody is the lost lock, storage that no
longer answers, and a person's interrupt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar, assert_never

from keyreeve.escalation.notices import compose, compose_closing
from keyreeve.escalation.operations import no_case, operation_id
from keyreeve.escalation.outlook import FindingKey
from keyreeve.escalation.standing import strongest, told_today
from keyreeve.model.case import Case, OperationKind, State, StepName
from keyreeve.model.effect import (
    Act,
    CreateReplacementKey,
    DeactivateAccessKey,
    DeleteLoginProfile,
    DeleteOrphanedKey,
    Effect,
    Message,
    PurgeEscrow,
    Quarantine,
    ResetPassword,
    SendClosing,
    SendNotice,
    SendSummary,
    SendTeamNotice,
    finding_key,
)
from keyreeve.model.errors import (
    AwsFailure,
    CannotStart,
    KeyreeveError,
    LockLost,
    MailFailure,
    RecipientRefused,
)
from keyreeve.model.evidence import KEPT
from keyreeve.model.identifiers import OperationId, UserId, UserName
from keyreeve.model.notice import (
    Accepted,
    MailKind,
    OutgoingMail,
    RenderedMail,
    Summary,
    TeamNotice,
)
from keyreeve.model.plan import Decision, Gate, Outcome, OutcomeKind, Plan, UserPlan
from keyreeve.pipeline.channels import tell
from keyreeve.pipeline.enforcement import Enforcement
from keyreeve.pipeline.orphans import delete_orphan
from keyreeve.pipeline.post_office import PostOffice
from keyreeve.pipeline.purge import purge
from keyreeve.pipeline.reset import Reset
from keyreeve.pipeline.rotation import Rotation
from keyreeve.pipeline.workbench import Deferred, Refused, Stuck, Workbench
from keyreeve.ports import Progress

_Mail = TypeVar("_Mail", SendNotice, SendClosing)

GROUP = 50
"""Users between two saves of the state; what lies between is in `ops/`."""


class Execution:
    """Carries plans out for real."""

    def __init__(self, bench: Workbench, progress: Progress) -> None:
        self._bench = bench
        self._office = PostOffice(bench.tools, bench.run_id)
        self._progress = progress
        self.channel_failures: list[Outcome] = []
        """Channels of the team that were not told: what they were told of is done all the same."""

    def carry_out(
        self, plan: Plan, summarise: Callable[[State], Summary] | None = None
    ) -> list[Outcome]:
        """Everything in the plan, in its order; one outcome per effect that was tried.

        `summarise` is given where the weekly summary is due: it is made after the day's acts.
        """
        outcomes: list[Outcome] = []
        busy = [user for user in plan.users if user.acts or user.message]
        self._progress.stage("Acting and writing", total=len(busy))
        for number, user in enumerate(busy, start=1):
            outcomes.extend(self._user(user))
            self._progress.step()
            if number % GROUP == 0:
                self._save()
        outcomes.extend(self._guarded(n, partial(self._team, n)) for n in plan.team)
        if summarise is not None:
            outcomes.append(self._summary(plan, summarise(self._bench.state)))
        return [*outcomes, *self.channel_failures]

    def _save(self) -> None:
        bench = self._bench
        bench.tools.lease.check()
        bench.state = replace(bench.state, audit_head=bench.tools.audit.flush())
        bench.tools.lease.check()
        bench.tools.states.save(bench.state)

    # --- one user -----------------------------------------------------------------------------

    def _user(self, plan: UserPlan) -> Iterable[Outcome]:
        not_today = set(plan.postponed)
        for act in plan.acts:
            outcome = self._guarded(act, partial(self._act, act))
            finding = finding_key(act)
            if outcome.kind in (OutcomeKind.DEFERRED, OutcomeKind.FAILED) and finding:
                not_today.add(finding)
            yield outcome
        said = self._message(plan.message, not_today) if plan.message else None
        if said is not None:
            yield said

    def _act(self, act: Act) -> Outcome:
        match act:
            case CreateReplacementKey():
                return Rotation(self._bench, self._office, act).carry_out()
            case ResetPassword():
                return Reset(self._bench, self._office, act).carry_out()
            case DeactivateAccessKey() | DeleteLoginProfile() | Quarantine():
                return Enforcement(self._bench, act).carry_out()
            case DeleteOrphanedKey():
                return delete_orphan(self._bench, act)
            case PurgeEscrow():
                return purge(self._bench, act)
            case _:
                assert_never(act)

    def _guarded(self, effect: Effect, work: Callable[[], Outcome]) -> Outcome:
        """The outcome of the work, whatever becomes of it; only what stops everybody escapes."""
        bench = self._bench
        try:
            return work()
        except Deferred as held:
            return bench.outcome(effect, OutcomeKind.DEFERRED, held.reason, gate=held.gate)
        except Refused as refused:
            return bench.outcome(effect, OutcomeKind.REFUSED, str(refused))
        except Stuck as stuck:
            return bench.outcome(effect, OutcomeKind.FAILED, str(stuck), gate=Gate.HUMAN)
        except (LockLost, CannotStart):
            raise
        except (AwsFailure, MailFailure, KeyreeveError) as failure:
            where = f"{failure.where}: " if failure.where else ""
            return bench.outcome(effect, OutcomeKind.FAILED, f"{where}{failure.what}")

    # --- messages -----------------------------------------------------------------------------

    def _message(self, message: Message, not_today: set[FindingKey]) -> Outcome | None:
        if isinstance(message, SendClosing):
            self._bench.hear()  # what comes back once the case is closed cannot be mended any more
        case = self._bench.case(message)
        if case is None or self._bench.outlook.is_silent(case):
            return None
        if isinstance(message, SendClosing):
            if any(operation.unfinished for operation in case.operations.values()):
                return None  # a private mail has come back under this run: the case goes on
            return self._guarded(message, partial(self._told_of, message, self._closing, case))
        if not isinstance(message, SendNotice):
            return None
        decisions = self._told_today(message, case, not_today)
        if strongest(decisions.values()) is None:
            return None  # the act that was to be told has not happened
        notice = partial(self._notice, decisions=decisions)
        return self._guarded(message, partial(self._told_of, message, notice, case))

    def _told_today(
        self, effect: SendNotice, case: Case, not_today: set[FindingKey]
    ) -> Mapping[FindingKey, Decision]:
        """What the notice may speak of, as the case stands now."""
        outlook, opens = self._bench.outlook, effect.opens
        return told_today(outlook.decisions(case, not_today, refused=not opens), opens=opens)

    def _told_of(
        self, effect: _Mail, send: Callable[[_Mail, Case], Outcome], case: Case
    ) -> Outcome:
        """A refused address is remembered: who cannot be told must not be hurt (gate 1).

        Where it is one of the team's, the mail reached nobody, and the owner's works as far as is
        known: nothing was told, and the next run tries again.
        """
        self._bench.may_write(effect)
        try:
            return send(effect, case)
        except RecipientRefused as refused:
            if (refused.address or effect.to).lower() != effect.to.lower():
                raise
            self._bench.write(
                effect,
                OperationKind.NOTICE,
                self._notice_id(case, f"bounced/{self._bench.run_id}"),
                1,
                StepName.ABANDONED,
                {"topic": "bounced", "to": effect.to, "reason": refused.what},
            )
            raise

    def _notice(
        self, effect: SendNotice, case: Case, decisions: Mapping[FindingKey, Decision]
    ) -> Outcome:
        """Compose from the case as it is now, send, and remember what was told."""
        bench, outlook = self._bench, self._bench.outlook
        reason = strongest(decisions.values())
        composed = compose(case, decisions, outlook, bench.post.letterhead)
        first = case.opened_on is None
        accepted = self._office.send(
            self._in_thread(
                MailKind.NOTICE, effect.to, case, bench.tools.renderer.notice(composed.notice)
            ),
            case.user_id,
            self._remember(
                effect,
                self._notice_id(case, "notice"),
                {
                    "topic": "notice",
                    "stage": composed.notice.stage.value,
                    "reason": reason.value if reason else None,
                    "to": effect.to,
                    "cc": list(_others(outlook.policy.mail_cc, effect.to)),
                    "findings": [dict(entry) for entry in composed.told],
                    "ledger_day": bench.ledger_day.isoformat() if first else None,
                },
            ),
        )
        said = f"{composed.notice.stage.value} to {effect.to}"
        return bench.outcome(effect, OutcomeKind.DONE, said, message_id=accepted.message_id)

    def _in_thread(self, kind: MailKind, to: str, case: Case, body: RenderedMail) -> OutgoingMail:
        """A mail of the case's one conversation, the team in CC (S1.20, S1.22)."""
        cc = self._bench.outlook.policy.mail_cc
        earlier = case.thread.message_ids
        return OutgoingMail(
            kind=kind,
            sender=self._bench.post.sender,
            to=(to,),
            cc=_others(cc, to),
            reply_to=_reply_to(cc),
            subject=case.thread.subject,
            body=body,
            sent_at=self._bench.outlook.now,
            references=(case.thread.root, *earlier),
            in_reply_to=earlier[-1] if earlier else None,
        )

    def _closing(self, effect: SendClosing, case: Case) -> Outcome:
        bench = self._bench
        notice = compose_closing(case, bench.outlook, bench.post.letterhead)
        accepted = self._office.send(
            self._in_thread(
                MailKind.CLOSING, effect.to, case, bench.tools.renderer.closing(notice)
            ),
            case.user_id,
            self._remember(
                effect,
                self._notice_id(case, "closing"),
                {
                    "topic": "closing",
                    "to": effect.to,
                    "ledger_day": bench.ledger_day.isoformat(),
                },
            ),
        )
        return bench.outcome(
            effect, OutcomeKind.DONE, f"closing to {effect.to}", message_id=accepted.message_id
        )

    def _team(self, effect: SendTeamNotice) -> Outcome:
        bench = self._bench
        bench.may_write(effect)
        letterhead = bench.post.letterhead
        topic_id = operation_id(
            bench.outlook.snapshot.account_id,
            bench.case_id(effect),
            OperationKind.NOTICE,
            effect.topic,
            bench.run_id,
        )
        notice = TeamNotice(
            letterhead=letterhead,
            on=bench.outlook.calendar.today(bench.outlook.now),
            headline=effect.headline,
            paragraphs=effect.paragraphs,
        )
        accepted = self._office.send(
            OutgoingMail(
                kind=MailKind.TEAM,
                sender=bench.post.sender,
                to=effect.to,
                cc=(),
                reply_to=None,
                subject=f"[{letterhead.project_name}] IAM Compliance team: {effect.headline}",
                body=bench.tools.renderer.team(notice),
                sent_at=bench.outlook.now,
            ),
            effect.user_id,
            self._remember(effect, topic_id, {"topic": effect.topic, "to": list(effect.to)}),
        )
        self.channel_failures.extend(tell(bench, notice))
        return bench.outcome(
            effect, OutcomeKind.DONE, effect.headline, message_id=accepted.message_id
        )

    def _summary(self, plan: Plan, summary: Summary) -> Outcome:
        effect = summary_effect(plan, self._bench.outlook.policy.summary_to)

        def send() -> Outcome:
            self._bench.may_write(effect)
            return self.send_summary(effect, summary)

        return self._guarded(effect, send)

    def send_summary(self, effect: SendSummary, summary: Summary) -> Outcome:
        """The weekly summary to its readers, then to the team's channels (`channel_failures`)."""
        bench = self._bench
        letterhead = bench.post.letterhead
        on = bench.outlook.calendar.today(bench.outlook.now)
        account = bench.outlook.snapshot.account_id
        summary_id = operation_id(
            account, no_case(on), OperationKind.NOTICE, "summary", bench.run_id
        )
        accepted = self._office.send(
            OutgoingMail(
                kind=MailKind.SUMMARY,
                sender=bench.post.sender,
                to=effect.to,
                cc=(),
                reply_to=None,
                subject=f"[{letterhead.project_name}] IAM Compliance summary",
                body=bench.tools.renderer.summary(summary),
                sent_at=bench.outlook.now,
            ),
            effect.user_id,
            self._remember(effect, summary_id, {"topic": "summary", "to": list(effect.to)}),
        )
        self.channel_failures.extend(tell(bench, summary))
        return bench.outcome(
            effect, OutcomeKind.DONE, "weekly summary", message_id=accepted.message_id
        )

    def _remember(
        self, effect: Effect, operation: OperationId, facts: Mapping[str, object]
    ) -> Callable[[Accepted], None]:
        """What to write down as soon as the mail was accepted."""

        def remember(accepted: Accepted) -> None:
            data = {**facts, "message_id": accepted.message_id, KEPT: accepted.kept}
            self._bench.write(effect, OperationKind.NOTICE, operation, 1, StepName.ACCEPTED, data)

        return remember

    def _notice_id(self, case: Case, topic: str) -> OperationId:
        """One notice a day and case: the id says so."""
        account = self._bench.outlook.snapshot.account_id
        on = self._bench.outlook.today(case).isoformat()
        return operation_id(account, case.case_id, OperationKind.NOTICE, topic, on)


def summary_effect(plan: Plan, to: tuple[str, ...]) -> SendSummary:
    """The summary belongs to no user."""
    return SendSummary(
        user_id=UserId(""),
        user_name=UserName(""),
        due_on=plan.on,
        reason="summary_day",
        to=to,
    )


def _others(cc: tuple[str, ...], to: str) -> tuple[str, ...]:
    """The CC list without the address that is To."""
    return tuple(address for address in cc if address.lower() != to.lower())


def _reply_to(cc: tuple[str, ...]) -> str | None:
    """Answers to notices go to the team."""
    return cc[0] if cc else None
