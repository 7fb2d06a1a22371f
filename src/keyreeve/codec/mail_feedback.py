"""Feedback about mails: SES's JSON, as it comes through SNS, and our own object of it.

SES tells the same things in two shapes: notifications of an identity (`notificationType`) and
events of a configuration set (`eventType`).  Unknown fields are AWS's right and are ignored.
Shapes: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html and
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from keyreeve.codec.seal import require_version, seal, unseal
from keyreeve.codec.values import from_json, to_json
from keyreeve.codec.visible import one_line
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.feedback import FeedbackKind, Ignored, MailFeedback

_SCHEMA_VERSION = 1
_REMEDY = "Nothing was changed. Restore the object's first version: the bucket keeps it."
_LONGEST = 300
"""Characters of a reason; mail servers can be talkative."""

Raw = Mapping[str, Any]


def records(event: object) -> Iterator[tuple[str, object]]:
    """What an event holds, each with a name: SNS records for Lambda, or SES's JSON as it is.

    SNS writes what it could not deliver to a queue in a third form, its notification.
    """
    if not isinstance(event, Mapping):
        yield "event", event
        return
    if "Records" not in event:
        undelivered = event.get("Type") == "Notification"
        yield "event", event.get("Message") if undelivered else event
        return
    listed = event["Records"]
    for number, record in enumerate(listed if isinstance(listed, list) else [listed]):
        sns = record.get("Sns") if isinstance(record, Mapping) else None
        name = f"Records[{number}]"
        if not isinstance(sns, Mapping):
            yield name, record
            continue
        yield f"{name} ({sns.get('MessageId', 'no MessageId')})", sns.get("Message")


def read(content: object) -> MailFeedback | Ignored:
    """SES's JSON, as text or parsed. ValueError, saying what is missing, if it is anything else."""
    said = json.loads(content) if isinstance(content, str) else content
    if not isinstance(said, Mapping):
        raise ValueError(f"expected SES's JSON object, found {type(said).__name__}")  # noqa: TRY004 - content, not types
    kind = said.get("notificationType", said.get("eventType"))
    if kind is None:
        raise ValueError("there is neither notificationType nor eventType")
    reader = _READERS.get(str(kind))
    if reader is not None:
        return reader(said)
    return Ignored(reason=_WHY_IGNORED.get(str(kind), f"{one_line(str(kind))} is no news to us"))


def encode(feedback: MailFeedback) -> bytes:
    """The bytes of our object: the same feedback gives the same bytes."""
    document = to_json(feedback)
    if not isinstance(document, dict):
        raise TypeError("feedback is an object")
    return seal({**document, "schema_version": _SCHEMA_VERSION})


def decode(content: bytes, *, where: str) -> MailFeedback:
    """Read our object. StateUnreadable, naming `where`, if any byte is not as it was written."""
    try:
        document = unseal(content)
        require_version(document.pop("schema_version", None), _SCHEMA_VERSION)
        return from_json(MailFeedback, document)
    except ValueError as error:
        raise StateUnreadable(str(error), where=where, remedy=_REMEDY) from error


# --- the kinds -----------------------------------------------------------------------------------

_WHY_IGNORED = {
    "AmazonSnsSubscriptionSucceeded": "SES greets a new topic",
    "Delivery": "a delivery is no condition of anything: acceptance and silence are",
    "Rendering Failure": "Keyreeve sends no templates of SES: this mail is somebody else's",
}


def _bounce(said: Raw) -> MailFeedback:
    """Permanent: the address is dead. Transient and Undetermined: this mail did not arrive.

    An absence note counts as Transient to SES: whoever is away was not told either.
    """
    bounce = _part(said, "bounce")
    kind, subkind = _text(bounce, "bounceType"), bounce.get("bounceSubType", "")
    listed = _people(bounce, "bouncedRecipients")
    codes = [person.get("diagnosticCode") for person in listed if person.get("diagnosticCode")]
    return _feedback(
        said,
        FeedbackKind.BOUNCE,
        at=_instant(bounce),
        recipients=_addresses(listed),
        lasting=kind == "Permanent",
        reason=f"bounced ({kind}/{subkind})" + (f": {codes[0]}" if codes else ""),
    )


def _complaint(said: Raw) -> MailFeedback | Ignored:
    complaint = _part(said, "complaint")
    kind = complaint.get("complaintFeedbackType") or complaint.get("complaintSubType") or ""
    if kind == "not-spam":
        return Ignored(reason="the reader says that it is no spam")
    return _feedback(
        said,
        FeedbackKind.COMPLAINT,
        at=_instant(complaint),
        recipients=_addresses(_people(complaint, "complainedRecipients")),
        lasting=True,
        reason="complained about as spam" + (f" ({kind})" if kind else ""),
    )


def _reject(said: Raw) -> MailFeedback:
    """Nothing is wrong with the address: the mail itself was not sent."""
    why = _part(said, "reject").get("reason", "no reason given")
    return _feedback(
        said,
        FeedbackKind.REJECT,
        at=_instant(_part(said, "mail")),
        recipients=(),
        lasting=False,
        reason=f"rejected by SES: {why}",
    )


_READERS: Mapping[str, Callable[[Raw], MailFeedback | Ignored]] = {
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Reject": _reject,
}


# --- small parts ---------------------------------------------------------------------------------


def _feedback(
    said: Raw,
    kind: FeedbackKind,
    *,
    at: datetime,
    recipients: tuple[str, ...],
    lasting: bool,
    reason: str,
) -> MailFeedback:
    """Without named recipients, the mail reached none of its own."""
    mail = _part(said, "mail")
    everybody = mail.get("destination") or ()
    if not isinstance(everybody, list | tuple):
        raise ValueError("destination is no list")  # noqa: TRY004 - content, not types
    return MailFeedback(
        kind=kind,
        message_id=_text(mail, "messageId"),
        recipients=recipients or tuple(_plain(str(address)) for address in everybody),
        at=at,
        lasting=lasting,
        reason=one_line(reason)[:_LONGEST],
    )


def _part(said: Raw, name: str) -> Raw:
    part = said.get(name)
    if not isinstance(part, Mapping):
        raise ValueError(f"there is no object {name!r}")  # noqa: TRY004 - content, not types
    return part


def _text(part: Raw, name: str) -> str:
    text = part.get(name)
    if not isinstance(text, str) or not text:
        raise ValueError(f"there is no {name}")
    return text


def _people(part: Raw, name: str) -> list[Raw]:
    listed = part.get(name)
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
        raise ValueError(f"{name} is no list of objects")
    return listed


def _addresses(listed: list[Raw]) -> tuple[str, ...]:
    return tuple(_plain(_text(one, "emailAddress")) for one in listed)


def _plain(address: str) -> str:
    """Without a display name, in lower case."""
    return (parseaddr(address)[1] or address).lower()


def _instant(part: Raw) -> datetime:
    at = datetime.fromisoformat(_text(part, "timestamp"))
    if at.tzinfo is None:
        raise ValueError(f"timestamp {at} has no zone")
    return at
