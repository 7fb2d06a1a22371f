"""Where the emulator differs from AWS, and what is done about it.

Each row is one probe, put to stock moto and to the sandbox; with `--live` to a real account (see
live.py). `stock` failing means that moto has changed, perhaps so far that the patch may go. Rows
whose `aws` is another than `ours` say what no test on the sandbox can prove.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from moto import mock_aws
from tests.conformance.chain_rows import ROWS as CHAIN
from tests.conformance.live import LiveAccount
from tests.sandbox_fixture import MONDAY, aws, sandbox, session
from tests.sandbox_stacks import package

from keyreeve.sandbox.account import HOME_ACCOUNT, REGION
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

PASSWORD = "Long-Enough-Password-1!"
EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
SECRET = "keyreeve/conformance"
Clients = Callable[..., Any]


def outcome(call: Callable[[], Any], found: Callable[[Any], Any] = lambda _: "accepted") -> Any:
    """What the call answers, or the name of its error."""
    try:
        return found(call())
    except ClientError as error:
        return error.response["Error"]["Code"]
    except (BotoCoreError, ResponseParserError, NotImplementedError) as error:
        return type(error).__name__


def user(clients: Clients, name: str = "someone") -> Any:
    iam = clients("iam")
    iam.create_user(UserName=name)
    return iam


def report(iam: Any) -> tuple[list[list[str]], Any]:
    while iam.generate_credential_report()["State"] != "COMPLETE":
        time.sleep(0.02)
    told = iam.get_credential_report()
    return list(csv.reader(io.StringIO(told["Content"].decode()))), told["GeneratedTime"]


def report_row(iam: Any, name: str) -> dict[str, str]:
    head, *rows = report(iam)[0]
    return next(dict(zip(head, row, strict=False)) for row in rows if row[0] == name)


# --- probes: the credential report --------------------------------------------------------------


def root_row(clients: Clients) -> Any:
    return report(clients("iam"))[0][1:2] != [] and report(clients("iam"))[0][1][0]


def generated_time(clients: Clients) -> Any:
    return report(clients("iam"))[1].isoformat()


def cells_without_password(clients: Clients) -> Any:
    row = report_row(user(clients), "someone")
    return row["password_last_used"], row["password_last_changed"] == "N/A"


def cells_of_an_unused_key(clients: Clients) -> Any:
    iam = user(clients)
    iam.create_access_key(UserName="someone")
    row = report_row(iam, "someone")
    return row["access_key_1_last_used_region"], row["access_key_1_last_used_service"]


def comma_in_a_name(clients: Clients) -> Any:
    return (
        "one row each"
        if len({len(row) for row in report(user(clients, "a,b"))[0]}) == 1
        else "broken"
    )


def second_report(clients: Clients) -> Any:
    iam = user(clients)
    report(iam)
    iam.create_user(UserName="newcomer")
    rows, _ = report(iam)
    return "fresh" if any(row[0] == "newcomer" for row in rows) else "cached"


# --- probes: login profiles ---------------------------------------------------------------------


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


# --- probes: lists, ids, policies, deletion -----------------------------------------------------


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


# --- probes: SES --------------------------------------------------------------------------------


def mail_account(clients: Clients) -> Any:
    return outcome(clients("sesv2").get_account, lambda it: it["SendQuota"]["Max24HourSend"])


def send(clients: Clients, source: str) -> Any:
    raw = f"From: {source}\nTo: b@example.org\nSubject: x\n\nx".encode()
    return clients("sesv2").send_email(
        FromEmailAddress=source,
        Destination={"ToAddresses": ["b@example.org"]},
        Content={"Raw": {"Data": raw}},
    )


def mail_id(clients: Clients) -> Any:
    clients("sesv2").create_email_identity(EmailIdentity="verified.example")
    message_id = send(clients, "a@verified.example")["MessageId"]
    return "as AWS" if (message_id[:4], message_id[-7:]) == ("0100", "-000000") else "random"


def unverified_sender(clients: Clients) -> Any:
    return outcome(lambda: send(clients, "a@unverified.example"))


# --- probes: S3 and what is left ----------------------------------------------------------------


def new_bucket(clients: Clients) -> Any:
    s3, bucket = clients("s3"), f"keyreeve-conformance-{secrets.token_hex(6)}"
    region = s3.meta.region_name
    place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **({} if region == "us-east-1" else place))
    return s3, bucket


def put_if_absent_twice(clients: Clients) -> Any:
    s3, bucket = new_bucket(clients)
    s3.put_object(Bucket=bucket, Key="once", Body=b"1", IfNoneMatch="*")
    return outcome(lambda: s3.put_object(Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*"))


def put_over_a_newer_version(clients: Clients) -> Any:
    s3, bucket = new_bucket(clients)
    old = s3.put_object(Bucket=bucket, Key="state", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="state", Body=b"2")
    return outcome(lambda: s3.put_object(Bucket=bucket, Key="state", Body=b"3", IfMatch=old))


@contextmanager
def new_secret(clients: Clients) -> Iterator[Any]:
    """The client of an account with one secret, which is taken away again."""
    client = clients("secretsmanager")
    client.create_secret(Name=SECRET, SecretString="x")
    try:
        yield client
    finally:
        client.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)


def secret_policy(effect: str, **condition: Any) -> str:
    statement = {
        "Effect": effect,
        "Principal": "*",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
        **condition,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def secret_that_its_policy_denies(clients: Clients) -> Any:
    others = secret_policy("Deny", Condition={"StringNotEquals": {"aws:userid": "AIDANOBODY"}})
    with new_secret(clients) as client:
        client.put_resource_policy(SecretId=SECRET, ResourcePolicy=others)
        return outcome(lambda: client.get_secret_value(SecretId=SECRET))


def policy_that_opens_a_secret(clients: Clients) -> Any:
    opened = secret_policy("Allow")
    with new_secret(clients) as client:
        return outcome(
            lambda: client.put_resource_policy(
                SecretId=SECRET, ResourcePolicy=opened, BlockPublicPolicy=True
            )
        )


def same_value_put_twice(clients: Clients) -> Any:
    with new_secret(clients) as client:
        for _ in "ab":
            client.put_secret_value(SecretId=SECRET, SecretString="y", ClientRequestToken="t" * 32)
        return len(client.describe_secret(SecretId=SECRET)["VersionIdsToStages"])


def name_of_a_secret_taken_twice(clients: Clients) -> Any:
    with new_secret(clients) as client:
        return outcome(lambda: client.create_secret(Name=SECRET))


def missing_secret_discarded(clients: Clients) -> Any:
    client = clients("secretsmanager")
    return outcome(lambda: client.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True))


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


# --- probes: what no test on the emulator can prove -----------------------------------------------


def encryption_of_a_plain_put(clients: Clients) -> Any:
    s3, bucket = new_bucket(clients)
    s3.put_object(Bucket=bucket, Key="plain", Body=b"1")
    return s3.head_object(Bucket=bucket, Key="plain").get("ServerSideEncryption", "none told")


def put_where_the_expected_version_is_gone(clients: Clients) -> Any:
    s3, bucket = new_bucket(clients)
    gone = '"d41d8cd98f00b204e9800998ecf8427e"'
    return outcome(lambda: s3.put_object(Bucket=bucket, Key="gone", Body=b"1", IfMatch=gone))


def key_that_does_not_exist(clients: Clients) -> Any:
    s3, bucket = new_bucket(clients)
    nowhere = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000"
    named = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": nowhere}
    return outcome(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"1", **named))


def too_many_tags(clients: Clients) -> Any:
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
    return outcome(lambda: user(clients).tag_user(UserName="someone", Tags=tags))


def boundary(clients: Clients) -> Any:
    iam = user(clients)
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    call = lambda: iam.put_user_permissions_boundary(UserName="someone", PermissionsBoundary=arn)  # noqa: E731
    return "unimplemented" if outcome(call) in UNIMPLEMENTED else "works"


def suppressed_address(clients: Clients) -> Any:
    call = lambda: clients("sesv2").get_suppressed_destination(EmailAddress="x@example.com")  # noqa: E731
    told = outcome(call)
    return told if told == "NotFoundException" else "unimplemented"


def bounce_of_an_address_that_bounces(clients: Clients) -> Any:
    """AWS's mailbox simulator bounces; nothing ever comes back here."""
    clients("sesv2").create_email_identity(EmailIdentity="verified.example")
    return outcome(lambda: send(clients, "a@verified.example"))


