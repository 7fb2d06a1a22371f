"""E-mail subscriptions wait for their confirmation; queues and functions must let SNS in.

AWS: Subscribe of an address answers "pending confirmation" and nothing is delivered before it is
confirmed; the lists show PendingConfirmation in the place of the ARN; deliveries to queues and
functions need their policies.  moto confirms at once, drops mails, and asks no policy.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.chain import topics
from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Let subscriptions be what they are."""
    from moto.core.responses import ActionResult
    from moto.sns.models import SNSBackend, Subscription
    from moto.sns.responses import SNSResponse

    stock_subscribe, stock_publish = SNSBackend.subscribe, Subscription.publish
    stock_answer, stock_attributes = SNSResponse.subscribe, SNSResponse.get_topic_attributes

    def subscribe(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        subscription: Any = stock_subscribe(self, topic_arn, endpoint, protocol)
        if protocol in topics.UNCONFIRMED and not hasattr(subscription, "pending"):
            subscription.pending = True
            subscription.attributes["PendingConfirmation"] = "true"
            subscription.attributes["ConfirmationWasAuthenticated"] = "false"
        return subscription

    def publish(self: Any, message: str, message_id: str, **told: Any) -> None:
        facts = {"message": message, "message_id": message_id, **told}
        topics.hand_over(
            world, self, lambda: stock_publish(self, message, message_id, **told), facts
        )

    def answer(self: Any) -> Any:
        told: Any = stock_answer(self).result
        arn = told["SubscriptionArn"]
        wanted = str(self._get_param("ReturnSubscriptionArn")).lower() == "true"
        pending = topics.is_pending(self.backend.subscriptions[arn]) and not wanted
        return ActionResult({"SubscriptionArn": "pending confirmation" if pending else arn})

    def list_subscriptions(self: Any) -> Any:
        found, token = self.backend.list_subscriptions(next_token=self._get_param("NextToken"))
        return ActionResult({"Subscriptions": list(map(_row, found)), "NextToken": token})

    def list_subscriptions_by_topic(self: Any) -> Any:
        found, token = self.backend.list_subscriptions_by_topic(
            self._get_param("TopicArn"), next_token=self._get_param("NextToken")
        )
        return ActionResult({"Subscriptions": list(map(_row, found)), "NextToken": token})

    def get_topic_attributes(self: Any) -> Any:
        arn = self._get_param("TopicArn")
        told: Any = stock_attributes(self)
        found = [it for it in self.backend.subscriptions.values() if it.topic.arn == arn]
        pending = sum(map(topics.is_pending, found))
        told.result["Attributes"]["SubscriptionsPending"] = pending
        told.result["Attributes"]["SubscriptionsConfirmed"] = len(found) - pending
        return told

    replace(SNSBackend, subscribe=subscribe)
    replace(Subscription, publish=publish)
    replace(
        SNSResponse,
        subscribe=answer,
        list_subscriptions=list_subscriptions,
        list_subscriptions_by_topic=list_subscriptions_by_topic,
        get_topic_attributes=get_topic_attributes,
    )


def _row(subscription: Any) -> dict[str, Any]:
    pending = topics.is_pending(subscription)
    return {
        "SubscriptionArn": "PendingConfirmation" if pending else subscription.arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic.arn,
    }
