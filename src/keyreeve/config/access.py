"""access.yaml: who may do what; read like config.yaml, and turned into the access model.

Beside wrong values it refuses what would fail silently later: two names that differ only in case
or hyphens (S2.9: MFASetup and MFA-Setup), two duties with one group or one role, a role that
trusts nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from keyreeve.config.mistakes import Form
from keyreeve.config.reading import parsed, text_of
from keyreeve.config.sections import Section
from keyreeve.config.values import Duration, Impossible, Line, Place, Whole
from keyreeve.model import access
from keyreeve.model.access import (
    QUARANTINE_GROUP,
    CharacterClass,
    TrustModel,
    folded_name,
)

_HOUR = timedelta(hours=1)
_LONGEST_SESSION = 12 * _HOUR
_LETTERS = r"[A-Za-z0-9_+=,.@-]"
_PATH = rf"(?:{_LETTERS}+/)*"
"""Above a name. IAM would take more, such as a star, which policies then read as a wildcard."""
_NAME = re.compile(rf"{_LETTERS}+")
_USER = re.compile(rf"{_PATH}{_LETTERS}{{1,64}}")
_POLICY = re.compile(rf"arn:aws[a-z-]*:iam::(?:aws|[0-9]{{12}}):policy/{_PATH}{_LETTERS}{{1,128}}")
_ROLE = re.compile(rf"arn:aws[a-z-]*:iam::[0-9]{{12}}:role/{_PATH}{_LETTERS}{{1,64}}")
_SESSION = re.compile(rf"arn:(aws[a-z-]*):sts::([0-9]{{12}}):assumed-role/({_LETTERS}{{1,64}})/.*")
_NOT_IN_TAGS = re.compile(r"[^\w .:/=+@-]")
_JOB_FUNCTIONS = frozenset(
    {
        *("Billing", "DatabaseAdministrator", "DataScientist", "NetworkAdministrator"),
        *("SupportUser", "SystemAdministrator", "ViewOnlyAccess"),
    }
)
"""AWS keeps these below job-function/."""


def _for_editors(pattern: re.Pattern[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern.pattern}$"})


def _named(longest: int) -> AfterValidator:
    def check(name: str) -> str:
        if not _NAME.fullmatch(name):
            meant = re.sub(r"\s+", "-", name.strip())
            raise Impossible(
                f"{name!r} is no name in IAM: letters, digits and _+=,.@- without spaces",
                meant=meant if _NAME.fullmatch(meant) else "",
            )
        if len(name) > longest:
            raise Impossible(f"must have at most {longest} characters")
        return name

    return AfterValidator(check)


GroupName = Annotated[Line, _named(128), _for_editors(_NAME)]
RoleName = Annotated[Line, _named(64), _for_editors(_NAME)]


def _tag_text(value: str) -> str:
    wrong = _NOT_IN_TAGS.search(value)
    if wrong:
        raise Impossible(f"{value!r} is no text of a tag: {wrong[0]!r} is not allowed in IAM")
    if value != value.strip() or not value:
        raise Impossible("must not be empty, nor begin or end with a space", meant=value.strip())
    return value


def _tag_key(value: str) -> str:
    if value.casefold().startswith("aws:"):
        raise Impossible("tags that begin with aws: are AWS's own", meant=value[4:])
    return _tag_text(value)


TagKey = Annotated[Line, StringConstraints(max_length=128), AfterValidator(_tag_key)]
FunctionalGroup = Annotated[Line, StringConstraints(max_length=256), AfterValidator(_tag_text)]


def _policy(arn: str) -> str:
    if not _POLICY.fullmatch(arn):
        below = "job-function/" if arn in _JOB_FUNCTIONS else ""
        raise Impossible(
            f"{arn!r} is not the ARN of a managed policy",
            meant=f"arn:aws:iam::aws:policy/{below}{arn}" if _NAME.fullmatch(arn) else "",
        )
    return arn


def _role(arn: str) -> str:
    if not _ROLE.fullmatch(arn):
        session = _SESSION.fullmatch(arn)
        raise Impossible(
            f"{arn!r} is not the ARN of a role",
            meant=f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}" if session else "",
        )
    return arn


def _user(name: str) -> str:
    if not _USER.fullmatch(name):
        parts = name.rpartition(":user/")
        raise Impossible(
            f"{name!r} is no user name",
            meant=parts[2] if parts[1] and _USER.fullmatch(parts[2]) else "",
        )
    return name


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise Impossible(f"{value} stands here twice", at=[(index,)])
    return values


def _session(span: timedelta) -> timedelta:
    if not _HOUR <= span <= _LONGEST_SESSION:
        raise Impossible("AWS allows sessions of 1h to 12h", meant="1h" if span < _HOUR else "12h")
    return span


def _look_alikes(kind: str, named: Iterable[tuple[str, Place]]) -> Iterator[Impossible]:
    """IAM takes names that differ in case alone for equal, and people those with other hyphens."""
    seen: dict[str, str] = {}
    for name, place in named:
        other = seen.setdefault(folded_name(name), name)
        if other is name:
            continue
        if other == name:
            yield Impossible(f"{kind} {name} stands here twice", at=[place])
        else:
            yield Impossible(
                f"{kind} {name} differs from {other} only in case or hyphens: name it otherwise",
                at=[place],
            )


def _refuse(mistakes: Iterable[Impossible]) -> None:
    found = list(mistakes)
    if found:
        first, *others = found
        raise Impossible(first.what, meant=first.meant, at=first.at, also=others)


class Tags(Section):
    """Names of the tags that every user bears."""

    role: TagKey = "FunctionalGroup"
    """Its value says which of `roles` the user belongs to."""
    department: TagKey = "Department"
    email: TagKey = "email"

    @model_validator(mode="after")
    def _differ(self) -> Tags:
        _refuse(_look_alikes("the tag", [(key, (name,)) for name, key in self]))
        return self


class Trust(Section):
    """Whom the roles trust."""

    model: TrustModel = TrustModel.GROUP
    """group: the account, and a policy on the group; users: the users that each role names."""


class PasswordPolicy(Section):
    """The account password policy that is wanted."""

    minimum_length: Annotated[Whole, Field(ge=6, le=128)] = 14
    reuse_prevention: Annotated[Whole, Field(ge=1, le=24)] = 24
    """How many earlier passwords may not come back."""
    max_age: Annotated[Whole, Field(ge=1, le=1095)] = 90
    """Days."""
    require: Annotated[tuple[CharacterClass, ...], AfterValidator(_once)] = tuple(CharacterClass)
    """upper, lower, number, symbol."""


class Role(Section):
    """One duty: the group of its people, and the role that they assume."""

    group: GroupName
    """IAM group; it grants nothing but to assume the role."""
    role: RoleName
    """IAM role, without a path."""
    policies: Annotated[
        tuple[Annotated[Line, AfterValidator(_policy), _for_editors(_POLICY)], ...],
        Field(min_length=1, max_length=20),
        AfterValidator(_once),
    ]
    """ARNs of the managed policies that a session has; AWS's quota is 10, and 20 on request."""
    max_session: Annotated[Duration, AfterValidator(_session)] = _HOUR
    """1h to 12h; MFA must not be older than this when the role is assumed."""
    users: Annotated[
        tuple[Annotated[Line, AfterValidator(_user), _for_editors(_USER)], ...],
        AfterValidator(_once),
    ] = ()
    """For `trust: {model: users}` only: names, with their path where they have one."""