def access_analyzer(clients: Clients) -> Any:
    told = outcome(clients("accessanalyzer").list_analyzers, lambda found: "told")
    return told if told == "told" else "unimplemented"


def metric_of_a_filter(clients: Clients) -> Any:
    """Whether TestMetricFilter, which evaluates a pattern, is there at all."""
    logs = clients("logs")
    ask = {"filterPattern": "{ $.a = 1 }", "logEventMessages": ['{"a": 1}']}
    told = outcome(lambda: logs.test_metric_filter(**ask), lambda found: len(found["matches"]))
    return told if told == 1 else "unimplemented"


def second_detector(clients: Clients) -> Any:
    guard = clients("guardduty")
    if not guard.list_detectors()["DetectorIds"]:
        guard.create_detector(Enable=True)
    return outcome(lambda: guard.create_detector(Enable=True))


def findings_while_security_hub_is_off(clients: Clients) -> Any:
    hub = clients("securityhub")
    return outcome(lambda: hub.batch_import_findings(Findings=[finding_of(HOME_ACCOUNT)]))


def finding_of_another_account(clients: Clients) -> Any:
    """How many of two findings are taken, the second of an account that is not the caller's."""
    hub = clients("securityhub")
    hub.enable_security_hub()
    both = [finding_of(HOME_ACCOUNT), finding_of("999999999999")]
    return outcome(lambda: hub.batch_import_findings(Findings=both), lambda it: it["SuccessCount"])


