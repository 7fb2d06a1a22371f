"""Reads one AWS account, wholly or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from keyreeve.aws.failures import calling
from keyreeve.aws.iam_details import account_details
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import (
    AccountUnreadable,
    AwsFailure,
    Conflict,
    LimitExceeded,
    NotFound,
)
from keyreeve.model.identifiers import AccessKeyId, AccountId, UserId, UserName
from keyreeve.model.snapshot import Caller, LiveKey, LiveUser, PasswordPolicy
from keyreeve.ports import AccountDetails, Clock, CredentialReport

_ACTIVE: Final = {"Active": True, "Inactive": False, "Expired": False}

_REPORT_TRIES = 40
_LONGEST_WAIT = 8.0
"""Seconds. With 40 tries the report has about five minutes."""


class IamReader:
    """`ports.AccountReader` over IAM and STS."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._iam = sessions.client("iam")
        self._clock = clock
        self._known_caller: Caller | None = None

    def caller(self) -> Caller:
        """AWS's word for it. AccountUnreadable if it does not know us: nothing can start.

        Asked once: who a session is does not change while it lasts.
        """
        try:
            self._known_caller = self._known_caller or self._assumed() or self._caller()
        except AwsFailure as failure:
            raise AccountUnreadable(
                failure.what, where=failure.where, remedy=failure.remedy
            ) from failure
        return self._known_caller

    def credential_report(self) -> CredentialReport:
        """Generate, poll with back-off, get. AccountUnreadable if it is not ready in time."""
        wait = 0.5
        for _ in range(_REPORT_TRIES):
            report = self._report_if_ready()
            if report is not None:
                return report
            self._clock.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        raise AccountUnreadable(
            f"AWS did not finish the report in {_REPORT_TRIES} tries",
            where="iam:GetCredentialReport",
            remedy="Run again in some minutes.",
        )

    @calling("iam:GetAccountAuthorizationDetails")
    def details(self) -> AccountDetails:
        """Users with tags, groups, inline and managed policies; all pages."""
        pages = list(
            all_pages(
                self._iam.get_account_authorization_details,
                Filter=["User", "Group", "LocalManagedPolicy"],
                MaxItems=1000,
            )
        )
        return account_details(pages)

    def password_policy(self) -> PasswordPolicy:
        """GetAccountPasswordPolicy; AWS's defaults where the account has none."""
        try:
            return self._custom_password_policy()
        except NotFound:
            return PasswordPolicy()

    @calling("iam:ListAccessKeys")
    def access_keys(self, user: UserName) -> tuple[LiveKey, ...]:
        """ListAccessKeys. NotFound if the user is gone."""
        pages = all_pages(self._iam.list_access_keys, UserName=user)
        return tuple(_live_key(row) for page in pages for row in page["AccessKeyMetadata"])

    @calling("iam:GetAccessKeyLastUsed")
    def access_key_last_used(self, key: AccessKeyId) -> datetime | None:
        """GetAccessKeyLastUsed; None: never."""
        answer = self._iam.get_access_key_last_used(AccessKeyId=key)
        # An answer without this part is garbled: it must not read as "never used".
        return answer["AccessKeyLastUsed"].get("LastUsedDate")

    @calling("iam:GetUser")
    def user(self, user: UserName) -> LiveUser:
        """GetUser with tags. NotFound if gone."""
        found = self._iam.get_user(UserName=user)["User"]
        return LiveUser(
            user_id=UserId(found["UserId"]),
            name=UserName(found["UserName"]),
            arn=found["Arn"],
            created_at=found["CreateDate"],
            tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", ())},
            password_last_used=found.get("PasswordLastUsed"),
        )

    def has_login_profile(self, user: UserName) -> bool:
        """GetLoginProfile; NoSuchEntity means no."""
        try:
            self._login_profile(user)
        except NotFound:
            return False
        return True

    def must_change_password(self, user: UserName) -> bool:
        """GetLoginProfile's PasswordResetRequired; False without a login profile."""
        try:
            return self._login_profile(user)
        except NotFound:
            return False

    @calling("iam:ListMFADevices")
    def has_mfa_device(self, user: UserName) -> bool:
        """ListMFADevices."""
        pages = all_pages(self._iam.list_mfa_devices, UserName=user)
        return any(page["MFADevices"] for page in pages)

    @calling("sts:AssumeRole")
    def _assumed(self) -> Caller | None:
        """Who may act is asked with the very credentials that the acts are signed with."""
        return self._sessions.assumed() if self._sessions.rehearsal else None

    @calling("sts:GetCallerIdentity")
    def _caller(self) -> Caller:
        answer = self._sessions.client("sts").get_caller_identity()
        return Caller(
            account_id=AccountId(answer["Account"]), arn=answer["Arn"], user_id=answer["UserId"]
        )

    def _report_if_ready(self) -> CredentialReport | None:
        """None: ask again later."""
        try:
            if self._generate_report() == "COMPLETE":
                return self._get_report()
        except (Conflict, LimitExceeded):
            pass  # still being made; or Generate was asked too often
        except NotFound:
            pass  # expired between the two calls: the next Generate makes a new one
        return None

    @calling("iam:GenerateCredentialReport")
    def _generate_report(self) -> str:
        return self._iam.generate_credential_report()["State"]

    @calling("iam:GetCredentialReport")
    def _get_report(self) -> CredentialReport:
        answer = self._iam.get_credential_report()
        return CredentialReport(content=answer["Content"], generated_at=answer["GeneratedTime"])

    @calling("iam:GetAccountPasswordPolicy")
    def _custom_password_policy(self) -> PasswordPolicy:
        policy = self._iam.get_account_password_policy()["PasswordPolicy"]
        return PasswordPolicy(
            minimum_length=policy["MinimumPasswordLength"],
            require_uppercase=policy["RequireUppercaseCharacters"],
            require_lowercase=policy["RequireLowercaseCharacters"],
            require_numbers=policy["RequireNumbers"],
            require_symbols=policy["RequireSymbols"],
            users_may_change=policy["AllowUsersToChangePassword"],
            hard_expiry=policy.get("HardExpiry", False),
            reuse_prevention=policy.get("PasswordReusePrevention", 0),
            max_age_days=policy.get("MaxPasswordAge", 0),
            custom=True,
        )

    @calling("iam:GetLoginProfile")
    def _login_profile(self, user: UserName) -> bool:
        # An answer without the flag has taught nothing.
        return self._iam.get_login_profile(UserName=user)["LoginProfile"]["PasswordResetRequired"]


def _live_key(row: Mapping[str, Any]) -> LiveKey:
    return LiveKey(
        key_id=AccessKeyId(row["AccessKeyId"]),
        active=_ACTIVE[row["Status"]],
        created_at=row["CreateDate"],
    )


def all_pages(ask: Callable[..., Any], **parameters: Any) -> Iterator[Mapping[str, Any]]:
    """All pages. The SDK's paginator takes a truncated page without a marker for the last one."""
    seen: set[str] = set()
    while True:
        page = ask(**parameters)
        yield page
        if not page.get("IsTruncated", False):
            return
        marker = page["Marker"]
        if marker in seen:
            raise ValueError(marker)
        seen.add(marker)
        parameters["Marker"] = marker
