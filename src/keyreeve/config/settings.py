"""config.yaml as a whole: the root, the accounts, and what the engine takes from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, PrivateAttr, Tag, model_validator

from keyreeve.config import sections
from keyreeve.config.baseline import Baseline
from keyreeve.config.channels import Channel
from keyreeve.config.heartbeat import Heartbeat
from keyreeve.config.mail import Holidays, Mail
from keyreeve.config.sections import Section
from keyreeve.config.values import Impossible, Line, ProjectName, Zone
from keyreeve.model import policy
from keyreeve.model.baseline import BaselineSettings
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from keyreeve.model.access import AccessModel

YEARS = (2020, 2040)
"""First and last year of the public holidays that a policy knows."""

UNION_TAGS = frozenset({"<self>", "<list>", "<organization>"})
"""Labels that pydantic puts into the place of a mistake below `accounts`."""


class MemberAccount(Section):
    """One account that this project looks after."""

    id: Annotated[str, Field(pattern=r"^[0-9]{12}$")]
    """Twelve digits, in quotes."""
    name: Line | None = None
    """For people; default: the id."""
    role_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+$")] | None = (
        None
    )
    """The role to assume; null: the caller's own account."""
    external_id: Line | None = None
    """What the role's trust policy asks for."""

    @model_validator(mode="after")
    def _the_role_is_its_own(self) -> MemberAccount:
        if self.role_arn is not None and self.role_arn.split(":")[4] != self.id:
            raise Impossible(f"is a role of another account than {self.id}", at=[("role_arn",)])
        return self


class Organization(Section):
    """All accounts of the organisation, but for what include and exclude say."""

    organization: Literal[True]
    role_name: Line
    """The role to assume in each account, with its path; the caller's own account needs none."""
    external_id: Line | None = None
    """The same for every role; the stack member-role asks for one."""
    include: tuple[Line, ...] = ()
    """Ids of accounts or organisational units; empty: all."""
    exclude: tuple[Line, ...] = ()
    """Ids of accounts or organisational units."""


def _different(accounts: tuple[MemberAccount, ...]) -> tuple[MemberAccount, ...]:
    seen: set[str] = set()
    for index, account in enumerate(accounts):
        if account.id in seen:
            raise Impossible(f"account {account.id} stands here twice", at=[(index, "id")])
        seen.add(account.id)
    return accounts


def _kind_of_accounts(value: Any) -> str:
    if isinstance(value, (dict, Organization)):
        return "<organization>"
    return "<list>" if isinstance(value, (list, tuple)) else "<self>"


Accounts = Annotated[
    Annotated[Literal["self"], Tag("<self>")]
    | Annotated[
        tuple[MemberAccount, ...], Field(min_length=1), AfterValidator(_different), Tag("<list>")
    ]
    | Annotated[Organization, Tag("<organization>")],
    Discriminator(_kind_of_accounts),
]


