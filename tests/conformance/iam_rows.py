"""Rows of IAM and STS: login profiles, lists, ids, keys, policies, MFA devices, tags, groups."""

from __future__ import annotations

from typing import Any

from tests.conformance.rows import (
    EVERYTHING,
    PASSWORD,
    UNIMPLEMENTED,
    Clients,
    Row,
    Skip,
    outcome,
    user,
)

from keyreeve.sandbox.account import HOME_ACCOUNT

OTHER_ACCOUNT = Skip("the serial number is one of the sandbox's account")


def profile(clients: Clients) -> Any:
    iam = user(clients)
    iam.create_login_profile(UserName="someone", Password=PASSWORD, PasswordResetRequired=True)
    return iam


def reset_required(clients: Clients) -> Any:
    told = profile(clients).get_login_profile(UserName="someone")
    return told["LoginProfile"]["PasswordResetRequired"]


def update_without_password(clients: Clients) -> Any:
    iam = profile(clients)
    iam.update_login_profile(UserName="someone", PasswordResetRequired=False)
    return outcome(lambda: iam.get_login_profile(UserName="someone"))


def weak_password(clients: Clients) -> Any:
    iam = user(clients)
    return outcome(lambda: iam.create_login_profile(UserName="someone", Password="x"))


def change_own_password(clients: Clients) -> Any:
    key = profile(clients).create_access_key(UserName="someone")["AccessKey"]
    own = clients("iam", key["AccessKeyId"], key["SecretAccessKey"])
    return outcome(lambda: own.change_password(OldPassword=PASSWORD, NewPassword=PASSWORD + "2"))


def first_page_of_users(clients: Clients) -> Any:
    page = user(clients).list_users(MaxItems=1)
    user(clients, "another")
    page = clients("iam").list_users(MaxItems=1)
    return len(page["Users"]), page["IsTruncated"]


def first_page_of_details(clients: Clients) -> Any:
    user(clients)
    iam = user(clients, "another")
    page = iam.get_account_authorization_details(MaxItems=1, Filter=["User"])
    return len(page["UserDetailList"]), page["IsTruncated"]


def policy_names_in_details(clients: Clients) -> Any:
    iam = clients("iam")
    iam.create_policy(PolicyName="own", PolicyDocument=EVERYTHING)
    details = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])
    return next(
        (p["PolicyName"] for p in details["Policies"] if p.get("PolicyName") == "own"), None
    )


def id_prefixes(clients: Clients) -> Any:
    iam = user(clients)
    group = iam.create_group(GroupName="somewhere")["Group"]
    told = iam.get_user(UserName="someone")["User"]["UserId"][:4], group["GroupId"][:4]
    return told if told[0].isupper() else "random"


def aws_managed_policy(clients: Clients) -> Any:
    arn = "arn:aws:iam::aws:policy/job-function/NetworkAdministrator"
    return outcome(lambda: user(clients).attach_user_policy(UserName="someone", PolicyArn=arn))


def mfa_device(clients: Clients) -> Any:
    iam = user(clients)
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    serial = made["SerialNumber"]
    codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
    iam.enable_mfa_device(UserName="someone", SerialNumber=serial, **codes)
    return outcome(lambda: iam.get_mfa_device(SerialNumber=serial), lambda it: it["UserName"])


def delete_user_with_key(clients: Clients) -> Any:
    iam = user(clients)
    iam.create_access_key(UserName="someone")
    return outcome(lambda: iam.delete_user(UserName="someone"))


def delete_user_with_ssh_key(clients: Clients) -> Any:
    iam = user(clients)
    iam.upload_ssh_public_key(UserName="someone", SSHPublicKeyBody="ssh-rsa AAAAB3NzaC1yc2E x")
    return outcome(lambda: iam.delete_user(UserName="someone"))


def call_with_inactive_key(clients: Clients) -> Any:
    iam = user(clients)
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    iam.update_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    own = clients("sts", key["AccessKeyId"], key["SecretAccessKey"])
    return outcome(own.get_caller_identity)


