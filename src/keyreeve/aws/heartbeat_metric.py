"""A count in CloudWatch; an alarm on its absence is the dead man's switch."""

from __future__ import annotations

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions
from keyreeve.model.heartbeat import DIMENSION, METRIC, NAMESPACE


class MetricHeartbeat:
    """ports.heartbeat.Heartbeat. Retried: an alarm on absence does not mind being told twice."""

    def __init__(self, sessions: Sessions, project: str) -> None:
        """`project` as the storage writes it: CloudWatch takes ASCII only."""
        self._sessions = sessions
        self._project = project

    @property
    def name(self) -> str:
        """The metric and its dimension."""
        return f"metric {NAMESPACE}/{METRIC}, {DIMENSION} {self._project}"

    @calling("cloudwatch:PutMetricData")
    def beat(self) -> None:
        """One more. AwsFailure if it was not taken."""
        self._sessions.client("cloudwatch").put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": METRIC,
                    "Dimensions": [{"Name": DIMENSION, "Value": self._project}],
                    "Value": 1,
                    "Unit": "Count",
                }
            ],
        )

    def usable(self) -> str:
        """Where it is counted; that it may be, no call can tell without counting."""
        region = self._sessions.client("cloudwatch").meta.region_name
        return f"is counted in {region}; whether the role may shows the first run"
