"""Config tells which rules are complied with.

AWS: DescribeComplianceByConfigRule; a rule that nothing was evaluated by yet has INSUFFICIENT_DATA.
moto has no evaluation.  Three rules, about the root user and the password policy, are evaluated
here; others stay INSUFFICIENT_DATA.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from keyreeve.sandbox.patches.replacing import add

_FLAGS = {
    "RequireUppercaseCharacters": "require_uppercase_characters",
    "RequireLowercaseCharacters": "require_lowercase_characters",
    "RequireSymbols": "require_symbols",
    "RequireNumbers": "require_numbers",
}


def apply() -> None:
    """Answer from IAM as it stands."""
    from moto.config.responses import ConfigResponse

    def describe_compliance_by_config_rule(self: Any) -> str:
        backend = self.config_backend
        named = backend.describe_config_rules(self._get_param("ConfigRuleNames"), None)
        asked = self._get_param("ComplianceTypes")
        rows = [
            {"ConfigRuleName": rule["ConfigRuleName"], "Compliance": _compliance(backend, rule)}
            for rule in named["ConfigRules"]
        ]
        found = [it for it in rows if not asked or it["Compliance"]["ComplianceType"] in asked]
        return json.dumps({"ComplianceByConfigRules": found})

    def start_config_rules_evaluation(self: Any) -> str:
        self.config_backend.describe_config_rules(self._get_param("ConfigRuleNames"), None)
        return "{}"

    add(
        ConfigResponse,
        describe_compliance_by_config_rule=describe_compliance_by_config_rule,
        start_config_rules_evaluation=start_config_rules_evaluation,
    )


def _compliance(backend: Any, rule: Mapping[str, Any]) -> dict[str, str]:
    from moto.iam.models import iam_backends

    iam: Any = iam_backends[backend.account_id]["aws"]
    check = _CHECKS.get(rule["Source"]["SourceIdentifier"])
    recording = any(it.status.recording for it in backend.recorders.values())
    if check is None or not recording:
        return {"ComplianceType": "INSUFFICIENT_DATA"}
    given = json.loads(rule.get("InputParameters") or "{}")
    return {"ComplianceType": "COMPLIANT" if check(iam, given) else "NON_COMPLIANT"}


def _root_has_mfa(iam: Any, _: Mapping[str, Any]) -> bool:
    return bool(getattr(iam, "root_facts", {}).get("mfa"))


def _root_has_no_key(iam: Any, _: Mapping[str, Any]) -> bool:
    return not getattr(iam, "root_facts", {}).get("key")


def _password_policy(iam: Any, given: Mapping[str, Any]) -> bool:
    """AWS: without a policy of its own the account is not compliant."""
    policy = iam.account_password_policy
    if policy is None:
        return False
    return all(
        (
            *(
                getattr(policy, flag) or str(given.get(name, "true")).lower() != "true"
                for name, flag in _FLAGS.items()
            ),
            policy.minimum_password_length >= int(given.get("MinimumPasswordLength", 14)),
            int(policy.password_reuse_prevention or 0)
            >= int(given.get("PasswordReusePrevention", 24)),
            0 < int(policy.max_password_age or 0) <= int(given.get("MaxPasswordAge", 90)),
        )
    )


_CHECKS: Mapping[str, Callable[[Any, Mapping[str, Any]], bool]] = {
    "ROOT_ACCOUNT_MFA_ENABLED": _root_has_mfa,
    "IAM_ROOT_ACCESS_KEY_CHECK": _root_has_no_key,
    "IAM_PASSWORD_POLICY": _password_policy,
}
