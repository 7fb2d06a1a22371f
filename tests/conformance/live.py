"""A real account for the conformance rows: `pytest tests/conformance --live ACCOUNT_ID`.

The credentials are those of the SDK's ordinary chain; the account id must be theirs, said once
more, because users, keys and a bucket are made in it. What a row has made is taken away after it,
and nothing else is: a name that exists already fails the row before anything is changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.loaders import create_loader

CONSISTENT_AFTER = 15
"""Seconds until a new access key is known everywhere."""


class LiveAccount:
    """Clients that remember what was made through them."""

    def __init__(self, account_id: str, *, patience: float = CONSISTENT_AFTER) -> None:
        self._patience = patience
        self._made: list[Callable[[], Any]] = []
        caller = _client("sts").get_caller_identity()
        if caller["Account"] != account_id:
            raise ValueError(f"these are credentials of {caller['Account']}, not of {account_id}")

    def __call__(self, service: str, *identity: str) -> Any:
        """A client; with a key and its secret, as another identity."""
        if identity:
            time.sleep(self._patience)
        client = _client(service, *identity)
        client.meta.events.register("before-call", self._asked)
        client.meta.events.register("after-call", self._answered)
        return client

    def _asked(self, model: Any, params: Any, context: Any, **_: Any) -> None:
        context["conformance"] = dict(params["body"]) if isinstance(params["body"], dict) else {}
        context["conformance_url"] = params["url_path"]

    def _answered(self, model: Any, parsed: Any, context: Any, **_: Any) -> None:
        if "Error" in parsed:
            return
        asked = context["conformance"]
        match model.name:
            case "CreateUser":
                self._made.append(lambda: _delete_user(asked["UserName"]))
            case "CreateGroup":
                iam = _client("iam")
                self._made.append(lambda: iam.delete_group(GroupName=asked["GroupName"]))
            case "CreatePolicy":
                iam, arn = _client("iam"), parsed["Policy"]["Arn"]
                self._made.append(lambda: iam.delete_policy(PolicyArn=arn))
            case "CreateVirtualMFADevice":
                iam, serial = _client("iam"), parsed["VirtualMFADevice"]["SerialNumber"]
                self._made.append(lambda: iam.delete_virtual_mfa_device(SerialNumber=serial))
            case "CreateBucket":
                bucket = context["conformance_url"].strip("/").rsplit("/", 1)[-1]
                self._made.append(lambda: _delete_bucket(parsed["Location"].strip("/") or bucket))

    def clean(self) -> None:
        """Take away what was made, the newest first; the first error is raised after all."""
        failed = None
        while self._made:
            try:
                self._made.pop()()
            except ClientError as error:
                failed = failed or error
        if failed is not None:
            raise failed


def _client(service: str, *identity: str) -> Any:
    made = botocore.session.Session()
    made.register_component("data_loader", _MODELS)
    if identity:
        made.set_credentials(*identity)
    return made.create_client(service)


_MODELS = create_loader()


def _delete_user(name: str) -> None:
    iam = _client("iam")
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    for device in iam.list_mfa_devices(UserName=name)["MFADevices"]:
        iam.deactivate_mfa_device(UserName=name, SerialNumber=device["SerialNumber"])
    with suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_login_profile(UserName=name)
    with suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_user(UserName=name)


def _delete_bucket(name: str) -> None:
    s3 = _client("s3")
    for row in s3.list_objects_v2(Bucket=name).get("Contents", ()):
        s3.delete_object(Bucket=name, Key=row["Key"])
    s3.delete_bucket(Bucket=name)
