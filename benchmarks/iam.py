"""What IAM and STS answer about one account: AWS's XML, real pages, markers.

An answer is the inside of `<ActionResult>`; None where the action has no result; a `Refusal`.
Sources: the IAM API reference of each action; MaxItems is 100 unless asked, at most 1,000.
"""

# ruff: noqa: N802 - a method is called as its action is called
from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import escape

from benchmarks.account import DOCUMENT, Account, Key, User

NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
REQUEST_ID = "8a5b7c1d-1111-4222-8333-0123456789ab"
_QUOTED = quote(DOCUMENT, safe="")
_TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
_TRUSTS = quote(json.dumps({"Statement": [{**_TRUST, "Action": "sts:AssumeRole"}]}), safe="")
_REPORT = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
    "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)
_DETAILS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
_FILTERS = {
    "User": "UserDetailList",
    "Group": "GroupDetailList",
    "Role": "RoleDetailList",
    "LocalManagedPolicy": "Policies",
}
_END = "    <IsTruncated>false</IsTruncated>\n"


class Refusal(NamedTuple):
    """An answer that is an error."""

    status: int
    code: str
    message: str


Inner = str | Refusal | None


def written(action: str, inner: str | None) -> str:
    """A whole answer."""
    result = f"  <{action}Result>\n{inner}  </{action}Result>\n" if inner is not None else ""
    return (
        f'<{action}Response xmlns="{NAMESPACE}">\n{result}  <ResponseMetadata>\n'
        f"    <RequestId>{REQUEST_ID}</RequestId>\n  </ResponseMetadata>\n</{action}Response>\n"
    )


def refused(refusal: Refusal) -> str:
    """A whole refusal."""
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}">\n  <Error>\n    <Type>Sender</Type>\n'
        f"    <Code>{refusal.code}</Code>\n    <Message>{escape(refusal.message)}</Message>\n"
        f"  </Error>\n  <RequestId>{REQUEST_ID}</RequestId>\n</ErrorResponse>\n"
    )


