"""What the coming days bring if nobody acts: the same engine on a moving date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from keyreeve.model.case import State
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.plan import Outcome, Plan
from keyreeve.model.snapshot import AccountSnapshot
from keyreeve.pipeline.daily import Account, judge, record, summary_of
from keyreeve.pipeline.execution import Execution
from keyreeve.pipeline.simulation import (
    CountingRandomness,
    EmptyVault,
    Memory,
    MemoryEscrow,
    PlainRenderer,
    SettledPeople,
    SilentMailer,
    SimulatedAccount,
    StandingClock,
)
from keyreeve.pipeline.usage import recall_usage
from keyreeve.pipeline.workbench import Tools, Workbench
from keyreeve.ports import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastDay:
    """One day of the forecast."""

    on: date
    plan: Plan
    outcomes: tuple[Outcome, ...]


def forecast(
    account: Account,
    state: State,
    snapshot: AccountSnapshot,
    people: HumanDecisions,
    now: datetime,
    days: int,
    progress: Progress,
) -> list[ForecastDay]:
    """Today and the `days` days after it. Mails are accepted, acts succeed, nobody reacts.

    Keys are used as the last run saw it: AWS is not asked, and rest alone is no cut-over.
    """
    usage = recall_usage(account.usage)
    simulated = SimulatedAccount(snapshot, now)
    memory = Memory(state)
    tools = simulated_tools(simulated, memory, people, now)
    step = account.policy.compressed.day if account.policy.compressed else timedelta(days=1)
    out: list[ForecastDay] = []
    for number in range(days + 1):
        simulated.now = now + number * step
        judged = judge(
            account,
            memory.state,
            simulated.snapshot(),
            people,
            simulated.now,
            mailbox=None,
            usage=usage,
        )
        bench = Workbench(tools, account.post, judged.outlook, judged.planned.state, account.run_id)
        summary = partial(summary_of, account, judged) if judged.plan.summary_due else None
        outcomes = Execution(bench, progress).carry_out(judged.plan, summary)
        memory.state = record(bench, judged, outcomes, {})
        out.append(ForecastDay(on=judged.plan.on, plan=judged.plan, outcomes=tuple(outcomes)))
    return out


def simulated_tools(
    simulated: SimulatedAccount, memory: Memory, people: HumanDecisions, now: datetime
) -> Tools:
    """Every port made of memory."""
    return Tools(
        reader=simulated,
        actuator=simulated,
        mailer=SilentMailer(),
        renderer=PlainRenderer(),
        states=memory,
        journal=memory,
        escrow=MemoryEscrow(memory),
        vault=EmptyVault(),
        audit=memory,
        people=SettledPeople(people),
        feedback=memory,
        archive=memory,
        lease=memory,
        clock=StandingClock(now),
        randomness=CountingRandomness(),
    )
