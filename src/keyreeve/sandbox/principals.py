"""The policies that bear on a principal, as they lie in moto's IAM.

Of a user: inline and attached ones, those of its groups, the boundary. Of a role's session: the
role's, its boundary, the session policies. AWS managed policies count with their real documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from keyreeve.language.policy_document import PolicyDocument, parse_document
from keyreeve.language.policy_evaluator import Policies
from keyreeve.sandbox.callers import Caller
from keyreeve.sandbox.patches.managed_policies import ensure

EVERYTHING: Final = parse_document(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)
"""What root may do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A document and where it lies."""

    id: str
    """Of a managed policy its name; of an inline one `user_ann_name`, as the simulator tells it."""
    kind: str
    """The simulator's PolicySourceType."""
    document: PolicyDocument


def policies_of(caller: Caller) -> Policies:
    """All that may be asked about a call within the caller's account."""
    session = caller.session.policy if caller.session else None
    holder = caller.role if caller.role is not None else caller.user
    if holder is None:
        return Policies(identity=(EVERYTHING,))
    return Policies(
        identity=tuple(named.document for named in identity_policies(caller)),
        boundary=boundary_of(caller.iam, holder),
        session=session,
    )


def identity_policies(caller: Caller) -> tuple[Named, ...]:
    """Of a user, its groups and the account's password policy; or of a role."""
    if caller.role is not None:
        return tuple(held(caller.role, "role"))
    if caller.user is None:
        return ()
    groups = caller.iam.get_groups_for_user(caller.user.name)
    return (
        *held(caller.user, "user"),
        *(named for group in groups for named in held(group, "group")),
        *_own_password(caller),
    )


def boundary_of(backend: Any, holder: Any) -> PolicyDocument | None:
    """The permissions boundary of a user or a role; None: it has none."""
    arn = getattr(holder, "permissions_boundary_arn", None)
    if not arn:
        return None
    ensure(backend, arn)
    found = backend.managed_policies.get(arn)
    # A boundary whose policy is gone shuts, rather than opens.
    return managed_document(found) if found is not None else PolicyDocument(statements=())


def managed_document(policy: Any) -> PolicyDocument:
    """The default version of a managed policy."""
    return stored(next(it.document for it in policy.versions if it.is_default))


def stored(document: str | Mapping[str, Any]) -> PolicyDocument:
    """A document as moto keeps it. MalformedPolicy for what AWS would not have stored."""
    return _parsed(document if isinstance(document, str) else json.dumps(document))


@lru_cache(maxsize=512)
def _parsed(text: str) -> PolicyDocument:
    return parse_document(json.loads(text))


def held(holder: Any, kind: str) -> Iterator[Named]:
    """The policies of one user, group or role: inline and attached."""
    for name, text in holder.policies.items():
        yield Named(id=f"{kind}_{holder.name}_{name}", kind=kind, document=stored(text))
    for arn, policy in holder.managed_policies.items():
        owner = "aws-managed" if ":iam::aws:" in arn else "user-managed"
        yield Named(id=policy.name, kind=owner, document=managed_document(policy))


def users_named(document: Any, backend: Any) -> dict[str, str]:
    """Users and groups of this account that a resource policy names, with their unique ids.

    Empty for a user that does not exist and for groups, which can be no principal. MalformedPolicy.
    """
    users = {user.arn: str(user.id) for user in backend.users.values()}
    own = f"AWS:arn:aws:iam::{backend.account_id}:"
    return {
        name.removeprefix("AWS:"): users.get(name.removeprefix("AWS:"), "")
        for statement in stored(document).statements
        for name in (statement.principals.values if statement.principals else ())
        if name.startswith((f"{own}user/", f"{own}group/"))
    }


def _own_password(caller: Caller) -> Iterator[Named]:
    """AWS: AllowUsersToChangePassword grants every user the change of its own password."""
    policy = caller.iam.account_password_policy
    if policy is None or not policy.allow_users_to_change_password:
        return
    own = {"Effect": "Allow", "Action": "iam:ChangePassword", "Resource": caller.user.arn}
    read = {"Effect": "Allow", "Action": "iam:GetAccountPasswordPolicy", "Resource": "*"}
    document = stored({"Version": "2012-10-17", "Statement": [own, read]})
    yield Named(id="AllowUsersToChangePassword", kind="none", document=document)
