"""AWS::Config: recorder, delivery channel, rules.

AWS: a recorder can start only once there is a channel; CloudFormation starts it with whichever of
the two comes last, and stops it before the channel goes.
"""

from __future__ import annotations

from typing import Any, Final

from keyreeve.sandbox.stacks.calling import given
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.refusals import Failed
from keyreeve.sandbox.stacks.shaping import words


def _recorders(site: Site) -> list[dict[str, Any]]:
    return list(site.call("config", "DescribeConfigurationRecorders")["ConfigurationRecorders"])


def _channels(site: Site) -> list[dict[str, Any]]:
    return list(site.call("config", "DescribeDeliveryChannels")["DeliveryChannels"])


def _start(site: Site) -> None:
    if not _channels(site):
        return
    for row in _recorders(site):
        site.call("config", "StartConfigurationRecorder", ConfigurationRecorderName=row["name"])


def _stop(site: Site) -> None:
    for row in _recorders(site):
        site.call("config", "StopConfigurationRecorder", ConfigurationRecorderName=row["name"])


def _named(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    row = next((it for it in rows if it["name"] == name), None)
    if row is None:
        raise Failed(f"There is no {name}", "NotFound")
    return row


# --- recorder -----------------------------------------------------------------------------------

_OF_RECORDER: Final = ("RecordingGroup", "RecordingMode", "RoleARN")


def _put_recorder(site: Site, id_: str, new: Props, _: Props) -> None:
    recorder = {"Name": id_, **given(new, *_OF_RECORDER)}
    site.call("config", "PutConfigurationRecorder", ConfigurationRecorder=recorder)
    _start(site)


def _read_recorder(site: Site, id_: str, props: Props) -> Props:
    row = _named(_recorders(site), id_)
    told = given(row, RoleARN="roleARN")
    if "RecordingGroup" in props:
        group = {key[:1].upper() + key[1:]: it for key, it in row["recordingGroup"].items()}
        told["RecordingGroup"] = given(group, *props["RecordingGroup"])
    return told


def _remove_recorder(site: Site, id_: str, _: Props) -> None:
    site.call("config", "StopConfigurationRecorder", ConfigurationRecorderName=id_)
    site.call("config", "DeleteConfigurationRecorder", ConfigurationRecorderName=id_)


RECORDER: Final = Kind(
    type="AWS::Config::ConfigurationRecorder",
    make=lambda site, props: str(props.get("Name") or site.name(256)),
    remove=_remove_recorder,
    facets=(Facet(properties=_OF_RECORDER, put=_put_recorder, read=_read_recorder),),
    fixed=frozenset({"Name"}),
    required=frozenset({"RoleARN"}),
    present=lambda site, id_, _: any(row["name"] == id_ for row in _recorders(site)),
    name="Name",
    identifier=("Name",),
)


# --- channel ------------------------------------------------------------------------------------

_OF_CHANNEL: Final = (
    "ConfigSnapshotDeliveryProperties",
    "S3BucketName",
    "S3KeyPrefix",
    "S3KmsKeyArn",
    "SnsTopicARN",
)


def _put_channel(site: Site, id_: str, new: Props, _: Props) -> None:
    channel = {"Name": id_, **given(new, *_OF_CHANNEL)}
    site.call("config", "PutDeliveryChannel", DeliveryChannel=channel)
    _start(site)


def _read_channel(site: Site, id_: str, _: Props) -> Props:
    row = _named(_channels(site), id_)
    return {key[:1].upper() + key[1:]: value for key, value in row.items()}


def _remove_channel(site: Site, id_: str, _: Props) -> None:
    _named(_channels(site), id_)  # or another's recorder would be stopped
    _stop(site)
    site.call("config", "DeleteDeliveryChannel", DeliveryChannelName=id_)


CHANNEL: Final = Kind(
    type="AWS::Config::DeliveryChannel",
    make=lambda site, props: str(props.get("Name") or site.name(256)),
    remove=_remove_channel,
    facets=(Facet(properties=_OF_CHANNEL, put=_put_channel, read=_read_channel),),
    fixed=frozenset({"Name"}),
    required=frozenset({"S3BucketName"}),
    present=lambda site, id_, _: any(row["name"] == id_ for row in _channels(site)),
    name="Name",
    identifier=("Name",),
)


# --- rules --------------------------------------------------------------------------------------

_OF_RULE: Final = (
    "Description",
    "EvaluationModes",
    "InputParameters",
    "MaximumExecutionFrequency",
    "Scope",
    "Source",
)


def _rules(site: Site, id_: str) -> list[dict[str, Any]]:
    try:
        told = site.call("config", "DescribeConfigRules", ConfigRuleNames=[id_])
    except Failed:
        return []
    return list(told["ConfigRules"])


def _put_rule(site: Site, id_: str, new: Props, _: Props) -> None:
    rule = {"ConfigRuleName": id_, **given(new, *_OF_RULE)}
    if "InputParameters" in rule:
        # AWS Config takes no numbers there: CloudFormation sends text.
        rule["InputParameters"] = words(rule["InputParameters"])
    site.call("config", "PutConfigRule", ConfigRule=rule)


def _read_rule(site: Site, id_: str, _: Props) -> Props:
    rows = _rules(site, id_)
    if not rows:
        raise Failed(f"There is no rule {id_}", "NotFound")
    return given(rows[0], *_OF_RULE, "ConfigRuleId", Arn="ConfigRuleArn")


def _remove_rule(site: Site, id_: str, _: Props) -> None:
    site.call("config", "DeleteConfigRule", ConfigRuleName=id_)


RULE: Final = Kind(
    type="AWS::Config::ConfigRule",
    make=lambda site, props: str(props.get("ConfigRuleName") or site.name(128)),
    remove=_remove_rule,
    facets=(Facet(properties=_OF_RULE, put=_put_rule, read=_read_rule),),
    fixed=frozenset({"ConfigRuleName"}),
    required=frozenset({"Source"}),
    attributes=_read_rule,
    present=lambda site, id_, _: bool(_rules(site, id_)),
    name="ConfigRuleName",
    identifier=("ConfigRuleName",),
)
KINDS: Final = (RECORDER, CHANNEL, RULE)
