"""Stacks of the sandbox in tests: templates as dicts, waiting without the SDK's long pauses."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from tests.sandbox_fixture import aws, session

from keyreeve.sandbox.account import OWN_KEY_ID, OWN_SECRET, REGION
from keyreeve.sandbox.process import Sandbox

NAMED = ["CAPABILITY_NAMED_IAM"]
PATIENCE = 20.0


class Stacks:
    """CloudFormation of a sandbox."""

    def __init__(self, sandbox: Sandbox, region: str = REGION) -> None:
        self.url, self.region = sandbox.url, region
        self.api = self.client("cloudformation")

    def client(self, service: str) -> Any:
        if self.region == REGION:
            return aws(self.url, service)
        own = session(OWN_KEY_ID, OWN_SECRET, region=self.region)
        return own.create_client(service, endpoint_url=self.url)

    def create(self, name: str, template: Any, **more: Any) -> dict[str, Any]:
        self.api.create_stack(StackName=name, **body(template), Capabilities=NAMED, **more)
        return self.rest(name)

    def update(self, name: str, template: Any, **more: Any) -> dict[str, Any]:
        self.api.update_stack(StackName=name, **body(template), Capabilities=NAMED, **more)
        return self.rest(name)

    def delete(self, name: str, **more: Any) -> dict[str, Any]:
        stack = self.describe(name)["StackId"]
        self.api.delete_stack(StackName=name, **more)
        return self.rest(stack)

    def describe(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = self.api.describe_stacks(StackName=name)["Stacks"][0]
        return told

    def rest(self, name: str) -> dict[str, Any]:
        """The stack, once nothing is under way."""
        return until(lambda: self.describe(name), lambda it: "PROGRESS" not in it["StackStatus"])

    def status(self, name: str) -> str:
        return str(self.describe(name)["StackStatus"])

    def change_set(self, name: str, template: Any, **more: Any) -> dict[str, Any]:
        """Created and described; executed by `execute`."""
        given = {"ChangeSetName": "changes", "Capabilities": NAMED, **more}
        self.api.create_change_set(StackName=name, **body(template), **given)
        told: dict[str, Any] = self.api.describe_change_set(
            StackName=name, ChangeSetName="changes", IncludePropertyValues=True
        )
        return told

    def execute(self, name: str) -> dict[str, Any]:
        self.api.execute_change_set(StackName=name, ChangeSetName="changes")
        return self.rest(name)

    def drift(self, name: str) -> dict[str, str]:
        """Logical id → its drift."""
        id_ = self.api.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
        told = until(
            lambda: self.api.describe_stack_drift_detection_status(StackDriftDetectionId=id_),
            lambda it: it["DetectionStatus"] != "DETECTION_IN_PROGRESS",
        )
        assert told["DetectionStatus"] == "DETECTION_COMPLETE", told
        return {it["LogicalResourceId"]: it["StackResourceDriftStatus"] for it in self.drifts(name)}

    def drifts(self, name: str) -> list[dict[str, Any]]:
        told = self.api.describe_stack_resource_drifts(StackName=name)
        return list(told["StackResourceDrifts"])

    def resources(self, name: str) -> dict[str, dict[str, Any]]:
        rows = self.api.describe_stack_resources(StackName=name)["StackResources"]
        return {row["LogicalResourceId"]: row for row in rows}

    def physical(self, name: str, logical: str = "It") -> str:
        return str(self.resources(name)[logical]["PhysicalResourceId"])

    def reasons(self, name: str) -> list[str]:
        """Why resources failed, first failure first."""
        rows = self.api.describe_stack_events(StackName=name)["StackEvents"]
        return [
            row["ResourceStatusReason"]
            for row in reversed(rows)
            if "FAILED" in row["ResourceStatus"]
        ]


def body(template: Any) -> dict[str, Any]:
    if template is None:
        return {"UsePreviousTemplate": True}
    return {"TemplateBody": template if isinstance(template, str) else json.dumps(template)}


def resources(**resources: Mapping[str, Any]) -> dict[str, Any]:
    return {"Resources": resources}


def one(type_: str, properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A template of one resource, called It."""
    return resources(It={"Type": type_, "Properties": dict(properties), **more})


def until(ask: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    ends = time.monotonic() + PATIENCE
    while not done(told := ask()):
        assert time.monotonic() < ends, told
        time.sleep(0.01)
    return told


def package(source: str = "def handler(event, context):\n    return event\n") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", source)
    return packed.getvalue()
