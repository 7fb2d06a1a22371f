"""AWS managed policies by ARN, each when it is asked for.

AWS: about 1,500 policies exist and can be attached by ARN. moto has their documents but loads all
of them or none; all costs half a second and swells every answer. Ours takes the one that is named.
And GetAccountAuthorizationDetails names policies by PolicyName and PolicyId, which moto leaves out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from keyreeve.sandbox.patches.replacing import add, replace

_PREFIX = "arn:aws:iam::aws:policy/"
_BY_ARN = (
    "attach_user_policy",
    "attach_group_policy",
    "attach_role_policy",
    "get_policy",
    "get_policy_version",
)


def managed_policy_arn(name: str) -> str:
    """The ARN of an AWS managed policy by its bare name; an ARN stays as it is."""
    return name if name.startswith("arn:") else _PREFIX + name


def ensure(backend: Any, arn: str) -> None:
    """Load one AWS managed policy into the account, if there is one of that ARN."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from moto.iam.models import AWSManagedPolicy

    if not arn.startswith(_PREFIX) or arn in backend.managed_policies:
        return
    name = arn.rpartition("/")[2]
    start = aws_managed_policies_data.find(f'\n "{name}":')
    if start < 0:
        return
    text = aws_managed_policies_data[start + len(name) + 5 :].lstrip()
    data, _ = json.JSONDecoder().raw_decode(text)
    policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)
    if policy.arn == arn:
        backend.aws_managed_policies.append(policy)
        backend.managed_policies[arn] = policy


def apply() -> None:
    """Load before each use by ARN."""
    from moto.iam.models import IAMBackend, Policy

    def loading(stock: Callable[..., Any]) -> Callable[..., Any]:
        def method(self: Any, policy_arn: str, *args: Any, **kwargs: Any) -> Any:
            ensure(self, policy_arn)
            return stock(self, policy_arn, *args, **kwargs)

        return method

    for name in _BY_ARN:
        replace(IAMBackend, **{name: loading(getattr(IAMBackend, name))})
    add(
        Policy,
        policy_name=property(lambda policy: policy.name),
        policy_id=property(lambda policy: policy.id),
    )
