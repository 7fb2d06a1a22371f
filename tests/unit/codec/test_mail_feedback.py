"""SES's documented notifications and events, read; anything else refused with a word why."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from keyreeve.codec.mail_feedback import decode, encode, read, records
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.feedback import FeedbackKind, Ignored, MailFeedback

BARE = "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000"
MAIL = {
    "timestamp": "2016-01-27T14:59:38.237Z",
    "source": "john@example.com",
    "sourceArn": "arn:aws:ses:us-east-1:888888888888:identity/example.com",
    "sourceIp": "127.0.3.0",
    "sendingAccountId": "123456789012",
    "callerIdentity": "IAM_user_or_role_name",
    "messageId": BARE,
    "destination": ["jane@example.com", "mary@example.com", "richard@example.com"],
    "headersTruncated": False,
    "headers": [{"name": "From", "value": '"John Doe" <john@example.com>'}],
    "commonHeaders": {"from": ["John Doe <john@example.com>"], "subject": "Hello"},
}
AT = "2016-01-27T14:59:38.237Z"
BOUNCE = {
    "bounceType": "Permanent",
    "bounceSubType": "General",
    "reportingMTA": "dns; email.example.com",
    "bouncedRecipients": [
        {
            "emailAddress": "jane@example.com",
            "status": "5.1.1",
            "action": "failed",
            "diagnosticCode": "smtp; 550 5.1.1 <jane@example.com>... User",
        }
    ],
    "timestamp": AT,
    "feedbackId": "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa068a-000000",
    "remoteMtaIp": "127.0.2.0",
}
COMPLAINT = {
    "userAgent": "AnyCompany Feedback Loop (V0.01)",
    "complainedRecipients": [{"emailAddress": "richard@example.com"}],
    "complaintFeedbackType": "abuse",
    "arrivalDate": AT,
    "timestamp": AT,
    "feedbackId": "000001378603177f-18c07c78-fa81-4a58-9dd1-fedc3cb8f49a-000000",
}
DELIVERY = {
    "timestamp": AT,
    "recipients": ["jane@example.com"],
    "processingTimeMillis": 546,
    "reportingMTA": "a8-70.smtp-out.amazonses.com",
    "smtpResponse": "250 ok:  Message 64111812 accepted",
}


def notification(kind, **part):
    return {"notificationType": kind, kind.lower(): part, "mail": MAIL}


def event(kind, name, **part):
    return {"eventType": kind, name: part, "mail": MAIL | {"tags": {"ses:caller-identity": ["x"]}}}


BACK = [
    (
        notification("Bounce", **BOUNCE),
        FeedbackKind.BOUNCE,
        ("jane@example.com",),
        True,
        "bounced (Permanent/General): smtp; 550 5.1.1 <jane@example.com>... User",
    ),
    (
        # without a delivery status notification
        notification(
            "Bounce",
            bounceType="Permanent",
            bounceSubType="General",
            bouncedRecipients=[
                {"emailAddress": "jane@example.com"},
                {"emailAddress": "Richard <Richard@example.com>"},
            ],
            timestamp=AT,
            feedbackId="x",
        ),
        FeedbackKind.BOUNCE,
        ("jane@example.com", "richard@example.com"),
        True,
        "bounced (Permanent/General)",
    ),
    (
        event("Bounce", "bounce", **BOUNCE | {"bounceSubType": "OnAccountSuppressionList"}),
        FeedbackKind.BOUNCE,
        ("jane@example.com",),
        True,
        "bounced (Permanent/OnAccountSuppressionList): smtp; 550 5.1.1 <jane@example.com>... User",
    ),
    (
        notification("Bounce", **BOUNCE | {"bounceType": "Transient"}),
        FeedbackKind.BOUNCE,
        ("jane@example.com",),
        False,
        "bounced (Transient/General): smtp; 550 5.1.1 <jane@example.com>... User",
    ),
    (
        notification(
            "Bounce",
            **BOUNCE | {"bounceType": "Undetermined", "bounceSubType": "Undetermined"},
        ),
        FeedbackKind.BOUNCE,
        ("jane@example.com",),
        False,
        "bounced (Undetermined/Undetermined): smtp; 550 5.1.1 <jane@example.com>... User",
    ),
    (
        notification("Complaint", **COMPLAINT),
        FeedbackKind.COMPLAINT,
        ("richard@example.com",),
        True,
        "complained about as spam (abuse)",
    ),
    (
        event(
            "Complaint",
            "complaint",
            complainedRecipients=[{"emailAddress": "richard@example.com"}],
            timestamp=AT,
            complaintSubType="OnAccountSuppressionList",
        ),
        FeedbackKind.COMPLAINT,
        ("richard@example.com",),
        True,
        "complained about as spam (OnAccountSuppressionList)",
    ),
    (
        event("Reject", "reject", reason="Bad content"),
        FeedbackKind.REJECT,
        ("jane@example.com", "mary@example.com", "richard@example.com"),
        False,
        "rejected by SES: Bad content",
    ),
]


@pytest.mark.parametrize(("said", "kind", "recipients", "lasting", "reason"), BACK)
@pytest.mark.parametrize("form", [json.dumps, lambda said: said], ids=["text", "parsed"])
def test_what_came_back_is_read_from_both_shapes(said, kind, recipients, lasting, reason, form):
    assert read(form(said)) == MailFeedback(
        kind=kind,
        message_id=BARE,
        recipients=recipients,
        at=datetime(2016, 1, 27, 14, 59, 38, 237000, tzinfo=UTC),
        lasting=lasting,
        reason=reason,
    )


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (notification("Delivery", **DELIVERY), "no condition"),
        (event("Delivery", "delivery", **DELIVERY), "no condition"),
        (event("Rendering Failure", "failure", errorMessage="x", templateName="y"), "no templates"),
        (event("Open", "open", ipAddress="192.0.2.1"), "Open is no news"),
        (notification("Complaint", **COMPLAINT | {"complaintFeedbackType": "not-spam"}), "no spam"),
        ({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "x"}, "new topic"),
    ],
)
def test_what_changes_nothing_is_ignored_with_a_reason(said, why):
    found = read(said)
    assert isinstance(found, Ignored)
    assert why in found.reason


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("not json", "Expecting value"),
        ("[]", "expected SES's JSON object, found list"),
        (None, "found NoneType"),
        ({}, "neither notificationType nor eventType"),
        ({"notificationType": "Bounce", "mail": MAIL}, "no object 'bounce'"),
        ({"notificationType": "Bounce", "bounce": BOUNCE}, "no object 'mail'"),
        ({"notificationType": "Bounce", "bounce": BOUNCE, "mail": {}}, "no messageId"),
        (
            {"notificationType": "Bounce", "bounce": BOUNCE, "mail": MAIL | {"destination": 5}},
            "destination is no list",
        ),
        (notification("Bounce", **BOUNCE | {"bouncedRecipients": "jane"}), "no list of objects"),
        (notification("Bounce", **BOUNCE | {"bouncedRecipients": [{}]}), "no emailAddress"),
        (notification("Bounce", **BOUNCE | {"bounceType": None}), "no bounceType"),
        (notification("Bounce", **BOUNCE | {"timestamp": "soon"}), "Invalid isoformat"),
        (notification("Bounce", **BOUNCE | {"timestamp": "2016-01-27T14:59:38"}), "no zone"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_word_why(said, what):
    with pytest.raises(ValueError, match=what):
        read(said)


def test_records_of_sns_are_named_and_anything_else_is_taken_as_it_is():
    sns = {"Records": [{"Sns": {"MessageId": "m-1", "Message": "{}"}}, {"s3": {}}, "?"]}
    assert list(records(sns)) == [
        ("Records[0] (m-1)", "{}"),
        ("Records[1]", {"s3": {}}),
        ("Records[2]", "?"),
    ]
    assert list(records({"eventType": "Open"})) == [("event", {"eventType": "Open"})]


def test_what_sns_could_not_deliver_is_read_from_the_queue_as_it_lies_there():
    dead = {"Type": "Notification", "MessageId": "m-1", "TopicArn": "arn:…", "Message": "{}"}
    assert list(records(dead)) == [("event", "{}")]


@pytest.mark.parametrize(
    "on_the_wire",
    [
        BARE,
        f"{BARE}@email.amazonses.com",
        f"<{BARE}@eu-west-1.amazonses.com>",
        f" <{BARE.upper()}@mail.example.com>",
    ],
)
def test_a_mail_is_known_by_its_id_whatever_domain_stands_behind_it(on_the_wire):
    feedback = read(notification("Bounce", **BOUNCE))
    assert feedback.is_about(on_the_wire)
    assert not feedback.is_about(f"x{on_the_wire.strip()}")
    assert not feedback.is_about(None)


def test_a_talkative_server_cannot_break_the_line_or_fill_the_state():
    people = [{"emailAddress": "jane@example.com", "diagnosticCode": "550\r\n" + "no " * 500}]
    reason = read(notification("Bounce", **BOUNCE | {"bouncedRecipients": people})).reason
    assert len(reason) == 300
    assert reason.isprintable()


def test_our_object_of_it_comes_back_as_it_was_and_shows_every_altered_byte():
    feedback = read(notification("Bounce", **BOUNCE))
    content = encode(feedback)
    assert decode(content, where="x") == feedback
    for spoiled in (content[:-1], content.replace(b"jane", b"mary"), b"{}"):
        with pytest.raises(StateUnreadable):
            decode(spoiled, where="x")
