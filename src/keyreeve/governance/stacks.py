"""The stacks as this project wants them: shipped templates and what is generated; pure.

Generated are groups, roles and their policies from access.yaml (identity), the mover's groups
(onboarding), filters, alarms and subscriptions from the catalogue (monitoring), and the policies
of Keyreeve's own roles from config.yaml (mail-feedback, automation, member-role, fleet).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from keyreeve.governance.alarms import Alarm, metric_namespace, resource_name
from keyreeve.governance.costs import costs
from keyreeve.governance.identity_stack import identity
from keyreeve.governance.kept import without_kept
from keyreeve.governance.templates import Json, logical_id, substituted
from keyreeve.model.access import AccessModel, PasswordRules
from keyreeve.model.baseline import (
    BaselineSettings,
    Blueprint,
    Choice,
    Found,
    Inventory,
    Kind,
    RunFunction,
    StackName,
)

_NEEDED: Final[Mapping[StackName, tuple[str, ...]]] = {
    StackName.MEMBER_ROLE: ("CentralRoleArn", "ExternalId"),
}
"""Parameters that nobody but the config can know: without them the stack is not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Everything that the stacks are made from."""

    project: str
    """Lower case, letters, digits and hyphens."""
    templates: Mapping[StackName, Mapping[str, Any]]
    model: AccessModel
    settings: BaselineSettings
    inventory: Inventory
    alarms: tuple[Alarm, ...]
    code_bucket: str
    code_key: str
    """Of the functions' package."""
    reader: tuple[Json, ...]
    actor: tuple[Json, ...]
    """Policies of Keyreeve's own roles; account and partition as pseudo parameters."""
    people: tuple[Json, ...]
    """Of the role that onboards and offboards."""
    mover: tuple[Json, ...]
    """Of the onboarding function."""
    feedback: tuple[Json, ...] = ()
    """Of the function that hears which mails came back; none: SES does not send them."""
    fleet: tuple[Json, ...] = ()
    """Of the central role over several accounts; none: the project is one account."""
    member: tuple[Json, ...] = ()
    """Of the role in each of them."""
    lists: str = ""
    results: str = ""
    """Prefixes in the bucket: of the fleet's days, of what its state machine gathers."""
    timezone: str = "UTC"
    run: RunFunction | None = None
    """None: no package is configured, and no function does the daily run."""


def stack_name(project: str, stack: StackName) -> str:
    """As CloudFormation calls it: letters, digits and hyphens."""
    return f"keyreeve-{project}-{stack.value}"


def stack_project(slug: str) -> str:
    """The project as all names of the stacks bear it: buckets and stacks know no `.` and `_`."""
    return "".join(c if c.isalnum() else "-" for c in slug)


def alert_topic(wanted: Wanted) -> str:
    """ARN of the topic that all stacks alert through."""
    at = wanted.inventory
    region = wanted.settings.region
    return f"arn:{at.partition}:sns:{region}:{at.account_id}:keyreeve-{wanted.project}-alerts"


def log_group(wanted: Wanted, rows: Iterable[Found]) -> str:
    """The log group that the alarms listen to: of an adopted trail, else of our own."""
    adopted = {row.name for row in rows if _adopted(row, Kind.TRAIL)}
    heard = [t.log_group for t in wanted.inventory.trails if t.name in adopted and t.log_group]
    return heard[0] if heard else f"/keyreeve/{wanted.project}/trail"


def blueprints(wanted: Wanted, rows: tuple[Found, ...]) -> tuple[Blueprint, ...]:
    """The stacks that are wanted, in the order of their deployment.

    `rows`: what is there already (`adoption.found`).
    """
    return tuple(
        _blueprint(wanted, rows, stack)
        for stack in StackName
        if not _covered(stack, rows)
        and not missing_parameters(wanted.settings, stack)
        and not without_work(wanted, stack)
    )


