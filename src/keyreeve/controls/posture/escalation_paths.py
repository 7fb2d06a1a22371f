"""Sets of permissions by which a holder can give itself more: data, each with its public source.

The lists of the trade name the same sets: Rhino Security Labs found them (parts 1 and 2), Bishop
Fox (`iam-vulnerable`) and NCC Group (`PMapper`) added some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RHINO: Final = "https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/"
RHINO_2: Final = (
    "https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation-part-2/"
)
BISHOP_FOX: Final = "https://github.com/BishopFox/iam-vulnerable"
NCC: Final = "https://github.com/nccgroup/PMapper"


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPath:
    """Who may do all of these to any resource can become more than it is."""

    actions: tuple[str, ...]
    how: str
    source: str
    passed_to: str | None = None
    """The service that the role is passed to: `iam:PassedToService`."""

    @property
    def name(self) -> str:
        """`iam:PassRole + ec2:RunInstances`."""
        return " + ".join(self.actions)


def _alone(source: str, **how: str) -> tuple[EscalationPath, ...]:
    return tuple(
        EscalationPath(actions=(f"iam:{name}",), how=text, source=source)
        for name, text in how.items()
    )


def _pass(service: str, source: str, *actions: str, how: str) -> EscalationPath:
    return EscalationPath(
        actions=("iam:PassRole", *actions),
        how=how,
        source=source,
        passed_to=f"{service}.amazonaws.com",
    )


PATHS: Final[tuple[EscalationPath, ...]] = (
    *_alone(
        RHINO,
        CreatePolicyVersion="writes a new version of its own policy",
        SetDefaultPolicyVersion="brings back an older version of a policy",
        CreateAccessKey="makes a key for somebody with more rights",
        CreateLoginProfile="gives somebody with more rights a password",
        UpdateLoginProfile="changes the password of somebody with more rights",
        AttachUserPolicy="attaches any policy to itself",
        AttachGroupPolicy="attaches any policy to its group",
        PutUserPolicy="writes itself an inline policy",
        PutGroupPolicy="writes its group an inline policy",
        AddUserToGroup="joins a group with more rights",
    ),
    EscalationPath(
        actions=("iam:AttachRolePolicy", "sts:AssumeRole"),
        how="attaches any policy to a role and assumes it",
        source=RHINO,
    ),
    EscalationPath(
        actions=("iam:PutRolePolicy", "sts:AssumeRole"),
        how="writes a role an inline policy and assumes it",
        source=RHINO,
    ),
    EscalationPath(
        actions=("iam:UpdateAssumeRolePolicy", "sts:AssumeRole"),
        how="lets itself into a role and assumes it",
        source=RHINO,
    ),
    _pass("ec2", RHINO, "ec2:RunInstances", how="starts a machine with a role and reads its keys"),
    _pass(
        *("lambda", RHINO, "lambda:CreateFunction", "lambda:InvokeFunction"),
        how="runs code of its own under a role",
    ),
    _pass(
        *("lambda", RHINO, "lambda:CreateFunction", "lambda:CreateEventSourceMapping"),
        how="has an event run code of its own under a role",
    ),
    EscalationPath(
        actions=("lambda:UpdateFunctionCode",),
        how="puts code of its own into a function with a role",
        source=RHINO,
    ),
    EscalationPath(
        actions=("lambda:UpdateFunctionConfiguration",),
        how="puts a layer of its own into a function with a role",
        source=RHINO_2,
    ),
    _pass("glue", RHINO, "glue:CreateDevEndpoint", how="signs in to an endpoint with a role"),
    EscalationPath(
        actions=("glue:UpdateDevEndpoint",),
        how="puts an SSH key of its own on an endpoint with a role",
        source=RHINO,
    ),
    _pass(
        *("cloudformation", RHINO, "cloudformation:CreateStack"),
        how="has CloudFormation make what a role may make",
    ),
    _pass(
        *("datapipeline", RHINO, "datapipeline:CreatePipeline"),
        *("datapipeline:PutPipelineDefinition", "datapipeline:ActivatePipeline"),
        how="runs commands under a role",
    ),
    _pass(
        *("sagemaker", RHINO_2, "sagemaker:CreateNotebookInstance"),
        "sagemaker:CreatePresignedNotebookInstanceUrl",
        how="opens a notebook with a role",
    ),
    EscalationPath(
        actions=("sagemaker:CreatePresignedNotebookInstanceUrl",),
        how="opens somebody's notebook with its role",
        source=RHINO_2,
    ),
    _pass(
        *("codebuild", NCC, "codebuild:CreateProject", "codebuild:StartBuild"),
        how="runs a build under a role",
    ),
    _pass(
        *("ecs-tasks", BISHOP_FOX, "ecs:RegisterTaskDefinition", "ecs:RunTask"),
        how="runs a container under a role",
    ),
    EscalationPath(
        actions=("ssm:SendCommand",),
        how="runs commands on a machine with a role",
        source=BISHOP_FOX,
    ),
    EscalationPath(
        actions=("ssm:StartSession",),
        how="signs in to a machine with a role",
        source=BISHOP_FOX,
    ),
)

RESOURCES: Final = {
    "cloudformation": "stack/keyreeve-probe/0",
    "codebuild": "project/keyreeve-probe",
    "datapipeline": "pipeline/df-keyreeve-probe",
    "ec2": "instance/i-keyreeve-probe",
    "ecs": "task-definition/keyreeve-probe:1",
    "glue": "devEndpoint/keyreeve-probe",
    "lambda": "function:keyreeve-probe",
    "sagemaker": "notebook-instance/keyreeve-probe",
    "ssm": "session/keyreeve-probe",
}
"""Any resource of a service, for its regional ARN."""