class Config(Section):
    """Everything that config.yaml says, defaults filled in."""

    project_name: ProjectName
    """The one line that carries the project's identity."""
    timezone: Zone = Field(default="UTC", validate_default=True)
    """The ladder's dates are dates in this zone."""
    accounts: Accounts = "self"
    """self, a list of accounts, or the organisation."""
    profile: Line | None = None
    """The profile of the AWS SDK's own configuration that reaches the account; `--profile` wins."""
    storage: sections.Storage
    mail: Mail
    thresholds: sections.Thresholds = sections.Thresholds.model_construct()
    escalation: sections.Escalation = sections.Escalation.model_construct()
    controls: sections.Controls = sections.Controls.model_construct()
    enforcement: sections.Enforcement = sections.Enforcement.model_construct()
    first_run: sections.FirstRun = sections.FirstRun.ACT
    """observe: nobody is told and nothing is done until `keyreeve arm`."""
    limits: sections.Limits = sections.Limits.model_construct()
    credentials: sections.Credentials = sections.Credentials.model_construct()
    classes: tuple[sections.UserClass, ...] = ()
    exclusions: tuple[sections.Exclusion, ...] = ()
    summary: sections.SummarySettings = sections.SummarySettings.model_construct()
    channels: tuple[Channel, ...] = ()
    """Where the MSP team hears besides by mail."""
    heartbeat: Heartbeat = Heartbeat()
    retention: sections.Retention = sections.Retention.model_construct()
    evidence: sections.EvidenceSettings = sections.EvidenceSettings.model_construct()
    texts: sections.Texts = sections.Texts.model_construct()
    baseline: Baseline = Baseline.model_construct()
    compressed_clock: sections.CompressedClock | None = None
    """Proves the whole cycle within hours, for the named users only."""

    _path: Path = PrivateAttr(default=Path("config.yaml"))
    _years: tuple[int, int] = PrivateAttr(default=YEARS)
    _access: AccessModel | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _overlap_fits(self) -> Config:
        days, overlap = self.escalation.days, self.enforcement.minimum_overlap_days
        if days.enforcement - days.new_credentials < overlap:
            raise Impossible(
                f"leaves {days.enforcement - days.new_credentials} days between new_credentials "
                f"({days.new_credentials}) and enforcement ({days.enforcement}), and "
                f"enforcement.minimum_overlap_days asks for {overlap}",
                at=[
                    ("escalation", "days", "enforcement"),
                    ("escalation", "days", "new_credentials"),
                    ("enforcement", "minimum_overlap_days"),
                ],
            )
        return self

    @model_validator(mode="after")
    def _a_warning_fits(self) -> Config:
        days = self.escalation.days
        lead = days.enforcement - days.warning
        mail = {day.number for day in self.mail.days}
        every_day = self.enforcement.weekdays is policy.EnforcementDays.EVERY_DAY
        acts = set(range(7)) if every_day else mail
        if not any((act - back) % 7 in mail for act in acts for back in range(1, lead + 1)):
            raise Impossible(
                f"leaves no mail day in the {lead} days before an enforcement, so that no warning "
                "could ever be sent and nothing could ever be enforced; add a day, or say "
                "enforcement.weekdays: every_day",
                at=[("mail", "days"), ("escalation", "days", "warning")],
            )
        return self

    @property
    def path(self) -> Path:
        """The file that this was read from."""
        return self._path

    @property
    def summary_to(self) -> tuple[str, ...]:
        """`summary.to`, or the MSP team."""
        return self.summary.to or self.mail.cc

    @property
    def contact(self) -> str:
        """`texts.contact`, or the first address of the MSP team."""
        return self.texts.contact or self.mail.cc[0]

    def read_from(self, path: Path, years: tuple[int, int]) -> Config:
        """Remember the file, and the years whose public holidays count; this config."""
        self._path, self._years = path, years
        return self

    def access_model(self) -> AccessModel:
        """What access.yaml says; read once. ConfigError with all its mistakes, or if none is named.

        Ask `baseline.access` first where it may be left out.
        """
        if self.baseline.access is None:
            raise ConfigError(
                "no file says who may do what",
                where=f"{self.path}: baseline.access",
                remedy="`keyreeve init --access` writes one; name it as `baseline.access`.",
            )
        if self._access is None:
            from keyreeve.config.access import load_access  # few projects have the file

            self._access = load_access(self.baseline.access)
        return self._access

    def baseline_settings(self) -> BaselineSettings:
        """The section `baseline`; the MSP team is alerted where nobody else is named."""
        return self.baseline.to_settings(self.mail.cc)

    def escalation_policy(self) -> policy.EscalationPolicy:
        """What the engine judges by; public holidays for the years given to `load`.

        ConfigError if access.yaml is named and wrong: `quarantine` uses its onboarding group.
        """
        thresholds = self.thresholds.to_policy()
        holidays = self.mail.holidays or Holidays()
        escalation, credentials = self.escalation, self.credentials
        made = policy.EscalationPolicy(
            project_name=self.project_name,
            timezone=self.timezone,
            mail_weekdays=frozenset(day.number for day in self.mail.days),
            holidays=holidays.days(range(self._years[0], self._years[1] + 1)),
            thresholds=thresholds,
            stale_scope=self.controls.access_key_stale.scope,
            days=policy.LadderDays(**dict(escalation.days)),
            closing_mail=escalation.closing_mail,
            free_slot_after_days=(
                escalation.free_slot.delete_after_days if escalation.free_slot else None
            ),
            orphans=escalation.orphans,
            max_extension_days=escalation.max_extension.days,
            enforcement=self.enforcement.to_policy(),
            limits=policy.BlastLimits(**dict(self.limits)),
            delivery=credentials.delivery,
            backup_retention_days=credentials.backup_retention_days,
            classes=tuple(self._class(each, thresholds) for each in self.classes),
            exclusions=tuple(
                policy.Exclusion(
                    match=each.to_policy(), reason=each.reason or "excluded by the configuration"
                )
                for each in self.exclusions
            ),
            owner=self.mail.owner_rules(),
            mail_cc=self.mail.cc,
            summary_to=self.summary_to,
            summary_weekday=self.summary.day.number,
            observe_only=self.first_run is sections.FirstRun.OBSERVE,
            compressed=self.compressed_clock.to_policy() if self.compressed_clock else None,
        )
        if self.baseline.access is None:
            return made
        return replace(made, onboarding_group=self.access_model().onboarding_group)

    def _class(self, each: sections.UserClass, general: policy.Thresholds) -> policy.UserClass:
        own = {name: value for name, value in each.thresholds if value is not None}
        return policy.UserClass(
            match=each.match.to_policy(),
            thresholds=replace(general, **own),
            delivery=each.credentials.delivery or self.credentials.delivery,
        )
