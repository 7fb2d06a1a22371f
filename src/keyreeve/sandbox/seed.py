"""An account as data → moto's backends, as if it had always been so."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from keyreeve.sandbox.account import (
    OWN_KEY_ID,
    OWN_SECRET,
    OWN_USER,
    REGION,
    AccountData,
    Document,
    GroupData,
    KeyData,
    RoleData,
    UserData,
)
from keyreeve.sandbox.patches.identifiers import derived
from keyreeve.sandbox.patches.managed_policies import managed_policy_arn
from keyreeve.sandbox.world import World

_KEY_ID_LENGTH = 20
_OWN = UserData(
    name=OWN_USER,
    created=timedelta(days=1),
    tags={"keyreeve:exclude": "true", "purpose": "runs Keyreeve in the sandbox"},
    attached=("AdministratorAccess",),
    keys=(KeyData(created=timedelta(days=1), id=OWN_KEY_ID, secret=OWN_SECRET),),
)


def reset(world: World, account: AccountData, at: datetime) -> None:
    """An AWS of this account alone, at this instant; the same account gives the same ids."""
    from moto.core.base_backend import BackendDict
    from moto.moto_api._internal import mock_random

    BackendDict.reset()
    mock_random.seed(0)
    world.forget()
    world.clock.set(at)
    world.home = account.account_id
    world.settings.mail_quota = account.mail.quota
    world.settings.mail_rate = account.mail.rate
    world.settings.mail_production = account.mail.production
    seed(world, account)


def seed(world: World, account: AccountData) -> None:
    """Add the account, with Keyreeve's own administrator in it.

    A key opens one account: the well-known one opens the home account.
    """
    backend = iam_backend(account.account_id)
    now = world.naive_now()
    _root(backend, account, now)
    if account.password_policy is not None:
        _password_policy(backend, account.password_policy)
    for group in account.groups:
        _group(backend, group)
    for user in account.users:
        make_user(backend, user, now)
    if OWN_USER not in backend.users:
        make_user(backend, _OWN, now, _own_key(world, account.account_id))
    world.own_keys.add(_own_key(world, account.account_id))
    _roles(backend, account, now)
    _identities(account)
    _buckets(account)


def _own_key(world: World, account_id: str) -> str:
    if account_id == world.home:
        return OWN_KEY_ID
    return derived("AKIA", _KEY_ID_LENGTH, account_id, OWN_USER)


def iam_backend(account_id: str) -> Any:
    """Moto's IAM of one account."""
    from moto.iam.models import iam_backends

    return iam_backends[account_id]["aws"]


def _root(backend: Any, account: AccountData, now: datetime) -> None:
    root = account.root
    backend.root_facts = {
        "created": now - root.created,
        "last_sign_in": None if root.last_sign_in is None else now - root.last_sign_in,
        "mfa": root.mfa,
        "key": root.key,
    }
    backend.account_summary._account_mfa_enabled = int(root.mfa)
    backend.account_summary._account_access_keys_present = int(root.key)
    if account.alias:
        backend.create_account_alias(account.alias)


def _password_policy(backend: Any, policy: Document) -> None:
    backend.update_account_password_policy(
        allow_change_password=policy.get("AllowUsersToChangePassword", False),
        hard_expiry=policy.get("HardExpiry", False),
        max_password_age=policy.get("MaxPasswordAge", 0),
        minimum_password_length=policy.get("MinimumPasswordLength", 6),
        password_reuse_prevention=policy.get("PasswordReusePrevention"),
        require_lowercase_characters=policy.get("RequireLowercaseCharacters", False),
        require_numbers=policy.get("RequireNumbers", False),
        require_symbols=policy.get("RequireSymbols", False),
        require_uppercase_characters=policy.get("RequireUppercaseCharacters", False),
    )


def _group(backend: Any, group: GroupData) -> None:
    backend.create_group(group.name)
    for name in group.attached:
        backend.attach_group_policy(managed_policy_arn(name), group.name)
    for name, document in group.inline.items():
        backend.put_group_policy(group.name, name, json.dumps(document))


