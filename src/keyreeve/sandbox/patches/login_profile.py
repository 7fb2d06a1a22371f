"""Login profiles and the password policy.

AWS: CreateLoginProfile keeps PasswordResetRequired; UpdateLoginProfile changes only what it names;
passwords must meet the account's policy (without one: 8 characters, three of four classes); a user
may change his own password, to one that the policy does not remember; the profile has a CreateDate
of its own. moto drops the flag, erases the password that is not named, accepts anything and shows
the user's CreateDate.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from keyreeve.sandbox.patches.replacing import add, replace
from keyreeve.sandbox.world import World

_DEFAULT_LENGTH = 8
_DEFAULT_CLASSES = 3
_SYMBOLS = frozenset("!@#$%^&*()_+-=[]{}|'")


def policy_mistake(password: str, policy: Any) -> str | None:
    """What the password lacks, in AWS's words; `policy` is moto's, or None."""
    lower = any(char.islower() for char in password)
    upper = any(char.isupper() for char in password)
    digit = any(char.isdigit() for char in password)
    symbol = any(char in _SYMBOLS for char in password)
    if policy is None:
        if len(password) < _DEFAULT_LENGTH:
            return f"Password should have a minimum length of {_DEFAULT_LENGTH}"
        if sum((lower, upper, digit, symbol)) < _DEFAULT_CLASSES:
            return "Password must contain at least three of the four character classes"
        return None
    needs = (
        (len(password) >= policy.minimum_password_length,
         f"Password should have a minimum length of {policy.minimum_password_length}"),
        (lower or not policy.require_lowercase_characters,
         "Password should have at least one lowercase letter"),
        (upper or not policy.require_uppercase_characters,
         "Password should have at least one uppercase letter"),
        (digit or not policy.require_numbers, "Password should have at least one number"),
        (symbol or not policy.require_symbols, "Password should have at least one symbol"),
    )  # fmt: skip
    return next((text for met, text in needs if not met), None)


def set_password(world: World, user: Any, password: str, *, new_profile: bool) -> None:
    """Give the user this password as of now."""
    if user.password:
        user.past_passwords = [*getattr(user, "past_passwords", ()), user.password]
    user.password = password
    user.password_changed = world.naive_now()
    if new_profile:
        user.profile_created = user.password_changed


def apply(world: World) -> None:
    """Replace the login profile calls of moto's IAM."""
    from moto.core.responses import ActionResult, EmptyResult
    from moto.iam import responses
    from moto.iam.exceptions import EntityAlreadyExists, IAMException

    class PasswordPolicyViolation(IAMException):
        code = "PasswordPolicyViolation"

    def check(backend: Any, password: str) -> None:
        if mistake := policy_mistake(password, backend.account_password_policy):
            raise PasswordPolicyViolation(mistake)

    def answer(user: Any) -> Any:
        profile = {
            "UserName": user.name,
            "CreateDate": getattr(user, "profile_created", None) or user.create_date,
            "PasswordResetRequired": bool(user.password_reset_required),
        }
        return ActionResult({"LoginProfile": profile})

    def create_login_profile(self: Any) -> Any:
        user = self.backend.get_user(self._get_param("UserName"))
        if user.password:
            raise EntityAlreadyExists(f"Login Profile for user {user.name} already exists.")
        password = self._get_param("Password")
        check(self.backend, password)
        set_password(world, user, password, new_profile=True)
        user.password_reset_required = bool(self._get_param("PasswordResetRequired", False))
        return answer(user)

    def get_login_profile(self: Any) -> Any:
        return answer(self.backend.get_login_profile(self._get_param("UserName")))

    def update_login_profile(self: Any) -> Any:
        user = self.backend.get_login_profile(self._get_param("UserName"))
        password = self._get_param("Password")
        if password is not None:
            check(self.backend, password)
            set_password(world, user, password, new_profile=False)
        required = self._get_param("PasswordResetRequired")
        if required is not None:
            user.password_reset_required = bool(required)
        return EmptyResult()

    replace(
        responses.IamResponse,
        create_login_profile=create_login_profile,
        get_login_profile=get_login_profile,
        update_login_profile=update_login_profile,
    )
    _add_change_password(world, check)


def _add_change_password(world: World, check: Callable[[Any, str], None]) -> None:
    """What a user does himself; moto has not implemented it."""
    from moto.core.responses import EmptyResult
    from moto.iam.exceptions import IAMException
    from moto.iam.responses import IamResponse

    def change_password(self: Any) -> Any:
        user = self.backend.get_user_from_access_key_id(self.get_access_key())
        password = self._get_param("NewPassword")
        if user is None or user.password != self._get_param("OldPassword"):
            raise IAMException("InvalidUserType", "The old password does not match.")
        check(self.backend, password)
        if _is_reused(user, password, self.backend.account_password_policy):
            raise IAMException("PasswordPolicyViolation", "Password cannot be reused")
        set_password(world, user, password, new_profile=False)
        user.password_reset_required = False
        for key, session in world.sessions.items():
            if session.user_id == user.id:
                world.sessions[key] = dataclasses.replace(session, must_change_password=False)
        return EmptyResult()

    add(IamResponse, change_password=change_password)


def _is_reused(user: Any, password: str, policy: Any) -> bool:
    """Whether it is one of the last passwords that the account's policy remembers."""
    remembered = int(policy.password_reuse_prevention or 0) if policy is not None else 0
    past = [*getattr(user, "past_passwords", ()), user.password]
    return remembered > 0 and password in past[-remembered:]
