"""Lists in pages.

AWS: MaxItems (100 if not given) and an opaque Marker on every list; IsTruncated tells whether more
is to come; GetAccountAuthorizationDetails counts over users, groups, roles and policies together.
moto answers everything at once and never IsTruncated.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from keyreeve.sandbox.patches.replacing import replace

_DEFAULT_ITEMS = 100
_LISTS = {
    "list_users": "Users",
    "list_groups": "Groups",
    "list_groups_for_user": "Groups",
    "list_access_keys": "AccessKeyMetadata",
    "list_mfa_devices": "MFADevices",
    "list_user_policies": "PolicyNames",
    "list_user_tags": "Tags",
}
_DETAILS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


def page(
    items: Sequence[Any], max_items: int | None, marker: str | None
) -> tuple[Sequence[Any], str | None]:
    """The slice that the marker names, and the marker of the next one (None: no more)."""
    start = int(base64.b64decode(marker)) if marker else 0
    end = start + int(max_items or _DEFAULT_ITEMS)
    following = base64.b64encode(str(end).encode()).decode() if end < len(items) else None
    return items[start:end], following


def _continued(result: dict[str, Any], marker: str | None) -> dict[str, Any]:
    result["IsTruncated"] = marker is not None
    if marker:
        result["Marker"] = marker
    return result


def _paged(stock: Callable[[Any], Any], field: str) -> Callable[[Any], Any]:
    from moto.core.responses import ActionResult

    def answer(self: Any) -> Any:
        result = dict(stock(self).result)
        part, marker = page(
            list(result[field]), self._get_param("MaxItems"), self._get_param("Marker")
        )
        return ActionResult(_continued(result | {field: part}, marker))

    return answer


def apply() -> None:
    """Page the lists that Keyreeve reads."""
    from moto.core.responses import ActionResult
    from moto.iam.responses import IamResponse

    for method, field in _LISTS.items():
        replace(IamResponse, **{method: _paged(getattr(IamResponse, method), field)})

    stock: Callable[[Any], Any] = IamResponse.get_account_authorization_details

    def details(self: Any) -> Any:
        result = stock(self).result
        # AWS lists its own policies only where they are attached.
        entries = [
            (field, entry)
            for field in _DETAILS
            for entry in result[field]
            if field != "Policies" or entry.attachment_count or ":iam::aws:" not in entry.arn
        ]
        part, marker = page(entries, self._get_param("MaxItems"), self._get_param("Marker"))
        lists = {name: [entry for field, entry in part if field == name] for name in _DETAILS}
        return ActionResult(_continued(lists, marker))

    replace(IamResponse, get_account_authorization_details=details)
