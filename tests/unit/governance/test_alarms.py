"""The catalogue of alarms against the evaluator of filter patterns, and the settings."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

from keyreeve.governance.alarm_card import CIS_VERSIONS, AlarmCard, Event, call
from keyreeve.governance.alarms import (
    CATALOGUE,
    cards,
    catalogue,
    metric_namespace,
    resource_name,
    switched_off,
)
from keyreeve.governance.cis_alarms import CIS_ALARMS
from keyreeve.language.filter_pattern import LONGEST, parse_pattern
from keyreeve.model.access import AccessModel, Grant, RequiredTags
from keyreeve.model.baseline import AlarmSetting, BaselineSettings
from keyreeve.model.errors import ConfigError

BY_ID = {card.id: card for card in CATALOGUE}
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@dataclass(frozen=True)
class Place:
    partition: str = "aws"
    account_id: str = "210987654321"


HERE = Place()
TEMPLATE = Place("${AWS::Partition}", "${AWS::AccountId}")


def grant(name: str, *policies: str) -> Grant:
    return Grant(functional_group=name, group=name, role=f"{name}Role", policies=policies)


def settings(**alarms: AlarmSetting) -> BaselineSettings:
    return BaselineSettings(
        alarms={name.replace("_", "-"): setting for name, setting in alarms.items()}
    )


def samples(kind: str) -> list[tuple[AlarmCard, Event]]:
    return [(card, event) for card in CATALOGUE for event in getattr(card, kind)]


def named(value: object) -> str:
    return value.id if isinstance(value, AlarmCard) else str(value.get("eventName"))


@pytest.mark.parametrize(("card", "event"), samples("matching"), ids=named)
def test_every_alarm_counts_what_it_is_for(card: AlarmCard, event: Event) -> None:
    as_logged = json.loads(json.dumps(event))

    assert parse_pattern(card.pattern).matches(as_logged)


@pytest.mark.parametrize(("card", "event"), samples("passing"), ids=named)
def test_no_alarm_counts_what_is_only_near(card: AlarmCard, event: Event) -> None:
    as_logged = json.loads(json.dumps(event))

    assert not parse_pattern(card.pattern).matches(as_logged)


@pytest.mark.parametrize("card", CATALOGUE, ids=named)
def test_every_card_is_whole(card: AlarmCard) -> None:
    assert len(card.pattern) <= LONGEST
    assert card.matching
    assert card.passing
    assert card.title
    assert card.description.endswith(".")
    assert card.runbook.endswith(".")
    assert "\n" not in card.runbook
    assert re.search(r"S2\.|Security Hub|CIS", card.source)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", card.id)
    assert (card.threshold, card.period_seconds) == (1, 300)


@pytest.mark.parametrize("field", ["id", "title", "metric", "pattern"])
def test_no_two_cards_share(field: str) -> None:
    values = [getattr(card, field) for card in CATALOGUE]

    assert len(values) == len(set(values))


def test_every_cis_filter_of_every_version_has_its_alarm() -> None:
    for version, chapter in CIS_VERSIONS.items():
        covered = [card.cis[version] for card in CATALOGUE if version in card.cis]

        assert covered == [f"{chapter}.{number}" for number in range(1, 16)]


def test_every_security_hub_control_of_filters_has_its_alarm() -> None:
    found = {card.security_hub for card in CATALOGUE} - {None}

    assert found == {f"CloudWatch.{number}" for number in range(1, 15)}


def test_stars_stand_only_where_every_edition_of_the_guide_reads_them_alike() -> None:
    """An earlier edition took a star within a text for itself."""
    for card in CATALOGUE:
        for text in re.findall(r'"([^"]*)"', card.pattern):
            assert "*" not in text.removeprefix("*").removesuffix("*")


SECURITY_HUB = {
    "CloudWatch.1": (
        '{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS '
        '&& $.eventType !="AwsServiceEvent"}'
    ),
    "CloudWatch.5": (
        "{($.eventName=CreateTrail) || ($.eventName=UpdateTrail) || ($.eventName=DeleteTrail) "
        "|| ($.eventName=StartLogging) || ($.eventName=StopLogging)}"
    ),
    "CloudWatch.7": (
        "{($.eventSource=kms.amazonaws.com) && (($.eventName=DisableKey) || "
        "($.eventName=ScheduleKeyDeletion))}"
    ),
    "CloudWatch.9": (
        "{($.eventSource=config.amazonaws.com) && (($.eventName=StopConfigurationRecorder) || "
        "($.eventName=DeleteDeliveryChannel) || ($.eventName=PutDeliveryChannel) || "
        "($.eventName=PutConfigurationRecorder))}"
    ),
}


@pytest.mark.parametrize("control", SECURITY_HUB)
def test_joined_patterns_are_security_hubs_text_to_the_letter(control: str) -> None:
    card = next(card for card in CIS_ALARMS if card.security_hub == control)

    assert card.pattern == SECURITY_HUB[control]


# --- what depends on access.yaml ------------------------------------------------------------------


def of(model: AccessModel, alarm: str, at: Place = HERE) -> AlarmCard:
    return next(card for card in catalogue(model, at) if card.id == alarm)


def assumed(role: str, account: str = HERE.account_id) -> Event:
    arn = f"arn:aws:iam::{account}:role/{role}"
    return call("AssumeRole", "sts.amazonaws.com", requestParameters={"roleArn": arn})


def test_only_roles_that_may_do_everything_are_watched() -> None:
    model = AccessModel(grants=(grant("Admin", ADMINISTRATOR), grant("Audit", "x")))
    pattern = parse_pattern(of(model, "administrator-role-assumed").pattern)

    assert pattern.matches(assumed("AdminRole"))
    assert not pattern.matches(assumed("AuditRole"))
    assert not pattern.matches(assumed("AdminRole", account="111111111111"))


def test_each_of_several_administrator_roles_is_watched() -> None:
    model = AccessModel(grants=(grant("Admin", ADMINISTRATOR), grant("Root", ADMINISTRATOR)))
    pattern = parse_pattern(of(model, "administrator-role-assumed").pattern)

    assert pattern.matches(assumed("AdminRole"))
    assert pattern.matches(assumed("RootRole"))


def test_without_an_administrator_there_is_no_alarm_of_his_role() -> None:
    model = AccessModel(grants=(grant("Audit", "x"),))

    assert "administrator-role-assumed" not in {card.id for card in catalogue(model, HERE)}
    assert len(catalogue(model, HERE)) == len(CATALOGUE) - 1


@pytest.mark.parametrize(
    ("key", "set_as", "counted"),
    [
        ("FunctionalGroup", "FunctionalGroup", True),
        ("FunctionalGroup", "functionalgroup", True),
        ("FunctionalGroup", "FunctionalGroups", False),
        ("company:role", "Company:Role", True),
        ("Job title", "Job title", True),
        ("Job title", "Job", False),
        ("a.b", "a.b", True),
        ("a.b", "axb", False),
        ("k" * 80, "K" * 80, True),
        ("k" * 128, "k" * 128, True),
    ],
)
def test_the_alarm_of_the_role_tag_follows_its_name(
    key: str, set_as: str, *, counted: bool
) -> None:
    card = of(AccessModel(tags=RequiredTags(role=key)), "role-tag-changes")
    tags = [{"key": "Team", "value": "x"}, {"key": set_as, "value": "Administrator"}]
    event = call("TagUser", requestParameters={"userName": "alex", "tags": tags})

    assert len(card.pattern) <= LONGEST
    assert parse_pattern(card.pattern).matches(event) is counted
    assert all(parse_pattern(card.pattern).matches(sample) for sample in card.matching)
    assert not any(parse_pattern(card.pattern).matches(sample) for sample in card.passing)


def test_templates_take_cloudformations_own_words() -> None:
    model = AccessModel(grants=(grant("Admin", ADMINISTRATOR),))
    card = of(model, "administrator-role-assumed", TEMPLATE)

    assert "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/AdminRole" in card.pattern
    assert parse_pattern(card.pattern).matches(card.matching[0])


# --- settings -------------------------------------------------------------------------------------


def test_without_settings_every_alarm_is_wanted_as_the_catalogue_has_it() -> None:
    model = AccessModel(grants=(grant("Admin", ADMINISTRATOR),))
    wanted = cards(model, settings(), HERE)

    assert [alarm.id for alarm in wanted] == list(BY_ID)
    assert {(alarm.threshold, alarm.reason) for alarm in wanted} == {(1, "")}
    assert switched_off(model, settings(), HERE) == ()


def test_an_alarm_that_is_switched_off_is_gone_with_its_reason_kept() -> None:
    chosen = settings(vpc_changes=AlarmSetting(enabled=False, reason="no VPC here"))

    assert "vpc-changes" not in {alarm.id for alarm in cards(AccessModel(), chosen, HERE)}
    assert [(off.card.id, off.reason) for off in switched_off(AccessModel(), chosen, HERE)] == [
        ("vpc-changes", "no VPC here")
    ]


def test_a_threshold_is_applied_with_its_reason() -> None:
    chosen = settings(unauthorized_api_calls=AlarmSetting(threshold=5, reason="noisy scanner"))
    alarm = next(a for a in cards(AccessModel(), chosen, HERE) if a.id == "unauthorized-api-calls")

    assert (alarm.threshold, alarm.reason) == (5, "noisy scanner")


def test_the_alarm_of_a_role_that_is_not_there_may_be_set() -> None:
    chosen = settings(administrator_role_assumed=AlarmSetting(enabled=False, reason="none"))

    assert len(cards(AccessModel(), chosen, HERE)) == len(CATALOGUE) - 1


@pytest.mark.parametrize("ask", [cards, switched_off])
def test_every_mistake_is_told_at_once(ask: object) -> None:
    chosen = settings(
        vpc_change=AlarmSetting(enabled=False, reason="typing"),
        vpc_changes=AlarmSetting(enabled=False),
        root_use=AlarmSetting(threshold=3, reason=" "),
        mfa_removal=AlarmSetting(threshold=0, reason="never"),
    )
    with pytest.raises(ConfigError) as refused:
        ask(AccessModel(), chosen, HERE)

    assert "no alarm 'vpc-change'" in refused.value.what
    assert "vpc-changes: it differs from the catalogue, and no reason" in refused.value.what
    assert "root-use: it differs from the catalogue, and no reason" in refused.value.what
    assert "mfa-removal: a threshold of 0" in refused.value.what
    assert "vpc-changes" in refused.value.remedy


def test_the_catalogues_own_threshold_needs_no_reason() -> None:
    assert len(cards(AccessModel(), settings(root_use=AlarmSetting(threshold=1)), HERE)) > 20


def test_names_say_whose_they_are() -> None:
    assert metric_namespace("etv") == "Keyreeve/etv"
    assert resource_name("etv", "root-use") == "keyreeve-etv-root-use"
