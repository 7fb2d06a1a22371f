"""Parameters: given, left as they were, or by default; judged by their constraints and rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from keyreeve.sandbox.stacks.expressions import Scope, holds
from keyreeve.sandbox.stacks.refusals import Refused
from keyreeve.sandbox.stacks.template import Template

MASK: Final = "****"
"""What AWS tells of a parameter with NoEcho."""


def parameter_values(
    template: Template, given: Sequence[Mapping[str, Any]], before: Mapping[str, str]
) -> dict[str, str]:
    """Every parameter's text. Refused if one is missing, unknown, or against its constraints."""
    declared = template.parameters
    unknown = sorted({str(item["ParameterKey"]) for item in given} - set(declared))
    if unknown:
        raise Refused(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values = {name: str(card["Default"]) for name, card in declared.items() if "Default" in card}
    for item in given:
        name = str(item["ParameterKey"])
        if _is_true(item.get("UsePreviousValue")):
            if name not in before:
                raise Refused(f"Invalid input for parameter key {name}. No previous value.")
            values[name] = before[name]
        else:
            values[name] = str(item.get("ParameterValue", ""))
    missing = [name for name in declared if name not in values]
    if missing:
        raise Refused(f"Parameters: [{', '.join(missing)}] must have values")
    for name, card in declared.items():
        _judge(name, card, values[name])
    return {name: values[name] for name in declared}


def typed(card: Mapping[str, Any], text: str) -> Any:
    """What Ref gives for a parameter of this type."""
    kind = str(card.get("Type", "String"))
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [part.strip() for part in text.split(",")] if text else []
    return text


def told(template: Template, values: Mapping[str, str]) -> list[dict[str, str]]:
    """As DescribeStacks tells them."""
    return [
        {
            "ParameterKey": name,
            "ParameterValue": MASK if hidden(template.parameters[name]) else value,
        }
        for name, value in values.items()
    ]


def hidden(card: Mapping[str, Any]) -> bool:
    """Whether the value is never told."""
    return _is_true(card.get("NoEcho"))


def judge_rules(template: Template, scope: Scope) -> None:
    """The section Rules. Refused with the description of the first assertion that fails."""
    for name, rule in template.rules.items():
        if "RuleCondition" in rule and not holds(rule["RuleCondition"], scope):
            continue
        for assertion in rule["Assertions"]:
            if not holds(assertion["Assert"], scope):
                why = assertion.get("AssertDescription", "")
                raise Refused(f"Template constraint '{name}' is not satisfied: {why}")


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def _judge(name: str, card: Mapping[str, Any], text: str) -> None:
    kind = str(card.get("Type", "String"))
    if kind.startswith("AWS::SSM::"):
        raise Refused(f"The sandbox does not know parameters of the type {kind}")
    allowed = card.get("AllowedValues")
    parts = typed(card, text) if kind in ("CommaDelimitedList", "List<Number>") else [text]
    if allowed is not None and not set(parts) <= set(map(str, allowed)):
        raise Refused(f"Parameter '{name}' must be one of AllowedValues" + _described(card))
    pattern = card.get("AllowedPattern")
    if pattern is not None and re.fullmatch(str(pattern), text) is None:
        raise Refused(f"Parameter '{name}' must match pattern {pattern}" + _described(card))
    if kind in ("Number", "List<Number>"):
        for part in parts:
            _judge_number(name, card, part)
    elif not int(card.get("MinLength", 0)) <= len(text) <= int(card.get("MaxLength", len(text))):
        raise Refused(f"Parameter '{name}' has a length that its constraints do not allow")


def _judge_number(name: str, card: Mapping[str, Any], text: str) -> None:
    try:
        number = float(text)
    except ValueError:
        raise Refused(f"Parameter '{name}' must be a number") from None
    if number < float(card.get("MinValue", number)):
        raise Refused(f"Parameter '{name}' must be a number not less than {card['MinValue']}")
    if number > float(card.get("MaxValue", number)):
        raise Refused(f"Parameter '{name}' must be a number not greater than {card['MaxValue']}")


def _described(card: Mapping[str, Any]) -> str:
    described = card.get("ConstraintDescription")
    return f": {described}" if described else ""
