"""A project's stacks as they would be deployed: for the linters, and to be looked at.

python -m tests.stacks.sample FOLDER        writes them there as YAML
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from keyreeve.codec.template import shipped, write
from keyreeve.governance.access_policies import Place
from keyreeve.governance.adoption import found
from keyreeve.governance.alarms import cards
from keyreeve.governance.installation import Installation
from keyreeve.governance.own_policies import in_documents
from keyreeve.governance.people_policies import PeopleRole, people_statements
from keyreeve.governance.stacks import Wanted, blueprints
from keyreeve.model.access import AccessModel, Grant
from keyreeve.model.baseline import BaselineSettings, Blueprint, Inventory, StackName
from keyreeve.model.identifiers import AccountId
from keyreeve.model.policy import EscalationPolicy

ACCOUNT = AccountId("123456789012")
AWS = "arn:aws:iam::aws:policy"
MODEL = AccessModel(
    grants=(
        Grant(
            functional_group="Administrator",
            group="Administrator",
            role="AdministratorAccessRole",
            policies=(f"{AWS}/AdministratorAccess",),
        ),
        Grant(
            functional_group="Developer",
            group="Developers",
            role="DeveloperRole",
            policies=(f"{AWS}/PowerUserAccess",),
            max_session=timedelta(hours=8),
        ),
        Grant(
            functional_group="Auditor",
            group="Auditor",
            role="AuditorRole",
            policies=(f"{AWS}/SecurityAudit", f"arn:aws:iam::{ACCOUNT}:policy/Own"),
        ),
    ),
    provisioners=(f"arn:aws:iam::{ACCOUNT}:role/keyreeve-etv-actor",),
)
MEMBER = {
    "CentralRoleArn": "arn:aws:iam::210987654321:role/keyreeve-etv-actor",
    "ExternalId": "between-us-two",
}
SETTINGS = BaselineSettings(
    alerts=("ops@example.com", "msp-team@example.com"),
    parameters={
        StackName.MEMBER_ROLE: MEMBER,
        StackName.MAIL_FEEDBACK: {"RunCodeKey": "run.zip"},
        StackName.AUTOMATION: {"RunCodeKey": "run.zip"},
        StackName.FLEET: {"RunCodeKey": "run.zip"},
    },
)
EMPTY = Inventory(account_id=ACCOUNT, partition="aws", population=40)
_OWN = Installation(
    account_id=AccountId("${AWS::AccountId}"),
    partition="${AWS::Partition}",
    region="us-east-1",
    project="etv",
    policy=EscalationPolicy(project_name="ETV"),
    bucket=None,
    sender=None,
)
_READS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "ReadUsers",
            "Effect": "Allow",
            "Action": ["iam:GetUser"],
            "Resource": ["arn:${AWS::Partition}:iam::${AWS::AccountId}:user/*"],
        }
    ],
}


def wanted(inventory: Inventory = EMPTY, **changes: object) -> Wanted:
    """Everything that the stacks of a project named ETV are made from."""
    made = Wanted(
        project="etv",
        templates={stack: shipped(stack) for stack in StackName},
        model=MODEL,
        settings=SETTINGS,
        inventory=inventory,
        alarms=cards(MODEL, SETTINGS, Place(partition="aws", account_id=ACCOUNT)),
        code_bucket="my-compliance-bucket",
        code_key="iam-compliance/etv/functions/0a1b.zip",
        reader=(_READS,),
        actor=(_READS,),
        people=(_READS,),
        mover=in_documents(people_statements(_OWN, MODEL, PeopleRole.ONBOARDING)),
        feedback=(_READS,),
        fleet=(_READS,),
        member=(_READS,),
        lists="iam-compliance/etv/fleet/",
        results="iam-compliance/etv/fleet-results/",
    )
    return replace(made, **changes)


def made(inventory: Inventory = EMPTY, **changes: object) -> dict[StackName, Blueprint]:
    """Its stacks, by name."""
    asked = wanted(inventory, **changes)
    rows = found(asked.model, asked.settings, inventory)
    return {each.stack: each for each in blueprints(asked, rows)}


def main(folder: Path) -> None:
    """Write them down, one file a stack."""
    folder.mkdir(parents=True, exist_ok=True)
    for stack, blueprint in made().items():
        (folder / f"{stack.value}.yaml").write_text(write(dict(blueprint.template)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
