"""The account as JSON, and the fingerprint that proves that nothing changed."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from keyreeve.sandbox.seed import iam_backend
from keyreeve.sandbox.world import SentMail, World

_WIRE_DOMAINS = {"us-east-1": "email.amazonses.com"}


def _iso(at: datetime | None) -> str | None:
    return at.replace(tzinfo=UTC).isoformat() if at else None


def _digest(secret: str | bytes | None) -> str | None:
    if secret is None:
        return None
    content = secret if isinstance(secret, bytes) else secret.encode()
    return hashlib.sha256(content).hexdigest()


def _key(key: Any) -> dict[str, Any]:
    used = key.last_used
    return {
        "id": key.access_key_id,
        "status": key.status,
        "created": _iso(key.create_date),
        "last_used": _iso(used.timestamp) if used else None,
        "service": used.service if used else None,
        "region": used.region if used else None,
    }


def _login_profile(user: Any) -> dict[str, Any] | None:
    if not user.password:
        return None
    return {
        "created": _iso(getattr(user, "profile_created", None) or user.create_date),
        "changed": _iso(getattr(user, "password_changed", None) or user.create_date),
        "last_sign_in": _iso(user.password_last_used),
        "reset_required": bool(user.password_reset_required),
        "sha256": _digest(user.password),
    }


def _user(backend: Any, user: Any) -> dict[str, Any]:
    return {
        "name": user.name,
        "id": user.id,
        "arn": user.arn,
        "path": user.path,
        "created": _iso(user.create_date),
        "keys": [_key(key) for key in user.access_keys],
        "login_profile": _login_profile(user),
        "mfa": {serial: _iso(device.enable_date) for serial, device in user.mfa_devices.items()},
        "tags": {tag["Key"]: tag["Value"] for tag in backend.list_user_tags(user.name)},
        "groups": [group.name for group in backend.get_groups_for_user(user.name)],
        "inline": dict(user.policies),
        "attached": sorted(user.managed_policies),
    }


def account_view(account_id: str) -> dict[str, Any]:
    """IAM of one account: users by name, groups, roles, customer-managed policies."""
    backend = iam_backend(account_id)
    return {
        "account_id": account_id,
        "users": {user.name: _user(backend, user) for user in backend.users.values()},
        "groups": {
            group.name: {"inline": dict(group.policies), "attached": sorted(group.managed_policies)}
            for group in backend.groups.values()
        },
        "roles": {
            role.name: {"trust": str(role.assume_role_policy_document), "inline": role.policies}
            for role in backend.roles.values()
        },
        "policies": {
            policy.arn: [version.document for version in policy.versions]
            for policy in backend.managed_policies.values()
            if ":iam::aws:" not in policy.arn
        },
        "password_policy": _plain(backend.account_password_policy),
        "virtual_mfa": sorted(backend.virtual_mfa_devices),
    }


def _plain(value: Any) -> dict[str, Any] | None:
    return None if value is None else {k: v for k, v in vars(value).items() if k[0] != "_"}


def mail_view(mail: SentMail, number: int) -> dict[str, Any]:
    """One sent mail; `delivered` is what the recipient's mailbox gets."""
    return {
        "number": number,
        "id": mail.message_id,
        "wire_id": wire_id(mail),
        "source": mail.source,
        "destinations": list(mail.destinations),
        "at": mail.at.isoformat(),
        "raw": mail.raw.decode("utf-8", "surrogateescape"),
        "delivered": delivered(mail).decode("utf-8", "surrogateescape"),
    }


def wire_id(mail: SentMail) -> str:
    """The Message-ID that SES puts on the wire, in angle brackets (aws: by region)."""
    domain = _WIRE_DOMAINS.get(mail.region, f"{mail.region}.amazonses.com")
    return f"<{mail.message_id}@{domain}>"


def delivered(mail: SentMail) -> bytes:
    """The mail with Message-ID and Date overwritten, as SES does; else every byte as sent."""
    newline = b"\r\n" if b"\r\n" in mail.raw else b"\n"
    head, gap, body = mail.raw.partition(newline * 2)
    kept: list[bytes] = []
    dropping = False
    for line in head.split(newline):
        if not line.startswith((b" ", b"\t")):
            dropping = line.lower().startswith((b"message-id:", b"date:"))
        if not dropping:
            kept.append(line)
    own = [f"Message-ID: {wire_id(mail)}".encode(), f"Date: {format_datetime(mail.at)}".encode()]
    return newline.join(own + kept) + gap + body


def _objects() -> dict[str, Any]:
    """Every version of every object of every bucket."""
    from moto.s3.models import s3_backends

    found: dict[str, Any] = {}
    for _, _, backend in s3_backends.iter_backends():
        for bucket in backend.buckets.values():  # type: ignore[attr-defined]
            for name in sorted(bucket.keys):
                versions = bucket.keys.getlist(name)
                found[f"{bucket.name}/{name}"] = [_object(version) for version in versions]
    return found


def _object(version: Any) -> dict[str, Any]:
    marker = not hasattr(version, "etag")
    return {
        "version": version.version_id,
        "deleted": marker,
        "modified": _iso(version.last_modified),
        **({} if marker else {"etag": version.etag, "size": version.size}),
    }


def _secrets() -> dict[str, Any]:
    """Every secret of Secrets Manager; values as digests."""
    from moto.secretsmanager.models import secretsmanager_backends

    found: dict[str, Any] = {}
    for account_id, region, backend in secretsmanager_backends.iter_backends():
        secrets: dict[str, Any] = backend.secrets  # type: ignore[attr-defined]
        for name, secret in sorted(secrets.items()):
            found[f"{account_id}/{region}/{name}"] = {
                "policy": secret.policy,
                "tags": secret.tags,
                "deleted": secret.is_deleted(),
                "versions": {
                    version: _digest(value.get("secret_string") or value.get("secret_binary"))
                    for version, value in secret.versions.items()
                },
            }
    return found


def fingerprint(world: World) -> dict[str, Any]:
    """IAM, S3 objects, secrets and sent mails in canonical JSON, with digests.

    Left out: the credential report, and the last use of Keyreeve's own key.
    """
    from moto.iam.models import iam_backends

    # Assuming a role makes moto look into an account; that alone is no change.
    inhabited = sorted(it for it, partitions in iam_backends.items() if partitions["aws"].users)
    accounts = {account_id: account_view(account_id) for account_id in inhabited}
    for account in accounts.values():
        for user in account["users"].values():
            for key in user["keys"]:
                if key["id"] in world.own_keys:
                    key.update(last_used=None, service=None, region=None)
    parts = {
        "iam": accounts,
        "s3": _objects(),
        "secretsmanager": _secrets(),
        "mail": [[mail.message_id, _digest(mail.raw)] for mail in world.outbox],
    }
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    digests = {
        name: _digest(json.dumps(part, sort_keys=True, separators=(",", ":")))
        for name, part in parts.items()
    }
    return {"sha256": _digest(text), "parts": digests, "canonical": text}
