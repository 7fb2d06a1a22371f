"""Who is an administrator, and who could change a generated password (S1.T6).

Both ask the policy evaluator. What the policies leave open (conditions on keys that nobody knows
here, AWS's own policies whose documents were not read) counts against whoever asks: the reset is
held, and an administrator in doubt replaces no other one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from keyreeve.language.policy_document import (
    VERSION,
    MalformedPolicy,
    PolicyDocument,
    Statement,
    parse_document,
)
from keyreeve.language.policy_evaluator import (
    Decision,
    Policies,
    Principal,
    Request,
    evaluate,
)
from keyreeve.language.policy_values import Context
from keyreeve.model.snapshot import PasswordPolicy, User

CHANGE_PASSWORD: Final = "iam:ChangePassword"  # noqa: S105 - an action


def _document(*statements: Mapping[str, Any]) -> PolicyDocument:
    return parse_document({"Version": VERSION, "Statement": list(statements)})


_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_NOTHING = {"Sid": "AWSDenyAll", "Effect": "Deny", "Action": "*", "Resource": "*"}
_MAY_CHANGE = {"Effect": "Allow", "Action": CHANGE_PASSWORD, "Resource": "*"}

AWS_MANAGED: Final[Mapping[str, PolicyDocument]] = {
    "AdministratorAccess": _document(_EVERYTHING),
    "AWSDenyAll": _document(_NOTHING),
    "IAMFullAccess": _document({"Effect": "Allow", "Action": "iam:*", "Resource": "*"}),
    "IAMUserChangePassword": _document(
        {**_MAY_CHANGE, "Resource": "arn:aws*:iam::*:user/${aws:username}"}
    ),
    "PowerUserAccess": _document(
        {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}
    ),
}
"""AWS's own policies that matter here, as far as they do; others grant nothing that is asked."""
DENYING: Final = ("AWSDenyAll", "AWSCompromisedKeyQuarantine", "AWSExposedCredentialPolicy")
"""How the names of AWS's own policies begin that deny IAM actions to the user itself."""

_MFA: Final = "aws:multifactorauthpresent"
_ADMINISTERS: Final = (
    ("keyreeve:AnythingElse", "arn:aws:keyreeve:us-east-1:123456789012:anything/else"),
    ("iam:AttachUserPolicy", "arn:aws:iam::123456789012:user/somebody"),
    ("iam:CreateAccessKey", "arn:aws:iam::123456789012:user/somebody"),
    ("iam:UpdateLoginProfile", "arn:aws:iam::123456789012:user/somebody"),
)
"""What shows an effective `*` on `*`: a service that does not exist, and the keys of the house."""


class Library:
    """Documents parsed once each, however many users they reach. Lives as long as its snapshot."""

    def __init__(self) -> None:
        # The raw document is kept beside its parse: an id is only good while its object lives.
        self._parsed: dict[int, tuple[object, PolicyDocument | None]] = {}

    def read(self, raw: Mapping[str, Any]) -> PolicyDocument | None:
        """None: nobody can read it, and AWS would not have stored it."""
        known = self._parsed.get(id(raw))
        if known is None:
            known = self._parsed[id(raw)] = (raw, _parsed(raw))
        return known[1]


def is_administrator(user: User, *, hopeful: bool = False, library: Library | None = None) -> bool:
    """Whether the user's effective policies allow `*` on `*`: for certain, or `hopeful`: perhaps.

    Effective: own, by group, minus denies, within the permissions boundary.
    """
    policies = _policies(user, library or Library(), hopeful=hopeful)
    # Without a device today the session may still get one: unknown, not "without MFA".
    mfa = {_MFA: ("true",)} if user.mfa_active else {}
    return all(
        evaluate(policies, _request(user, action, resource, mfa), hopeful=hopeful).allowed
        for action, resource in _ADMINISTERS
    )


def cannot_change_password(
    user: User, account: PasswordPolicy | None, library: Library | None = None
) -> str | None:
    """None if the user could change a generated password, else the reason to hold the reset."""
    if account is None:
        return "the account's password policy could not be read"
    if account.hard_expiry:
        return "the account's password policy has HardExpiry: an expired password locks out"
    library = library or Library()
    if any(library.read(raw) is None for raw in user.granted.documents):
        return "a policy document of the user cannot be read"
    names = map(aws_managed, user.granted.managed)
    denying = sorted(name for name in names if name and name.startswith(DENYING))
    if denying:
        return f"the policy {denying[0]} denies iam:ChangePassword"
    policies = _policies(user, library, hopeful=False, anybody_may=account.users_may_change)
    mfa = {_MFA: ("true" if user.mfa_active else "false",)}
    answer = evaluate(policies, _request(user, CHANGE_PASSWORD, user.arn, mfa))
    match answer.decision:
        case Decision.ALLOWED:
            return None
        case Decision.EXPLICIT_DENY:
            return _denied_by(answer.statement)
        case Decision.IMPLICIT_DENY if answer.lacking == "permissions boundary":
            return "the user's permissions boundary does not allow iam:ChangePassword"
        case _:
            return (
                "neither the account's password policy (AllowUsersToChangePassword) nor the "
                "user's policies allow iam:ChangePassword"
            )


def _denied_by(statement: Statement | None) -> str:
    sid = statement.sid if statement and statement.sid else "without Sid"
    return f"a policy statement ({sid}) denies iam:ChangePassword"


def _policies(
    user: User, library: Library, *, hopeful: bool, anybody_may: bool = False
) -> Policies:
    granted = user.granted
    identity = [found for raw in granted.documents if (found := library.read(raw)) is not None]
    identity += [AWS_MANAGED[n] for n in map(aws_managed, granted.managed) if n in AWS_MANAGED]
    if anybody_may:
        identity.append(_document(_MAY_CHANGE))
    return Policies(identity=tuple(identity), boundary=_boundary(user, library, hopeful=hopeful))


def _boundary(user: User, library: Library, *, hopeful: bool) -> PolicyDocument | None:
    """The boundary's document; one of AWS's own that is not known here allows all or nothing."""
    boundary = user.granted.boundary
    if boundary is None:
        return None
    found = AWS_MANAGED.get(aws_managed(boundary.arn))
    if boundary.document is not None:
        found = library.read(boundary.document)
    return found or _document(*([_EVERYTHING] if hopeful else []))


def _request(user: User, action: str, resource: str, mfa: Context) -> Request:
    """As the user would ask after signing in to the console; all else about it is unknown."""
    tags = {f"aws:principaltag/{key.lower()}": (value,) for key, value in user.tags.items()}
    known = {
        "aws:username": (user.name,),
        "aws:principalarn": (user.arn,),
        "aws:principaltype": ("User",),
        "aws:viaawsservice": ("false",),
    }
    principal = Principal(names=frozenset({user.arn}))
    context = {**known, **tags, **mfa}
    return Request(
        action=action, resource=resource, context=context, principal=principal, complete=False
    )


def _parsed(raw: Mapping[str, Any]) -> PolicyDocument | None:
    try:
        return parse_document(raw)
    except MalformedPolicy:
        return None


def aws_managed(arn: str) -> str:
    """The name of one of AWS's own policies, path included; empty for the account's own."""
    *_, account, resource = arn.split(":", 5)
    return resource.removeprefix("policy/") if account == "aws" else ""
