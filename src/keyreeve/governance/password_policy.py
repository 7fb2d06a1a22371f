"""The account password policy: what access.yaml asks for, and nowhere weaker than it is; pure.

UpdateAccountPasswordPolicy has no partial update: a field that is left out falls back to AWS's
default (E2). So the whole policy is written each time, from both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keyreeve.model.access import CharacterClass, PasswordRules

Settings = dict[str, Any]
"""Parameters of UpdateAccountPasswordPolicy; days and characters."""

_REQUIRE: Mapping[CharacterClass, str] = {
    CharacterClass.UPPER: "RequireUppercaseCharacters",
    CharacterClass.LOWER: "RequireLowercaseCharacters",
    CharacterClass.NUMBER: "RequireNumbers",
    CharacterClass.SYMBOL: "RequireSymbols",
}


def merged(current: Mapping[str, Any] | None, wanted: PasswordRules) -> Settings:
    """`current`: as GetAccountPasswordPolicy tells it; None: the account has none.

    HardExpiry is kept where it is on and never switched on: it would lock people out.
    """
    now = current or {}
    ages = [age for age in (now.get("MaxPasswordAge"), wanted.max_age) if age]
    return {
        "MinimumPasswordLength": max(now.get("MinimumPasswordLength", 0), wanted.minimum_length),
        "PasswordReusePrevention": max(
            now.get("PasswordReusePrevention", 0), wanted.reuse_prevention
        ),
        "MaxPasswordAge": min(ages),
        **{
            name: each in wanted.require or bool(now.get(name, False))
            for each, name in _REQUIRE.items()
        },
        "AllowUsersToChangePassword": bool(now.get("AllowUsersToChangePassword", False)),
        "HardExpiry": bool(now.get("HardExpiry", False)),
    }


def wanted_of(properties: Mapping[str, Any]) -> PasswordRules:
    """The custom resource's properties, which CloudFormation hands over as texts.

    ValueError or KeyError for what is no rule.
    """
    return PasswordRules(
        minimum_length=int(properties["MinimumLength"]),
        reuse_prevention=int(properties["ReusePrevention"]),
        max_age=int(properties["MaxAge"]),
        require=frozenset(CharacterClass(word) for word in properties["Require"] if word),
    )
