"""CloudFormation's calls on drift; it is looked for on a thread, as AWS does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from keyreeve.sandbox.stacks.desk import Desk, page, random_id, start
from keyreeve.sandbox.stacks.drift import drift_of
from keyreeve.sandbox.stacks.refusals import Failed, Gone, Refused
from keyreeve.sandbox.stacks.stack import Detection, Stack

_STATES: Final = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)


def _detect(desk: Desk) -> Mapping[str, Any]:
    stack = desk.stack()
    if stack.status not in _STATES:
        raise Refused(f"Drift detection cannot be performed on stack [{stack.id}] in its state.")
    if any(it.status == "DETECTION_IN_PROGRESS" for it in stack.detections.values()):
        raise Refused(f"Drift detection is already in progress for stack [{stack.id}]")
    detection = Detection(id=random_id(), at=desk.now)
    stack.detections[detection.id] = detection
    start(lambda: _look(desk, stack, detection))
    return {"StackDriftDetectionId": detection.id}


def _look(desk: Desk, stack: Stack, detection: Detection) -> None:
    rows = []
    try:
        for resource in list(stack.resources.values()):
            found = drift_of(desk.site(stack, resource), resource)
            resource.drift, resource.checked = found["StackResourceDriftStatus"], desk.now
            rows.append(
                {
                    "StackId": stack.id,
                    "LogicalResourceId": resource.logical_id,
                    "PhysicalResourceId": resource.physical_id,
                    "ResourceType": resource.type,
                    "Timestamp": desk.now,
                    **found,
                }
            )
    except Gone:
        return
    except Failed as failed:
        detection.status, detection.reason = "DETECTION_FAILED", failed.message
        return
    except Exception as error:  # noqa: BLE001 - told where AWS tells it, or nobody would know
        detection.status, detection.reason = "DETECTION_FAILED", repr(error)
        return
    drifted = [it for it in rows if it["StackResourceDriftStatus"] in ("MODIFIED", "DELETED")]
    stack.drifts = [it for it in rows if it["StackResourceDriftStatus"] != "NOT_CHECKED"]
    stack.drift, stack.drift_checked = ("DRIFTED" if drifted else "IN_SYNC"), desk.now
    detection.drifted = len(drifted)
    detection.drift, detection.status = stack.drift, "DETECTION_COMPLETE"


def _status(desk: Desk) -> Mapping[str, Any]:
    wanted = desk.text("StackDriftDetectionId")
    for stack in desk.stacks:
        detection = stack.detections.get(wanted)
        if detection is not None:
            return {
                "StackId": stack.id,
                "StackDriftDetectionId": detection.id,
                "DetectionStatus": detection.status,
                "DetectionStatusReason": detection.reason or None,
                "StackDriftStatus": detection.drift,
                "DriftedStackResourceCount": detection.drifted,
                "Timestamp": detection.at,
            }
    raise Refused(f"Drift detection {wanted} does not exist")


def _drifts(desk: Desk) -> Mapping[str, Any]:
    stack = desk.stack()
    wanted = desk.rows("StackResourceDriftStatusFilters")
    rows = [it for it in stack.drifts if not wanted or it["StackResourceDriftStatus"] in wanted]
    shown, more = page(rows, desk.text("NextToken"))
    return {"StackResourceDrifts": shown, **more}


CALLS: Final[Mapping[str, Callable[[Desk], Mapping[str, Any]]]] = {
    "DetectStackDrift": _detect,
    "DescribeStackDriftDetectionStatus": _status,
    "DescribeStackResourceDrifts": _drifts,
}
