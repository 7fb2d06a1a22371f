"""The user that a call means without naming it.

AWS: where UserName is left out, IAM takes it from the credentials, also from a session's. moto
knows this for two operations and for long-term keys only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from keyreeve.sandbox.callers import caller_of
from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.world import World

_OPTIONAL: Final = (
    "create_access_key",
    "create_login_profile",
    "deactivate_mfa_device",
    "delete_access_key",
    "delete_login_profile",
    "get_login_profile",
    "list_access_keys",
    "list_mfa_devices",
    "list_signing_certificates",
    "list_ssh_public_keys",
    "update_access_key",
)


def apply(world: World) -> None:
    """Fill the name in before moto looks for it. After the other patches of IAM."""
    from moto.iam.models import IAMBackend
    from moto.iam.responses import IamResponse

    stock_lookup = IAMBackend.get_user_from_access_key_id

    def get_user_from_access_key_id(self: Any, access_key_id: str) -> Any:
        if access_key_id in world.sessions:
            caller = caller_of(world, access_key_id)
            return caller.user if caller is not None else None
        return stock_lookup(self, access_key_id)

    def named(stock: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def answer(self: Any) -> Any:
            if not self._get_param("UserName") and not self._get_param("AccessKeyId"):
                caller = caller_of(world, self.get_access_key())
                if caller is not None and caller.user is not None:
                    self.params["UserName"] = caller.name
            return stock(self)

        return answer

    replace(IAMBackend, get_user_from_access_key_id=get_user_from_access_key_id)
    for name in _OPTIONAL:
        replace(IamResponse, **{name: named(getattr(IamResponse, name))})