class Answers:
    """Everything is written once, when the server starts."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._users = {user.name: user for user in account.users}
        self._keys = {key.id: (user, key) for user in account.users for key in user.keys}
        self._rows = [self._user(user) for user in account.users]
        self._details = [
            *(("UserDetailList", self._detail(user)) for user in account.users),
            *(("GroupDetailList", self._group_detail(n)) for n in range(len(account.groups))),
            *(("RoleDetailList", self._role(name)) for name in account.roles),
            *(("Policies", self._policy(name, versions=True)) for name in account.policies),
        ]
        self._report = base64.b64encode(_report(account).encode()).decode()
        self.report_made = True

    def answer(self, action: str, asked: Mapping[str, str]) -> Inner:
        """What the action gives; KeyError for an action that is not known here."""
        method = getattr(self, action, None)
        if method is None or not action[0].isupper():
            raise KeyError(action)
        try:
            found: Inner = method(asked)
        except LookupError as missing:
            return Refusal(404, "NoSuchEntity", f"The entity with name {missing} cannot be found.")
        return found

    # --- what Keyreeve and the lean scripts read -------------------------------------------------

    def GenerateCredentialReport(self, _: Mapping[str, str]) -> Inner:
        if self.report_made:
            return _f("State", "COMPLETE")
        self.report_made = True
        return _f("State", "STARTED") + _f("Description", "No report exists.")

    def GetCredentialReport(self, _: Mapping[str, str]) -> Inner:
        made = _f("GeneratedTime", _z(self.account.now))
        return _f("Content", self._report) + _f("ReportFormat", "text/csv") + made

    def GetAccountAuthorizationDetails(self, asked: Mapping[str, str]) -> Inner:
        kinds = {_FILTERS.get(v) for k, v in asked.items() if k.startswith("Filter.")}
        chosen = [row for row in self._details if not kinds or row[0] in kinds]
        page, end = _page(asked, chosen)
        lists = {kind: [row for _, row in rows] for kind, rows in groupby(page, lambda r: r[0])}
        return "".join(_members(kind, lists.get(kind, ())) for kind in _DETAILS) + end

    def GetAccountPasswordPolicy(self, _: Mapping[str, str]) -> Inner:
        return Refusal(404, "NoSuchEntity", "The Password Policy cannot be found.")

    def GetCallerIdentity(self, _: Mapping[str, str]) -> Inner:
        account = self.account
        who = _f("UserId", "AIDABENCHBENCHBENCH00") + _f("Account", account.id)
        return _f("Arn", account.arn("user/bench")) + who

    def ListAccessKeys(self, asked: Mapping[str, str]) -> Inner:
        user = self._users[asked["UserName"]]
        return _members("AccessKeyMetadata", [_key(user, key) for key in user.keys]) + _END

    # --- what loops over users read --------------------------------------------------------------

    def ListUsers(self, asked: Mapping[str, str]) -> Inner:
        page, end = _page(asked, self._rows)
        return _members("Users", page) + end

    def GetUser(self, asked: Mapping[str, str]) -> Inner:
        user = self._users[asked["UserName"]]
        return f"<User>\n{self._user(user)}{_tags(user)}</User>\n"

    def ListUserTags(self, asked: Mapping[str, str]) -> Inner:
        return _tags(self._users[asked["UserName"]]) + _END

    def GetAccessKeyLastUsed(self, asked: Mapping[str, str]) -> Inner:
        user, key = self._keys[asked["AccessKeyId"]]
        date = _f("LastUsedDate", _z(key.used)) if key.used else ""
        place = ("us-east-1", "s3") if key.used else ("N/A", "N/A")
        used = date + _f("Region", place[0]) + _f("ServiceName", place[1])
        return _f("UserName", user.name) + f"<AccessKeyLastUsed>\n{used}</AccessKeyLastUsed>\n"

    def GetLoginProfile(self, asked: Mapping[str, str]) -> Inner:
        user = self._users[asked["UserName"]]
        if user.changed is None:
            return Refusal(404, "NoSuchEntity", f"Login Profile for {user.name} cannot be found.")
        inner = _f("UserName", user.name) + _f("CreateDate", _z(user.created))
        return f"<LoginProfile>\n{inner}{_f('PasswordResetRequired', 'false')}</LoginProfile>\n"

    def ListMFADevices(self, asked: Mapping[str, str]) -> Inner:
        user = self._users[asked["UserName"]]
        rows = [self._device(user, of=_f("UserName", user.name))] if user.mfa else []
        return _members("MFADevices", rows) + _END

    def ListUserPolicies(self, asked: Mapping[str, str]) -> Inner:
        names = self._users[asked["UserName"]].inline
        return _texts("PolicyNames", names) + _END

    def GetUserPolicy(self, asked: Mapping[str, str]) -> Inner:
        user = self._users[asked["UserName"]]
        name = _f("UserName", user.name) + _f("PolicyName", asked["PolicyName"])
        return name + _f("PolicyDocument", _QUOTED)

    def ListAttachedUserPolicies(self, asked: Mapping[str, str]) -> Inner:
        return self._attached("AttachedPolicies", self._users[asked["UserName"]].attached) + _END

    def ListGroupsForUser(self, asked: Mapping[str, str]) -> Inner:
        names = self._users[asked["UserName"]].groups
        rows = [self._group(self.account.groups.index(name)) for name in names]
        return _members("Groups", rows) + _END

    # --- what peers ask besides ------------------------------------------------------------------

    def ListGroups(self, asked: Mapping[str, str]) -> Inner:
        page, end = _page(asked, [self._group(n) for n in range(len(self.account.groups))])
        return _members("Groups", page) + end

    def GetGroup(self, asked: Mapping[str, str]) -> Inner:
        name = asked["GroupName"]
        inside = zip(self.account.users, self._rows, strict=True)
        page, end = _page(asked, [row for user, row in inside if name in user.groups])
        group = self._group(self.account.groups.index(name))
        return f"<Group>\n{group}</Group>\n" + _members("Users", page) + end

    def ListGroupPolicies(self, _: Mapping[str, str]) -> Inner:
        return _texts("PolicyNames", ()) + _END

    ListRolePolicies = ListGroupPolicies

    def ListAttachedGroupPolicies(self, _: Mapping[str, str]) -> Inner:
        return self._attached("AttachedPolicies", self.account.policies[:1]) + _END

    def ListAttachedRolePolicies(self, _: Mapping[str, str]) -> Inner:
        return _members("AttachedPolicies", ()) + _END

    def ListRoles(self, asked: Mapping[str, str]) -> Inner:
        page, end = _page(asked, [self._role(name) for name in self.account.roles])
        return _members("Roles", page) + end

    def GetRole(self, asked: Mapping[str, str]) -> Inner:
        return f"<Role>\n{self._role(asked['RoleName'])}</Role>\n"

    def ListRoleTags(self, _: Mapping[str, str]) -> Inner:
        return _members("Tags", ()) + _END

    ListPolicyTags = ListRoleTags

    def ListInstanceProfilesForRole(self, _: Mapping[str, str]) -> Inner:
        return _members("InstanceProfiles", ()) + _END

    def ListPolicies(self, asked: Mapping[str, str]) -> Inner:
        ours = [] if asked.get("Scope") == "AWS" else self.account.policies
        page, end = _page(asked, [self._policy(name, versions=False) for name in ours])
        return _members("Policies", page) + end

    def GetPolicy(self, asked: Mapping[str, str]) -> Inner:
        name = asked["PolicyArn"].rpartition("/")[2]
        return f"<Policy>\n{self._policy(name, versions=False)}</Policy>\n"

    def GetPolicyVersion(self, _: Mapping[str, str]) -> Inner:
        return f"<PolicyVersion>\n{self._version()}</PolicyVersion>\n"

    def ListEntitiesForPolicy(self, _: Mapping[str, str]) -> Inner:
        return (
            "".join(_members(f"Policy{kind}", ()) for kind in ("Groups", "Roles", "Users")) + _END
        )

    def ListVirtualMFADevices(self, asked: Mapping[str, str]) -> Inner:
        rows = [
            self._device(user, of=f"<User>\n{row}</User>\n")
            for user, row in zip(self.account.users, self._rows, strict=True)
            if user.mfa
        ]
        page, end = _page(asked, rows)
        return _members("VirtualMFADevices", page) + end

    def ListServiceSpecificCredentials(self, _: Mapping[str, str]) -> Inner:
        return _members("ServiceSpecificCredentials", ())

    def ListSigningCertificates(self, _: Mapping[str, str]) -> Inner:
        return _members("Certificates", ()) + _END

    def ListSSHPublicKeys(self, _: Mapping[str, str]) -> Inner:
        return _members("SSHPublicKeys", ()) + _END

    def ListSAMLProviders(self, _: Mapping[str, str]) -> Inner:
        return _members("SAMLProviderList", ())

    def ListServerCertificates(self, _: Mapping[str, str]) -> Inner:
        return _members("ServerCertificateMetadataList", ()) + _END

    def ListAccountAliases(self, _: Mapping[str, str]) -> Inner:
        return "<AccountAliases/>\n" + _END

    def ListOrganizationsFeatures(self, _: Mapping[str, str]) -> Inner:
        return _f("OrganizationId", "o-0123456789") + "<EnabledFeatures/>\n"

    def GetAccountSummary(self, _: Mapping[str, str]) -> Inner:
        facts = {"Users": len(self._users), "AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0}
        rows = "".join(
            f"<entry>\n{_f('key', k)}{_f('value', v)}</entry>\n" for k, v in facts.items()
        )
        return f"<SummaryMap>\n{rows}</SummaryMap>\n"

    def GenerateServiceLastAccessedDetails(self, _: Mapping[str, str]) -> Inner:
        return _f("JobId", "examplef-1305-c245-eba4-71fe298bcda7")

    def GetServiceLastAccessedDetails(self, _: Mapping[str, str]) -> Inner:
        dates = "".join(
            _f(name, "2024-05-01T00:00:00Z") for name in ("JobCreationDate", "JobCompletionDate")
        )
        return _f("JobStatus", "COMPLETED") + dates + _members("ServicesLastAccessed", ()) + _END

    # --- the parts of an answer ------------------------------------------------------------------

    def _user(self, user: User) -> str:
        used = _f("PasswordLastUsed", _z(user.signed_in)) if user.signed_in else ""
        return self._identity(user) + used

    def _identity(self, user: User) -> str:
        arn = self.account.arn(f"user{user.path}{user.name}")
        name = _f("Path", user.path) + _f("UserName", user.name) + _f("UserId", user.id)
        return name + _f("Arn", arn) + _f("CreateDate", _z(user.created))

    def _detail(self, user: User) -> str:
        inline = _members("UserPolicyList", [_inline(name) for name in user.inline])
        attached = self._attached("AttachedManagedPolicies", user.attached)
        groups = _texts("GroupList", user.groups)
        policies = inline if user.inline else ""
        return self._identity(user) + policies + groups + attached + _tags(user)

    def _group(self, number: int) -> str:
        name = self.account.groups[number]
        head = _f("Path", "/") + _f("GroupName", name) + _f("GroupId", f"AGPA{number:017}")
        arn = _f("Arn", self.account.arn(f"group/{name}"))
        return head + arn + _f("CreateDate", "2020-01-01T00:00:00Z")

    def _group_detail(self, number: int) -> str:
        attached = self._attached("AttachedManagedPolicies", self.account.policies[:1])
        return self._group(number) + _members("GroupPolicyList", ()) + attached

    def _role(self, name: str) -> str:
        if name not in self.account.roles:
            raise KeyError(name)
        head = _f("Path", "/") + _f("RoleName", name) + _f("RoleId", f"AROA{name}")
        arn = _f("Arn", self.account.arn(f"role/{name}")) + _f("CreateDate", "2020-01-01T00:00:00Z")
        return head + arn + _f("AssumeRolePolicyDocument", _TRUSTS) + _f("MaxSessionDuration", 3600)

    def _policy(self, name: str, *, versions: bool) -> str:
        if name not in self.account.policies:
            raise KeyError(name)
        head = _f("PolicyName", name) + _f("PolicyId", f"ANPA{name}")
        arn = _f("Arn", self.account.arn(f"policy/{name}")) + _f("Path", "/")
        rest = _f("DefaultVersionId", "v1") + _f("AttachmentCount", 3) + _f("IsAttachable", "true")
        dates = "".join(_f(n, "2020-01-01T00:00:00Z") for n in ("CreateDate", "UpdateDate"))
        listed = _members("PolicyVersionList", [self._version()]) if versions else ""
        return head + arn + rest + dates + listed

    def _version(self) -> str:
        date = _f("CreateDate", "2023-01-01T00:00:00Z")
        return (
            _f("Document", _QUOTED) + _f("VersionId", "v1") + _f("IsDefaultVersion", "true") + date
        )

    def _attached(self, tag: str, names: Sequence[str]) -> str:
        arn = self.account.arn
        rows = [_f("PolicyName", n) + _f("PolicyArn", arn(f"policy/{n}")) for n in names]
        return _members(tag, rows)

    def _device(self, user: User, *, of: str) -> str:
        serial = _f("SerialNumber", self.account.arn(f"mfa/{user.name}"))
        return serial + _f("EnableDate", _z(user.created)) + of


def _report(account: Account) -> str:
    """The credential report: ISO dates with an offset, N/A, no_information."""
    root = f"<root_account>,{account.arn('root')},2019-01-01T00:00:00+00:00,not_supported,"
    root += "2024-01-01T00:00:00+00:00,not_supported,not_supported,true" + _NO_KEY * 2 + _NO_CERTS
    return "\n".join([_REPORT, root, *(_report_row(account, user) for user in account.users)])


_NO_KEY = ",false,N/A,N/A,N/A,N/A"
_NO_CERTS = ",false,N/A,false,N/A"


def _report_row(account: Account, user: User) -> str:
    enabled = user.changed is not None
    used = _csv(user.signed_in, "no_information") if enabled else "N/A"
    cells = [
        *(user.name, account.arn(f"user{user.path}{user.name}"), _csv(user.created)),
        *(str(enabled).lower(), used, _csv(user.changed), "N/A", str(user.mfa).lower()),
    ]
    keys = "".join(map(_report_key, user.keys)) + _NO_KEY * (2 - len(user.keys))
    return ",".join(cells) + keys + _NO_CERTS


def _report_key(key: Key) -> str:
    place = "us-east-1,s3" if key.used else "N/A,N/A"
    return f",{str(key.active).lower()},{_csv(key.created)},{_csv(key.used)},{place}"


def _csv(at: datetime | None, none: str = "N/A") -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}+00:00" if at else none


def _z(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _f(tag: str, value: object) -> str:
    return f"        <{tag}>{escape(str(value))}</{tag}>\n"


def _members(tag: str, rows: Sequence[str]) -> str:
    inner = "".join(f"      <member>\n{row}      </member>\n" for row in rows)
    return f"    <{tag}>\n{inner}    </{tag}>\n" if rows else f"    <{tag}/>\n"


def _texts(tag: str, values: Sequence[str]) -> str:
    return f"    <{tag}>\n" + "".join(_f("member", v) for v in values) + f"    </{tag}>\n"


def _tags(user: User) -> str:
    return _members("Tags", [_f("Key", key) + _f("Value", value) for key, value in user.tags])


def _inline(name: str) -> str:
    return _f("PolicyName", name) + _f("PolicyDocument", _QUOTED)


def _key(user: User, key: Key) -> str:
    status = _f("Status", "Active" if key.active else "Inactive")
    name = _f("UserName", user.name) + _f("AccessKeyId", key.id)
    return name + status + _f("CreateDate", _z(key.created))


def _page(asked: Mapping[str, str], rows: Sequence[Any]) -> tuple[Sequence[Any], str]:
    """The page that was asked for, and how it ends."""
    at = int(base64.b64decode(asked["Marker"])) if "Marker" in asked else 0
    following = at + min(int(asked.get("MaxItems", 100)), 1000)
    if following >= len(rows):
        return rows[at:following], _END
    marker = base64.b64encode(str(following).encode()).decode()
    return rows[at:following], _f("IsTruncated", "true") + _f("Marker", marker)
