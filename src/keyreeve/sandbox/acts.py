"""What people do in the account between two runs, stamped with the sandbox's clock.

| act | details |
|---|---|
| create_key | – |
| rotate_key | key: the new key replaces it; the old one is deleted |
| use_key | key, service, region, at |
| delete_key | key |
| set_key_status | key, active |
| sign_in | at, mfa, failure: of the root user too, as `<root_account>` |
| change_password | – |
| delete_password | – |
| enrol_mfa · remove_mfa | – |
| tag · untag | tags: mapping · keys: list |
| rename | to |
| delete_user | – (everything that the user has goes too) |
| create_user | the fields of a user in the account data |

`key` is an id, `oldest` (the default) or `newest`.  CloudTrail tells of it all as if it had been
done in the console.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from keyreeve.model.errors import ConfigError
from keyreeve.sandbox.account import Act, Document
from keyreeve.sandbox.account_file import read_account
from keyreeve.sandbox.chain import people
from keyreeve.sandbox.patches.login_profile import set_password
from keyreeve.sandbox.seed import enrol_device, iam_backend, make_user
from keyreeve.sandbox.world import World


def perform(
    world: World, account_id: str, act: Act, user: str, details: Document
) -> dict[str, Any]:
    """Let it happen; what came of it. ConfigError when it cannot."""
    backend = iam_backend(account_id)
    if act is Act.CREATE_USER:
        document = {"account_id": account_id, "users": [{"created": "0d", **details, "name": user}]}
        make_user(backend, read_account(document).users[0], world.naive_now())
        people.acted(world, account_id, people.root_identity(account_id), act, user, details)
        return {}
    if act is Act.SIGN_IN:
        return _sign_in_to_console(world, backend, user, details)
    if user not in backend.users:
        raise ConfigError(f"no user {user}", where=act)
    identity = people.user_identity(account_id, backend.users[user])
    done = _ACTS[act](world, backend, backend.users[user], details) or {}
    people.acted(world, account_id, identity, act, user, {**details, **done})
    return done


def _sign_in_to_console(world: World, backend: Any, name: str, details: Document) -> dict[str, Any]:
    user, failure = backend.users.get(name), str(details.get("failure", ""))
    if user is None and name != people.ROOT and not failure:
        raise ConfigError(f"no user {name}", where=Act.SIGN_IN)
    if user is not None and not failure:
        _sign_in(world, backend, user, details)
    attempt = people.Attempt(
        account_id=backend.account_id,
        user=name,
        at=_instant(world, details).replace(tzinfo=UTC),
        mfa=bool(details.get("mfa", user is not None and bool(user.mfa_devices))),
        failure=failure,
    )
    people.signed_in(world, attempt)
    return {}


def _key(user: Any, details: Document) -> Any:
    """The key that the details name."""
    keys = sorted(user.access_keys, key=lambda key: key.create_date)
    wanted = details.get("key", "oldest")
    if keys and wanted in ("oldest", "newest"):
        return keys[0 if wanted == "oldest" else -1]
    for key in keys:
        if key.access_key_id == wanted:
            return key
    raise ConfigError(f"{user.name} has no key {wanted}", where="act")


def _instant(world: World, details: Document) -> datetime:
    """`at` of the details, else now; naive UTC as moto keeps it."""
    if "at" not in details:
        return world.naive_now()
    return datetime.fromisoformat(str(details["at"])).astimezone(UTC).replace(tzinfo=None)


def _create_key(_: World, backend: Any, user: Any, __: Document) -> dict[str, Any]:
    return {"key": backend.create_access_key(user.name).access_key_id}


def _rotate_key(world: World, backend: Any, user: Any, details: Document) -> dict[str, Any]:
    old = _key(user, details)
    if len(user.access_keys) > 1:
        backend.delete_access_key(old.access_key_id, user.name)
        return _create_key(world, backend, user, details)
    made = _create_key(world, backend, user, details)
    backend.delete_access_key(old.access_key_id, user.name)
    return made


def _use_key(world: World, _: Any, user: Any, details: Document) -> dict[str, Any]:
    from moto.iam.models import AccessKeyLastUsed

    key = _key(user, details)
    if key.status != "Active":
        raise ConfigError(f"{key.access_key_id} is Inactive: AWS refuses it", where="use_key")
    service, region = details.get("service", "s3"), details.get("region", "N/A")
    key.last_used = AccessKeyLastUsed(_instant(world, details), service, region)
    return {"key": key.access_key_id}


def _delete_key(_: World, backend: Any, user: Any, details: Document) -> dict[str, Any]:
    key = _key(user, details)
    backend.delete_access_key(key.access_key_id, user.name)
    return {"key": key.access_key_id}


def _set_key_status(_: World, backend: Any, user: Any, details: Document) -> dict[str, Any]:
    key = _key(user, details)
    status = "Active" if details.get("active", False) else "Inactive"
    backend.update_access_key(user.name, key.access_key_id, status)
    return {"key": key.access_key_id}


def _sign_in(world: World, _: Any, user: Any, details: Document) -> None:
    if not user.password:
        raise ConfigError(f"{user.name} has no password", where="sign_in")
    user.password_last_used = _instant(world, details)


def _change_password(world: World, _: Any, user: Any, details: Document) -> None:
    _sign_in(world, None, user, details)
    chosen = f"Chosen-by-{user.name}-{world.clock.now():%Y%m%d%H%M}!"
    set_password(world, user, chosen, new_profile=False)
    user.password_reset_required = False


def _delete_password(_: World, backend: Any, user: Any, __: Document) -> None:
    backend.delete_login_profile(user.name)


def _enrol_mfa(world: World, backend: Any, user: Any, _: Document) -> dict[str, Any]:
    return {"serial": enrol_device(backend, user.name, world.naive_now())}


def _remove_mfa(_: World, backend: Any, user: Any, __: Document) -> dict[str, Any]:
    serials = list(user.mfa_devices)
    for serial in serials:
        backend.deactivate_mfa_device(user.name, serial)
        backend.virtual_mfa_devices.pop(serial, None)
    return {"serial": serials[0]} if serials else {}


def _tag(_: World, backend: Any, user: Any, details: Document) -> None:
    tags: Mapping[str, str] = details.get("tags", {})
    backend.tag_user(user.name, [{"Key": key, "Value": value} for key, value in tags.items()])


def _untag(_: World, backend: Any, user: Any, details: Document) -> None:
    backend.untag_user(user.name, list(details.get("keys", ())))


def _rename(_: World, backend: Any, user: Any, details: Document) -> None:
    """Tags and keys follow the user, as in AWS; moto leaves them with the old name."""
    tags = backend.list_user_tags(user.name)
    backend.tagger.delete_all_tags_for_resource(user.arn)
    backend.update_user(user.name, None, details["to"])
    backend.tagger.tag_resource(user.arn, tags)
    for key in user.access_keys:
        key.user_name = user.name


def _delete_user(world: World, backend: Any, user: Any, details: Document) -> None:
    for key in list(user.access_keys):
        backend.delete_access_key(key.access_key_id, user.name)
    for group in backend.get_groups_for_user(user.name):
        group.users.remove(user)
    _remove_mfa(world, backend, user, details)
    for policy in list(user.managed_policies):
        backend.detach_user_policy(policy, user.name)
    user.password = None
    user.policies.clear()
    backend.delete_user(user.name)


_ACTS: Mapping[Act, Callable[[World, Any, Any, Document], dict[str, Any] | None]] = {
    Act.CREATE_KEY: _create_key,
    Act.ROTATE_KEY: _rotate_key,
    Act.USE_KEY: _use_key,
    Act.DELETE_KEY: _delete_key,
    Act.SET_KEY_STATUS: _set_key_status,
    Act.SIGN_IN: _sign_in,
    Act.CHANGE_PASSWORD: _change_password,
    Act.DELETE_PASSWORD: _delete_password,
    Act.ENROL_MFA: _enrol_mfa,
    Act.REMOVE_MFA: _remove_mfa,
    Act.TAG: _tag,
    Act.UNTAG: _untag,
    Act.RENAME: _rename,
    Act.DELETE_USER: _delete_user,
}
