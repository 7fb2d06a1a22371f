"""Security Hub takes findings only where it is on, for the caller's own product, when newer.

AWS: BatchImportFindings without Security Hub is InvalidAccessException; a finding of another
account's product, or one that botocore would let pass without a title, fails alone; an update that
is not newer (UpdatedAt) changes nothing. moto takes everything.

Still as moto has it: filters of GetFindings are not looked at, a later import may change Workflow
and Severity, and the size of a finding (240 KB) is not limited.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.patches.replacing import replace

_NEEDED = ("Id", "Title", "Description", "GeneratorId", "CreatedAt", "UpdatedAt", "SchemaVersion")


def apply() -> None:
    """Refuse what AWS refuses."""
    from moto.securityhub.exceptions import SecurityHubClientError
    from moto.securityhub.models import SecurityHubBackend

    stock = SecurityHubBackend.batch_import_findings

    def batch_import_findings(
        self: Any, findings: list[dict[str, Any]]
    ) -> tuple[int, int, list[dict[str, Any]]]:
        if not self.enabled:
            raise SecurityHubClientError(
                "InvalidAccessException",
                f"Account {self.account_id} is not subscribed to AWS Security Hub",
            )
        refused = [_refused(each, why) for each in findings if (why := _wrong(self, each))]
        sound = [each for each in findings if not _wrong(self, each)]
        newer = [each for each in sound if _is_newer(self, each)]
        failed, taken, errors = stock(self, newer)
        stale = len(sound) - len(newer)
        return failed + len(refused), taken + stale, [*errors, *refused]

    replace(SecurityHubBackend, batch_import_findings=batch_import_findings)


def _wrong(hub: Any, finding: dict[str, Any]) -> str:
    """Why AWS would not take it; empty: it would."""
    product = f":securityhub:{hub.region_name}:{hub.account_id}:product/{hub.account_id}/default"
    if finding.get("AwsAccountId") != hub.account_id:
        return "AwsAccountId is not the account of the caller"
    if not str(finding.get("ProductArn", "")).endswith(product):
        return "ProductArn is no product of the account in this region"
    lacking = [name for name in _NEEDED if not str(finding.get(name) or "").strip()]
    return f"{lacking[0]} is required" if lacking else ""


def _refused(finding: dict[str, Any], why: str) -> dict[str, Any]:
    return {"Id": finding.get("Id", ""), "ErrorCode": "InvalidInput", "ErrorMessage": why}


def _is_newer(hub: Any, finding: dict[str, Any]) -> bool:
    known = next((each for each in hub.findings if each.id == finding["Id"]), None)
    return known is None or str(known.data["UpdatedAt"]) < str(finding["UpdatedAt"])
