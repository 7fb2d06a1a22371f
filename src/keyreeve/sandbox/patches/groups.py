"""UpdateGroup moves a group, and DeleteGroup refuses while it has something.

AWS: NewPath alone changes the path; DeleteConflict while members or policies remain. moto changes
the path only together with the name, and deletes what has members.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.patches.replacing import replace


def apply() -> None:
    """Look at the path, and at what DeleteGroup must not leave behind."""
    from moto.iam.exceptions import DeleteConflictException
    from moto.iam.models import IAMBackend

    stock_update, stock_delete = IAMBackend.update_group, IAMBackend.delete_group

    def update_group(
        self: Any, group_name: str, new_group_name: str | None, new_path: str | None
    ) -> None:
        if new_path is not None and new_group_name is None:
            self.get_group(group_name).path = new_path
        stock_update(self, group_name, new_group_name, new_path)

    def delete_group(self: Any, group_name: str) -> None:
        group = self.get_group(group_name)
        held = {
            "remove users from group": group.users,
            "delete policies": group.policies,
            "detach all policies": group.managed_policies,
        }
        for what, present in held.items():
            if present:
                raise DeleteConflictException(f"Cannot delete entity, must {what} first.")
        stock_delete(self, group_name)

    replace(IAMBackend, update_group=update_group, delete_group=delete_group)
