"""`ports.stacks.StackEngine` over CloudFormation: AWS's own engine plans and rolls back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

from keyreeve.aws.failures import calling
from keyreeve.aws.pages import by_token
from keyreeve.aws.sessions import Sessions
from keyreeve.codec.template import read, write
from keyreeve.model.baseline import Blueprint
from keyreeve.model.errors import AwsFailure, NotFound, Rejected, StackFailed
from keyreeve.ports import Clock
from keyreeve.ports.stacks import Change, ChangeSet, Deployed, Drift, Resource

T = TypeVar("T")

_LONGEST: Final = 51_200
"""Bytes of a template that is sent with the request (CloudFormation quotas)."""
_CHANGE_SET: Final = "keyreeve"
_NO_CHANGES: Final = ("didn't contain changes", "No updates are to be performed")
_PATIENCE: Final = 1_800
"""Seconds: a trail, a recorder and two dozen alarms take AWS some minutes."""
_GONE: Final = "DELETE_COMPLETE"


class StacksOfRegion:
    """CloudFormation in the region of the sessions."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._cloud = sessions.client("cloudformation")
        self._clock = clock

    # --- reading -----------------------------------------------------------------------------

    def find(self, name: str) -> Deployed | None:
        """The stack; None if there is none."""
        try:
            row = self._describe(name)
        except NotFound:
            return None
        except Rejected as refused:
            if "does not exist" in refused.what:
                return None
            raise
        found = _deployed(row)
        return None if found.status == _GONE else found

    @calling("cloudformation:GetTemplate")
    def template(self, name: str) -> Mapping[str, Any]:
        """As it was sent."""
        body = self._cloud.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        return read(body) if isinstance(body, str) else body

    @calling("cloudformation:ListStackResources")
    def resources(self, name: str) -> tuple[Resource, ...]:
        """All pages."""
        return tuple(
            Resource(
                logical_id=row["LogicalResourceId"],
                type=row["ResourceType"],
                physical_id=row.get("PhysicalResourceId", ""),
                status=row["ResourceStatus"],
            )
            for page in by_token(self._cloud.list_stack_resources, "NextToken", StackName=name)
            for row in page["StackResourceSummaries"]
        )

    @calling("cloudformation:DescribeStacks")
    def _describe(self, name: str) -> Mapping[str, Any]:
        row: Mapping[str, Any] = self._cloud.describe_stacks(StackName=name)["Stacks"][0]
        return row

    # --- change sets -------------------------------------------------------------------------

    def prepare(self, blueprint: Blueprint) -> ChangeSet:
        """A change set of our name; one that an earlier call left behind goes first."""
        deployed = self.find(blueprint.name)
        self._drop(blueprint.name)
        self._create(blueprint, _kind(blueprint, deployed))
        told = self._await(lambda: self._change_set(blueprint.name), _working)
        if told["Status"] == "FAILED":
            reason = told.get("StatusReason", "")
            nothing = ChangeSet(id="", stack=blueprint.name)
            self.discard(ChangeSet(id=_CHANGE_SET, stack=blueprint.name))
            if any(words in reason for words in _NO_CHANGES):
                return nothing
            raise StackFailed(reason, where=blueprint.name, remedy="Nothing was changed.")
        changes = tuple(_change(row["ResourceChange"]) for row in self._changes(blueprint.name))
        return ChangeSet(id=told["ChangeSetId"], stack=blueprint.name, changes=changes)

    def discard(self, changes: ChangeSet) -> None:
        """The change set, and the stack in review that holds nothing else."""
        self._drop(changes.stack)
        deployed = self.find(changes.stack)
        if deployed is not None and not deployed.there:
            self._delete(changes.stack)

    def carry_out(self, changes: ChangeSet) -> Deployed:
        """Execute and wait; StackFailed with the first reason if it was rolled back."""
        if changes.id:
            self._execute(changes)
        deployed = self._rest(changes.stack)
        # Without changes an earlier roll-back is no failure of this call: the stack is as wanted.
        turned_back = deployed is not None and changes.id and "ROLLBACK" in deployed.status
        if deployed is None or deployed.broken or turned_back:
            raise StackFailed(
                self._first_failure(changes.stack),
                where=changes.stack,
                remedy="CloudFormation has rolled back; mend the cause and deploy again.",
            )
        return deployed

    def delete(self, name: str) -> tuple[Resource, ...]:
        """What was kept by its deletion policy."""
        before = self.resources(name)
        self._delete(name)
        deployed = self._rest(name)
        if deployed is not None:
            why = self._first_failure(name)
            raise StackFailed(why, where=name, remedy="Mend it and destroy again.")
        return before

    @calling("cloudformation:CreateChangeSet")
    def _create(self, blueprint: Blueprint, kind: str) -> None:
        body = write(dict(blueprint.template))
        if len(body.encode()) > _LONGEST:
            body = json.dumps(blueprint.template, separators=(",", ":"))
        imports = [
            {
                "ResourceType": blueprint.template["Resources"][logical]["Type"],
                "LogicalResourceId": logical,
                "ResourceIdentifier": dict(identifier),
            }
            for logical, identifier in blueprint.imports.items()
        ]
        self._cloud.create_change_set(
            StackName=blueprint.name,
            ChangeSetName=_CHANGE_SET,
            ChangeSetType=kind,
            TemplateBody=body,
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in sorted(blueprint.parameters.items())
            ],
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **({"ResourcesToImport": imports} if imports else {}),
        )

    @calling("cloudformation:DescribeChangeSet")
    def _change_set(self, stack: str) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self._cloud.describe_change_set(
            StackName=stack, ChangeSetName=_CHANGE_SET
        )
        return told

    @calling("cloudformation:DescribeChangeSet")
    def _changes(self, stack: str) -> list[Mapping[str, Any]]:
        pages = by_token(
            self._cloud.describe_change_set, "NextToken", StackName=stack, ChangeSetName=_CHANGE_SET
        )
        return [row for page in pages for row in page["Changes"]]

    def _drop(self, stack: str) -> None:
        with suppress(NotFound, Rejected):  # there is none
            self._delete_change_set(stack)

    @calling("cloudformation:DeleteChangeSet")
    def _delete_change_set(self, stack: str) -> None:
        self._cloud.delete_change_set(StackName=stack, ChangeSetName=_CHANGE_SET)

    @calling("cloudformation:ExecuteChangeSet")
    def _execute(self, changes: ChangeSet) -> None:
        self._cloud.execute_change_set(StackName=changes.stack, ChangeSetName=changes.id)

    @calling("cloudformation:DeleteStack")
    def _delete(self, name: str) -> None:
        self._cloud.delete_stack(StackName=name)

    def _rest(self, name: str) -> Deployed | None:
        """The stack once nothing happens in it any more; None: gone."""
        return self._await(
            lambda: self.find(name), lambda it: it is not None and "IN_PROGRESS" in it.status
        )

    def _first_failure(self, name: str) -> str:
        """The event that made CloudFormation turn back; later ones only follow from it."""
        try:
            rows = self._events(name)
        except AwsFailure as failure:
            return failure.what
        for row in reversed(rows):  # AWS tells the newest first
            why = row.get("ResourceStatusReason", "")
            if "FAILED" in row["ResourceStatus"] and "cancelled" not in why:
                return f"{row['LogicalResourceId']} ({row['ResourceType']}): {why}"
        return "CloudFormation gives no reason"

    @calling("cloudformation:DescribeStackEvents")
    def _events(self, name: str) -> list[Mapping[str, Any]]:
        pages = by_token(self._cloud.describe_stack_events, "NextToken", StackName=name)
        rows = [row for page in pages for row in page["StackEvents"]]
        last = next((n for n, row in enumerate(rows) if _begins(row, name)), len(rows))
        return rows[: last + 1]

    # --- drift -------------------------------------------------------------------------------

    def drift(self, name: str) -> tuple[Drift, ...]:
        """Detects, waits, and tells what differs."""
        detection = self._detect(name)
        told = self._await(
            lambda: self._detection(detection),
            lambda it: it["DetectionStatus"] == "DETECTION_IN_PROGRESS",
        )
        if told["DetectionStatus"] == "DETECTION_FAILED":
            raise StackFailed(
                told.get("DetectionStatusReason", "drift detection failed"), where=name
            )
        return self._drifts(name)

    @calling("cloudformation:DetectStackDrift")
    def _detect(self, name: str) -> str:
        detection: str = self._cloud.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
        return detection

    @calling("cloudformation:DescribeStackDriftDetectionStatus")
    def _detection(self, detection: str) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self._cloud.describe_stack_drift_detection_status(
            StackDriftDetectionId=detection
        )
        return told

    @calling("cloudformation:DescribeStackResourceDrifts")
    def _drifts(self, name: str) -> tuple[Drift, ...]:
        wanted = ["MODIFIED", "DELETED"]
        pages = by_token(
            self._cloud.describe_stack_resource_drifts,
            "NextToken",
            StackName=name,
            StackResourceDriftStatusFilters=wanted,
        )
        return tuple(
            Drift(
                logical_id=row["LogicalResourceId"],
                type=row["ResourceType"],
                status=row["StackResourceDriftStatus"],
                differences=tuple(
                    f"{d['PropertyPath']}: {d['ExpectedValue']} → {d['ActualValue']}"
                    for d in row.get("PropertyDifferences", ())
                ),
            )
            for page in pages
            for row in page["StackResourceDrifts"]
        )

    def _await(self, ask: Callable[[], T], busy: Callable[[T], bool]) -> T:
        """The first answer that is not busy; waits a little longer each time."""
        waited, pause = 0.0, 0.2
        while busy(answer := ask()):
            if waited > _PATIENCE:
                raise StackFailed(
                    f"nothing came of it in {_PATIENCE // 60} minutes", where="CloudFormation"
                )
            self._clock.sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, 10.0)
        return answer