def third_key(clients: Clients) -> Any:
    iam = user(clients)
    for _ in range(2):
        iam.create_access_key(UserName="someone")
    return outcome(lambda: iam.create_access_key(UserName="someone"))


def keys_of_nobody(clients: Clients) -> Any:
    return outcome(lambda: clients("iam").list_access_keys(UserName="nobody"))


def act_of_a_user_without_rights(clients: Clients) -> Any:
    """AWS would refuse this user; here nobody is, unless enforcement is on (test_enforcement)."""
    iam = user(clients)
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    own = clients("iam", key["AccessKeyId"], key["SecretAccessKey"])
    return outcome(lambda: own.create_user(UserName="intruder"))


def simulate_policy(clients: Clients) -> Any:
    iam = user(clients)
    arn = iam.get_user(UserName="someone")["User"]["Arn"]
    call = lambda: iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:*"])  # noqa: E731
    return "unimplemented" if outcome(call) in UNIMPLEMENTED else "works"


def session_token(clients: Clients) -> Any:
    """Whose the credentials of GetSessionToken are."""
    key = user(clients).create_access_key(UserName="someone")["AccessKey"]
    own = key["AccessKeyId"], key["SecretAccessKey"]
    given = clients("sts", *own).get_session_token()["Credentials"]
    session = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    return clients("sts", *session).get_caller_identity()["Arn"].rpartition("/")[2]


def device_that_is_not_there(clients: Clients) -> Any:
    serial = f"arn:aws:iam::{HOME_ACCOUNT}:mfa/nothing"
    codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
    iam = user(clients)
    return outcome(lambda: iam.enable_mfa_device(UserName="someone", SerialNumber=serial, **codes))


def device_in_use_deleted(clients: Clients) -> Any:
    mfa_device(clients)
    serial = clients("iam").list_virtual_mfa_devices()["VirtualMFADevices"][0]["SerialNumber"]
    return outcome(lambda: clients("iam").delete_virtual_mfa_device(SerialNumber=serial))


def device_resynchronised(clients: Clients) -> Any:
    codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
    serial = f"arn:aws:iam::{HOME_ACCOUNT}:mfa/nothing"
    iam = user(clients)
    return outcome(lambda: iam.resync_mfa_device(UserName="someone", SerialNumber=serial, **codes))


def devices_of_whoever_asks(clients: Clients) -> Any:
    key = user(clients).create_access_key(UserName="someone")["AccessKey"]
    own = clients("iam", key["AccessKeyId"], key["SecretAccessKey"])
    return outcome(own.list_mfa_devices, lambda found: found["MFADevices"])


def credentials_of_other_services(clients: Clients) -> Any:
    """Made, listed with those of all users, taken away; the list never tells the password."""
    iam, service = user(clients), "codecommit.amazonaws.com"

    def live() -> Any:
        made = iam.create_service_specific_credential(UserName="someone", ServiceName=service)
        id_ = made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
        rows = iam.list_service_specific_credentials(AllUsers=True)["ServiceSpecificCredentials"]
        iam.delete_service_specific_credential(UserName="someone", ServiceSpecificCredentialId=id_)
        own = [it for it in rows if it["ServiceSpecificCredentialId"] == id_]
        return [(it["Status"], "ServicePassword" in it) for it in own]

    return outcome(live, lambda found: found)


def services_last_used(clients: Clients) -> Any:
    iam = user(clients)
    arn = iam.get_user(UserName="someone")["User"]["Arn"]
    return outcome(
        lambda: iam.generate_service_last_accessed_details(Arn=arn),
        lambda job: iam.get_service_last_accessed_details(JobId=job["JobId"])[
            "ServicesLastAccessed"
        ],
    )


def tag_in_another_case(clients: Clients) -> Any:
    iam = user(clients)
    for key, value in (("Team", "a"), ("team", "b")):
        iam.tag_user(UserName="someone", Tags=[{"Key": key, "Value": value}])
    return [tag["Value"] for tag in iam.list_user_tags(UserName="someone")["Tags"]]


