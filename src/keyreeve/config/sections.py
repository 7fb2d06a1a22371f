"""The sections of config.yaml but mail and accounts, with their defaults and their own checks."""

from __future__ import annotations

import itertools
import os
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from keyreeve.config.values import (
    Addresses,
    Day,
    Duration,
    Flag,
    FolderPath,
    Impossible,
    Line,
    Minutes,
    Share,
    TagMatch,
    Whole,
    WholeDays,
)
from keyreeve.model import policy
from keyreeve.model.policy import Delivery, EnforcementDays, FinalAct, Orphans, StaleScope

if TYPE_CHECKING:
    from keyreeve.model import months

# No plug-in of pydantic's has a part in this, and looking for them opens every installed package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")


class Section(BaseModel):
    """One mapping of the file: unknown keys are mistakes, values never change."""

    # Built when first used: most runs use few sections. `schema` adds the docstrings.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


LANGUAGES = ("en", "de")
"""Languages that mails to owners are shipped in."""


class Weekday(StrEnum):
    """Days as config.yaml names them."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @property
    def number(self) -> int:
        """Monday is 0."""
        return list(Weekday).index(self)


class FirstRun(StrEnum):
    """Whether the first run already talks and acts."""

    ACT = "act"
    OBSERVE = "observe"


class Storage(Section):
    """Where state, escrow and audit log live: exactly one of bucket and directory."""

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    """Name of an S3 bucket."""
    directory: FolderPath | None = None
    """A folder instead of a bucket."""
    kms_key_id: Line | None = None
    """null: SSE-S3 (AES256); set: SSE-KMS with this key."""
    unencrypted_ok: Flag = False
    """A directory is not encrypted: `run --execute` against real AWS needs true."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Storage:
        if self.bucket and self.directory:
            raise Impossible(
                "a bucket or a directory, not both", at=[("directory",), ("bucket",), ()]
            )
        if not self.bucket and not self.directory:
            raise Impossible("needs a bucket or a directory")
        if self.kms_key_id and not self.bucket:
            raise Impossible("only a bucket is encrypted with KMS", at=[("kms_key_id",)])
        return self


class Thresholds(Section):
    """When each control flags."""

    access_key_rotation: Duration = timedelta(days=75)
    """Age of an Active access key."""
    access_key_stale: Duration = timedelta(days=15)
    """An Active second key without use."""
    password_age: Duration = timedelta(days=75)
    """A console password without change."""
    user_inactive: Duration = timedelta(days=75)
    """A console user without sign-in."""

    def to_policy(self) -> policy.Thresholds:
        """The same as a value of the model."""
        return policy.Thresholds(**dict(self))


class ThresholdOverrides(Section):
    """Thresholds of a class of users; what is not named stays as it is for all."""

    access_key_rotation: Duration | None = None
    access_key_stale: Duration | None = None
    password_age: Duration | None = None
    user_inactive: Duration | None = None


class LadderDays(Section):
    """Days of the stages, counted from day 0."""

    reminder: Annotated[Whole, Field(ge=1, le=365)] = 3
    new_credentials: Annotated[Whole, Field(ge=1, le=365)] = 7
    warning: Annotated[Whole, Field(ge=1, le=365)] = 10
    countdown: Annotated[Whole, Field(ge=1, le=365)] = 11
    enforcement: Annotated[Whole, Field(ge=1, le=365)] = 14

    @model_validator(mode="after")
    def _ascend(self) -> LadderDays:
        for (earlier, first), (later, second) in itertools.pairwise(self):
            if first >= second:
                raise Impossible(
                    f"the days must ascend, and {earlier} ({first}) is not before "
                    f"{later} ({second})",
                    at=[(later,), (earlier,)],
                )
        return self


class FreeSlot(Section):
    """Lets Keyreeve delete an access key that it had itself made Inactive."""

    delete_after_days: Annotated[Whole, Field(ge=1)]
    """Days after it was made Inactive."""


class Escalation(Section):
    """The ladder."""

    days: LadderDays = LadderDays.model_construct()
    closing_mail: Flag = True
    """One mail when the last finding of a case has cleared."""
    free_slot: FreeSlot | None = None
    """null: Keyreeve deletes no key to make room, so a user with two keys gets no replacement."""
    orphans: Orphans = Orphans.DELETE
    """A key whose secret was lost in an unanswered call: delete it, or keep it Inactive."""
    max_extension: WholeDays = timedelta(days=30)
    """The most that `case extend` may add."""


class StaleControl(Section):
    """Settings of `access_key_stale`."""

    scope: StaleScope = StaleScope.SECOND_SLOT
    """second_slot: the key in report slot 2; every_key: any key beside another Active one."""


class Controls(Section):
    """Settings of single controls."""

    access_key_stale: StaleControl = StaleControl.model_construct()


class Freeze(Section):
    """No disruptive effect on these days, both included."""

    first: Day = Field(alias="from")
    """The first day."""
    last: Day = Field(alias="to")
    """The last day."""

    @model_validator(mode="after")
    def _forward(self) -> Freeze:
        if self.last < self.first:
            raise Impossible("ends before it begins", at=[("to",)])
        return self


