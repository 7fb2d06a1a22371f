"""Accounts that reports are made of: the demo's, a crowd, and one where every text is hostile."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from unittest.mock import patch

from tests.fakes.key_usage import KeptUsage, ToldUsage
from tests.scenario.people import console, key, person
from tests.scenario.village import Silence, Village

from keyreeve import demo, wiring
from keyreeve.config import parse
from keyreeve.controls.compliance import MAPPING
from keyreeve.model.control import Severity
from keyreeve.model.decisions import Extension, Hold, Waiver
from keyreeve.model.identifiers import AccessKeyId, AccountId, ControlId, UserName
from keyreeve.model.posture import Posture, PostureFinding, ResourceType
from keyreeve.model.snapshot import AccountSnapshot, CollectionGap, User
from keyreeve.pipeline.account_report import Sources, read_report
from keyreeve.pipeline.collect import collect
from keyreeve.pipeline.usage import UsageTools
from keyreeve.ports.usage import Call, CallPage, LastUse
from keyreeve.reporting.report import AccountReport
from keyreeve.sandbox.process import Sandbox
from keyreeve.storage.past import StoredPast

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
STORY_DAY = 9
"""Between the new credentials and the warning: something of everything."""
_BY = "arn:aws:sts::123456789012:assumed-role/msp/lea"


def report_of(
    village: Village, day: float, usage: UsageTools | None = None, **how: str
) -> AccountReport:
    """The report on a village, a rehearsal on that day."""
    now = village.at(day)
    village.account.now = now
    village.clock.pass_((now - village.clock.now()).total_seconds())
    sources = Sources(past=StoredPast(village.store), citations=MAPPING)
    account = replace(village.wired(), usage=usage)
    return read_report(account, sources, now, Silence(), **how)


# --- the demo's account ---------------------------------------------------------------------------


def demo_facts() -> AccountSnapshot:
    """The account of `make demo` on its first day, as it is read over HTTP."""
    with ExitStack() as ending:
        sandbox = ending.enter_context(Sandbox(account=demo.ACCOUNT, at=MONDAY))
        ending.enter_context(patch.dict(os.environ, sandbox.environment()))
        config = parse(demo.CONFIG, path=Path("config.yaml"))
        door = wiring.open_door(config, execute=False, as_of=MONDAY)
        found, _ = collect(door.reader, door.policy, {}, MONDAY, Silence())
    return found


def demo_village(facts: AccountSnapshot) -> Village:
    """The demo's first nine days, with what people decide and what they mend."""
    config = parse(demo.CONFIG, path=Path("config.yaml"))
    users = [replace(user, keys=tuple(_with_id(user))) for user in facts.users]
    village = Village(
        *users,
        exclusions=config.escalation_policy().exclusions,
        owner=config.escalation_policy().owner,
    )
    for day in range(STORY_DAY):
        village.run(day)
        if day == 2:
            _decide(village)
        if day == 5:
            village.account.change("chen.wei", mfa_active=True)
    return village


def _with_id(user: User) -> list:
    """Ids that the demo's collection did not need are made up."""
    stem = user.name.upper().replace(".", "").replace("-", "").replace("@", "")[:13]
    return [
        replace(one, key_id=one.key_id or AccessKeyId(f"AKIA{stem.ljust(15, '7')}{one.slot}"))
        for one in user.keys
    ]


def _decide(village: Village) -> None:
    now = village.at(2)
    village.decisions.add_waiver(
        Waiver(
            waiver_id="W20260107-5f2a10",
            user="priya.nair",
            control=ControlId.INLINE_POLICIES,
            resource_id=None,
            reason="the bucket moves to its own account in February",
            requested_by="priya.nair",
            approved_by="lea.brandt",
            expires_on=(now + timedelta(days=18)).date(),
            added_at=now,
            added_by=_BY,
        ),
        today=now.date(),
    )
    village.decisions.add_hold(
        Hold(
            user="hannah.cohen",
            until=(now + timedelta(days=14)).date(),
            reason="on leave until then",
            added_at=now,
            added_by=_BY,
        ),
        today=now.date(),
    )
    village.decisions.add_extension(
        Extension(
            user="ana.souza",
            days=3,
            reason="the release ends on Wednesday",
            added_at=now,
            added_by=_BY,
            extension_id="E20260107-0a1b2c",
        )
    )


