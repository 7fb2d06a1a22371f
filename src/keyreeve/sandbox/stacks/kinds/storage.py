"""AWS::S3: buckets and their policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from keyreeve.sandbox.stacks.calling import found_by, given, items, putting, removing
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.refusals import Failed
from keyreeve.sandbox.stacks.shaping import truth

_FIRST_REGION: Final = "us-east-1"


def _make(site: Site, props: Props) -> str:
    name = str(props.get("BucketName") or site.name(63, lower=True))
    told: dict[str, Any] = {}
    if site.region != _FIRST_REGION:
        told["CreateBucketConfiguration"] = {"LocationConstraint": site.region}
    elif _there(site, name, {}):
        # S3 in its first region says yes to the owner's second try; CloudFormation does not.
        raise Failed(f"{name} already exists", "AlreadyExists")
    if truth(props.get("ObjectLockEnabled", False)):
        told["ObjectLockEnabledForBucket"] = True
    site.call("s3", "CreateBucket", Bucket=name, **told)
    return name


_there = found_by("s3", "HeadBucket", "Bucket")


def _setting(
    name: str, operation: str, argument: str, off: Mapping[str, Any] | str, told: str = ""
) -> Facet:
    """A property that one call sets as a whole.

    `off`: the call that takes it away, or what is set instead.
    """

    def put(site: Site, id_: str, new: Props, _: Props) -> None:
        if name in new:
            site.call("s3", f"Put{operation}", Bucket=id_, **{argument: _wire(name, new[name])})
        elif isinstance(off, str):
            site.call("s3", off, Bucket=id_)
        else:
            site.call("s3", f"Put{operation}", Bucket=id_, **{argument: off})

    def read(site: Site, id_: str, _: Props) -> Props:
        answer = site.call("s3", f"Get{operation}", Bucket=id_)
        return {name: _template(name, answer[told] if told else given(answer, "Status"))}

    return Facet(properties=(name,), put=put, read=read)


def _wire(name: str, value: Any) -> Any:
    """As the service has it."""
    if name == "BucketEncryption":
        rules = [
            given(it, "BucketKeyEnabled", ApplyServerSideEncryptionByDefault=_DEFAULT)
            for it in value["ServerSideEncryptionConfiguration"]
        ]
        return {"Rules": rules}
    if name == "LifecycleConfiguration":
        return {"Rules": [_lifecycle(rule) for rule in value["Rules"]]}
    if name == "LoggingConfiguration":
        target = given(value, TargetBucket="DestinationBucketName", TargetPrefix="LogFilePrefix")
        return {"LoggingEnabled": {"TargetPrefix": "", **target}}
    if name == "Tags":
        return {"TagSet": value}
    return value


_DEFAULT: Final = "ServerSideEncryptionByDefault"


def _template(name: str, value: Any) -> Any:
    """As the template has it."""
    if name == "BucketEncryption":
        rules = [
            given(it, "BucketKeyEnabled", **{_DEFAULT: "ApplyServerSideEncryptionByDefault"})
            for it in value["Rules"]
        ]
        return {"ServerSideEncryptionConfiguration": rules}
    return value


def _lifecycle(rule: Props) -> dict[str, Any]:
    known = {
        "AbortIncompleteMultipartUpload",
        "ExpirationInDays",
        "ExpiredObjectDeleteMarker",
        "Id",
        "NoncurrentVersionExpiration",
        "NoncurrentVersionTransitions",
        "Prefix",
        "Status",
        "Transitions",
    }
    unknown = sorted(set(rule) - known)
    if unknown:
        raise Failed(f"#/LifecycleConfiguration/Rules: extraneous key [{unknown[0]}]")
    told = given(rule, "Status", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")
    told |= {"Filter": {"Prefix": rule.get("Prefix", "")}, **given(rule, ID="Id")}
    ends = given(rule, "ExpiredObjectDeleteMarker", Days="ExpirationInDays")
    if ends:
        told["Expiration"] = ends
    for name, days in (("Transitions", "Days"), ("NoncurrentVersionTransitions", "NoncurrentDays")):
        moves = [
            given(it, "StorageClass", **{days: "TransitionInDays"}) for it in items(rule, name)
        ]
        if moves:
            told[name] = moves
    return told


def _read_lifecycle(site: Site, id_: str, _: Props) -> Props:
    told = site.call("s3", "GetBucketLifecycleConfiguration", Bucket=id_)["Rules"]
    rules = []
    for rule in told:
        found = given(rule, "Status", "AbortIncompleteMultipartUpload", Id="ID")
        found |= given(rule, "NoncurrentVersionExpiration")
        prefix = rule.get("Filter", {}).get("Prefix") or rule.get("Prefix")
        found |= {"Prefix": prefix} if prefix else {}
        ends = rule.get("Expiration", {})
        found |= given(ends, "ExpiredObjectDeleteMarker", ExpirationInDays="Days")
        for name, days in (
            ("Transitions", "Days"),
            ("NoncurrentVersionTransitions", "NoncurrentDays"),
        ):
            moves = [given(it, "StorageClass", TransitionInDays=days) for it in items(rule, name)]
            found |= {name: moves} if moves else {}
        rules.append(found)
    return {"LifecycleConfiguration": {"Rules": rules}}


def _put_lock(site: Site, id_: str, new: Props, _: Props) -> None:
    if not truth(new.get("ObjectLockEnabled", False)):
        raise Failed("Object Lock cannot be turned off.")
    lock = {"ObjectLockEnabled": "Enabled"}
    site.call("s3", "PutObjectLockConfiguration", Bucket=id_, ObjectLockConfiguration=lock)


def _attributes(site: Site, id_: str, _: Props) -> Props:
    return {
        "Arn": f"arn:{site.partition}:s3:::{id_}",
        "DomainName": f"{id_}.s3.amazonaws.com",
        "RegionalDomainName": f"{id_}.s3.{site.region}.amazonaws.com",
    }


_lifecycle_setting = _setting(
    "LifecycleConfiguration",
    "BucketLifecycleConfiguration",
    "LifecycleConfiguration",
    "DeleteBucketLifecycle",
)
BUCKET: Final = Kind(
    type="AWS::S3::Bucket",
    make=_make,
    remove=removing("s3", "DeleteBucket", "Bucket"),
    facets=(
        _setting(
            "VersioningConfiguration",
            "BucketVersioning",
            "VersioningConfiguration",
            {"Status": "Suspended"},
        ),
        _setting(
            "PublicAccessBlockConfiguration",
            "PublicAccessBlock",
            "PublicAccessBlockConfiguration",
            "DeletePublicAccessBlock",
            "PublicAccessBlockConfiguration",
        ),
        _setting(
            "BucketEncryption",
            "BucketEncryption",
            "ServerSideEncryptionConfiguration",
            "DeleteBucketEncryption",
            "ServerSideEncryptionConfiguration",
        ),
        Facet(
            properties=("LifecycleConfiguration",),
            put=_lifecycle_setting.put,
            read=_read_lifecycle,
        ),
        _setting(
            "ObjectLockConfiguration",
            "ObjectLockConfiguration",
            "ObjectLockConfiguration",
            {"ObjectLockEnabled": "Enabled"},
            "ObjectLockConfiguration",
        ),
        _setting(
            "OwnershipControls",
            "BucketOwnershipControls",
            "OwnershipControls",
            "DeleteBucketOwnershipControls",
            "OwnershipControls",
        ),
        Facet(properties=("ObjectLockEnabled",), put=_put_lock, born=True),
        Facet(
            properties=("LoggingConfiguration",),
            put=_setting("LoggingConfiguration", "BucketLogging", "BucketLoggingStatus", {}).put,
        ),
        _setting("Tags", "BucketTagging", "Tagging", "DeleteBucketTagging", "TagSet"),
    ),
    fixed=frozenset({"BucketName"}),
    attributes=_attributes,
    present=_there,
    name="BucketName",
    identifier=("BucketName",),
)


# --- policies -----------------------------------------------------------------------------------


def _make_policy(site: Site, props: Props) -> str:
    bucket = str(props["Bucket"])
    if found_by("s3", "GetBucketPolicy", "Bucket")(site, bucket, {}):
        raise Failed(f"The bucket policy already exists on bucket {bucket}.", "AlreadyExists")
    return bucket


POLICY: Final = Kind(
    type="AWS::S3::BucketPolicy",
    make=_make_policy,
    remove=removing("s3", "DeleteBucketPolicy", "Bucket"),
    facets=(
        Facet(
            properties=("PolicyDocument",),
            put=putting("s3", "PutBucketPolicy", "Bucket", Policy="PolicyDocument"),
            read=lambda site, id_, _: {
                "PolicyDocument": json.loads(
                    site.call("s3", "GetBucketPolicy", Bucket=id_)["Policy"]
                )
            },
        ),
    ),
    fixed=frozenset({"Bucket"}),
    required=frozenset({"Bucket", "PolicyDocument"}),
    identifier=("Bucket",),
)
KINDS: Final = (BUCKET, POLICY)