def _roles(backend: Any, account: AccountData, now: datetime) -> None:
    """Roles and own policies; what is made later gets the ids that it would get without them."""
    from moto.moto_api._internal import mock_random

    before = mock_random.getstate()
    for policy in account.policies:
        backend.create_policy(None, "/", json.dumps(policy.document), policy.name, [])
    for role in account.roles:
        _role(backend, role, now)
    mock_random.setstate(before)


def _role(backend: Any, data: RoleData, now: datetime) -> None:
    trust = json.dumps(data.trust)
    made = backend.create_role(data.name, trust, data.path, None, "", [], 3600)
    made.create_date = now - data.created
    if data.last_used is not None:
        made.last_used = now - data.last_used
    for name in data.attached:
        backend.attach_role_policy(managed_policy_arn(name), data.name)
    for name, document in data.inline.items():
        backend.put_role_policy(data.name, name, json.dumps(document))


def make_user(backend: Any, data: UserData, now: datetime, own_key: str | None = None) -> None:
    """An IAM user whose ages count back from now."""
    tags = [{"Key": key, "Value": value} for key, value in data.tags.items()]
    backend.create_user(REGION, data.name, data.path, tags)
    user = backend.get_user(data.name)
    user.create_date = now - data.created
    for group in data.groups:
        backend.add_user_to_group(group, data.name)
    for name in data.attached:
        backend.attach_user_policy(managed_policy_arn(name), data.name)
    for name, document in data.inline.items():
        user.put_policy(name, json.dumps(document))
    _password(user, data, now)
    for slot, key in enumerate(data.keys, start=1):
        _key(backend, user, key, own_key or key.id or _key_id(backend, data, slot), now)
    if data.mfa is not None:
        enrol_device(backend, data.name, now - data.mfa)


def _password(user: Any, data: UserData, now: datetime) -> None:
    if data.password is None:
        return
    user.password = f"Initial-Password-of-{data.name}-1!"
    user.password_changed = now - data.password.changed
    user.profile_created = max(user.create_date, user.password_changed - timedelta(days=1))
    user.password_reset_required = data.password.reset_required
    if data.password.last_sign_in is not None:
        user.password_last_used = now - data.password.last_sign_in


def _key_id(backend: Any, data: UserData, slot: int) -> str:
    return derived("AKIA", _KEY_ID_LENGTH, backend.account_id, data.name, slot)


def _key(backend: Any, user: Any, data: KeyData, key_id: str, now: datetime) -> None:
    from moto.iam.models import AccessKeyLastUsed

    key = user.create_access_key(prefix="AKIA", status="Active" if data.active else "Inactive")
    key.access_key_id = key_id
    key.secret_access_key = data.secret or key.secret_access_key
    key.create_date = now - data.created
    if data.last_used is not None:
        key.last_used = AccessKeyLastUsed(now - data.last_used, data.service, data.region)
    backend.access_keys[key_id] = key


def enrol_device(backend: Any, user_name: str, at: datetime) -> str:
    """A virtual MFA device for the user, enrolled at that instant; its serial number."""
    serial = f"arn:aws:iam::{backend.account_id}:mfa/{user_name}"
    if serial not in backend.virtual_mfa_devices:
        backend.create_virtual_mfa_device(user_name, "/")
    backend.enable_mfa_device(user_name, serial, "123456", "654321")
    backend.get_user(user_name).mfa_devices[serial].enable_date = at
    backend.virtual_mfa_devices[serial].enable_date = at
    return serial


def _identities(account: AccountData) -> None:
    from moto.ses.models import ses_backends

    backend: Any = ses_backends[account.account_id][REGION]
    for identity in account.mail.verified:
        made = backend.create_email_identity_v2(identity, None, None, None)
        made.verified_for_sending_status = True


def _buckets(account: AccountData) -> None:
    """AWS: new buckets are encrypted with AES256 and block public access by themselves.

    Bucket names are global: a second account does not get what the first one has.
    """
    from moto.s3.models import PublicAccessBlock, s3_backends

    backend: Any = s3_backends[account.account_id]["aws"]
    encrypted = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    for name in set(account.buckets) - set(s3_backends.bucket_accounts):
        backend.create_bucket(name, REGION)
        backend.put_bucket_versioning(name, "Enabled")
        backend.put_bucket_encryption(name, {"Rule": encrypted})
        bucket = backend.get_bucket(name)
        bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")