def tag_of_aws_own(clients: Clients) -> Any:
    tags = [{"Key": "aws:team", "Value": "a"}]
    return outcome(lambda: user(clients).tag_user(UserName="someone", Tags=tags))


def unknown_role(clients: Clients) -> Any:
    arn = "arn:aws:iam::123456789012:role/nowhere"
    return outcome(lambda: clients("sts").assume_role(RoleArn=arn, RoleSessionName="session"))


def too_many_tags(clients: Clients) -> Any:
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
    return outcome(lambda: user(clients).tag_user(UserName="someone", Tags=tags))


def boundary(clients: Clients) -> Any:
    iam = user(clients)
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    call = lambda: iam.put_user_permissions_boundary(UserName="someone", PermissionsBoundary=arn)  # noqa: E731
    return "unimplemented" if outcome(call) in UNIMPLEMENTED else "works"


def group(clients: Clients) -> Any:
    iam = user(clients)
    iam.create_group(GroupName="somewhere")
    return iam


def path_of_a_moved_group(clients: Clients) -> Any:
    iam = group(clients)
    iam.update_group(GroupName="somewhere", NewPath="/moved/")
    return iam.get_group(GroupName="somewhere")["Group"]["Path"]


def delete_group_with_a_member(clients: Clients) -> Any:
    iam = group(clients)
    iam.add_user_to_group(GroupName="somewhere", UserName="someone")
    told = outcome(lambda: iam.delete_group(GroupName="somewhere"))
    if told != "accepted":
        iam.remove_user_from_group(GroupName="somewhere", UserName="someone")
    return told


DIFFERENCES = (
    Row(reset_required, False, True),
    Row(update_without_password, "NoSuchEntity", "accepted"),
    Row(weak_password, "accepted", "PasswordPolicyViolation"),
    Row(change_own_password, "NotImplementedError", "accepted", "AccessDenied"),
    Row(first_page_of_users, (2, False), (1, True)),
    Row(first_page_of_details, (2, False), (1, True)),
    Row(policy_names_in_details, None, "own"),
    Row(id_prefixes, "random", ("AIDA", "AGPA")),
    Row(aws_managed_policy, "NoSuchEntity", "accepted"),
    Row(
        mfa_device, "NotImplementedError", "someone", Skip("it asks for the codes of a true device")
    ),
    Row(delete_user_with_key, "accepted", "DeleteConflict"),
    Row(
        *(delete_user_with_ssh_key, "accepted", "DeleteConflict"),
        Skip("it asks for a true key"),
    ),
    Row(call_with_inactive_key, "accepted", "InvalidClientTokenId"),
    Row(simulate_policy, "unimplemented", "works"),
    Row(boundary, "unimplemented", "works"),
    Row(too_many_tags, "accepted", "LimitExceeded"),
    Row(tag_in_another_case, ["a", "b"], ["b"]),
    Row(tag_of_aws_own, "accepted", "InvalidInput"),
    Row(session_token, "moto", "someone"),
    Row(device_that_is_not_there, "accepted", "NoSuchEntity", OTHER_ACCOUNT),
    Row(
        *(device_in_use_deleted, "accepted", "DeleteConflict"),
        Skip("it asks for the codes of a true device"),
    ),
    Row(device_resynchronised, "NotImplementedError", "NoSuchEntity", OTHER_ACCOUNT),
    Row(devices_of_whoever_asks, "NoSuchEntity", [], "AccessDenied"),
    Row(credentials_of_other_services, "NotImplementedError", [("Active", False)]),
    Row(services_last_used, "NotImplementedError", []),
    Row(path_of_a_moved_group, "/", "/moved/"),
    Row(delete_group_with_a_member, "accepted", "DeleteConflict"),
)
AS_AWS = (
    Row(third_key, "LimitExceeded", "LimitExceeded"),
    Row(keys_of_nobody, "NoSuchEntity", "NoSuchEntity"),
)
LEFT_UNLIKE_AWS = (
    Row(act_of_a_user_without_rights, "accepted", "accepted", "AccessDenied"),
    Row(unknown_role, "accepted", "accepted", "AccessDenied"),
)
