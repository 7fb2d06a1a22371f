"""Who may read a secret is for its resource policy to say.

AWS: an explicit denial in the resource policy wins over everything, and PutResourcePolicy with
BlockPublicPolicy refuses a policy that opens the secret to everybody. moto stores the policy and
never looks at it.  Here denials on `aws:userid` are honoured, the only condition that Keyreeve
writes, and so is an allowance for everybody without any condition.
"""

from __future__ import annotations

import json
from typing import Any

from keyreeve.language.policy_document import MalformedPolicy
from keyreeve.sandbox.callers import caller_of
from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.principals import users_named
from keyreeve.sandbox.world import World

_READ = "secretsmanager:GetSecretValue"


def apply(world: World) -> None:
    """Let reading and opening ask the policy."""
    from moto.iam.models import iam_backends
    from moto.secretsmanager.exceptions import SecretsManagerClientError
    from moto.secretsmanager.responses import SecretsManagerResponse

    stock_read = SecretsManagerResponse.get_secret_value
    stock_put = SecretsManagerResponse.put_resource_policy

    def get_secret_value(self: Any) -> str:
        secret = self.backend.secrets.get(self._get_param("SecretId"))
        signer = caller_of(world, self.access_key)
        caller = signer.unique_id if signer is not None else ""
        for statement in _statements(secret.policy if secret else None):
            if statement["Effect"] == "Deny" and _denies(statement, caller):
                text = "User is not authorized to perform GetSecretValue: an explicit deny."
                raise SecretsManagerClientError("AccessDeniedException", text)
        return stock_read(self)

    def put_resource_policy(self: Any) -> str:
        policy = self._get_param("ResourcePolicy")
        if self._get_param("BlockPublicPolicy") and any(map(_is_public, _statements(policy))):
            text = "This resource policy grants broad access to your secret."
            raise SecretsManagerClientError("PublicPolicyException", text)
        answer = stock_put(self)
        secret = self.backend.secrets[self._get_param("SecretId")]
        secret.trusted_ids = _ids(policy, iam_backends[self.current_account]["aws"])
        return answer

    replace(
        SecretsManagerResponse,
        get_secret_value=get_secret_value,
        put_resource_policy=put_resource_policy,
    )


def _ids(policy: str, backend: Any) -> dict[str, str]:
    """Whom the policy names, as AWS keeps them; nobody for a policy that moto alone would take."""
    try:
        return users_named(policy, backend)
    except MalformedPolicy:
        return {}


def _statements(policy: str | None) -> list[dict[str, Any]]:
    return list(json.loads(policy)["Statement"]) if policy else []


def _denies(statement: dict[str, Any], caller: str) -> bool:
    actions = statement["Action"]
    named = [actions] if isinstance(actions, str) else actions
    others = statement["Condition"]["StringNotEquals"]["aws:userid"]
    return _READ in named and caller != others


def _is_public(statement: dict[str, Any]) -> bool:
    everybody = statement["Principal"] in ("*", {"AWS": "*"})
    return statement["Effect"] == "Allow" and everybody and "Condition" not in statement
