"""What a role's session may do that only looks: AWS itself refuses it everything else.

In a member account one role reads and acts.  A session that is opened to look carries this policy,
and has what the role's own policy and this one both allow: should the rehearsal guard ever fail,
IAM still refuses the act.  At most 2,048 characters (AWS: AssumeRole, `Policy`).
"""

from __future__ import annotations

import json
from typing import Final

_READS: Final = (
    "access-analyzer:List*",
    "cloudformation:Describe*",
    "cloudformation:Detect*",
    "cloudformation:Get*",
    "cloudformation:List*",
    "cloudtrail:Describe*",
    "cloudtrail:Get*",
    "cloudtrail:LookupEvents",
    "cloudwatch:Describe*",
    "config:Describe*",
    "events:Describe*",
    "events:List*",
    "guardduty:Get*",
    "guardduty:List*",
    "iam:GenerateCredentialReport",
    "iam:Get*",
    "iam:List*",
    "iam:SimulatePrincipalPolicy",
    "kms:Describe*",
    "kms:Get*",
    "lambda:Get*",
    "lambda:List*",
    "logs:Describe*",
    "logs:List*",
    "organizations:Describe*",
    "organizations:List*",
    "s3:Get*",
    "s3:List*",
    "scheduler:Get*",
    "secretsmanager:DescribeSecret",
    "ses:Get*",
    "ses:List*",
    "sns:Get*",
    "sns:List*",
    "sqs:Get*",
    "sqs:List*",
    "states:Describe*",
)
"""The actions of `failures.READS`; and what reads the baseline's resources, where CloudFormation
looks for drift with the caller's rights."""

LOOKING: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": _READS, "Resource": "*"}],
    },
    separators=(",", ":"),
)
"""The session policy."""
