"""Trust policies keep whom they name.

AWS: a user named in a trust policy is kept by its unique id, so that another user of the same name
is not trusted; naming one that does not exist, or a group, is MalformedPolicyDocument. moto keeps
the text. The refusal only with enforcement on: elsewhere roles are made for accounts without
people.
"""

from __future__ import annotations

import json
from typing import Any

from keyreeve.language.policy_document import MalformedPolicy
from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.principals import users_named
from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Look at the users whenever a trust policy is stored."""
    from moto.iam.exceptions import MalformedPolicyDocument
    from moto.iam.models import IAMBackend

    stock_create, stock_update = IAMBackend.create_role, IAMBackend.update_assume_role_policy

    def ids_of(backend: Any, document: Any) -> dict[str, str]:
        try:
            found = users_named(document, backend)
        except (MalformedPolicy, json.JSONDecodeError):
            return {}  # moto's own validator says what is wrong
        for arn, unique_id in found.items():
            if world.settings.enforce and not unique_id:
                raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{arn}"')
        return {arn: unique_id for arn, unique_id in found.items() if unique_id}

    def create_role(
        self: Any, role_name: str, assume_role_policy_document: str, *args: Any, **kwargs: Any
    ) -> Any:
        ids = ids_of(self, assume_role_policy_document)
        role: Any = stock_create(self, role_name, assume_role_policy_document, *args, **kwargs)
        role.trusted_ids = ids
        return role

    def update_assume_role_policy(self: Any, role_name: str, policy_document: str) -> None:
        ids = ids_of(self, policy_document)
        stock_update(self, role_name, policy_document)
        self.get_role(role_name).trusted_ids = ids

    replace(
        IAMBackend, create_role=create_role, update_assume_role_policy=update_assume_role_policy
    )
