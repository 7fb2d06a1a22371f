"""Groups, roles and their policies, from access.yaml into the identity stack; pure (S2.2–S2.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from keyreeve.governance import access_policies as policies
from keyreeve.governance.access_policies import Place
from keyreeve.governance.templates import Json, logical_id, substituted
from keyreeve.model.access import QUARANTINE_GROUP, AccessModel, Grant
from keyreeve.model.baseline import Choice, Found, Kind

HERE = Place(partition="${AWS::Partition}", account_id="${AWS::AccountId}")
"""The account that the stack is deployed into."""
Imports = Mapping[str, Mapping[str, str]]
_DENY_ROLE_TAG = "Deny Role Tag"
_SELF_MANAGEMENT = "Self Management"
_DENY_WITHOUT_MFA = "Deny Without Mfa"
_ONBOARDING = "Onboarding"
_QUARANTINE = "Quarantine"
_CONFINING = (_QUARANTINE, _ONBOARDING)
"""Titles of the policies that deny whoever stays in their group everything else."""
_SHARED = (_SELF_MANAGEMENT, _DENY_WITHOUT_MFA, _ONBOARDING, _QUARANTINE, _DENY_ROLE_TAG)
_OWN_CREDENTIALS = {
    title: {"id": "CKV_AWS_107", "comment": comment}
    for title, comment in (
        ("Self Management", "One's own access keys and session, and nobody else's."),
        ("Onboarding", "sts:GetSessionToken gives no right that the caller lacks."),
    )
}
"""Why the scanner's word for credentials exposure does not fit here."""


def identity(
    base: Mapping[str, Any],
    model: AccessModel,
    rows: tuple[Found, ...],
    existing: Mapping[str, Choice],
) -> tuple[Json, Imports]:
    """The template, and what it takes over.

    `existing`: the choices of config.yaml, which still tell what was there before the stack once
    the stack holds it.
    """
    stack = _Identity(model, rows, existing)
    resources = {**base["Resources"], **dict(stack.resources())}
    return {**base, "Resources": resources}, stack.imports


def policy_names(model: AccessModel, project: str) -> frozenset[str]:
    """What the stack's managed policies are called, exactly: anybody may make a name alike."""
    titles = (*_SHARED, *(_assume(grant) for grant in model.grants))
    return frozenset(_policy_name(project, title) for title in titles)


def _policy_name(project: str, title: str) -> str:
    return f"keyreeve-{project}-{'-'.join(title.lower().split())}"


def _assume(grant: Grant) -> str:
    return f"Assume {grant.role}"


def _duty(grant: Grant) -> str:
    """The duty as IAM takes it in a role's description: a tag may hold any letter, that Latin-1."""
    plain = all(" " <= char <= "~" or "\xa1" <= char <= "\xff" for char in grant.functional_group)
    return grant.functional_group if plain else f"the group {grant.group}"


def confining(template: Mapping[str, Any]) -> tuple[str, ...]:
    """Groups whose policy, by this template, is all that holds who is in them."""
    resources = template.get("Resources", {})
    policies = (resources.get(f"Policy{logical_id(title)}") for title in _CONFINING)
    attached = [group for made in policies if made for group in made["Properties"]["Groups"]]
    return tuple(
        resources[group["Ref"]]["Properties"]["GroupName"] if isinstance(group, Mapping) else group
        for group in attached
    )


