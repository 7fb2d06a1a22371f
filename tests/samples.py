"""Mails as they would really be: one owner with four findings at different stages, and the rest.

Shared by the tests of what mails say and by the screenshots in docs/images.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from keyreeve.escalation.cutover import CutOver
from keyreeve.escalation.key_usage import ChangeOver, sentences
from keyreeve.model.case import Stage
from keyreeve.model.control import Severity
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.identifiers import AccessKeyId, AccountId, ControlId, UserName
from keyreeve.model.months import MinutesPer, MonthFigures
from keyreeve.model.notice import (
    Attachment,
    ClosingNotice,
    CredentialsNotice,
    FindingLine,
    Letterhead,
    MailKind,
    Notice,
    OutgoingMail,
    RenderedMail,
    SecretPlace,
    Summary,
    SummaryRow,
    TeamNotice,
)
from keyreeve.model.usage import KeyCalls, KeyUsage
from keyreeve.reporting.months import estimate

OLD_KEY = AccessKeyId("AKIAIOSFODNN7EXAMPLE")
STALE_KEY = AccessKeyId("AKIAI44QH8DHBEXAMPLE")
NEW_KEY = AccessKeyId("AKIAZ7KQ3M5TWEXAMPLE")
USER = UserName("priya.sharma")
HOSTILE = (
    "<svg/onload=alert(1)>",
    "\"><img src=x onerror=alert(1)>'",
    "user\u202egnp.exe",
    "=cmd|' /C calc'!A0",
    "{{ 7*7 }}{% raw %}<!--% if %-->",
    "</td></table><script>alert(1)</script>",
    "javascript:alert(1)",
    "w" * 300,
)
"""What a user name, a path, a tag or a setting might hold."""


def letterhead(**changes: object) -> Letterhead:
    usual = Letterhead(
        project_name="ETV",
        account_id=AccountId("123456789012"),
        account_name=None,
        timezone="Asia/Kolkata",
        contact="msp-team@example.com",
        help_url="https://wiki.example.com/iam-compliance",
    )
    return replace(usual, **changes)


def _ladder(day0: date) -> tuple[tuple[Stage, date], ...]:
    return tuple(
        (stage, date.fromordinal(day0.toordinal() + day))
        for stage, day in (
            (Stage.REMINDER, 3),
            (Stage.NEW_CREDENTIALS, 7),
            (Stage.WARNING, 10),
            (Stage.COUNTDOWN, 11),
            (Stage.ENFORCEMENT, 14),
        )
    )


def rotation() -> FindingLine:
    """Ten days in: the replacement was delivered, the old key has four days left."""
    return FindingLine(
        control=ControlId.ACCESS_KEY_ROTATION,
        title="Access key is due for rotation",
        severity=Severity.HIGH,
        stage=Stage.WARNING,
        resource=f"Access key {OLD_KEY} (slot 1)",
        key_id=OLD_KEY,
        detail="The key is 96 days old; keys are replaced every 75 days.",
        why="A key that is replaced regularly is worth little to anybody who copied it.",
        risk="An old key may sit in a laptop backup, a build log or a chat, and still open the "
        "account.",
        remediation=(
            (
                f"Put the new key {NEW_KEY}, which came in a private mail, wherever the old "
                "one is used."
            ),
            (
                "Check that nothing uses the old key any more: "
                f"`aws iam get-access-key-last-used --access-key-id {OLD_KEY}`"
            ),
            (
                f"Make it inactive: `aws iam update-access-key --access-key-id {OLD_KEY} "
                "--status Inactive`"
            ),
        ),
        opened_on=date(2026, 1, 5),
        promised_on=date(2026, 1, 19),
        enforcement_on=date(2026, 1, 19),
        days_left=4,
        consequence=f"Keyreeve makes {OLD_KEY} Inactive. It is not deleted.",
        done=(
            f"On Mon 12 Jan 2026 the replacement {NEW_KEY} was created and mailed to you alone.",
        ),
        timeline=_ladder(date(2026, 1, 5))[-2:],
    )


def stale() -> FindingLine:
    """Seven days in, and a slot that is taken."""
    return FindingLine(
        control=ControlId.ACCESS_KEY_STALE,
        title="Spare access key is not used",
        severity=Severity.MEDIUM,
        stage=Stage.NEW_CREDENTIALS,
        resource=f"Access key {STALE_KEY} (slot 2)",
        key_id=STALE_KEY,
        detail="The key was last used 41 days ago; a second key that rests for 15 days is closed.",
        why="A key that nobody needs is best not there.",
        risk="Nobody notices when a forgotten key is misused.",
        remediation=(
            (
                "If nothing needs the key, make it inactive: `aws iam update-access-key "
                f"--access-key-id {STALE_KEY} --status Inactive`"
            ),
            "If something does need it, use it, and this finding clears by itself.",
        ),
        opened_on=date(2026, 1, 8),
        promised_on=date(2026, 1, 22),
        enforcement_on=date(2026, 1, 22),
        days_left=7,
        consequence=f"Keyreeve makes {STALE_KEY} Inactive. It is not deleted.",
        remarks=(
            (
                f"Both of your key slots are taken. While {STALE_KEY} is there, no further key can "
                "be created for you."
            ),
        ),
        timeline=_ladder(date(2026, 1, 8))[2:],
    )


def mfa() -> FindingLine:
    """A first notice."""
    return FindingLine(
        control=ControlId.CONSOLE_MFA,
        title="Console sign-in without a second factor",
        severity=Severity.HIGH,
        stage=Stage.NOTIFICATION,
        resource="Console sign-in",
        key_id=None,
        detail="You can sign in to the console with a password alone; no MFA device is enrolled.",
        why="With a second factor a stolen password is not enough.",
        risk="Whoever guesses or finds the password is in.",
        remediation=(
            (
                "Sign in to the AWS console and open Security credentials from the menu at the top "
                "right."
            ),
            "Choose Assign MFA device and follow the steps with your authenticator app or passkey.",
        ),
        opened_on=date(2026, 1, 15),
        promised_on=date(2026, 1, 29),
        enforcement_on=date(2026, 1, 29),
        days_left=14,
        consequence="The finding is listed as overdue, and you hear of it once a week.",
        timeline=_ladder(date(2026, 1, 15)),
    )


def overdue() -> FindingLine:
    """Past its date, with a gate that holds."""
    return FindingLine(
        control=ControlId.USER_INACTIVE,
        title="No sign-in for a long time",
        severity=Severity.LOW,
        stage=Stage.OVERDUE,
        resource="IAM user priya.sharma",
        key_id=None,
        detail="The last console sign-in was 131 days ago; after 75 days a user counts as "
        "inactive.",
        why="A console password that nobody needs is best not there.",
        risk="Nobody notices when a forgotten password is misused.",
        remediation=(
            "If you need the console, sign in once.",
            "If you do not, ask the team to take the console password away.",
        ),
        opened_on=date(2025, 12, 22),
        promised_on=date(2026, 1, 5),
        enforcement_on=None,
        days_left=None,
        consequence="The team decides what becomes of the console password.",
        remarks=("No new password is made for a user who does not sign in.",),
    )


def notice(**changes: object) -> Notice:
    usual = Notice(
        letterhead=letterhead(),
        user_name=USER,
        stage=Stage.OVERDUE,
        on=date(2026, 1, 15),
        enforcement_on=date(2026, 1, 19),
        days_left=4,
        moved_from=None,
        moved_to=None,
        findings=(overdue(), rotation(), stale(), mfa()),
    )
    return replace(usual, **changes)


def moved_notice() -> Notice:
    return notice(
        stage=Stage.WARNING,
        enforcement_on=date(2026, 1, 20),
        days_left=5,
        moved_from=date(2026, 1, 19),
        moved_to=date(2026, 1, 20),
        findings=(
            replace(
                rotation(),
                enforcement_on=date(2026, 1, 20),
                days_left=5,
                timeline=_ladder(date(2026, 1, 6))[-2:],
            ),
        ),
    )


def _change_over(verdict: CutOver, last: datetime, *calls: KeyCalls) -> tuple[str, ...]:
    """The words of the house, about a key of the sample."""
    asked = {"calls_since": datetime(2026, 1, 1, 6, tzinfo=UTC), "calls": calls}
    new = datetime(2026, 1, 14, 8, 20, tzinfo=UTC)
    return sentences(
        ChangeOver(
            verdict=verdict,
            old=KeyUsage(
                key_id=OLD_KEY, last_used=last, service="s3", region="ap-south-1", **asked
            ),
            new_key=NEW_KEY,
            new=KeyUsage(key_id=NEW_KEY, last_used=new, service="sts", region="us-east-1"),
            delivered_at=datetime(2026, 1, 12, 6, tzinfo=UTC),
            enforcement_on=date(2026, 1, 19),
            zone=ZoneInfo("Asia/Kolkata"),
        )
    )


def still_used_notice() -> Notice:
    """Ten days in: a build server still has the old key."""
    calls = [
        KeyCalls(
            event=event,
            source=source,
            agent=agent,
            region="ap-south-1",
            count=count,
            last=datetime(2026, 1, 15, 2, minute, tzinfo=UTC),
        )
        for event, source, agent, count, minute in (
            ("s3.amazonaws.com:ListBuckets", "203.0.113.77", "aws-cli/2.15.30", 31, 4),
            ("ecr.amazonaws.com:GetAuthorizationToken", "2001:db8::77", "Boto3/1.34.5", 4, 2),
        )
    ]
    last = datetime(2026, 1, 15, 2, 4, tzinfo=UTC)
    return notice(
        stage=Stage.WARNING,
        findings=(replace(rotation(), usage=_change_over(CutOver.OLD_IN_USE, last, *calls)),),
    )


def cut_over_notice() -> Notice:
    """Ten days in: the owner has changed over."""
    last = datetime(2026, 1, 13, 9, 41, tzinfo=UTC)
    return notice(
        stage=Stage.WARNING,
        findings=(
            replace(
                rotation(),
                usage=_change_over(CutOver.SEEN, last),
                remediation=rotation().remediation[1:],
                timeline=rotation().timeline[1:],
            ),
        ),
    )


def enforced_notice() -> Notice:
    done = (*rotation().done, f"On Mon 19 Jan 2026 the key {OLD_KEY} was made Inactive.")
    return notice(
        stage=Stage.ENFORCEMENT,
        on=date(2026, 1, 19),
        days_left=0,
        findings=(
            replace(rotation(), stage=Stage.ENFORCEMENT, days_left=0, done=done, timeline=()),
        ),
    )


def first_notice() -> Notice:
    return notice(
        stage=Stage.NOTIFICATION,
        on=date(2026, 1, 15),
        enforcement_on=date(2026, 1, 29),
        days_left=14,
        findings=(mfa(),),
    )


def crowded_notice(count: int) -> Notice:
    """More findings than any user can have."""
    lines = [rotation(), stale(), mfa()]
    many = (
        replace(
            lines[index % 3],
            resource=f"Access key AKIA{index:016d} (slot {index % 2 + 1})",
            key_id=AccessKeyId(f"AKIA{index:016d}"),
        )
        for index in range(count)
    )
    return notice(findings=tuple(many))


def hostile_notice(text: str) -> Notice:
    line = replace(
        rotation(),
        title=text,
        resource=text,
        detail=text,
        why=text,
        risk=text,
        remediation=(text,),
        consequence=text,
        done=(text,),
        remarks=(text,),
    )
    head = letterhead(project_name=text, account_name=text, contact=text, help_url=text)
    return notice(letterhead=head, user_name=UserName(text), findings=(line, line))


def closing() -> ClosingNotice:
    return ClosingNotice(
        letterhead=letterhead(),
        user_name=USER,
        on=date(2026, 1, 20),
        cleared=(
            f"Access key {OLD_KEY}: made Inactive by you on Fri 16 Jan 2026.",
            "Console sign-in: an MFA device was enrolled.",
        ),
    )


def key_credentials() -> CredentialsNotice:
    return CredentialsNotice(
        letterhead=letterhead(),
        user_name=USER,
        kind=CredentialKind.ACCESS_KEY,
        on=date(2026, 1, 12),
        old_key=OLD_KEY,
        new_key=NEW_KEY,
        enforcement_on=date(2026, 1, 19),
        attachment_name="priya.sharma-access-key.csv",
    )


def kept_key() -> CredentialsNotice:
    """Nothing attached: the secret lies in Secrets Manager."""
    name = "keyreeve/etv/AIDACKCEVSQ6C2EXAMPLE/20260105-1f0c9a7d2b3e4f506172-1"
    return replace(
        key_credentials(),
        attachment_name=f"{NEW_KEY}.csv",
        attached=False,
        place=SecretPlace(
            name=name,
            arn=f"arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}-AbCdEf",
            region="eu-west-1",
            console_url=(
                "https://eu-west-1.console.aws.amazon.com/secretsmanager/secret"
                f"?name={name.replace('/', '%2F')}&region=eu-west-1"
            ),
        ),
        kept_until=date(2026, 2, 11),
    )


def kept_password() -> CredentialsNotice:
    return replace(
        kept_key(),
        kind=CredentialKind.PASSWORD,
        old_key=None,
        new_key=None,
        enforcement_on=None,
        attachment_name="console-password.csv",
    )


def kept_and_attached() -> CredentialsNotice:
    return replace(kept_key(), attached=True)


def password_credentials() -> CredentialsNotice:
    return replace(
        key_credentials(),
        kind=CredentialKind.PASSWORD,
        old_key=None,
        new_key=None,
        enforcement_on=None,
        attachment_name="priya.sharma-password.csv",
    )


def first_credentials() -> CredentialsNotice:
    """A joiner's."""
    return replace(password_credentials(), first=True)


