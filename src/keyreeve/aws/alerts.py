"""The alert topic: where a person is told at once."""

from __future__ import annotations

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions

_SUBJECT = 100
"""Characters; AWS: ASCII, no line breaks."""


class SnsAlerts:
    """`ports.people.Alerts` over one SNS topic. Retried: to be told twice does no harm."""

    def __init__(self, sessions: Sessions, topic_arn: str) -> None:
        self._sns = sessions.client("sns")
        self._topic_arn = topic_arn

    @calling("sns:Publish")
    def tell(self, subject: str, text: str) -> None:
        """Publish."""
        plain = "".join(c if c.isascii() and c.isprintable() else "?" for c in subject)
        self._sns.publish(TopicArn=self._topic_arn, Subject=plain[:_SUBJECT], Message=text)
