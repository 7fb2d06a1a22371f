"""An SNS topic that the MSP team subscribes to."""

from __future__ import annotations

from keyreeve.aws.alerts import SnsAlerts
from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions
from keyreeve.codec.chat import chat_text
from keyreeve.model.bulletin import Bulletin


class SnsChannel:
    """ports.channels.Channel. Retried: to be told twice does no harm."""

    def __init__(self, sessions: Sessions, topic_arn: str) -> None:
        """`sessions` in the topic's own region."""
        self._sessions = sessions
        self._topic_arn = topic_arn

    @property
    def name(self) -> str:
        """The topic."""
        return f"sns {self._topic_arn.rpartition(':')[2]}"

    def tell(self, bulletin: Bulletin) -> None:
        """Publish; a subject is ASCII only, so the title leads the text. AwsFailure if refused."""
        text = chat_text(bulletin)
        SnsAlerts(self._sessions, self._topic_arn).tell(text.title, f"{text.title}\n\n{text.body}")

    @calling("sns:GetTopicAttributes")
    def usable(self) -> str:
        """Whether the topic is there, and how many hear it."""
        answer = self._sessions.client("sns").get_topic_attributes(TopicArn=self._topic_arn)
        heard = answer["Attributes"].get("SubscriptionsConfirmed", "0")
        return f"the topic is there; confirmed subscriptions: {heard}"
