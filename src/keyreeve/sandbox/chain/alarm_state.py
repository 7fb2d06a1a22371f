"""What an alarm's datapoints mean.

AWS: CloudWatch User Guide, "Using Amazon CloudWatch alarms" and "Configuring how CloudWatch alarms
treat missing data".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
}


class State(StrEnum):
    """Of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When an alarm goes off."""

    comparison: str
    threshold: float
    needed: int
    """So many of the datapoints must breach: DatapointsToAlarm, else EvaluationPeriods."""
    missing: str = "missing"
    """TreatMissingData: missing, breaching, notBreaching, ignore."""


def judge(rule: Rule, values: Sequence[float | None], standing: State) -> tuple[State, str]:
    """The state that the datapoints (the newest first) mean, and AWS's words for why."""
    breaches, words = COMPARISONS[rule.comparison]
    there = [value for value in values if value is not None]
    breaching = sum(breaches(value, rule.threshold) for value in there)
    lacking = len(values) - len(there)
    if not there and rule.missing == "ignore":
        return standing, "Unchanged: no datapoints"
    if not there and rule.missing == "missing":
        told = f"Insufficient Data: {lacking} {_points(lacking)} unknown."
        return State.INSUFFICIENT_DATA, told
    if rule.missing == "breaching":
        breaching += lacking
    if not there:
        found = State.ALARM if breaching >= rule.needed else State.OK
        return found, (
            f"Threshold Crossed: no datapoints were received for {lacking} "
            f"period{'s' if lacking != 1 else ''} and {lacking} missing {_points(lacking)} treated "
            f"as [{'Breaching' if rule.missing == 'breaching' else 'NonBreaching'}]."
        )
    found = State.ALARM if breaching >= rule.needed else State.OK
    count = breaching if found is State.ALARM else len(there)
    negated = "" if found is State.ALARM else "not "
    return found, (
        f"Threshold Crossed: {count} {_points(count)} {list(there)} {negated}{words} "
        f"the threshold ({rule.threshold})."
    )


def _points(count: int) -> str:
    return "datapoint was" if count == 1 else "datapoints were"