def without_work(wanted: Wanted, stack: StackName) -> str:
    """Why a stack of nothing but functions would do nothing; empty: it works, or is another."""
    if stack not in (StackName.MAIL_FEEDBACK, StackName.FLEET):
        return ""
    if stack is StackName.FLEET and not wanted.fleet:
        return "the project is one account"
    if stack is StackName.MAIL_FEEDBACK and not wanted.feedback:
        return "its mails are not sent by SES (mail.transport)"
    given = wanted.settings.parameters.get(stack, {})
    if "RunCodeKey" not in {**_run_parameters(wanted.run), **given}:
        return "it asks for baseline.package"
    return ""


def missing_parameters(settings: BaselineSettings, stack: StackName) -> tuple[str, ...]:
    """Parameters that the config must give before the stack can be made."""
    given = settings.parameters.get(stack, {})
    return tuple(name for name in _NEEDED.get(stack, ()) if name not in given)


def _covered(stack: StackName, rows: Iterable[Found]) -> bool:
    """Whether what is there already makes the stack needless, or the owner wants it left out."""
    match stack:
        case StackName.AUDIT_TRAIL:
            return any(_adopted(row, Kind.TRAIL) for row in rows)
        case StackName.CONFIGURATION:
            return any(row.kind is Kind.RECORDER and row.choice is Choice.SKIP for row in rows)
        case _:
            return False


def _blueprint(wanted: Wanted, rows: tuple[Found, ...], stack: StackName) -> Blueprint:
    template, imports = _template(wanted, rows, stack)
    facts = {"Project": wanted.project, "AWS::AccountId": wanted.inventory.account_id}
    template, reused = without_kept(template, facts, wanted.inventory.kept)
    known = template["Parameters"]
    own = {k: v for k, v in _parameters(wanted, rows).items() if k in known}
    given = wanted.settings.parameters.get(stack, {})
    made = Blueprint(
        stack=stack,
        name=stack_name(wanted.project, stack),
        template=template,
        parameters={**own, **_presence(rows, stack), **given},
        imports=imports,
        reused=reused,
    )
    return replace(made, costs=costs(made, wanted.inventory))


def _template(
    wanted: Wanted, rows: tuple[Found, ...], stack: StackName
) -> tuple[Json, Mapping[str, Mapping[str, str]]]:
    base = wanted.templates[stack]
    match stack:
        case StackName.IDENTITY:
            return identity(base, wanted.model, rows, wanted.settings.existing)
        case StackName.MONITORING:
            resources = {**_subscriptions(wanted.settings.alerts), **_alarms(wanted.alarms)}
        case StackName.AUTOMATION:
            resources = {
                **_own_policies("Reader", wanted.reader, "ReaderRole"),
                **_own_policies("Actor", wanted.actor, "ActorRole"),
                **_own_policies("People", wanted.people, "PeopleRole"),
            }
        case StackName.ONBOARDING:
            resources = {"FunctionRole": _mover(base["Resources"]["FunctionRole"], wanted.mover)}
        case StackName.MAIL_FEEDBACK:
            resources = _own_policies("Feedback", wanted.feedback, "FunctionRole")
        case StackName.MEMBER_ROLE:
            resources = _own_policies("Member", wanted.member or wanted.actor, "MemberRole")
        case StackName.FLEET:
            resources = _own_policies("Fleet", wanted.fleet, "FleetRole")
        case _:
            resources = {}
    return {**base, "Resources": {**base["Resources"], **resources}}, {}


def _parameters(wanted: Wanted, rows: Iterable[Found]) -> dict[str, str]:
    """What any stack may ask for."""
    rules = wanted.model.password_policy or PasswordRules()
    return {
        "Project": wanted.project,
        "CodeBucket": wanted.code_bucket,
        "CodeKey": wanted.code_key,
        "AlertTopicArn": alert_topic(wanted),
        "LogGroupName": log_group(wanted, rows),
        "SetPasswordPolicy": _word(wanted.model.password_policy is not None),
        "MinimumLength": str(rules.minimum_length),
        "ReusePrevention": str(rules.reuse_prevention),
        "MaxAge": str(rules.max_age),
        "Require": ",".join(sorted(rules.require)),
        "Timezone": wanted.timezone,
        "ListPrefix": wanted.lists,
        "ResultsPrefix": wanted.results,
        **_run_parameters(wanted.run),
    }