def team() -> TeamNotice:
    return TeamNotice(
        letterhead=letterhead(account_name="production"),
        on=date(2026, 1, 15),
        headline="A key was switched on again outside Keyreeve: deploy-bot",
        paragraphs=(
            (
                f"The key {STALE_KEY} of deploy-bot was made Inactive by Keyreeve on Mon 5 Jan "
                "2026 and is Active again. Keyreeve did not do this."
            ),
            (
                "A new finding has been opened at day 0. If the key is needed for a while, use "
                "keyreeve reinstate, which switches it off again when the time is up."
            ),
        ),
    )


def _row(name: str, what: str, **more: object) -> SummaryRow:
    return replace(SummaryRow(user_name=UserName(name), what=what), **more)


def month(number: int, **changes: object) -> MonthFigures:
    """Of 2025; the later, the better."""
    counts = {"opened": 30 - number, "mails": 150 - number, "credentials": 9, "enforced": 2}
    usual = MonthFigures(
        first=date(2025, number, 1),
        run_days=30,
        resolved_by_owner=number + 2,
        new_passwords=3,
        set_aside=1,
        users_gone=0,
        median_days=20.5 - number,
        held=4,
        saved=estimate(counts, MinutesPer()),
        **counts,
    )
    return replace(usual, **changes)


