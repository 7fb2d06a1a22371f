"""Mails that come back: moto's SES never bounces, so the sandbox tells it as SES would through SNS.

Shapes: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html for bounces,
complaints and deliveries of an identity; rejections exist as events of a configuration set only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from keyreeve.model.errors import ConfigError
from keyreeve.sandbox.account import REGION, Document

Part = dict[str, object]


def sns_event(
    message_id: str,
    source: str,
    destinations: Sequence[str],
    at: datetime,
    kind: str,
    to: str | None,
    detail: str,
) -> Document:
    """The event that Lambda gets from SNS. ConfigError for a kind that SES does not have."""
    if kind not in _PARTS:
        raise ConfigError(f"SES tells no {kind!r}", where="sandbox feedback")
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    kind_field = "eventType" if kind == "reject" else "notificationType"
    message = {
        kind_field: kind.capitalize(),
        kind: _PARTS[kind](to or destinations[0], stamp, detail),
        "mail": {
            "timestamp": stamp,
            "source": source,
            "sendingAccountId": "123456789012",
            "messageId": message_id,
            "destination": list(destinations),
        },
    }
    topic = f"arn:aws:sns:{REGION}:123456789012:mail-feedback"
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"{topic}:00000000-0000-4000-8000-000000000000",
                "Sns": {
                    "Type": "Notification",
                    "MessageId": f"{kind}-{message_id}",
                    "TopicArn": topic,
                    "Message": json.dumps(message),
                    "Timestamp": stamp,
                },
            }
        ]
    }


def _bounce(to: str, stamp: str, detail: str) -> Part:
    code = "5.1.1" if detail == "Permanent" else "4.2.2"
    return {
        "bounceType": detail,
        "bounceSubType": "General",
        "bouncedRecipients": [
            {
                "emailAddress": to,
                "action": "failed",
                "status": code,
                "diagnosticCode": f"smtp; 550 {code} <{to}>... User unknown",
            }
        ],
        "timestamp": stamp,
        "feedbackId": "0100000000000000-00000000-0000-4000-8000-000000000000-000000",
    }


def _complaint(to: str, stamp: str, _: str) -> Part:
    return {
        "complainedRecipients": [{"emailAddress": to}],
        "complaintFeedbackType": "abuse",
        "timestamp": stamp,
        "feedbackId": "0100000000000000-00000000-0000-4000-8000-000000000000-000000",
    }


def _delivery(to: str, stamp: str, _: str) -> Part:
    return {"timestamp": stamp, "recipients": [to], "smtpResponse": "250 2.6.0 Message received"}


def _reject(_: str, __: str, ___: str) -> Part:
    return {"reason": "Bad content"}


_PARTS: Mapping[str, Callable[[str, str, str], Part]] = {
    "bounce": _bounce,
    "complaint": _complaint,
    "delivery": _delivery,
    "reject": _reject,
}
