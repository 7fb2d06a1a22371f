"""Permissions boundaries of users.

AWS: CreateUser and PutUserPermissionsBoundary set one, DeleteUserPermissionsBoundary takes it away;
GetUser and GetAccountAuthorizationDetails tell it, lists do not. moto knows those of roles only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keyreeve.sandbox.patches.managed_policies import ensure
from keyreeve.sandbox.patches.replacing import add, replace


def apply() -> None:
    """Keep the ARN with the user."""
    from moto.core.responses import EmptyResult
    from moto.core.serialize import never_return
    from moto.iam.exceptions import NoSuchEntity
    from moto.iam.models import User
    from moto.iam.responses import IamResponse

    stock: Callable[[Any], Any] = IamResponse.create_user

    def checked(response: Any) -> str:
        arn = str(response._get_param("PermissionsBoundary"))
        ensure(response.backend, arn)
        if arn not in response.backend.managed_policies:
            raise NoSuchEntity(f"Policy {arn} does not exist or is not attachable.")
        return arn

    def create_user(self: Any) -> Any:
        arn = checked(self) if self._get_param("PermissionsBoundary") else None
        answer = stock(self)
        answer.result["User"].permissions_boundary_arn = arn
        return answer

    def put_user_permissions_boundary(self: Any) -> Any:
        user = self.backend.get_user(self._get_param("UserName"))
        user.permissions_boundary_arn = checked(self)
        return EmptyResult()

    def delete_user_permissions_boundary(self: Any) -> Any:
        self.backend.get_user(self._get_param("UserName")).permissions_boundary_arn = None
        return EmptyResult()

    def told(user: Any) -> dict[str, str] | None:
        arn = getattr(user, "permissions_boundary_arn", None)
        kind = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy"}
        return {**kind, "PermissionsBoundaryArn": arn} if arn else None

    replace(IamResponse, create_user=create_user)
    add(
        IamResponse,
        put_user_permissions_boundary=put_user_permissions_boundary,
        delete_user_permissions_boundary=delete_user_permissions_boundary,
    )
    add(User, permissions_boundary=property(told))
    for listing in ("ListUsersResponse.Users.User", "GetGroupResponse.Users.User"):
        shown = IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER
        shown[f"{listing}.PermissionsBoundary"] = never_return
