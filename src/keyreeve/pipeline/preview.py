"""The mail as it would look: the engine played forward for one user, in an account of memory.

Real facts, the real state, the real words; nothing is sent, written or changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from keyreeve.model.case import Stage, State
from keyreeve.model.decisions import Arming
from keyreeve.model.errors import ConfigError
from keyreeve.model.identifiers import UserId
from keyreeve.model.notice import (
    ClosingNotice,
    CredentialsNotice,
    MailKind,
    Notice,
    OutgoingMail,
    RenderedMail,
    Summary,
    TeamNotice,
)
from keyreeve.model.snapshot import AccountSnapshot
from keyreeve.pipeline.daily import Account, judge, record
from keyreeve.pipeline.execution import Execution
from keyreeve.pipeline.forecast import simulated_tools
from keyreeve.pipeline.people import Person, Standing
from keyreeve.pipeline.simulation import Memory, SilentMailer, SimulatedAccount
from keyreeve.pipeline.workbench import Workbench
from keyreeve.ports import Progress, Renderer

HORIZON = 60
"""Days that are played forward at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One day's mails to a user."""

    on: date
    stage: Stage
    mails: tuple[OutgoingMail, ...]
    """The notice first, then the private mail, if that day has one."""


def preview(
    account: Account,
    facts: Standing,
    person: Person,
    now: datetime,
    progress: Progress,
    *,
    stage: Stage | None,
) -> Preview:
    """The next notice to the user, or the first one of a stage. ConfigError if none will come."""
    people = replace(facts.judged.people, pause=None, armed=Arming(since=now, by="a preview"))
    simulated = SimulatedAccount(facts.snapshot, now)
    memory = Memory(_only_case_of(facts, person.user_id))
    post, renderer = SilentMailer(), _Watching(account.tools.renderer)
    tools = replace(simulated_tools(simulated, memory, people, now), mailer=post, renderer=renderer)
    step = account.policy.compressed.day if account.policy.compressed else timedelta(days=1)
    for number in range(HORIZON):
        simulated.now = now + number * step
        snapshot = _others_at_peace(simulated.snapshot(), person.user_id)
        usage = facts.judged.outlook.usage
        judged = judge(account, memory.state, snapshot, people, simulated.now, None, usage=usage)
        bench = Workbench(tools, account.post, judged.outlook, judged.planned.state, account.run_id)
        post.sent.clear()
        renderer.stages.clear()
        outcomes = Execution(bench, progress).carry_out(judged.plan, None)
        memory.state = record(bench, judged, outcomes, {})
        if renderer.stages and stage in (None, renderer.stages[0]):
            mails = [m for m in post.sent if m.kind in (MailKind.NOTICE, MailKind.CREDENTIALS)]
            mails.sort(key=lambda mail: mail.kind is not MailKind.NOTICE)
            return Preview(on=judged.plan.on, stage=renderer.stages[0], mails=tuple(mails))
    raise _none(person, stage)


def _only_case_of(facts: Standing, user_id: UserId) -> State:
    """The state without other cases: what others are owed does not delay the preview."""
    cases = {uid: case for uid, case in facts.state.users.items() if uid == user_id}
    return replace(facts.state, users=cases, population=None, ledger={})


def _others_at_peace(snapshot: AccountSnapshot, user_id: UserId) -> AccountSnapshot:
    """Everybody else is still there (shared addresses, administrators) and breaks no rule."""
    now = snapshot.collected_at
    users = (
        user
        if user.user_id == user_id
        else replace(
            user,
            keys=(),
            password_enabled=user.has_live_credential,
            password_last_changed=now,
            password_last_used=now,
            mfa_active=True,
        )
        for user in snapshot.users
    )
    return replace(snapshot, users=tuple(users))


def _none(person: Person, stage: Stage | None) -> ConfigError:
    what = f"no {stage.value} notice" if stage else "no notice"
    return ConfigError(
        f"{what} to {person.user_name} is coming in the next {HORIZON} days",
        where="mail preview",
        remedy=f"`keyreeve check` and `keyreeve case show {person.user_name}` tell why.",
    )


class _Watching:
    """ports.Renderer that notes the stages of the notices it renders."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self.stages: list[Stage] = []

    def notice(self, notice: Notice) -> RenderedMail:
        """The real one."""
        self.stages.append(notice.stage)
        return self._renderer.notice(notice)

    def closing(self, notice: ClosingNotice) -> RenderedMail:
        """The real one."""
        return self._renderer.closing(notice)

    def credentials(self, notice: CredentialsNotice) -> RenderedMail:
        """The real one."""
        return self._renderer.credentials(notice)

    def team(self, notice: TeamNotice) -> RenderedMail:
        """The real one."""
        return self._renderer.team(notice)

    def summary(self, summary: Summary) -> RenderedMail:
        """The real one."""
        return self._renderer.summary(summary)
