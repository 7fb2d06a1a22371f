"""An account made of memory, lived day by day through the daily run.

Everything but AWS and the mail system is the real thing: the codec, the stores, the audit chain.
Days count from the start; a run is at six in the morning UTC, people act afterwards.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from tests.fakes.mailer import FakeMailer
from tests.fakes.memory_store import MemoryStore, SettableClock
from tests.fakes.vault import FakeVault
from tests.scenario.people import ACCOUNT, MONDAY
from tests.scenario.peril import Fate, Perilous
from tests.scenario.reported_account import ReportedAccount

from keyreeve.model.case import Case, State
from keyreeve.model.feedback import FeedbackKind, MailFeedback
from keyreeve.model.identifiers import RunId
from keyreeve.model.notice import Letterhead, MailKind, OutgoingMail
from keyreeve.model.plan import Outcome, OutcomeKind
from keyreeve.model.policy import EscalationPolicy, OwnerRules
from keyreeve.model.snapshot import PasswordPolicy, User
from keyreeve.pipeline import daily
from keyreeve.pipeline.simulation import CountingRandomness, PlainRenderer
from keyreeve.pipeline.workbench import Post, Tools
from keyreeve.ports import Renderer
from keyreeve.ports.channels import Subscription
from keyreeve.storage.archive import StoredArchive
from keyreeve.storage.audit_log import StoredAuditLog
from keyreeve.storage.decisions import StoredDecisions
from keyreeve.storage.escrow import StoredEscrow
from keyreeve.storage.feedback import StoredFeedback
from keyreeve.storage.journal import StoredJournal
from keyreeve.storage.state_store import StoredState

TEAM = "msp-team@example.com"
SENDER = "IAM Compliance <iam-compliance@example.com>"


def settings(**changes: Any) -> EscalationPolicy:
    """The defaults, with the team in CC."""
    usual: dict[str, Any] = {
        "project_name": "ETV",
        "mail_cc": (TEAM,),
        "summary_to": (TEAM,),
        "owner": OwnerRules(domains=("example.com",), fallback=(TEAM,)),
    }
    return EscalationPolicy(**(usual | changes))


class Village:
    """One project on one such account."""

    def __init__(
        self,
        *people: User,
        start: datetime = MONDAY,
        renderer: Renderer | None = None,
        password_policy: PasswordPolicy | None = None,
        **policy: Any,
    ) -> None:
        self.start = start
        self.policy = settings(**policy)
        may_change = PasswordPolicy(minimum_length=14, users_may_change=True, custom=True)
        self.account = ReportedAccount(people, start, password_policy or may_change)
        self.mailer = FakeMailer()
        self.vault = FakeVault()
        self.clock = SettableClock(start)
        self.store = MemoryStore(self.clock)
        self.decisions = StoredDecisions(self.store)
        self.renderer = renderer or PlainRenderer()
        self.outcomes: list[tuple[int, Outcome]] = []
        self.channels: tuple[Subscription, ...] = ()
        self._runs = 0

    def at(self, day: float) -> datetime:
        """The instant of the run of a day."""
        return self.start + timedelta(days=day)

    def run(
        self,
        day: float,
        *,
        execute: bool = True,
        accepted: int | None = None,
        fate: Fate | None = None,
    ) -> daily.Report:
        """One run; what was done is remembered by its day. `fate` may end it at any call."""
        now = self.at(day)
        self.account.now = now
        self.clock.pass_((now - self.clock.now()).total_seconds())
        account = self.wired(fate)
        report = daily.run(account, now, Silence(), execute=execute, accepted=accepted)
        if execute:
            self.outcomes += [(int(day), outcome) for outcome in report.outcomes]
        return report

    def live(self, first: int, last: int) -> None:
        """A run on every day from first to last, both included."""
        for day in range(first, last + 1):
            self.run(day)

    def wired(self, fate: Fate | None = None) -> daily.Account:
        """The daily run's account, new as in a new process."""
        fate = fate or Fate()
        self._runs += 1
        run_id = RunId(f"{self.clock.now():%Y%m%dT%H%M%SZ}-{self._runs:04x}")
        store, clock = Perilous(self.store, fate), self.clock
        account = Perilous(self.account, fate)
        project = self.policy.project_name
        states = StoredState(store, project=project, account_id=ACCOUNT, run_id=run_id, clock=clock)
        tools = Tools(
            reader=account,
            actuator=account,
            mailer=Perilous(self.mailer, fate),
            renderer=self.renderer,
            states=states,
            journal=StoredJournal(store, state=states),
            escrow=StoredEscrow(store),
            vault=Perilous(self.vault, fate),
            audit=StoredAuditLog(store, run_id=run_id, state=states),
            people=StoredDecisions(store),
            feedback=StoredFeedback(store, state=states),
            archive=StoredArchive(store),
            lease=Unchallenged(),
            clock=clock,
            randomness=CountingRandomness(),
            channels=self.channels,
        )
        return daily.Account(
            project=project,
            account_id=ACCOUNT,
            run_id=run_id,
            policy=self.policy,
            tools=tools,
            post=_post(project),
        )

    def comes_back(
        self, mail: OutgoingMail, *, lasting: bool = True, to: str | None = None
    ) -> MailFeedback:
        """The mail system learns now that this mail did not arrive: at `to`, else its first."""
        number = next(n for n, sent in enumerate(self.mailer.sent, 1) if sent is mail)
        feedback = MailFeedback(
            kind=FeedbackKind.BOUNCE,
            message_id=f"{number:04d}",
            recipients=((to or mail.to[0]).lower(),),
            at=self.clock.now(),
            lasting=lasting,
            reason=f"bounced ({'Permanent' if lasting else 'Transient'}/General): user unknown",
        )
        StoredFeedback(self.store).keep(feedback, self.clock.now())
        return feedback

    # --- what is known afterwards ---------------------------------------------------------------

    @property
    def state(self) -> State:
        """As the next run would load it."""
        found = self.wired().tools.states.load()
        return found or State(project=self.policy.project_name, account_id=ACCOUNT)

    def case(self, name: str) -> Case | None:
        """The user's case, if it has one."""
        return next((c for c in self.state.users.values() if c.user_name == name), None)

    def notices(self, name: str) -> list[tuple[int, str]]:
        """Day and stage of every notice to the user."""
        return [
            (day, o.reason.split(" to ")[0])
            for day, o in self.outcomes
            if o.user_name == name
            and o.effect_kind in ("send_notice", "send_closing")
            and o.kind is OutcomeKind.DONE
        ]

    def days(self, name: str) -> list[int]:
        """Days of the user's notices."""
        return [day for day, _ in self.notices(name)]

    def acts(self, name: str) -> list[tuple[int, str]]:
        """Day and kind of everything that was changed in the account for the user."""
        return [
            (day, o.effect_kind)
            for day, o in self.outcomes
            if o.user_name == name
            and o.kind is OutcomeKind.DONE
            and not o.effect_kind.startswith(("send_", "purge_"))
        ]

    def mails(self, kind: MailKind | None = None, to: str | None = None) -> list[OutgoingMail]:
        """Mails that were sent, of one kind and to one user."""
        return [
            mail
            for mail in self.mailer.sent
            if kind in (None, mail.kind) and (to is None or f"{to}@example.com" in mail.to)
        ]

    def told_the_team(self) -> list[tuple[date, str]]:
        """Date and subject of every word to the team."""
        return [(m.sent_at.date(), m.subject) for m in self.mails(MailKind.TEAM)]

    def e(self, name: str) -> date | None:
        """E of the user's only finding."""
        (record,) = self.case(name).findings.values()
        return record.enforcement_on


class Silence:
    """ports.Progress."""

    def stage(self, name: str, total: int | None = None) -> None: ...
    def step(self, count: int = 1) -> None: ...


class Unchallenged:
    """ports.Lease: nobody else is here."""

    def check(self) -> None: ...


def _post(project: str) -> Post:
    return Post(
        sender=SENDER,
        letterhead=Letterhead(
            project_name=project,
            account_id=ACCOUNT,
            account_name=None,
            timezone="UTC",
            contact=TEAM,
        ),
        sign_in_url=f"https://{ACCOUNT}.signin.aws.amazon.com/console",
    )