def finding_that_is_not_newer(clients: Clients) -> Any:
    """The title after an update that bears an earlier instant."""
    hub = clients("securityhub")
    hub.enable_security_hub()
    hub.batch_import_findings(Findings=[finding_of(HOME_ACCOUNT)])
    older = {"UpdatedAt": "2026-01-01T00:00:00.000Z", "Title": "older"}
    hub.batch_import_findings(Findings=[finding_of(HOME_ACCOUNT) | older])
    return hub.get_findings()["Findings"][0]["Title"]


def finding_of(account: str) -> dict[str, Any]:
    arn = f"arn:aws:securityhub:{REGION}:{account}:product/{account}/default"
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"keyreeve/{account}",
        "ProductArn": arn,
        "GeneratorId": "keyreeve/conformance",
        "AwsAccountId": account,
        "CreatedAt": "2026-01-05T06:00:00.000Z",
        "UpdatedAt": "2026-01-05T06:00:00.000Z",
        "Title": "newer",
        "Description": "A probe",
        "Resources": [{"Type": "Other", "Id": "probe"}],
    }


def insights_put_twice(clients: Clients) -> Any:
    trails = trail(clients)
    for kind in ("ApiCallRateInsight", "ApiErrorRateInsight"):
        chosen = [{"InsightType": kind}]
        trails.put_insight_selectors(TrailName="keyreeve-conformance", InsightSelectors=chosen)
    told = trails.get_insight_selectors(TrailName="keyreeve-conformance")
    return len(told["InsightSelectors"])


def trail(clients: Clients) -> Any:
    _, bucket = new_bucket(clients)
    trails = clients("cloudtrail")
    trails.create_trail(Name="keyreeve-conformance", S3BucketName=bucket)
    return trails


def metric_filter_put_twice(clients: Clients) -> Any:
    logs, group = clients("logs"), f"keyreeve-conformance-{secrets.token_hex(4)}"
    logs.create_log_group(logGroupName=group)
    moves = [{"metricName": "m", "metricNamespace": "Keyreeve", "metricValue": "1"}]
    for pattern in ("a", "b"):
        logs.put_metric_filter(
            logGroupName=group, filterName="f", filterPattern=pattern, metricTransformations=moves
        )
    return len(logs.describe_metric_filters(logGroupName=group)["metricFilters"])


