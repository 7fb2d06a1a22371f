"""Every kind of mail with made-up facts: what own templates are tried on, and shown with.

Nothing here is about anybody: the account, the users and the keys do not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Final

from keyreeve.controls.catalogue import CARDS
from keyreeve.escalation import words
from keyreeve.model.case import Stage
from keyreeve.model.control import ControlCard
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.identifiers import AccessKeyId, AccountId, ControlId, UserName
from keyreeve.model.months import Estimate, MonthFigures
from keyreeve.model.notice import (
    ClosingNotice,
    CredentialsNotice,
    FindingLine,
    Letterhead,
    Notice,
    RenderedMail,
    SecretPlace,
    Summary,
    SummaryRow,
    TeamNotice,
)
from keyreeve.model.review import Occasion, ReviewNotice
from keyreeve.render.email import MailRenderer

_DAY_0: Final = date(2026, 1, 5)
_E: Final = date(2026, 1, 19)
_OLD: Final = AccessKeyId("AKIAEXAMPLEOLD000001")
_NEW: Final = AccessKeyId("AKIAEXAMPLENEW000002")
_USER: Final = UserName("ana.souza")
_NOT_DELETED: Final = "The key was not deleted. If something urgent stopped working, ask the team."
_TOLD: Final = frozenset(ControlId) - {ControlId.INLINE_POLICIES}
"""Controls that owners are told about."""
_DETAILS: Final = {
    ControlId.ACCESS_KEY_ROTATION: "126 days old; the limit is 75 days.",
    ControlId.ACCESS_KEY_STALE: "Not used for 41 days; the limit is 15 days.",
    ControlId.PASSWORD_AGE: "Unchanged for 126 days; the limit is 75 days.",
    ControlId.CONSOLE_MFA: "Console sign-in is possible with the password alone.",
    ControlId.USER_INACTIVE: "No sign-in for 126 days; the limit is 75 days.",
}
_DAYS: Final = {
    Stage.NOTIFICATION: 0,
    Stage.REMINDER: 3,
    Stage.NEW_CREDENTIALS: 7,
    Stage.WARNING: 10,
    Stage.COUNTDOWN: 13,
    Stage.ENFORCEMENT: 14,
    Stage.OVERDUE: 21,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """A kind of mail in one of its forms."""

    name: str
    """Such as `notice-warning`; a file can be called so."""
    render: Callable[[MailRenderer], RenderedMail]

    @property
    def kind(self) -> str:
        """What the template is called; `kept` is one of credentials."""
        return self.name.partition("-")[0]


def specimens(head: Letterhead | None = None) -> Iterator[Specimen]:
    """Every kind of mail in every form that asks a template for something else."""
    letterhead = head or Letterhead(
        project_name="ETV",
        account_id=AccountId("123456789012"),
        account_name="production",
        timezone="UTC",
        contact="msp-team@example.com",
        help_url="https://example.com/help",
    )
    yield from _notices(letterhead)
    yield from _closings(letterhead)
    yield from _credentials(letterhead)
    yield from _for_the_team(letterhead)
    yield from _reviews(letterhead)


# --- notices --------------------------------------------------------------------------------------


def _notices(head: Letterhead) -> Iterator[Specimen]:
    for stage in _DAYS:
        notice = _notice(head, stage)
        yield Specimen(
            name=f"notice-{stage.value}", render=partial(MailRenderer.notice, notice=notice)
        )
    bare = replace(
        _notice(replace(head, account_name=None, help_url=None), Stage.OVERDUE),
        enforcement_on=None,
        days_left=None,
        moved_from=_E,
        moved_to=None,
        findings=(_bare_line(),),
    )
    yield Specimen(name="notice-without-a-date", render=partial(MailRenderer.notice, notice=bare))
    many = replace(
        _notice(head, Stage.WARNING),
        findings=tuple(_line(Stage.WARNING, ControlId.ACCESS_KEY_ROTATION) for _ in range(40)),
    )
    yield Specimen(name="notice-of-many", render=partial(MailRenderer.notice, notice=many))


def _notice(head: Letterhead, stage: Stage) -> Notice:
    on = _DAY_0 + timedelta(days=_DAYS[stage])
    return Notice(
        letterhead=head,
        user_name=_USER,
        stage=stage,
        on=on,
        enforcement_on=_E,
        days_left=(_E - on).days,
        moved_from=_E - timedelta(days=1) if stage is Stage.WARNING else None,
        moved_to=_E if stage is Stage.WARNING else None,
        findings=tuple(_line(stage, control) for control in ControlId if control in _TOLD),
    )


def _line(stage: Stage, control: ControlId) -> FindingLine:
    card: ControlCard = CARDS[control]
    on = _DAY_0 + timedelta(days=_DAYS[stage])
    names = {"user": _USER, "key": _OLD, "account": "123456789012"}
    is_key = control in words.KEY_CONTROLS
    handed = f"{words.handed(kept=False)} on {words.day(_E - timedelta(days=7))}"
    made = f"A new access key, {_NEW}, was created and {handed}."
    rotation = control is ControlId.ACCESS_KEY_ROTATION
    replaced = rotation and _DAYS[stage] >= _DAYS[Stage.NEW_CREDENTIALS]
    later = (Stage.WARNING, _E - timedelta(days=4)), (Stage.ENFORCEMENT, _E)
    return FindingLine(
        control=control,
        title=card.title,
        severity=card.severity,
        stage=stage,
        resource=words.resource(control, _OLD if is_key else "password"),
        key_id=_OLD if is_key else None,
        detail=_DETAILS[control],
        why=card.why,
        risk=card.risk,
        remediation=tuple(step.format(**names) for step in card.remediation),
        opened_on=_DAY_0,
        promised_on=_E - timedelta(days=1) if stage is Stage.WARNING else _E,
        enforcement_on=_E,
        days_left=(_E - on).days,
        consequence=words.consequence(control, None, "Quarantine", acts=False, none_left=False),
        done=(made,) if replaced else (),
        remarks=(_NOT_DELETED,) if replaced and stage is Stage.ENFORCEMENT else (),
        timeline=later if stage in (Stage.NOTIFICATION, Stage.REMINDER) else (),
    )


def _bare_line() -> FindingLine:
    """As little as a finding may say."""
    return replace(
        _line(Stage.OVERDUE, ControlId.CONSOLE_MFA),
        enforcement_on=None,
        days_left=None,
        opened_on=None,
        done=(),
        remarks=(),
        timeline=(),
    )


def _closings(head: Letterhead) -> Iterator[Specimen]:
    cleared = (f"Access key {_OLD}: done by Keyreeve on {words.day(_E)}.",)
    for name, sentences in (("closing", cleared), ("closing-bare", ())):
        notice = ClosingNotice(letterhead=head, user_name=_USER, on=_E, cleared=sentences)
        yield Specimen(name=name, render=partial(MailRenderer.closing, notice=notice))


# --- the private mail -----------------------------------------------------------------------------


def _credentials(head: Letterhead) -> Iterator[Specimen]:
    place = SecretPlace(
        name="keyreeve/etv/EXAMPLE/access-key",
        arn="arn:aws:secretsmanager:eu-west-1:123456789012:secret:keyreeve/etv/EXAMPLE",
        region="eu-west-1",
        console_url="https://eu-west-1.console.aws.amazon.com/secretsmanager/secret",
    )
    key = CredentialsNotice(
        letterhead=head,
        user_name=_USER,
        kind=CredentialKind.ACCESS_KEY,
        on=_E - timedelta(days=7),
        old_key=_OLD,
        new_key=_NEW,
        enforcement_on=_E,
        attachment_name="ana.souza-access-key.csv",
    )
    password = replace(
        key, kind=CredentialKind.PASSWORD, old_key=None, new_key=None, enforcement_on=None
    )
    until = _E + timedelta(days=30)
    kept_key = replace(key, place=place, kept_until=until)
    kept_password = replace(password, place=place, kept_until=until)
    forms = {
        "credentials-key": key,
        "credentials-key-open-end": replace(key, enforcement_on=None),
        "credentials-first-key": replace(key, old_key=None, enforcement_on=None),
        "credentials-key-both-ways": kept_key,
        "credentials-key-kept": replace(kept_key, attached=False),
        "credentials-password": password,
        "credentials-first-password": replace(password, first=True),
        "credentials-password-both-ways": kept_password,
        "credentials-password-kept": replace(kept_password, attached=False),
    }
    for name, notice in forms.items():
        yield Specimen(name=name, render=partial(MailRenderer.credentials, notice=notice))


# --- the team and its reviewers -------------------------------------------------------------------


def _for_the_team(head: Letterhead) -> Iterator[Specimen]:
    team = TeamNotice(
        letterhead=head,
        on=_DAY_0,
        headline=f"Nobody can be told about {_USER}",
        paragraphs=("Set the tag email of this user to the owner's mail address.",),
    )
    yield Specimen(name="team", render=partial(MailRenderer.team, notice=team))
    row = SummaryRow(
        user_name=_USER,
        what="Access key is due for rotation",
        stage=Stage.WARNING,
        on=_E,
        reason="held",
        days_to_90=3,
        severity=CARDS[ControlId.CONSOLE_MFA].severity,
    )
    bare = Summary(letterhead=head, on=_DAY_0, users=0, flagged_users=0, by_control=(), by_stage=())
    rows, plain = (row, replace(row, stage=None, on=None)), SummaryRow(user_name=_USER, what="x")
    full = replace(
        bare,
        by_control=((ControlId.CONSOLE_MFA, "Console access without MFA", 2),),
        by_stage=((Stage.WARNING, 2),),
        cases_by_stage=((Stage.WARNING, 1),),
        due=rows,
        open_findings=rows,
        held=rows,
        overdue=rows,
        unreachable=(plain,),
        waivers=(replace(plain, on=_E, reason="expires"),),
        gaps=("ListAccessKeys, ana.souza: AccessDenied",),
        done_this_week=(("access keys made Inactive", 1),),
        access=(("users in the group of their role", 1),),
        observing=True,
        months=(_month(date(2025, 11, 1)), _month(date(2025, 12, 1))),
    )
    yield Specimen(name="summary", render=partial(MailRenderer.summary, summary=full))
    yield Specimen(name="summary-bare", render=partial(MailRenderer.summary, summary=bare))


def _month(first: date) -> MonthFigures:
    return MonthFigures(
        first=first,
        run_days=30,
        opened=4,
        resolved_by_owner=2,
        new_passwords=1,
        enforced=1,
        set_aside=0,
        users_gone=0,
        median_days=9.5,
        credentials=3,
        mails=24,
        held=1,
        saved=Estimate(hours=3.5, formula="4 findings x 10 min, 24 mails x 5 min"),
    )


def _reviews(head: Letterhead) -> Iterator[Specimen]:
    for occasion in Occasion:
        notice = ReviewNotice(
            letterhead=head,
            campaign="2026-01-05-all",
            occasion=occasion,
            on=_DAY_0,
            due=_E,
            users=2,
            form="review.html",
            sheet="review.csv",
        )
        name = f"review-{occasion.value}"
        yield Specimen(name=name, render=partial(MailRenderer.review, notice=notice))
