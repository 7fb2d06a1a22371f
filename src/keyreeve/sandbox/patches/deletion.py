"""DeleteUser refuses while the user still has something.

AWS: DeleteConflict while keys, login profile, MFA devices, groups, SSH keys, certificates or
credentials of a service remain. moto looks at policies only and leaves a ghost in the group.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.patches.replacing import replace


def apply() -> None:
    """Look at everything that DeleteUser must not leave behind."""
    from moto.iam.exceptions import DeleteConflictException
    from moto.iam.models import IAMBackend

    stock = IAMBackend.delete_user

    def delete_user(self: Any, user_name: str) -> None:
        user = self.get_user(user_name)
        held = {
            "access keys": user.access_keys,
            "login profile": user.password,
            "MFA device": user.mfa_devices,
            "groups": self.get_groups_for_user(user_name),
            "SSH public keys": user.ssh_public_keys,
            "signing certificates": user.signing_certificates,
            "service specific credentials": vars(user).get("service_credentials"),
        }
        for what, present in held.items():
            if present:
                raise DeleteConflictException(f"Cannot delete entity, must delete {what} first.")
        stock(self, user_name)

    replace(IAMBackend, delete_user=delete_user)