def demo_report(facts: AccountSnapshot) -> AccountReport:
    """The demo's account on the morning of day 9, with what CloudTrail tells of two keys."""
    village = demo_village(facts)
    now = village.at(STORY_DAY)
    handed = [record.key_id for record in village.state.keys.values() if record.made_by_us][:2]
    return report_of(village, STORY_DAY, _usage(handed, now))


def _usage(keys: Sequence[AccessKeyId], now: datetime) -> UsageTools:
    used = now - timedelta(hours=2)
    call = Call(
        event="s3.amazonaws.com:ListBuckets", source="198.51.100.7", agent="aws-cli/2.15", at=used
    )
    told = ToldUsage(
        {key: LastUse(at=used, service="s3", region="eu-west-1") for key in keys},
        {(key, "eu-west-1"): [CallPage(calls=(call,) * 12, more=False)] for key in keys},
        ("eu-west-1",),
    )
    return UsageTools(reader=told, kept=KeptUsage())


# --- a crowd --------------------------------------------------------------------------------------


def crowd(count: int) -> list[User]:
    """Users of every kind, one in five of them with something to mend."""
    made = []
    for number in range(count):
        name = f"{'abcdefghij'[number % 10]}.user-{number:04d}"
        match number % 20:
            case 0 | 1:
                user = person(name, key(76 + number % 400))
            case 2:
                user = person(name, key(10), **console(mfa=False))
            case 3:
                user = person(name, **console(changed=80 + number % 300))
            case n if n % 2:
                user = person(name, key(number % 70), **console(changed=number % 70))
            case _:
                user = person(name, key(number % 70, number % 30))
        made.append(user)
    return made


def crowd_report(count: int) -> AccountReport:
    """The crowd on the day of the reminder, after one run."""
    village = Village(*crowd(count))
    village.run(0)
    return report_of(village, 3)


# --- where nobody means well ----------------------------------------------------------------------


def hostile(report: AccountReport, texts: Sequence[str]) -> AccountReport:
    """The report with every text that somebody else could have written taken from `texts`."""
    turn = cycle(texts)
    users = tuple(
        replace(user, user_name=UserName(text), owner=next(turn), groups=(text,), excluded=text)
        for user, text in zip(cycle(report.users), texts, strict=False)
    )
    keys = tuple(
        replace(line, user_name=UserName(text), service=text, region=next(turn))
        for line, text in zip(cycle(report.keys), texts, strict=False)
    )
    cases = tuple(
        replace(
            case,
            user_name=UserName(text),
            addresses=(text,),
            findings=tuple(
                replace(f, detail=text, resource=text, consequence=text, remarks=(text,))
                for f in case.findings
            ),
        )
        for case, text in zip(cycle(report.cases), texts, strict=False)
    )
    lines = tuple(
        replace(line, what=text, user_name=text, case_id=text, operation_id=text)
        for line, text in zip(cycle(report.evidence.lines), texts, strict=False)
    )
    waivers = tuple(
        replace(line, user=text, reason=text, requested_by=text, approved_by=text)
        for line, text in zip(cycle(report.waivers), texts, strict=False)
    )
    holds = tuple(replace(hold, user=text, reason=text) for hold in report.holds for text in texts)
    return replace(
        report,
        project=texts[0],
        contact=texts[-1],
        users=users,
        keys=keys,
        cases=cases,
        waivers=waivers,
        holds=holds,
        evidence=replace(report.evidence, lines=lines, problem=texts[1 % len(texts)]),
        gaps=tuple(CollectionGap(step=text, reason=text) for text in texts),
        posture=Posture(findings=tuple(_posture(text) for text in texts)),
    )


def _posture(text: str) -> PostureFinding:
    return PostureFinding(
        control=ControlId.INLINE_POLICIES,
        account_id=AccountId("123456789012"),
        resource_type=ResourceType.ROLE,
        resource_id=text,
        resource_name=text,
        severity=Severity.HIGH,
        observed=text,
        threshold=text,
        detail=text,
        region=text,
    )