class Access(Section):
    """Everything that access.yaml says, defaults filled in."""

    onboarding_group: GroupName = "MFA-Setup"
    """Where every user stands until MFA is active."""
    tags: Tags = Tags()
    roles: Annotated[Mapping[FunctionalGroup, Role], Field(min_length=1)]
    """By the value of the role tag."""
    trust: Trust = Trust()
    password_policy: PasswordPolicy | None = PasswordPolicy()
    """null: the account's own is left alone."""
    provisioners: Annotated[
        tuple[Annotated[Line, AfterValidator(_role), _for_editors(_ROLE)], ...],
        AfterValidator(_once),
    ] = ()
    """ARNs of the roles that may set the role tag; nobody else may."""

    @model_validator(mode="after")
    def _fits_together(self) -> Access:
        _refuse([*self._names_that_clash(), *self._trusting_nobody()])
        return self

    def _names_that_clash(self) -> Iterator[Impossible]:
        roles = self.roles.items()
        yield from _look_alikes("the functional group", [(n, ("roles", n)) for n in self.roles])
        yield from _look_alikes("the role", [(r.role, ("roles", n, "role")) for n, r in roles])
        groups: list[tuple[str, Place]] = [(self.onboarding_group, ("onboarding_group",))]
        groups += [(role.group, ("roles", name, "group")) for name, role in roles]
        yield from _look_alikes("the group", groups)
        for name, place in groups:
            if folded_name(name) == folded_name(QUARANTINE_GROUP):
                yield Impossible(
                    f"{QUARANTINE_GROUP} is the group that denies everything: name it otherwise",
                    at=[place],
                )

    def _trusting_nobody(self) -> Iterator[Impossible]:
        by_name = self.trust.model is TrustModel.USERS
        for name, role in self.roles.items():
            if by_name and not role.users:
                yield Impossible(
                    "trust.model is users, and this role names none: nobody could assume it",
                    at=[("roles", name)],
                )
            if role.users and not by_name:
                yield Impossible(
                    "is for trust.model users; with group the members of the group are trusted",
                    at=[("roles", name, "users")],
                )

    def to_model(self) -> access.AccessModel:
        """The same as a value of the model."""
        rules = self.password_policy
        return access.AccessModel(
            onboarding_group=self.onboarding_group,
            tags=access.RequiredTags(**dict(self.tags)),
            grants=tuple(_grant(name, role) for name, role in self.roles.items()),
            trust=self.trust.model,
            password_policy=None
            if rules is None
            else access.PasswordRules(**{**dict(rules), "require": frozenset(rules.require)}),
            provisioners=self.provisioners,
        )


def _grant(name: str, role: Role) -> access.Grant:
    return access.Grant(
        functional_group=name,
        group=role.group,
        role=role.role,
        policies=role.policies,
        max_session=role.max_session,
        trusted_users=role.users,
    )


ACCESS: Final = Form(
    root=Access,
    advice="`keyreeve init --access` writes a commented access.yaml.",
    stand_ins={
        ("roles",): {
            "stand-in": {
                "group": "stand-in",
                "role": "stand-in",
                "policies": ["arn:aws:iam::aws:policy/SecurityAudit"],
            }
        }
    },
)


def load_access(path: Path) -> access.AccessModel:
    """What the file says. ConfigError with all mistakes at once, each with its line."""
    return parse_access(text_of(path, ACCESS), path=path)


def parse_access(text: str, *, path: Path) -> access.AccessModel:
    """What a text says that stands, or will stand, at `path`; errors as `load_access`."""
    return parsed(text, path, ACCESS).to_model()


def access_template() -> str:
    """The commented access.yaml that `keyreeve init --access` writes."""
    return files("keyreeve.config").joinpath("access_template.yaml").read_text(encoding="utf-8")
