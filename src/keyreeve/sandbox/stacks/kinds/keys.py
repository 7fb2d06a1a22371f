"""AWS::KMS: keys and their aliases."""

from __future__ import annotations

import json
from typing import Final

from keyreeve.sandbox.stacks.calling import found_by, given, putting, reading, removing
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.shaping import truth

_ATTRIBUTES: Final = reading("kms", "DescribeKey", "KeyId", "KeyMetadata")


def _make(site: Site, props: Props) -> str:
    told = given(
        props,
        "BypassPolicyLockoutSafetyCheck",
        "Description",
        "KeySpec",
        "KeyUsage",
        "MultiRegion",
        "Origin",
        Policy="KeyPolicy",
    )
    rows = [{"TagKey": it["Key"], "TagValue": it["Value"]} for it in props.get("Tags", ())]
    told |= {"Tags": rows} if rows else {}
    return str(site.call("kms", "CreateKey", **told)["KeyMetadata"]["KeyId"])


def _put_rotation(site: Site, id_: str, new: Props, _: Props) -> None:
    if truth(new.get("EnableKeyRotation", False)):
        site.call("kms", "EnableKeyRotation", KeyId=id_, **given(new, "RotationPeriodInDays"))
    else:
        site.call("kms", "DisableKeyRotation", KeyId=id_)


def _read_rotation(site: Site, id_: str, _: Props) -> Props:
    told = site.call("kms", "GetKeyRotationStatus", KeyId=id_)
    return {"EnableKeyRotation": told["KeyRotationEnabled"], **given(told, "RotationPeriodInDays")}


def _put_enabled(site: Site, id_: str, new: Props, _: Props) -> None:
    site.call("kms", "EnableKey" if truth(new.get("Enabled", True)) else "DisableKey", KeyId=id_)


def _read_policy(site: Site, id_: str, _: Props) -> Props:
    told = site.call("kms", "GetKeyPolicy", KeyId=id_, PolicyName="default")
    return {"KeyPolicy": json.loads(told["Policy"])}


def _put_policy(site: Site, id_: str, new: Props, _: Props) -> None:
    told = given(new, Policy="KeyPolicy")
    site.call("kms", "PutKeyPolicy", KeyId=id_, PolicyName="default", **told)


def _put_tags(site: Site, id_: str, new: Props, old: Props) -> None:
    after = {tag["Key"]: tag["Value"] for tag in new.get("Tags", ())}
    gone = [tag["Key"] for tag in old.get("Tags", ()) if tag["Key"] not in after]
    if gone:
        site.call("kms", "UntagResource", KeyId=id_, TagKeys=gone)
    if after:
        rows = [{"TagKey": key, "TagValue": value} for key, value in after.items()]
        site.call("kms", "TagResource", KeyId=id_, Tags=rows)


def _remove(site: Site, id_: str, props: Props) -> None:
    days = props.get("PendingWindowInDays", 30)
    site.call("kms", "ScheduleKeyDeletion", KeyId=id_, PendingWindowInDays=days)


KEY: Final = Kind(
    type="AWS::KMS::Key",
    make=_make,
    remove=_remove,
    facets=(
        Facet(properties=("KeyPolicy",), put=_put_policy, read=_read_policy, born=True),
        Facet(
            properties=("Description",),
            put=lambda site, id_, new, old: putting(
                "kms", "UpdateKeyDescription", "KeyId", "Description"
            )(site, id_, {"Description": "", **new}, old),
            read=_ATTRIBUTES,
            born=True,
        ),
        Facet(
            properties=("EnableKeyRotation", "RotationPeriodInDays"),
            put=_put_rotation,
            read=_read_rotation,
        ),
        Facet(properties=("Enabled",), put=_put_enabled, read=_ATTRIBUTES),
        Facet(properties=("Tags",), put=_put_tags, born=True),
    ),
    # AWS: an update of these fails; there is no other key for the same data.
    fixed=frozenset({"KeySpec", "KeyUsage", "MultiRegion", "Origin"}),
    unwatched=frozenset({"BypassPolicyLockoutSafetyCheck", "PendingWindowInDays"}),
    attributes=_ATTRIBUTES,
    present=found_by("kms", "DescribeKey", "KeyId"),
    identifier=("KeyId",),
)


def _make_alias(site: Site, props: Props) -> str:
    site.call("kms", "CreateAlias", **given(props, "AliasName", "TargetKeyId"))
    return str(props["AliasName"])


def _alias_there(site: Site, id_: str, _: Props) -> bool:
    told = site.call("kms", "ListAliases")["Aliases"]
    return any(it["AliasName"] == id_ for it in told)


def _read_alias(site: Site, id_: str, props: Props) -> Props:
    told = site.call("kms", "ListAliases")["Aliases"]
    key = next(it["TargetKeyId"] for it in told if it["AliasName"] == id_)
    wanted = str(props.get("TargetKeyId", ""))
    return {"TargetKeyId": wanted if wanted.endswith(key) else key}


ALIAS: Final = Kind(
    type="AWS::KMS::Alias",
    make=_make_alias,
    remove=removing("kms", "DeleteAlias", "AliasName"),
    facets=(
        Facet(
            properties=("TargetKeyId",),
            put=putting("kms", "UpdateAlias", "AliasName", "TargetKeyId"),
            read=_read_alias,
            born=True,
        ),
    ),
    fixed=frozenset({"AliasName"}),
    required=frozenset({"AliasName", "TargetKeyId"}),
    present=_alias_there,
    name="AliasName",
    identifier=("AliasName",),
)
KINDS: Final = (KEY, ALIAS)
