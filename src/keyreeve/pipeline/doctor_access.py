"""The preflight's judgement of access.yaml against the account: every name in it, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches

from keyreeve.governance import trust_check
from keyreeve.governance.access_policies import Place, of_aws
from keyreeve.governance.identity_stack import policy_names
from keyreeve.language.policy_document import Effect, MalformedPolicy, parse_document
from keyreeve.model.access import QUARANTINE_GROUP, AccessModel, Grant, TrustModel, folded_name
from keyreeve.model.identifiers import ControlId
from keyreeve.model.policy import EscalationPolicy, FinalAct
from keyreeve.model.snapshot import User
from keyreeve.pipeline.doctor import Diagnosis, broken, ok, some, warning
from keyreeve.ports.access import AccessFacts, Document

_DEPLOY = "`keyreeve baseline deploy identity --execute` makes it."
_COMPARE = (
    "Was access.yaml changed, `keyreeve baseline deploy identity --execute` sets it; was the role, "
    "set it back by hand: `keyreeve baseline render identity` prints how it should be."
)
"""CloudFormation changes what differs from its last template, not what differs from the account."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessCheck:
    """The model, and what the account holds of it."""

    model: AccessModel
    facts: AccessFacts
    users: tuple[User, ...]
    missing_policies: frozenset[str]
    """AWS's own that do not exist."""
    at: Place
    policy: EscalationPolicy
    project: str
    """As the stacks' names bear it."""


def about_access(check: AccessCheck) -> Iterator[Diagnosis]:
    """Every name of access.yaml; what is as it should be in as few lines as possible."""
    yield from _about_powers(check)
    yield from _about_groups(check)
    for grant in check.model.grants:
        yield from _about_role(check, grant)
    yield from _about_policies(check)
    yield from _about_trusted_users(check)
    yield from _about_tags(check)
    yield from _about_provisioners(check)


# --- what access.yaml itself gives away -----------------------------------------------------------


def _about_powers(check: AccessCheck) -> Iterator[Diagnosis]:
    """Everything is the administrator's alone, and for an hour (S2.15)."""
    almighty = [grant for grant in check.model.grants if grant.administrator]
    if len(almighty) > 1:
        yield warning(
            "access.yaml",
            f"{len(almighty)} roles may do everything: {some([g.role for g in almighty])}",
            "Give AdministratorAccess to one role only; narrow the others to their duty.",
        )
    long = [grant.role for grant in almighty if grant.max_session > _HOUR]
    if long:
        yield warning(
            "access.yaml",
            f"sessions of {some(long)} may do everything for more than an hour",
            "Set max_session: 1h; a session can be renewed with MFA.",
        )
    tag, asked = check.model.tags.email, check.policy.owner.tag
    if tag != asked:
        yield warning(
            "access.yaml",
            f"tags.email is {tag}, and mail.owner.tag of config.yaml is {asked}",
            "Make them the same: else a user with every required tag may have no address.",
        )


# --- groups ---------------------------------------------------------------------------------------


def _about_groups(check: AccessCheck) -> Iterator[Diagnosis]:
    model, there = check.model, check.facts.groups
    wanted = [model.onboarding_group, QUARANTINE_GROUP, *(grant.group for grant in model.grants)]
    lost = [name for name in wanted if name not in there]
    for name in lost:
        yield _missing("group", name, there, needed=name in _needed_groups(check))
    if not lost:
        yield ok("access groups", ", ".join(wanted))


def _needed_groups(check: AccessCheck) -> frozenset[str]:
    """Groups that the ladder puts users into already."""
    quarantines = {c for c in ControlId if check.policy.final_act(c) is FinalAct.QUARANTINE}
    found = {check.policy.onboarding_group} if ControlId.CONSOLE_MFA in quarantines else set()
    if quarantines - {ControlId.CONSOLE_MFA}:
        found.add(check.policy.quarantine_group)
    return frozenset(found)


def _missing(kind: str, name: str, there: Iterable[str], *, needed: bool = False) -> Diagnosis:
    """Absent, or there under a name that only looks the same (S2.9)."""
    alike = next((each for each in sorted(there) if folded_name(each) == folded_name(name)), None)
    if alike is not None:
        return broken(
            f"access {kind}",
            f"{alike} exists, {name} does not",
            f"Write {alike} in access.yaml, or rename the {kind}.",
        )
    close = get_close_matches(name, sorted(there), n=1)
    near = f"; {close[0]} does" if close else ""
    tell = broken if needed else warning
    return tell(f"access {kind}", f"{name} does not exist{near}", _DEPLOY)


# --- roles ----------------------------------------------------------------------------------------


def _about_role(check: AccessCheck, grant: Grant) -> Iterator[Diagnosis]:
    role = check.facts.roles.get(grant.role)
    if role is None:
        yield _missing("role", grant.role, check.facts.roles)
        return
    said = [
        broken("access role", f"{grant.role}: its trust policy {fault}", _COMPARE)
        for fault in trust_check.faults(check.model, grant, check.at, role.trust)
    ]
    wanted = frozenset(map(check.at.policy, grant.policies))
    ours = policy_names(check.model, check.project)
    added = sorted(a for a in role.attached - wanted if a.rpartition("/")[2] not in ours)
    lacking = sorted(wanted - role.attached)
    if added or role.inline:
        more = [_named(arn) for arn in added] + [f"{name} (inline)" for name in role.inline]
        said.append(
            warning("access role", f"{grant.role} has more policies: {some(more, 5)}", _COMPARE)
        )
    if lacking:
        less = some([_named(arn) for arn in lacking], 5)
        said.append(warning("access role", f"{grant.role} lacks policies: {less}", _COMPARE))
    yield from said
    if not said:
        yield ok("access role", f"{grant.role} trusts and may do what access.yaml says")


