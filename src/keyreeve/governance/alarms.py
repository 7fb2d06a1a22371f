"""The catalogue of alarms, and what this account's settings make of it (S2.23–S2.25, S2.T14).

Names of what a stack makes for an alarm are given here, for `baseline verify` looks for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from keyreeve.governance.alarm_card import Account, AlarmCard, Placed
from keyreeve.governance.cis_alarms import CIS_ALARMS
from keyreeve.governance.own_alarms import (
    OWN_ALARMS,
    administrator_role_assumed,
    role_tag_changed,
)
from keyreeve.model.access import AccessModel, Grant
from keyreeve.model.baseline import AlarmSetting, BaselineSettings
from keyreeve.model.errors import ConfigError

_WHERE: Final = "config: baseline.alarms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm as this account wants it."""

    card: AlarmCard
    threshold: int
    reason: str = ""
    """Why it differs from the catalogue; empty where it does not."""

    @property
    def id(self) -> str:
        """The card's."""
        return self.card.id


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchedOff:
    """An alarm that this account does without."""

    card: AlarmCard
    reason: str


def metric_namespace(project: str) -> str:
    """Where the filters of a project (its slug) write their metrics."""
    return f"Keyreeve/{project}"


def resource_name(project: str, alarm_id: str) -> str:
    """The name of the metric filter and of the alarm alike."""
    return f"keyreeve-{project}-{alarm_id}"


def catalogue(model: AccessModel, at: Placed) -> tuple[AlarmCard, ...]:
    """Every card that makes sense for this model, CIS first."""
    assumed = administrator_role_assumed(model, at)
    return (
        *CIS_ALARMS,
        *OWN_ALARMS,
        *((assumed,) if assumed is not None else ()),
        role_tag_changed(model),
    )


def cards(model: AccessModel, settings: BaselineSettings, at: Placed) -> tuple[Alarm, ...]:
    """The alarms that are wanted, thresholds applied. ConfigError with every mistake at once."""
    _refuse_mistakes(settings.alarms)
    chosen = ((card, _setting(settings, card)) for card in catalogue(model, at))
    return tuple(
        Alarm(card=card, threshold=setting.threshold or card.threshold, reason=setting.reason)
        for card, setting in chosen
        if setting.enabled
    )


def switched_off(
    model: AccessModel, settings: BaselineSettings, at: Placed
) -> tuple[SwitchedOff, ...]:
    """The others, with the recorded reason. ConfigError as above."""
    _refuse_mistakes(settings.alarms)
    chosen = ((card, _setting(settings, card)) for card in catalogue(model, at))
    return tuple(
        SwitchedOff(card=card, reason=setting.reason)
        for card, setting in chosen
        if not setting.enabled
    )


def _setting(settings: BaselineSettings, card: AlarmCard) -> AlarmSetting:
    return settings.alarms.get(card.id, AlarmSetting())


def _refuse_mistakes(settings: Mapping[str, AlarmSetting]) -> None:
    found = [mistake for name in settings for mistake in _mistakes(name, settings[name])]
    if found:
        raise ConfigError(
            "; ".join(found), where=_WHERE, remedy=f"The alarms are: {', '.join(sorted(_KNOWN))}."
        )


def _mistakes(name: str, setting: AlarmSetting) -> Iterator[str]:
    card = _KNOWN.get(name)
    if card is None:
        yield f"there is no alarm {name!r}"
        return
    if setting.threshold is not None and setting.threshold < 1:
        yield f"{name}: a threshold of {setting.threshold} would fire without any event"
    differs = setting.threshold not in (None, card.threshold)
    if (differs or not setting.enabled) and not setting.reason.strip():
        yield f"{name}: it differs from the catalogue, and no reason is given"


CATALOGUE: Final = catalogue(
    AccessModel(
        grants=(
            Grant(
                functional_group="Administrator",
                group="Administrator",
                role="AdministratorAccessRole",
                policies=("arn:aws:iam::aws:policy/AdministratorAccess",),
            ),
        )
    ),
    Account(partition="aws", account_id="123456789012"),
)
"""Every card there is, for an example account: the patterns of two depend on access.yaml."""

_KNOWN: Final = {card.id: card for card in CATALOGUE}