def _run_parameters(run: RunFunction | None) -> dict[str, str]:
    if run is None:
        return {}
    return {
        "RunCodeKey": run.code_key,
        "RunArchitecture": run.architecture,
        "RunRuntime": run.runtime,
    }


def _presence(rows: Iterable[Found], stack: StackName) -> dict[str, str]:
    """Switches of what is there already."""
    names = {
        Kind.DETECTOR: "CreateDetector",
        Kind.EXTERNAL_ANALYZER: "CreateExternalAnalyzer",
        Kind.UNUSED_ANALYZER: "CreateUnusedAnalyzer",
        Kind.RECORDER: "CreateRecorder",
    }
    off = {names[row.kind]: "false" for row in rows if row.stack is stack and row.kind in names}
    skipped = any(r.kind is Kind.PASSWORD_POLICY and r.choice is Choice.SKIP for r in rows)
    if stack is StackName.IDENTITY and skipped:
        off["SetPasswordPolicy"] = "false"
    return off


def _word(value: bool) -> str:  # noqa: FBT001 - CloudFormation's word for it
    return "true" if value else "false"


def _adopted(row: Found, kind: Kind) -> bool:
    return row.kind is kind and row.choice is Choice.ADOPT


# --- monitoring -----------------------------------------------------------------------------------


def _subscriptions(alerts: Iterable[str]) -> Json:
    return {
        f"Subscription{number}": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": address},
        }
        for number, address in enumerate(alerts, start=1)
    }


def _alarms(alarms: Iterable[Alarm]) -> Json:
    return {name: made for alarm in alarms for name, made in _alarm(alarm)}


def _alarm(alarm: Alarm) -> Iterator[tuple[str, Json]]:
    card, name = alarm.card, logical_id(alarm.card.id)
    yield (
        f"{name}Filter",
        {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "FilterName": {"Fn::Sub": resource_name("${Project}", card.id)},
                "LogGroupName": {"Ref": "LogGroupName"},
                "FilterPattern": substituted(card.pattern),
                "MetricTransformations": [
                    {
                        "MetricNamespace": {"Fn::Sub": metric_namespace("${Project}")},
                        "MetricName": card.metric,
                        "MetricValue": "1",
                    }
                ],
            },
        },
    )
    yield (
        f"{name}Alarm",
        {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": {"Fn::Sub": resource_name("${Project}", card.id)},
                "AlarmDescription": f"{card.title}. {card.runbook}",
                "Namespace": {"Fn::Sub": metric_namespace("${Project}")},
                "MetricName": card.metric,
                "Statistic": "Sum",
                "Period": card.period_seconds,
                "EvaluationPeriods": 1,
                "Threshold": alarm.threshold,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "TreatMissingData": "notBreaching",
                "AlarmActions": [{"Ref": "Topic"}],
            },
        },
    )


# --- onboarding -----------------------------------------------------------------------------------


def _mover(role: Json, documents: Iterable[Json]) -> Json:
    """The function's role, with the groups of the access model and no others (S2.T7)."""
    policies = [
        {"PolicyName": f"moves-{number}", "PolicyDocument": substituted(document)}
        for number, document in enumerate(documents, start=1)
    ]
    own = role["Properties"]
    return {**role, "Properties": {**own, "Policies": [*own["Policies"], *policies]}}


# --- Keyreeve's own roles -------------------------------------------------------------------------


def _own_policies(prefix: str, documents: Iterable[Json], role: str) -> Json:
    return {
        f"{prefix}Policy{number}": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": "Made from config.yaml: what Keyreeve's effects declare.",
                "Roles": [{"Ref": role}],
                "PolicyDocument": substituted(document),
            },
        }
        for number, document in enumerate(documents, start=1)
    }
