"""Findings into Security Hub, as the account's own product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import AwsFailure, Rejected
from keyreeve.ports.security_hub import NotImported

_CALL: Final = "securityhub:BatchImportFindings"
_NOT_ENABLED: Final = "InvalidAccessException"


class SecurityHub:
    """`ports.security_hub.FindingImporter`. Retried: a finding is known by its Id."""

    def __init__(self, sessions: Sessions) -> None:
        self._hub = sessions.client("securityhub")

    @property
    def region(self) -> str:
        """Where the findings go."""
        return str(self._hub.meta.region_name)

    def import_findings(self, documents: Sequence[Mapping[str, Any]]) -> tuple[NotImported, ...]:
        """BatchImportFindings, once. Rejected where Security Hub is not enabled."""
        try:
            return self._imported(documents)
        except AwsFailure as failure:
            if failure.code != _NOT_ENABLED:
                raise
        raise Rejected(
            f"Security Hub is not enabled in {self.region}",
            call=_CALL,
            code=_NOT_ENABLED,
            remedy="Enable Security Hub there, or name with --region where it is.",
        )

    @calling(_CALL)
    def _imported(self, documents: Sequence[Mapping[str, Any]]) -> tuple[NotImported, ...]:
        answer = self._hub.batch_import_findings(Findings=list(documents))
        return tuple(
            NotImported(id=row["Id"], code=row["ErrorCode"], message=row["ErrorMessage"])
            for row in answer.get("FailedFindings", ())
        )