class Enforcement(Section):
    """What happens on the day of enforcement, and on which days it may."""

    console_mfa: Literal[FinalAct.REMIND, FinalAct.QUARANTINE, FinalAct.DELETE_LOGIN_PROFILE] = (
        FinalAct.REMIND
    )
    """A user who never enrolled MFA."""
    user_inactive: Literal[
        FinalAct.REMIND,
        FinalAct.QUARANTINE,
        FinalAct.DELETE_LOGIN_PROFILE,
        FinalAct.DEACTIVATE_UNUSED_KEYS,
    ] = FinalAct.REMIND
    """A console user who did not sign in."""
    password_age: Literal[FinalAct.NOTHING, FinalAct.DELETE_LOGIN_PROFILE, FinalAct.QUARANTINE] = (
        FinalAct.NOTHING
    )
    """Only where no reset was made."""
    minimum_overlap_days: Annotated[Whole, Field(ge=1)] = 4
    """Days between the delivery of a replacement and the end of the old key."""
    weekdays: EnforcementDays = EnforcementDays.MAIL_DAYS
    freezes: tuple[Freeze, ...] = ()

    def to_policy(self) -> policy.Enforcement:
        """The same as a value of the model."""
        return policy.Enforcement(
            console_mfa=self.console_mfa,
            user_inactive=self.user_inactive,
            password_age=self.password_age,
            minimum_overlap_days=self.minimum_overlap_days,
            weekdays=self.weekdays,
            freezes=tuple(
                policy.Freeze(first=freeze.first, last=freeze.last) for freeze in self.freezes
            ),
        )


class Limits(Section):
    """How much one account may be disturbed on one day."""

    disruptive_share: Share = 0.25
    """Of the users with a live credential."""
    disruptive_floor: Annotated[Whole, Field(ge=0)] = 5
    """At least so many users, up to half of them."""


class Credentials(Section):
    """How new credentials reach their owner."""

    delivery: Delivery = Delivery.CSV
    backup_retention_days: Annotated[Whole, Field(ge=1)] = 30
    """How long the escrowed copy, and the owner's in Secrets Manager, is kept after delivery."""
    kms_key_id: Line | None = None
    """For Secrets Manager; null: aws/secretsmanager. Owners then need kms:Decrypt on it."""


class DeliveryOverride(Section):
    """Delivery of a class of users."""

    delivery: Delivery | None = None


class Match(Section):
    """Selects users: a glob on the name, or a tag; exactly one of them."""

    user: Line | None = None
    """A glob such as `ci-*`."""
    tag: TagMatch | None = None
    """`key=value`; the value may be a glob."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Match:
        if (self.user is None) == (self.tag is None):
            raise Impossible("needs exactly one of user and tag")
        return self

    def to_policy(self) -> policy.Match:
        """The same as a value of the model."""
        return policy.Match(user=self.user, tag=self.tag)


class Exclusion(Match):
    """Users that are structurally out of scope."""

    reason: Line | None = None


class UserClass(Section):
    """Users with settings of their own; the first class that matches wins."""

    match: Match
    thresholds: ThresholdOverrides = ThresholdOverrides.model_construct()
    credentials: DeliveryOverride = DeliveryOverride.model_construct()


class MinutesPer(Section):
    """Minutes that the same takes by hand: what the estimate of hours saved is made of.

    The defaults are assumptions, not measured: replace them by what your team needs.
    """

    finding: Minutes = 10
    """To find it in the account's lists, decide whom it concerns, write it down."""
    mail: Minutes = 5
    """To write and send one."""
    credential: Minutes = 15
    """To make one, hand it over in private, put the copy away."""
    enforcement: Minutes = 10
    """To look again, make a key Inactive or take a password, write it down."""


class SummarySettings(Section):
    """The weekly summary."""

    day: Weekday = Weekday.MON
    to: Addresses | None = None
    """Default: mail.cc."""
    minutes_per: MinutesPer = MinutesPer.model_construct()
    """Minutes that the same takes by hand, for the estimate of hours saved."""

    def minutes(self) -> months.MinutesPer:
        """`minutes_per` as a value of the model."""
        from keyreeve.model import months  # for who counts months

        return months.MinutesPer(**dict(self.minutes_per))


class Retention(Section):
    """How long records of runs and the audit log are kept."""

    runs: Duration = timedelta(days=400)
    """Of records of runs, mails and credential reports."""
    audit: Duration = timedelta(days=6 * 365)
    """Of the audit log and access reviews; a year is 365 days."""


class EvidenceSettings(Section):
    """What auditors take away."""

    signing_key: Line | None = None
    """An asymmetric KMS key for SIGN_VERIFY: id, ARN or alias/…; every pack is signed with it."""


class Texts(Section):
    """Words that mails carry."""

    contact: Line | None = None
    """Whom to ask; default: the first address of mail.cc."""
    help_url: Annotated[Line, Field(pattern=r"^https?://[^\s<>\"']+$")] | None = None
    """A page of your own that mails link to."""
    templates: FolderPath | None = None
    """A folder with templates of your own."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] = "en"
    """Of the mails to owners: en or de; any other needs templates of your own."""

    @model_validator(mode="after")
    def _has_words(self) -> Texts:
        if self.templates is None and self.language.partition("-")[0] not in LANGUAGES:
            raise Impossible(
                f"mails are shipped in {' and '.join(LANGUAGES)}; for another language name a "
                "folder with templates of your own as texts.templates",
                at=[("language",)],
            )
        return self


def _at_most_a_day(day: timedelta) -> timedelta:
    if day > timedelta(days=1):
        raise Impossible("a compressed day is not longer than a day")
    return day


class CompressedClock(Section):
    """A ladder day lasts `day`; nobody but `users` is touched."""

    day: Annotated[Duration, AfterValidator(_at_most_a_day)]
    users: Annotated[tuple[Line, ...], Field(min_length=1)]
    """Globs on user names."""

    def to_policy(self) -> policy.CompressedClock:
        """The same as a value of the model."""
        return policy.CompressedClock(day=self.day, users=self.users)
