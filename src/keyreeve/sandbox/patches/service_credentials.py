"""User names and passwords of one service: Git, Keyspaces, Bedrock.

AWS: CreateServiceSpecificCredential answers once with the password; ListServiceSpecificCredentials
tells those of one user, or with AllUsers those of all, without it; two a user and service at most.
moto has none of the calls.
"""

from __future__ import annotations

from typing import Any, Final

from keyreeve.sandbox.callers import caller_of
from keyreeve.sandbox.patches.identifiers import derived
from keyreeve.sandbox.patches.replacing import add
from keyreeve.sandbox.world import World

_MOST: Final = 2
_ID_LENGTH: Final = 20
_PASSWORD_LENGTH: Final = 42


def apply(world: World) -> None:
    """Keep them with their users."""
    from moto.core.responses import ActionResult, EmptyResult
    from moto.iam.exceptions import LimitExceededException, NoSuchEntity
    from moto.iam.responses import IamResponse

    def owner(self: Any) -> Any:
        name = self._get_param("UserName")
        caller = None if name else caller_of(world, self.get_access_key())
        found = self.backend.get_user(name or (caller.name if caller else ""))
        vars(found).setdefault("service_credentials", {})
        return found

    def named(self: Any) -> dict[str, Any]:
        id_ = self._get_param("ServiceSpecificCredentialId")
        kept: dict[str, dict[str, Any]] = owner(self).service_credentials
        if id_ not in kept:
            raise NoSuchEntity(f"No such credential {id_} exists")
        return kept[id_]

    def create_service_specific_credential(self: Any) -> Any:
        user, service = owner(self), self._get_param("ServiceName")
        kept = user.service_credentials
        if sum(row["ServiceName"] == service for row in kept.values()) >= _MOST:
            raise LimitExceededException(
                f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {_MOST}"
            )
        made = (user.name, service, len(kept))
        account = self.backend.account_id
        id_ = derived("ACCA", _ID_LENGTH, account, *made)
        kept[id_] = {
            "CreateDate": world.naive_now(),
            "ServiceName": service,
            "ServiceUserName": f"{user.name}-at-{account}",
            "ServiceSpecificCredentialId": id_,
            "UserName": user.name,
            "Status": "Active",
        }
        password = derived("", _PASSWORD_LENGTH, "password", account, *made)
        return ActionResult(
            {"ServiceSpecificCredential": {**kept[id_], "ServicePassword": password}}
        )

    def list_service_specific_credentials(self: Any) -> Any:
        everybody = str(self._get_param("AllUsers", "")).lower() == "true"
        users = self.backend.users.values() if everybody else [owner(self)]
        service = self._get_param("ServiceName")
        rows = [row for user in users for row in vars(user).get("service_credentials", {}).values()]
        found = [row for row in rows if service in (None, row["ServiceName"])]
        return ActionResult({"ServiceSpecificCredentials": found, "IsTruncated": False})

    def update_service_specific_credential(self: Any) -> Any:
        named(self)["Status"] = self._get_param("Status")
        return EmptyResult()

    def delete_service_specific_credential(self: Any) -> Any:
        del owner(self).service_credentials[named(self)["ServiceSpecificCredentialId"]]
        return EmptyResult()

    add(
        IamResponse,
        create_service_specific_credential=create_service_specific_credential,
        list_service_specific_credentials=list_service_specific_credentials,
        update_service_specific_credential=update_service_specific_credential,
        delete_service_specific_credential=delete_service_specific_credential,
    )