def summary(**changes: object) -> Summary:
    usual = Summary(
        letterhead=letterhead(),
        on=date(2026, 1, 19),
        users=42,
        flagged_users=11,
        by_control=(
            (ControlId.ACCESS_KEY_ROTATION, "Access key is due for rotation", 6),
            (ControlId.CONSOLE_MFA, "Console sign-in without a second factor", 4),
            (ControlId.PASSWORD_AGE, "Console password is old", 2),
            (ControlId.ACCESS_KEY_STALE, "Spare access key is not used", 1),
        ),
        by_stage=(
            (Stage.PENDING, 1),
            (Stage.NOTIFICATION, 5),
            (Stage.NEW_CREDENTIALS, 3),
            (Stage.COUNTDOWN, 2),
            (Stage.OVERDUE, 2),
        ),
        cases_by_stage=(
            (Stage.PENDING, 1),
            (Stage.NOTIFICATION, 4),
            (Stage.NEW_CREDENTIALS, 3),
            (Stage.COUNTDOWN, 1),
            (Stage.OVERDUE, 2),
        ),
        months=(month(11), month(12)),
        due=(
            _row(
                "priya.sharma",
                f"Access key {OLD_KEY} becomes Inactive",
                stage=Stage.COUNTDOWN,
                on=date(2026, 1, 20),
                days_to_90=-7,
                severity=Severity.HIGH,
            ),
            _row(
                "omar.haddad",
                "Access key AKIAQX4BIPWR7EXAMPLE becomes Inactive",
                stage=Stage.NEW_CREDENTIALS,
                on=date(2026, 1, 26),
                days_to_90=3,
                severity=Severity.MEDIUM,
            ),
        ),
        change_over=(
            _row(
                "priya.sharma",
                f"{OLD_KEY} → {NEW_KEY}",
                on=date(2026, 1, 20),
                reason="the old key is still in use; old key last used on Mon 19 Jan 2026, 07:34, "
                "for s3 in ap-south-1, from 203.0.113.77 (aws-cli/2.15.30)",
            ),
        ),
        held=(
            _row(
                "build-agent",
                "New key for AKIAT5SPLKFT7EXAMPLE",
                stage=Stage.NEW_CREDENTIALS,
                on=date(2026, 1, 23),
                reason="recipient: the address ci@vendor.example lies outside mail.owner.domains",
                days_to_90=12,
            ),
        ),
        overdue=(
            _row(
                "li.wei",
                "Console sign-in without a second factor",
                stage=Stage.OVERDUE,
                on=date(2026, 1, 5),
                severity=Severity.HIGH,
            ),
        ),
        unreachable=(_row("legacy-report", "no e-mail tag, and the name is no address"),),
        slots="1 user cannot get a new key: both slots are taken, one by a key that Keyreeve made "
        "Inactive.",
        slot_blocked=(
            _row(
                "nadia.rahman",
                "AKIA3FTVR2HN8EXAMPLE",
                reason="slot taken by AKIA3FTVR2HN7EXAMPLE, which Keyreeve made Inactive on "
                "2026-01-05",
            ),
        ),
        inline_policies=(_row("data-pipeline", "2 inline policies: read-lake, write-lake"),),
        waivers=(
            _row(
                "scanner",
                "Access key is due for rotation",
                on=date(2026, 1, 23),
                reason="vendor replaces it in February; approved by a.kapoor",
            ),
        ),
        gaps=("ListUserTags of temp-import: AccessDenied",),
        done_this_week=(("keys made Inactive", 3), ("replacement keys created", 4)),
    )
    return replace(usual, **changes)


