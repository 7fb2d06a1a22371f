"""May this service of AWS, may this role do that: the real policies, put to the evaluator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from keyreeve.language.policy_document import MalformedPolicy, PolicyDocument, parse_document
from keyreeve.language.policy_evaluator import Policies, Principal, Request, evaluate

Facts = Mapping[str, str]
"""Condition keys in lower case and what AWS says about the request."""


def service_may(
    policy: object, service: str, action: str, resource: str, facts: Facts | None = None
) -> bool:
    """Whether a resource's policy (JSON text, document, None) lets the service do this."""
    document = _document(policy)
    if document is None:
        return False
    question = Request(
        action=action,
        resource=resource,
        context={key: (value,) for key, value in (facts or {}).items()},
        principal=Principal(service=service),
    )
    return evaluate(Policies(resource=(document,), resource_decides=True), question).allowed


def may_use_key(
    account_id: str, region: str, key: str, service: str, facts: Facts | None = None
) -> bool:
    """Whether the service may encrypt for a topic or queue with its KMS key.

    AWS: the key's policy must give it kms:Decrypt and kms:GenerateDataKey; the policy of a key of
    AWS's own (alias/aws/…) gives them to no service.
    """
    found = kms_key(account_id, region, key)
    if found is None or not found.enabled:
        return False
    needed = ("kms:Decrypt", "kms:GenerateDataKey")
    return all(service_may(found.policy, service, action, found.arn, facts) for action in needed)


def kms_key(account_id: str, region: str, key: str) -> Any:
    """Moto's key by id, ARN, alias or the alias's ARN; None: there is none, or it is AWS's own."""
    from moto.kms.models import kms_backends

    if key.startswith("arn:"):
        region, account_id = key.split(":")[3:5]
    backend: Any = kms_backends[account_id][region]
    name = key[key.index("alias/") :] if "alias/" in key else ""
    if name.startswith("alias/aws/"):
        return None
    wanted = backend.get_key_id_from_alias(name) if name else key.rpartition("/")[2]
    return backend.keys.get(wanted)


def role_may(role_arn: str, service: str, action: str, resource: str) -> bool:
    """Whether the service may assume the role, and the role do this."""
    role = find_role(role_arn)
    if role is None or not assumable(role, service):
        return False
    managed = (
        version.document
        for policy in role.managed_policies.values()
        for version in policy.versions
        if version.is_default
    )
    texts = [*role.policies.values(), *managed]
    documents = tuple(it for it in map(_document, texts) if it is not None)
    question = Request(
        action=action, resource=resource, principal=Principal(account=role.account_id)
    )
    return evaluate(Policies(identity=documents), question).allowed


def assumable(role: Any, service: str) -> bool:
    """Whether the role's trust policy lets the service assume it."""
    return service_may(role.assume_role_policy_document, service, "sts:AssumeRole", role.arn)


def find_role(role_arn: str) -> Any:
    """Moto's role of this ARN, or None."""
    from moto.iam.models import iam_backends

    account_id = role_arn.split(":")[4] if role_arn.count(":") >= 5 else ""  # noqa: PLR2004
    roles = iam_backends[account_id]["aws"].roles.values() if account_id else ()
    return next((role for role in roles if role.arn == role_arn), None)


def _document(policy: object) -> PolicyDocument | None:
    return _parsed(policy if isinstance(policy, str) else json.dumps(policy))


@lru_cache(maxsize=512)
def _parsed(text: str) -> PolicyDocument | None:
    try:
        return parse_document(json.loads(text))
    except (MalformedPolicy, ValueError):
        return None
