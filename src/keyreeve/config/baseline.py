"""The `baseline` section: the access model's file, the stacks and their alarms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from keyreeve.config.sections import Section
from keyreeve.config.values import Addresses, Flag, FolderPath, Impossible, Line, Whole
from keyreeve.model.baseline import AlarmSetting, BaselineSettings, Choice, Kind, StackName

ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,255}$")]


def _as_cloudformation_takes_it(value: Any) -> Any:
    """Parameters are text; who writes 400 or true means the text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


ParameterValue = Annotated[
    str, BeforeValidator(_as_cloudformation_takes_it), StringConstraints(max_length=4096)
]


class Alarm(Section):
    """What was decided about one alarm; whatever differs from the catalogue needs a reason."""

    enabled: Flag = True
    threshold: Annotated[Whole, Field(ge=1)] | None = None
    """Events within the alarm's period; null: the catalogue's."""
    reason: Line = ""
    """Needed for whatever differs; shown by `baseline plan` and `baseline verify`."""

    @model_validator(mode="after")
    def _reasoned(self) -> Alarm:
        differs = not self.enabled or self.threshold is not None
        if differs and not self.reason.strip():
            raise Impossible(
                "needs a reason, which reviews and audits will ask for",
                at=[("reason",), ("enabled",), ("threshold",), ()],
            )
        return self


class Baseline(Section):
    """The governance baseline."""

    access: FolderPath | None = None
    """The file that says who may do what; null: none, and the baseline is not used."""
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")] = "us-east-1"
    """Of the stacks. Events of IAM arrive in us-east-1 only: onboarding needs it there."""
    alerts: Addresses | None = None
    """Addresses that the alert topic mails to; default: mail.cc."""
    alarms: Mapping[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")], Alarm] = Field(
        default_factory=dict
    )
    """By the id of the alarm catalogue."""
    parameters: Mapping[StackName, Mapping[ParameterName, ParameterValue]] = Field(
        default_factory=dict
    )
    """Parameters of stacks: {stack: {Name: value}}."""
    package: FolderPath | None = None
    """The zip that `keyreeve package lambda` made: daily run, mail feedback and fleet run from
    it; null: those are left out."""
    existing: Mapping[Annotated[str, Field(pattern=rf"^({'|'.join(Kind)})/\S(.*\S)?$")], Choice] = (
        Field(default_factory=dict)
    )
    """What becomes of what is there already, by `kind/name`: adopt, skip or import."""

    def to_settings(self, team: tuple[str, ...]) -> BaselineSettings:
        """The same as a value of the model; `team` is alerted where nobody is named."""
        return BaselineSettings(
            region=self.region,
            alerts=self.alerts or team,
            alarms={name: AlarmSetting(**dict(each)) for name, each in self.alarms.items()},
            parameters=self.parameters,
            existing=self.existing,
        )
