"""The console lived through over HTTP: first sign-in, password, MFA device, and what comes then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.conformance.stage import allow, document, outcome
from tests.sandbox_fixture import MONDAY, aws, sandbox

from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.process import ConsoleSession, Sandbox, SandboxFailed

__all__ = ["sandbox"]

FIRST, CHOSEN = "Initial-Password-of-eve-1!", "Chosen-Password-1!"
EVE = f"arn:aws:iam::{HOME_ACCOUNT}:user/eve"
PHONE = f"arn:aws:iam::{HOME_ACCOUNT}:mfa/eve"
OWN = [EVE.replace("eve", "${aws:username}"), PHONE.replace("eve", "*")]
DENIED, DONE = "AccessDenied", "done"
SELF = allow(["iam:*MFADevice*", "iam:ChangePassword", "iam:GetUser"], *OWN)
BEFORE_MFA = {
    "Effect": "Deny",
    "NotAction": ["iam:*MFADevice*", "iam:ChangePassword", "iam:GetUser"],
    "Resource": "*",
    "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
}
ONBOARDING = (SELF, allow("iam:ListRoles"), BEFORE_MFA)


def newcomer(sandbox: Sandbox, *statements: Any, **policy: Any) -> None:
    """Eve has a password that must be changed, and these rights by her group."""
    data = {
        "users": [
            {
                "name": "eve",
                "groups": ["MFA-Setup"],
                "password": {"changed": "1d", "reset_required": True},
                "keys": [{"created": "1d"}],
            }
        ],
        "groups": [{"name": "MFA-Setup"}],
        **({"password_policy": policy} if policy else {}),
    }
    sandbox.reset(data, MONDAY, enforce=True)
    if statements:
        aws(sandbox.url, "iam").put_group_policy(
            GroupName="MFA-Setup", PolicyName="p", PolicyDocument=document(*statements)
        )


def iam(sandbox: Sandbox, session: ConsoleSession) -> Any:
    return aws(sandbox.url, "iam", session.access_key, session.secret, session.token)


def change(client: Any, old: str = FIRST, new: str = CHOSEN) -> str:
    return outcome(lambda: client.change_password(OldPassword=old, NewPassword=new))


def enrol(sandbox: Sandbox, client: Any) -> str:
    made = client.create_virtual_mfa_device(VirtualMFADeviceName="eve")["VirtualMFADevice"]
    assert made["SerialNumber"] == PHONE
    codes = {
        "AuthenticationCode1": sandbox.otp(PHONE, -1),
        "AuthenticationCode2": sandbox.otp(PHONE),
    }
    return outcome(lambda: client.enable_mfa_device(UserName="eve", SerialNumber=PHONE, **codes))


def test_the_way_from_the_first_sign_in_to_a_session_with_mfa(sandbox: Sandbox) -> None:
    newcomer(sandbox, *ONBOARDING)
    session = sandbox.sign_in("eve", FIRST)
    assert (session.mfa, session.must_change_password) == (False, True)
    client = iam(sandbox, session)
    assert outcome(client.get_user) == outcome(client.list_mfa_devices) == DENIED
    assert change(client) == DONE
    assert outcome(client.get_user) == outcome(client.list_mfa_devices) == DONE
    assert outcome(client.list_roles) == DENIED
    assert enrol(sandbox, client) == DONE
    # The session was begun without the device, and stays so.
    assert outcome(client.list_roles) == DENIED
    with pytest.raises(SandboxFailed, match="Failed authentication"):
        sandbox.sign_in("eve", CHOSEN)
    again = sandbox.sign_in("eve", CHOSEN, sandbox.otp(PHONE))
    assert (again.mfa, again.must_change_password) == (True, False)
    assert outcome(iam(sandbox, again).list_roles) == DONE


def test_a_forced_change_needs_the_right_to_change(sandbox: Sandbox) -> None:
    """The known dead-lock: the deny without MFA forbids the change that comes before MFA."""
    strict = {**BEFORE_MFA, "NotAction": ["iam:*MFADevice*"]}
    newcomer(sandbox, SELF, strict)
    client = iam(sandbox, sandbox.sign_in("eve", FIRST))
    assert change(client) == DENIED
    assert outcome(lambda: client.create_virtual_mfa_device(VirtualMFADeviceName="eve")) == DENIED


def test_the_account_may_grant_that_right_to_everybody(sandbox: Sandbox) -> None:
    newcomer(sandbox, AllowUsersToChangePassword=True, MinimumPasswordLength=14)
    client = iam(sandbox, sandbox.sign_in("eve", FIRST))
    assert outcome(client.get_account_password_policy) == DONE
    assert change(client) == DONE
    assert outcome(client.get_user) == DENIED


def test_a_chosen_password_keeps_to_the_accounts_policy(sandbox: Sandbox) -> None:
    newcomer(
        sandbox,
        AllowUsersToChangePassword=True,
        MinimumPasswordLength=14,
        PasswordReusePrevention=2,
    )
    client = iam(sandbox, sandbox.sign_in("eve", FIRST))
    assert change(client, old="wrong") == "InvalidUserType"
    assert change(client, new="short-1!") == "PasswordPolicyViolation"
    assert change(client, new=FIRST) == "PasswordPolicyViolation"
    assert sandbox.sign_in("eve", FIRST).must_change_password
    assert change(client) == DONE
    assert change(client, old=CHOSEN, new=FIRST) == "PasswordPolicyViolation"
    assert change(client, old=CHOSEN, new=f"{CHOSEN}2") == DONE
    assert change(client, old=f"{CHOSEN}2", new=FIRST) == DONE


def test_a_long_term_key_is_not_kept_by_a_pending_change(sandbox: Sandbox) -> None:
    newcomer(sandbox, *ONBOARDING)
    key = aws(sandbox.url, "iam").create_access_key(UserName="eve")["AccessKey"]
    own = aws(sandbox.url, "iam", key["AccessKeyId"], key["SecretAccessKey"])
    assert outcome(own.get_user) == DONE
    assert outcome(own.list_roles) == DENIED
    assert change(own) == DONE
    assert not sandbox.sign_in("eve", CHOSEN).must_change_password


@pytest.mark.parametrize(
    ("user", "password", "otp"),
    [
        ("nobody", FIRST, None),
        ("eve", "wrong", None),
        ("keyreeve", "", None),
        ("mallory", "Initial-Password-of-mallory-1!", None),
        ("mallory", "Initial-Password-of-mallory-1!", "000000"),
    ],
)
def test_the_console_lets_nobody_in_without_password_and_code(
    user: str, password: str, otp: str | None, sandbox: Sandbox
) -> None:
    mallory = {"name": "mallory", "mfa": True, "password": {"changed": "1d"}}
    eve = {"name": "eve", "password": {"changed": "1d"}}
    sandbox.reset({"users": [mallory, eve]}, MONDAY, enforce=True)
    serial = f"arn:aws:iam::{HOME_ACCOUNT}:mfa/mallory"
    assert sandbox.otp(serial) != "000000"
    with pytest.raises(SandboxFailed, match="Failed authentication"):
        sandbox.sign_in(user, password, otp)
    assert sandbox.account()["users"]["eve"]["login_profile"]["last_sign_in"] is None
    assert sandbox.sign_in("mallory", "Initial-Password-of-mallory-1!", sandbox.otp(serial)).mfa


@pytest.mark.parametrize("hard", [False, True])
def test_a_password_that_is_over_is_changed_first_or_lets_nobody_in(
    sandbox: Sandbox, *, hard: bool
) -> None:
    newcomer(sandbox, MaxPasswordAge=90, HardExpiry=hard, AllowUsersToChangePassword=True)
    change(iam(sandbox, sandbox.sign_in("eve", FIRST)))
    assert not sandbox.sign_in("eve", CHOSEN).must_change_password
    sandbox.set_clock(MONDAY + timedelta(days=90))
    if hard:
        with pytest.raises(SandboxFailed, match="has expired"):
            sandbox.sign_in("eve", CHOSEN)
    else:
        assert sandbox.sign_in("eve", CHOSEN).must_change_password


def test_a_sign_in_is_stamped_and_its_session_lasts_half_a_day(sandbox: Sandbox) -> None:
    newcomer(sandbox, *ONBOARDING)
    session = sandbox.sign_in("eve", FIRST)
    told = sandbox.user("eve")["login_profile"]["last_sign_in"]
    assert told == MONDAY.isoformat()
    assert session.expires == MONDAY + timedelta(hours=12)
    sts = aws(sandbox.url, "sts", session.access_key, session.secret, session.token)
    assert sts.get_caller_identity()["Arn"] == EVE
    assert outcome(sts.get_session_token) == DENIED
    sandbox.set_clock(session.expires)
    assert outcome(sts.get_caller_identity) == "ExpiredToken"
    assert session.secret not in repr(session)
    assert session.token not in repr(session)


def test_root_may_do_everything_but_assume_a_role(sandbox: Sandbox) -> None:
    newcomer(sandbox)
    session = sandbox.sign_in_as_root()
    assert outcome(iam(sandbox, session).list_users) == DONE
    sts = aws(sandbox.url, "sts", session.access_key, session.secret, session.token)
    root = f"arn:aws:iam::{HOME_ACCOUNT}:root"
    assert sts.get_caller_identity()["Arn"] == root
    role = f"arn:aws:iam::{HOME_ACCOUNT}:role/any"
    with pytest.raises(ClientError, match="may not be assumed by root"):
        sts.assume_role(RoleArn=role, RoleSessionName="root")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (-1, 0, DONE),
        (0, 1, DONE),
        (0, 0, "InvalidAuthenticationCode"),
        (0, -1, "InvalidAuthenticationCode"),
        (-2, 0, "InvalidAuthenticationCode"),
        (100, 101, "InvalidAuthenticationCode"),
    ],
)
def test_a_device_is_enrolled_with_two_codes_that_follow_each_other(
    first: int, second: int, expected: str, sandbox: Sandbox
) -> None:
    newcomer(sandbox)
    admin = aws(sandbox.url, "iam")
    admin.create_virtual_mfa_device(VirtualMFADeviceName="eve")
    codes = {
        "AuthenticationCode1": sandbox.otp(PHONE, first),
        "AuthenticationCode2": sandbox.otp(PHONE, second),
    }
    enrolled = {"UserName": "eve", "SerialNumber": PHONE, **codes}
    assert outcome(lambda: admin.enable_mfa_device(**enrolled)) == expected
    assert len(admin.list_mfa_devices(UserName="eve")["MFADevices"]) == (expected == DONE)


def test_a_device_is_used_by_one_user_and_freed_before_it_is_deleted(sandbox: Sandbox) -> None:
    newcomer(sandbox)
    admin = aws(sandbox.url, "iam")
    enrol(sandbox, admin)
    taken = {
        "SerialNumber": PHONE,
        "AuthenticationCode1": sandbox.otp(PHONE, -1),
        "AuthenticationCode2": sandbox.otp(PHONE),
    }
    again = lambda name: outcome(lambda: admin.enable_mfa_device(UserName=name, **taken))  # noqa: E731
    delete = lambda: outcome(lambda: admin.delete_virtual_mfa_device(SerialNumber=PHONE))  # noqa: E731
    assert again("keyreeve") == again("eve") == "EntityAlreadyExists"
    resync = lambda: outcome(lambda: admin.resync_mfa_device(UserName="eve", **taken))  # noqa: E731
    assert resync() == DONE
    assert delete() == "DeleteConflict"
    admin.deactivate_mfa_device(UserName="eve", SerialNumber=PHONE)
    assert resync() == "NoSuchEntity"
    assert [delete(), delete()] == [DONE, "NoSuchEntity"]


def test_the_sandboxs_own_people_enrol_without_showing_codes(sandbox: Sandbox) -> None:
    newcomer(sandbox)
    serial = sandbox.act("eve", "enrol_mfa")["serial"]
    assert sandbox.sign_in("eve", FIRST, sandbox.otp(serial)).mfa
