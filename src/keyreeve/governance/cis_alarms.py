"""The metric filters that CIS AWS Foundations asks for (4.1–4.15; 5.1–5.15 from version 6.0).

Patterns are Security Hub's text to the letter, since its controls CloudWatch.1–14 fail on any other
spelling or any further term (AWS: Security Hub User Guide, "Security Hub controls for CloudWatch").
CIS 4.16 is no filter: it asks for Security Hub itself.
"""

from __future__ import annotations

from typing import Any, Final

from keyreeve.governance.alarm_card import AlarmCard, Event, call, calls, cis, either

_EC2: Final = "ec2.amazonaws.com"
_SIGN_IN: Final = "signin.amazonaws.com"

_IAM_POLICIES: Final = (
    *("DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy"),
    *("PutRolePolicy", "PutUserPolicy", "CreatePolicy", "DeletePolicy", "CreatePolicyVersion"),
    *("DeletePolicyVersion", "AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy"),
    *("DetachUserPolicy", "AttachGroupPolicy", "DetachGroupPolicy"),
)
_TRAIL: Final = ("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging")
_KEYS: Final = ("DisableKey", "ScheduleKeyDeletion")
_BUCKETS: Final = (
    *("PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle"),
    *("PutBucketReplication", "DeleteBucketPolicy", "DeleteBucketCors", "DeleteBucketLifecycle"),
    "DeleteBucketReplication",
)
_CONFIG: Final = (
    *("StopConfigurationRecorder", "DeleteDeliveryChannel", "PutDeliveryChannel"),
    "PutConfigurationRecorder",
)
_SECURITY_GROUPS: Final = (
    *("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"),
    *("RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"),
    *("CreateSecurityGroup", "DeleteSecurityGroup"),
)
_NETWORK_ACLS: Final = (
    *("CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry"),
    *("ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation"),
)
_GATEWAYS: Final = (
    *("CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway"),
    *("CreateInternetGateway", "DeleteInternetGateway", "DetachInternetGateway"),
)
_ROUTES: Final = (
    *("CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation"),
    *("DeleteRouteTable", "DeleteRoute", "DisassociateRouteTable"),
)
_VPCS: Final = (
    *("CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection"),
    *("CreateVpcPeeringConnection", "DeleteVpcPeeringConnection", "RejectVpcPeeringConnection"),
    *("AttachClassicLinkVpc", "DetachClassicLinkVpc"),
    *("DisableVpcClassicLink", "EnableVpcClassicLink"),
)
_ORGANIZATION: Final = (
    *("AcceptHandshake", "AttachPolicy", "CreateAccount", "CreateOrganizationalUnit"),
    *("CreatePolicy", "DeclineHandshake", "DeleteOrganization", "DeleteOrganizationalUnit"),
    *("DeletePolicy", "DetachPolicy", "DisablePolicyType", "EnablePolicyType"),
    *("InviteAccountToOrganization", "LeaveOrganization", "MoveAccount"),
    *("RemoveAccountFromOrganization", "UpdatePolicy", "UpdateOrganizationalUnit"),
)

_ROOT: Final = {"type": "Root", "arn": "arn:aws:iam::123456789012:root"}
_FEDERATED: Final = {
    "type": "AssumedRole",
    "arn": "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123/alex",
}


def sign_in(*, mfa: bool = False, success: bool = True, **more: Any) -> Event:
    """A record of a console sign-in. `MFAUsed` is "No" for federated users, whatever they did."""
    failed: dict[str, Any] = {} if success else {"errorMessage": "Failed authentication"}
    return call(
        "ConsoleLogin",
        _SIGN_IN,
        eventType="AwsConsoleSignIn",
        additionalEventData={"MobileVersion": "No", "MFAUsed": "Yes" if mfa else "No"},
        responseElements={"ConsoleLogin": "Success" if success else "Failure"},
        **failed,
        **more,
    )