def _named(arn: str) -> str:
    return arn.partition(":policy/")[2]


# --- policies -------------------------------------------------------------------------------------


def _about_policies(check: AccessCheck) -> Iterator[Diagnosis]:
    said: list[Diagnosis] = []
    for grant in check.model.grants:
        for arn in map(check.at.policy, grant.policies):
            said += _about_policy(check, grant, arn)
    yield from said
    if not said:
        yield ok("access policies", "every policy of every role exists")


def _about_policy(check: AccessCheck, grant: Grant, arn: str) -> Iterator[Diagnosis]:
    if of_aws(arn):
        if arn in check.missing_policies:
            yield broken(
                "access policy",
                f"AWS has no policy {arn} ({grant.role})",
                "`aws iam list-policies --scope AWS` lists them; some lie below job-function/.",
            )
        return
    document = check.facts.policies.get(arn)
    if document is None:
        own = {_named(each): each for each in check.facts.policies}
        close = get_close_matches(_named(arn), sorted(own), n=1)
        near = f"; {own[close[0]]} does" if close else ""
        yield broken(
            "access policy",
            f"{arn} ({grant.role}) does not exist in this account{near}",
            "Make the policy, or mend its ARN in access.yaml.",
        )
    elif not grant.administrator and allows_everything(document):
        yield warning(
            "access policy",
            f"{arn} allows everything, and {grant.role} is not the administrator's",
            "Narrow the policy to the duty.",
        )


def allows_everything(document: Document) -> bool:
    """Whether one statement allows every action on every resource, without a condition.

    A document that cannot be read is AWS's to judge; it allows nothing that we could name.
    """
    try:
        statements = parse_document(document).statements
    except MalformedPolicy:
        return False
    return any(
        statement.effect is Effect.ALLOW
        and not statement.conditions
        and not statement.actions.negated
        and bool({"*", "*:*"} & set(statement.actions.values))
        and statement.resources is not None
        and not statement.resources.negated
        and "*" in statement.resources.values
        for statement in statements
    )


# --- people ---------------------------------------------------------------------------------------


def _about_trusted_users(check: AccessCheck) -> Iterator[Diagnosis]:
    if check.model.trust is not TrustModel.USERS:
        return
    there = {user.arn.partition(":user/")[2] for user in check.users}
    for grant in check.model.grants:
        for name in grant.trusted_users:
            if name not in there:
                close = [each for each in there if each.rpartition("/")[2] == name]
                close = close or get_close_matches(name, sorted(there), n=1)
                near = f"; {close[0]} does" if close else ""
                yield broken(
                    "access user",
                    f"{name}, whom {grant.role} is to trust, does not exist{near}",
                    f"Mend roles.{grant.functional_group}.users; a role that trusts somebody "
                    "who is not there cannot be made.",
                )


def _about_tags(check: AccessCheck) -> Iterator[Diagnosis]:
    model = check.model
    users = [user for user in check.users if check.policy.exclusion_for(user) is None]
    known = {grant.functional_group for grant in model.grants}
    unknown: dict[str, list[str]] = {}
    for user in users:
        value = user.tags.get(model.tags.role, "")
        if value.strip() and value not in known:
            unknown.setdefault(value, []).append(user.name)
    for value, names in sorted(unknown.items()):
        yield warning(
            "access tags",
            f"{model.tags.role}={value} of {some(sorted(names))} is no role of access.yaml"
            f"{_meant(value, known)}",
            "Tag them anew (`keyreeve user tags`): until then nobody moves them to a group.",
        )
    bare = sorted(user.name for user in users if model.missing_tags(user.tags))
    if bare:
        yield warning(
            "access tags",
            f"{len(bare)} of {len(users)} users lack required tags: {some(bare)}",
            "`keyreeve user tags` lists what each lacks and sets it.",
        )
    if not unknown and not bare:
        yield ok("access tags", f"{len(users)} users bear every required tag")


def _meant(value: str, known: Iterable[str]) -> str:
    alike = [each for each in sorted(known) if folded_name(each) == folded_name(value)]
    close = alike or get_close_matches(value, sorted(known), n=1)
    return f"; {close[0]} is" if close else ""


def _about_provisioners(check: AccessCheck) -> Iterator[Diagnosis]:
    """Whoever may set the role tag decides who gets which rights (S2.T7)."""
    arns = {role.arn for role in check.facts.roles.values()}
    if not check.model.provisioners:
        yield warning(
            "access provisioners",
            "nobody may set the role tag once the identity stack is deployed",
            "Name the role that runs `keyreeve user onboard` as one of the provisioners.",
        )
    lost = [arn for arn in check.model.provisioners if arn not in arns]
    for arn in lost:
        close = get_close_matches(arn, sorted(arns), n=1)
        near = f"; {close[0]} does" if close else ""
        yield broken(
            "access provisioners",
            f"{arn} does not exist{near}",
            "Mend provisioners in access.yaml.",
        )
    if check.model.provisioners and not lost:
        yield ok("access provisioners", ", ".join(check.model.provisioners))