class _Identity:
    """One access model beside what is there already."""

    def __init__(
        self, model: AccessModel, rows: Iterable[Found], existing: Mapping[str, Choice]
    ) -> None:
        self._model = model
        self._existing = existing
        self._choices = {(row.kind, row.name): row.choice for row in rows}
        self.imports: dict[str, Mapping[str, str]] = {}

    def resources(self) -> Iterator[tuple[str, Json]]:
        """By logical id."""
        model = self._model
        yield from self._group(model.onboarding_group)
        yield from self._group(QUARANTINE_GROUP)
        for grant in model.grants:
            yield from self._group(grant.group)
            yield from self._role(grant)
            yield from self._policy(
                _assume(grant),
                "Allows its people to assume their role, and nothing else.",
                policies.assume_own_role(grant, HERE),
                [grant.group],
            )
        duties = [grant.group for grant in model.grants]
        onboarding = [model.onboarding_group]
        yield from self._policy(
            _SELF_MANAGEMENT,
            "Everybody keeps their own credentials.",
            policies.self_management(HERE),
            duties,
        )
        yield from self._policy(
            _DENY_WITHOUT_MFA,
            "Nothing works without MFA but enrolling it.",
            policies.deny_without_mfa(HERE),
            duties,
        )
        yield from self._policy(
            _ONBOARDING,
            "First password and first MFA device, and nothing else.",
            policies.onboarding(HERE),
            onboarding,
        )
        yield from self._policy(
            _QUARANTINE, "Denies everything.", policies.quarantine(HERE), [QUARANTINE_GROUP]
        )
        yield from self._policy(
            _DENY_ROLE_TAG,
            "Nobody promotes himself by a tag.",
            policies.deny_role_tag(model, HERE),
            [*onboarding, *duties],
        )

    def _group(self, name: str) -> Iterator[tuple[str, Json]]:
        if not self._ours(Kind.GROUP, name):
            return
        logical = f"Group{logical_id(name)}"
        if self._choices.get((Kind.GROUP, name)) is Choice.IMPORT:
            self.imports[logical] = {"GroupName": name}
        # Who is in a group is not the stack's to delete.
        yield logical, _kept({"Type": "AWS::IAM::Group", "Properties": {"GroupName": name}})

    def _role(self, grant: Grant) -> Iterator[tuple[str, Json]]:
        if not self._ours(Kind.ROLE, grant.role):
            return
        logical = f"Role{logical_id(grant.role)}"
        properties = {
            "RoleName": grant.role,
            "Description": f"What {_duty(grant)} may do, with MFA and for a while.",
            "MaxSessionDuration": int(grant.max_session.total_seconds()),
            "AssumeRolePolicyDocument": substituted(policies.trust(self._model, grant, HERE)),
            # A session, too, promotes nobody; attached here, so that drift sees one list.
            "ManagedPolicyArns": [
                *(_in_partition(arn) for arn in grant.policies),
                {"Ref": f"Policy{logical_id(_DENY_ROLE_TAG)}"},
            ],
        }
        made: Json = {"Type": "AWS::IAM::Role", "Properties": properties}
        if self._choices.get((Kind.ROLE, grant.role)) is Choice.IMPORT:
            self.imports[logical] = {"RoleName": grant.role}
        if self._existing.get(f"{Kind.ROLE}/{grant.role}") is Choice.IMPORT:
            made = _kept(made)
        yield logical, made

    def _policy(
        self,
        title: str,
        description: str,
        document: Json,
        groups: Iterable[str],
    ) -> Iterator[tuple[str, Json]]:
        """Attached to groups that are ours, and to those that were there before."""
        wanted = [name for name in groups if self._wanted(name)]
        attached = [self._reference(name) for name in wanted]
        if not attached:
            return
        properties: Json = {
            "ManagedPolicyName": {"Fn::Sub": _policy_name("${Project}", title)},
            "Description": description,
            "Groups": attached,
            "PolicyDocument": substituted(document),
        }
        name = f"Policy{logical_id(title)}"
        made: Json = {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}
        if title in _OWN_CREDENTIALS:
            made["Metadata"] = {"checkov": {"skip": [_OWN_CREDENTIALS[title]]}}
        yield name, made

    def _reference(self, group: str) -> Any:
        return {"Ref": f"Group{logical_id(group)}"} if self._ours(Kind.GROUP, group) else group

    def _ours(self, kind: Kind, name: str) -> bool:
        """Whether the stack holds it."""
        return self._choices.get((kind, name), Choice.IMPORT) is Choice.IMPORT

    def _wanted(self, group: str) -> bool:
        return self._choices.get((Kind.GROUP, group)) is not Choice.SKIP


def _kept(resource: Json) -> Json:
    """Stays when the stack goes, but not when its first deployment fails; imports ask for it."""
    kept = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    return {**resource, **kept}


def _in_partition(arn: str) -> Any:
    """ARNs of AWS's own policies differ between partitions by one word."""
    _, _, rest = arn.partition(":iam::aws:")
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::aws:{rest}"} if rest else arn