def _kind(blueprint: Blueprint, deployed: Deployed | None) -> str:
    if blueprint.imports:
        return "IMPORT"
    return "UPDATE" if deployed is not None and deployed.there else "CREATE"


def _working(told: Mapping[str, Any]) -> bool:
    return told["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS")


def _begins(event: Mapping[str, Any], stack: str) -> bool:
    """The event with which the latest change of the stack began."""
    return (
        event["LogicalResourceId"] == stack
        and event["ResourceStatus"].endswith("_IN_PROGRESS")
        and "ROLLBACK" not in event["ResourceStatus"]
        and "CLEANUP" not in event["ResourceStatus"]
    )


def _deployed(row: Mapping[str, Any]) -> Deployed:
    return Deployed(
        name=row["StackName"],
        status=row["StackStatus"],
        parameters={p["ParameterKey"]: p["ParameterValue"] for p in row.get("Parameters", ())},
        outputs={o["OutputKey"]: o["OutputValue"] for o in row.get("Outputs", ())},
        why=row.get("StackStatusReason", ""),
    )


def _change(row: Mapping[str, Any]) -> Change:
    targets = (detail["Target"] for detail in row.get("Details", ()))
    return Change(
        action=row["Action"],
        logical_id=row["LogicalResourceId"],
        type=row["ResourceType"],
        physical_id=row.get("PhysicalResourceId", ""),
        replacement=row.get("Replacement", ""),
        details=tuple(sorted({t.get("Name", t["Attribute"]) for t in targets})),
    )
