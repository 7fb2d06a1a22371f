"""Whether an alarm can fire at all on the events that it was made for.

Source: CloudWatch User Guide, "Using Amazon CloudWatch alarms" and "Alarm evaluation".
"""

from __future__ import annotations

from keyreeve.governance.alarms import Alarm
from keyreeve.model.monitoring import MetricAlarm

_ABOVE = {"GreaterThanOrEqualToThreshold": "≥", "GreaterThanThreshold": ">"}


def why_silent(alarm: MetricAlarm, wanted: Alarm, value: float) -> str | None:
    """Why the wanted number of events does not turn it from OK to ALARM; None: it does.

    `value`: what the metric filter writes for each event.
    """
    events = wanted.threshold
    if alarm.comparison not in _ABOVE:
        return f"it compares with {alarm.comparison or 'nothing'}, not ≥ or >"
    # A filter with a default value writes zeros between the events, which count, too.
    if alarm.statistic != "Sum" and not (alarm.statistic == "Maximum" and events == 1):
        return f"its statistic is {alarm.statistic or 'missing'}, which does not count events"
    if alarm.threshold < 0 or (alarm.threshold == 0 and _ABOVE[alarm.comparison] == "≥"):
        return f"{_told(alarm)} is true without any event, so it never changes"
    if alarm.missing_data == "breaching":
        return "quiet times count as breaching, so it never changes"
    seen = value if alarm.statistic == "Maximum" else events * value
    if not (seen > alarm.threshold or (seen == alarm.threshold and "Equal" in alarm.comparison)):
        return f"{_told(alarm)} is not reached by {_events(events)}"
    needed = alarm.datapoints_to_alarm or alarm.evaluation_periods
    if needed > 1:
        return f"it waits for {needed} periods with events"
    if events > 1 and alarm.period_seconds < wanted.card.period_seconds:
        return f"it looks at {alarm.period_seconds} s, not {wanted.card.period_seconds} s"
    return None


def _told(alarm: MetricAlarm) -> str:
    return f"{alarm.statistic} {_ABOVE[alarm.comparison]} {alarm.threshold:g}"


def _events(count: int) -> str:
    return "one event" if count == 1 else f"{count} events"