@contextmanager
def new_function(clients: Clients, **more: Any) -> Iterator[Any]:
    """The client of an account with one function, which is taken away again."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    iam, functions = clients("iam"), clients("lambda")
    role = iam.create_role(
        RoleName="keyreeve-conformance", AssumeRolePolicyDocument=json.dumps(document)
    )
    functions.create_function(
        FunctionName="keyreeve-conformance",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": package()},
        **more,
    )
    try:
        yield functions
    finally:
        functions.delete_function(FunctionName="keyreeve-conformance")
        iam.delete_role(RoleName="keyreeve-conformance")


def log_group_of_a_function(clients: Clients) -> Any:
    with new_function(clients, LoggingConfig={"LogGroup": "/keyreeve"}) as functions:
        told = functions.get_function_configuration(FunctionName="keyreeve-conformance")
        return told.get("LoggingConfig", {}).get("LogGroup")


def retries_put_twice(clients: Clients) -> Any:
    with new_function(clients) as functions:
        for retries in (0, 2):
            functions.put_function_event_invoke_config(
                FunctionName="keyreeve-conformance", MaximumRetryAttempts=retries
            )
        told = functions.get_function_event_invoke_config(FunctionName="keyreeve-conformance")
        return told["MaximumRetryAttempts"]


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


def stack_of_a_type_that_does_not_exist(clients: Clients) -> Any:
    template = json.dumps({"Resources": {"Thing": {"Type": "AWS::Bogus::Thing"}}})
    name = f"keyreeve-conformance-{secrets.token_hex(4)}"
    cloudformation = clients("cloudformation")
    with warnings.catch_warnings(action="ignore"):  # moto warns in its own log, not its caller
        return outcome(
            lambda: cloudformation.create_stack(StackName=name, TemplateBody=template),
            lambda _: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
        )


def stack_set(clients: Clients) -> Any:
    """Stacks in other accounts: ours has stacks of one account alone."""
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    cloudformation = clients("cloudformation")
    call = lambda: cloudformation.create_stack_set(StackSetName="s", TemplateBody=template)  # noqa: E731
    return "unimplemented" if outcome(call) in UNIMPLEMENTED else "works"


def version_under_object_lock(clients: Clients) -> Any:
    """Why it may not be deleted: the code is that of any denial."""
    s3 = clients("s3")
    bucket = f"keyreeve-conformance-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    until = datetime.now(UTC) + timedelta(days=1)
    version = s3.put_object(
        Bucket=bucket,
        Key="kept",
        Body=b"x",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
    )["VersionId"]
    with pytest.raises(ClientError) as refused:
        s3.delete_object(Bucket=bucket, Key="kept", VersionId=version)
    return refused.value.response["Error"]["Message"]


def name_of_a_signing_key(clients: Clients) -> Any:
    kms = clients("kms")
    key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]
    told = kms.get_public_key(KeyId=key["KeyId"])["KeyId"]
    return {key["KeyId"]: "id", key["Arn"]: "ARN"}[told]


UNIMPLEMENTED = ("NotImplementedError", "ResponseParserError")


@dataclass(frozen=True)
class Row:
    probe: Callable[[Clients], Any]
    stock: Any
    ours: Any
    aws: Any = None
    """What AWS answers, where the sandbox does not; a `Skip` where a live account cannot tell."""

    @property
    def real(self) -> Any:
        return self.ours if self.aws is None else self.aws


@dataclass(frozen=True)
class Skip:
    why: str


ONE_REPORT = Skip("AWS makes one report in four hours: a new user is not in it yet")
OTHER_ACCOUNT = Skip("the serial number is one of the sandbox's account")
COSTS = Skip("what it makes is not taken away by the live account's cleaning")
DIFFERENCES = (
    Row(root_row, False, "<root_account>"),
    Row(
        generated_time,
        "2015-02-02T20:02:02+00:00",
        "2026-01-05T06:00:00+00:00",
        Skip("the instant is another each time"),
    ),
    Row(cells_without_password, ("not_supported", False), ("N/A", True), ONE_REPORT),
    Row(
        cells_of_an_unused_key,
        ("not_supported", "not_supported"),
        ("N/A", "N/A"),
        ONE_REPORT,
    ),
    Row(comma_in_a_name, "broken", "one row each", ONE_REPORT),
    Row(second_report, "fresh", "cached"),
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
    Row(call_with_inactive_key, "accepted", "InvalidClientTokenId"),
    Row(mail_account, "NotImplementedError", 50_000.0, Skip("every account has its own quota")),
    Row(mail_id, "random", "as AWS", Skip("a mail would be sent")),
    Row(secret_that_its_policy_denies, "accepted", "AccessDeniedException"),
    Row(policy_that_opens_a_secret, "accepted", "PublicPolicyException"),
    *(Row(probe, stock, ours, Skip(why) if why else None) for probe, stock, ours, why in CHAIN),
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
    Row(access_analyzer, "unimplemented", "told"),
    Row(metric_of_a_filter, "unimplemented", 1),
    Row(stack_of_a_type_that_does_not_exist, "CREATE_COMPLETE", "ValidationError"),
    Row(second_detector, "accepted", "BadRequestException", COSTS),
    Row(findings_while_security_hub_is_off, "accepted", "InvalidAccessException", COSTS),
    Row(finding_of_another_account, 2, 1, COSTS),
    Row(finding_that_is_not_newer, "older", "newer", COSTS),
    Row(insights_put_twice, 2, 1, COSTS),
    Row(metric_filter_put_twice, 2, 1, COSTS),
    Row(log_group_of_a_function, None, "/keyreeve", COSTS),
    Row(retries_put_twice, 0, 2, COSTS),
    Row(path_of_a_moved_group, "/", "/moved/"),
    Row(delete_group_with_a_member, "accepted", "DeleteConflict"),
    Row(
        version_under_object_lock,
        "Access Denied",
        "Access Denied because object protected by object lock.",
        COSTS,
    ),
    Row(name_of_a_signing_key, "id", "ARN", COSTS),
)
AS_AWS = (
    Row(third_key, "LimitExceeded", "LimitExceeded"),
    Row(keys_of_nobody, "NoSuchEntity", "NoSuchEntity"),
    Row(unverified_sender, "MessageRejected", "MessageRejected"),
    Row(put_if_absent_twice, "PreconditionFailed", "PreconditionFailed"),
    Row(put_over_a_newer_version, "PreconditionFailed", "PreconditionFailed"),
    Row(put_where_the_expected_version_is_gone, "NoSuchKey", "NoSuchKey"),
    Row(same_value_put_twice, 2, 2),
    Row(name_of_a_secret_taken_twice, "ResourceExistsException", "ResourceExistsException"),
    Row(missing_secret_discarded, "accepted", "accepted"),
)
LEFT_UNLIKE_AWS = (
    Row(act_of_a_user_without_rights, "accepted", "accepted", "AccessDenied"),
    Row(unknown_role, "accepted", "accepted", "AccessDenied"),
    Row(encryption_of_a_plain_put, "none told", "none told", "AES256"),
    Row(key_that_does_not_exist, "accepted", "accepted", "KMS.NotFoundException"),
    Row(suppressed_address, "unimplemented", "unimplemented", "NotFoundException"),
    Row(
        bounce_of_an_address_that_bounces,
        "accepted",
        "accepted",
        Skip("a mail would be sent; SES accepts it and tells of the bounce by an event"),
    ),
    Row(stack_set, "works", "unimplemented", COSTS),
)
ROWS = [pytest.param(row, id=row.probe.__name__) for row in DIFFERENCES + AS_AWS + LEFT_UNLIKE_AWS]


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield lambda service, key="AKIA0", secret="s", token=None: session(
            key, secret, token
        ).create_client(service)


@pytest.fixture
def ours(sandbox: Sandbox) -> Clients:
    sandbox.reset("empty", MONDAY)
    return lambda service, *identity: aws(sandbox.url, service, *identity)


@pytest.mark.parametrize("row", ROWS)
def test_stock_moto_is_as_it_was_when_the_patch_was_written(row: Row, stock: Clients) -> None:
    assert row.probe(stock) == row.stock


@pytest.mark.parametrize("row", ROWS)
def test_the_sandbox_behaves_as_the_table_says(row: Row, ours: Clients) -> None:
    assert row.probe(ours) == row.ours


@pytest.mark.parametrize("row", ROWS)
def test_aws_answers_as_the_table_says(row: Row, live: LiveAccount) -> None:
    if isinstance(row.real, Skip):
        pytest.skip(row.real.why)
    assert row.probe(live) == row.real


@pytest.mark.parametrize("row", [row for row in ROWS if not isinstance(row.values[0].real, Skip)])
def test_what_a_live_row_makes_is_taken_away_after_it(
    row: Row, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.reset("empty", MONDAY)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    before = sandbox.canonical_state()
    account = LiveAccount(HOME_ACCOUNT, patience=0)
    assert row.probe(account) == row.ours
    account.clean()
    assert sandbox.canonical_state() == before


def test_a_live_run_needs_the_account_named_whose_credentials_it_has(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="not of 999999999999"):
        LiveAccount("999999999999")
