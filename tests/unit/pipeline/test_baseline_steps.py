"""What a deployment asks of a stack that was rolled back, or holds a part only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from keyreeve.model.baseline import Blueprint, StackName
from keyreeve.pipeline.baseline import _first_step, _identities
from keyreeve.ports.stacks import Deployed

POLICY = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {}}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/A", {"Ref": "PolicyDeny"}]},
}
WANTED = {"Resources": {"PolicyDeny": POLICY, "RoleOne": ROLE, "RoleTwo": ROLE}}


def deployed(status: str) -> Deployed:
    return Deployed(name="identity", status=status, parameters={}, outputs={})


def site(status: str, template: dict[str, Any]) -> Any:
    engine = SimpleNamespace(find=lambda _: deployed(status), template=lambda _: template)
    return SimpleNamespace(engine=engine)


@pytest.mark.parametrize(
    ("there", "attached"), [({}, 1), ({"PolicyDeny": POLICY}, 2)], ids=["not yet", "made already"]
)
def test_a_second_role_is_imported_without_policies_that_the_stack_has_not_made_yet(
    there: dict[str, Any], attached: int
):
    at = site("UPDATE_ROLLBACK_COMPLETE", {"Resources": {"RoleOne": ROLE, **there}})
    taken = Blueprint(
        stack=StackName.IDENTITY,
        name="identity",
        template=WANTED,
        parameters={},
        imports={"RoleTwo": {"RoleName": "Two"}},
    )
    resources = _first_step(at, taken).template["Resources"]
    assert resources.keys() == {"RoleOne", "RoleTwo", *there}
    assert len(resources["RoleTwo"]["Properties"]["ManagedPolicyArns"]) == attached


def test_a_stack_that_was_rolled_back_holds_nobody():
    assert _identities(site("", WANTED), deployed("ROLLBACK_COMPLETE")) == {}
    assert _identities(site("", WANTED), None) == {}
    assert _identities(site("", WANTED), deployed("UPDATE_ROLLBACK_COMPLETE")) == WANTED