def crowded_summary(count: int) -> Summary:
    rows = tuple(
        _row(
            f"user-{index:05d}",
            f"Access key AKIA{index:016d} is 96 days old",
            stage=Stage.WARNING,
            on=date(2026, 1, 23),
            reason="blast_radius: 25 users a day",
            days_to_90=index % 20 - 6,
        )
        for index in range(count)
    )
    sections = ("due", "open_findings", "held", "overdue", "unreachable", "slot_blocked")
    others = ("inline_policies", "waivers")
    gaps = tuple(f"GetUser of user-{index:05d}: timed out" for index in range(count))
    return summary(**dict.fromkeys(sections + others, rows), gaps=gaps)


SENT_AT = datetime(2026, 1, 15, 6, 30, tzinfo=UTC)
CSV = b"User name,Access key ID,Secret access key\r\n=priya,AKIA,+wJalr/K7MD\xc3\xa9\r\n"
ROOT = "case-20260105-00112233aabbccdd@keyreeve.invalid"


def outgoing(**changes: object) -> OutgoingMail:
    """A notice on its way, second in its thread."""
    usual = OutgoingMail(
        kind=MailKind.NOTICE,
        sender="IAM Compliance <iam-compliance@example.com>",
        to=("priya.sharma@example.com",),
        cc=("msp-team@example.com",),
        reply_to="msp-team@example.com",
        subject="[ETV] IAM Compliance: priya.sharma",
        body=RenderedMail(html="<p>Grüße</p>\n", text="Grüße\n"),
        sent_at=SENT_AT,
        references=(ROOT, "0100018d-first@email.amazonses.com"),
        in_reply_to="0100018d-first@email.amazonses.com",
    )
    return replace(usual, **changes)


def outgoing_credentials(**changes: object) -> OutgoingMail:
    private = outgoing(
        kind=MailKind.CREDENTIALS,
        cc=(),
        reply_to=None,
        subject="[ETV] New access key: priya.sharma",
        references=(),
        in_reply_to=None,
        attachments=(Attachment(name="priya.sharma-access-key.csv", content=CSV),),
    )
    return replace(private, **changes)