CIS_ALARMS: Final[tuple[AlarmCard, ...]] = (
    AlarmCard(
        id="unauthorized-api-calls",
        title="Unauthorized API calls",
        description="A call was refused for want of permission.",
        pattern='{($.errorCode="*UnauthorizedOperation") || ($.errorCode="AccessDenied*")}',
        metric="UnauthorizedApiCalls",
        cis=cis(1),
        security_hub="CloudWatch.2",
        source="S2.23; Security Hub CloudWatch.2",
        runbook="Find who asked for what he may not do; many refusals in a row are a search.",
        matching=(
            call("DescribeInstances", _EC2, reads=True, errorCode="Client.UnauthorizedOperation"),
            call("ListUsers", reads=True, errorCode="AccessDenied"),
            call(
                "GetSecretValue", "secretsmanager.amazonaws.com", errorCode="AccessDeniedException"
            ),
        ),
        passing=(
            call("ListUsers", reads=True),
            call("GetRole", reads=True, errorCode="NoSuchEntityException"),
        ),
    ),
    AlarmCard(
        id="console-sign-in-without-mfa",
        title="Console sign-in without MFA",
        description="An IAM user signed in to the console with the password alone.",
        pattern=(
            '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && '
            '($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }'
        ),
        metric="ConsoleSignInWithoutMfa",
        cis=cis(2),
        security_hub="CloudWatch.3",
        source="S2.23, S2.T14 (federated sign-ins and failures do not count); CloudWatch.3",
        runbook="Ask the user; if it was not he, reset the password, then have MFA enrolled.",
        matching=(sign_in(),),
        passing=(
            sign_in(mfa=True),
            sign_in(success=False),
            sign_in(userIdentity=_FEDERATED),
            sign_in(userIdentity=_ROOT),
        ),
    ),
    AlarmCard(
        id="root-use",
        title="Use of the root user",
        description="Somebody acted as the root user of the account.",
        pattern=(
            '{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && '
            '$.eventType !="AwsServiceEvent"}'
        ),
        metric="RootUse",
        cis=cis(3),
        security_hub="CloudWatch.1",
        source="S2.25; Security Hub CloudWatch.1",
        runbook="Only a planned break-glass act is right: else change root's password and MFA.",
        matching=(
            call("CreateUser", userIdentity=_ROOT),
            sign_in(mfa=True, userIdentity=_ROOT),
        ),
        passing=(
            call("CreateUser"),
            call("CreateGrant", userIdentity=_ROOT | {"invokedBy": "rds.amazonaws.com"}),
            call("RotateKey", userIdentity=_ROOT, eventType="AwsServiceEvent"),
        ),
    ),
    AlarmCard(
        id="iam-policy-changes",
        title="IAM policy changes",
        description="A policy was written, deleted, attached or detached.",
        pattern=f"{{($.eventSource=iam.amazonaws.com) && ({either(_IAM_POLICIES)})}}",
        metric="IamPolicyChanges",
        cis=cis(4),
        security_hub="CloudWatch.4",
        source="S2.25; Security Hub CloudWatch.4",
        runbook="Compare with the change that was approved; undo what nobody asked for.",
        matching=calls(_IAM_POLICIES),
        passing=(
            call("GetPolicy", reads=True),
            call("CreatePolicy", "organizations.amazonaws.com"),
            call("UpdateAssumeRolePolicy"),
        ),
    ),
    AlarmCard(
        id="cloudtrail-changes",
        title="CloudTrail configuration changes",
        description="A trail was made, changed, deleted, started or stopped.",
        pattern=f"{{{either(_TRAIL)}}}",
        metric="CloudTrailChanges",
        cis=cis(5),
        security_hub="CloudWatch.5",
        source="S2.25; Security Hub CloudWatch.5",
        runbook="`keyreeve baseline verify` says whether the trail still logs; who stops it hides.",
        matching=calls(_TRAIL, "cloudtrail.amazonaws.com"),
        passing=(
            call("DescribeTrails", "cloudtrail.amazonaws.com", reads=True),
            call("LookupEvents", "cloudtrail.amazonaws.com", reads=True),
        ),
    ),
    AlarmCard(
        id="console-sign-in-failures",
        title="Console authentication failures",
        description="A sign-in to the console failed.",
        pattern='{($.eventName=ConsoleLogin) && ($.errorMessage="Failed authentication")}',
        metric="ConsoleSignInFailures",
        cis=cis(6),
        security_hub="CloudWatch.6",
        source="S2.23; Security Hub CloudWatch.6",
        runbook="One is a slip, many are guesses: look at the addresses and the user's MFA.",
        matching=(sign_in(success=False),),
        passing=(sign_in(), sign_in(mfa=True)),
    ),
    AlarmCard(
        id="kms-key-deletion",
        title="KMS key disabled or due for deletion",
        description="A customer-managed key was disabled, or its deletion scheduled.",
        pattern=f"{{($.eventSource=kms.amazonaws.com) && ({either(_KEYS)})}}",
        metric="KmsKeyDeletion",
        cis=cis(7),
        security_hub="CloudWatch.7",
        source="S2.25, S2.27; Security Hub CloudWatch.7",
        runbook="Cancel the deletion or enable the key, unless the owner of the data agreed.",
        matching=calls(_KEYS, "kms.amazonaws.com"),
        passing=(
            call("EnableKey", "kms.amazonaws.com"),
            call("DisableKey", "example.amazonaws.com"),
        ),
    ),
    AlarmCard(
        id="bucket-policy-changes",
        title="S3 bucket policy changes",
        description="Policy, ACL, CORS, lifecycle or replication of a bucket was changed.",
        pattern=f"{{($.eventSource=s3.amazonaws.com) && ({either(_BUCKETS)})}}",
        metric="BucketPolicyChanges",
        cis=cis(8),
        security_hub="CloudWatch.8",
        source="S2.25; Security Hub CloudWatch.8",
        runbook="See whether the bucket became public or its logs may now be deleted.",
        matching=calls(_BUCKETS, "s3.amazonaws.com"),
        passing=(
            call("GetBucketPolicy", "s3.amazonaws.com", reads=True),
            call("PutBucketPolicy", "example.amazonaws.com"),
        ),
    ),
    AlarmCard(
        id="config-changes",
        title="AWS Config configuration changes",
        description="The recorder or the delivery channel of AWS Config was changed or stopped.",
        pattern=f"{{($.eventSource=config.amazonaws.com) && ({either(_CONFIG)})}}",
        metric="ConfigChanges",
        cis=cis(9),
        security_hub="CloudWatch.9",
        source="S2.29; Security Hub CloudWatch.9",
        runbook="See that the recorder runs again; find out why it was touched.",
        matching=calls(_CONFIG, "config.amazonaws.com"),
        passing=(
            call("DescribeConfigurationRecorders", "config.amazonaws.com", reads=True),
            call("StartConfigurationRecorder", "config.amazonaws.com"),
        ),
    ),
    AlarmCard(
        id="security-group-changes",
        title="Security group changes",
        description="A security group was made, deleted, opened or closed.",
        pattern=f"{{{either(_SECURITY_GROUPS)}}}",
        metric="SecurityGroupChanges",
        cis=cis(10),
        security_hub="CloudWatch.10",
        source="Security Hub CloudWatch.10",
        runbook="Look for rules that let in 0.0.0.0/0 or ::/0.",
        matching=calls(_SECURITY_GROUPS, _EC2),
        passing=(call("DescribeSecurityGroups", _EC2, reads=True),),
    ),
    AlarmCard(
        id="network-acl-changes",
        title="Network ACL changes",
        description="A network access control list was changed.",
        pattern=f"{{{either(_NETWORK_ACLS)}}}",
        metric="NetworkAclChanges",
        cis=cis(11),
        security_hub="CloudWatch.11",
        source="Security Hub CloudWatch.11",
        runbook="Compare the entries with the network plan.",
        matching=calls(_NETWORK_ACLS, _EC2),
        passing=(call("DescribeNetworkAcls", _EC2, reads=True),),
    ),
    AlarmCard(
        id="network-gateway-changes",
        title="Network gateway changes",
        description="A customer or internet gateway was made, attached, detached or deleted.",
        pattern=f"{{{either(_GATEWAYS)}}}",
        metric="NetworkGatewayChanges",
        cis=cis(12),
        security_hub="CloudWatch.12",
        source="Security Hub CloudWatch.12",
        runbook="A new internet gateway may open a private network: ask who needs it.",
        matching=calls(_GATEWAYS, _EC2),
        passing=(call("DescribeInternetGateways", _EC2, reads=True),),
    ),
    AlarmCard(
        id="route-table-changes",
        title="Route table changes",
        description="A route or a route table was made, replaced or deleted.",
        pattern=f"{{($.eventSource=ec2.amazonaws.com) && ({either(_ROUTES)})}}",
        metric="RouteTableChanges",
        cis=cis(13),
        security_hub="CloudWatch.13",
        source="Security Hub CloudWatch.13",
        runbook="Follow the new route: traffic may leave by another way now.",
        matching=calls(_ROUTES, _EC2),
        passing=(
            call("DescribeRouteTables", _EC2, reads=True),
            call("CreateRoute", "appmesh.amazonaws.com"),
        ),
    ),
    AlarmCard(
        id="vpc-changes",
        title="VPC changes",
        description="A VPC or a peering connection was made, changed or deleted.",
        pattern=f"{{{either(_VPCS)}}}",
        metric="VpcChanges",
        cis=cis(14),
        security_hub="CloudWatch.14",
        source="Security Hub CloudWatch.14",
        runbook="A peering with an unknown account is to be rejected or deleted.",
        matching=calls(_VPCS, _EC2),
        passing=(call("DescribeVpcs", _EC2, reads=True),),
    ),
    AlarmCard(
        id="organizations-changes",
        title="Organizations changes",
        description="Accounts, units or policies of the organization were changed.",
        pattern=(
            "{ ($.eventSource = organizations.amazonaws.com) && ("
            + " || ".join(f'($.eventName = "{name}")' for name in _ORGANIZATION)
            + ") }"
        ),
        metric="OrganizationsChanges",
        cis=cis(15),
        source="CIS 1.4 4.15; Security Hub has no such control",
        runbook="Only the management account's own people do this: ask them.",
        matching=calls(_ORGANIZATION, "organizations.amazonaws.com"),
        passing=(
            call("ListAccounts", "organizations.amazonaws.com", reads=True),
            call("CreatePolicy"),
        ),
    ),
)
