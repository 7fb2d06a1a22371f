"""Rows of SES: quotas, message ids, senders, addresses that bounce."""

from __future__ import annotations

from typing import Any

from tests.conformance.rows import Clients, Row, Skip, outcome


def mail_account(clients: Clients) -> Any:
    return outcome(clients("sesv2").get_account, lambda it: it["SendQuota"]["Max24HourSend"])


def send(clients: Clients, source: str) -> Any:
    raw = f"From: {source}\nTo: b@example.org\nSubject: x\n\nx".encode()
    return clients("sesv2").send_email(
        FromEmailAddress=source,
        Destination={"ToAddresses": ["b@example.org"]},
        Content={"Raw": {"Data": raw}},
    )


def mail_id(clients: Clients) -> Any:
    clients("sesv2").create_email_identity(EmailIdentity="verified.example")
    message_id = send(clients, "a@verified.example")["MessageId"]
    return "as AWS" if (message_id[:4], message_id[-7:]) == ("0100", "-000000") else "random"


def unverified_sender(clients: Clients) -> Any:
    return outcome(lambda: send(clients, "a@unverified.example"))


def suppressed_address(clients: Clients) -> Any:
    call = lambda: clients("sesv2").get_suppressed_destination(EmailAddress="x@example.com")  # noqa: E731
    told = outcome(call)
    return told if told == "NotFoundException" else "unimplemented"


def bounce_of_an_address_that_bounces(clients: Clients) -> Any:
    """AWS's mailbox simulator bounces; nothing ever comes back here."""
    clients("sesv2").create_email_identity(EmailIdentity="verified.example")
    return outcome(lambda: send(clients, "a@verified.example"))


DIFFERENCES = (
    Row(mail_account, "NotImplementedError", 50_000.0, Skip("every account has its own quota")),
    Row(mail_id, "random", "as AWS", Skip("a mail would be sent")),
)
AS_AWS = (Row(unverified_sender, "MessageRejected", "MessageRejected"),)
LEFT_UNLIKE_AWS = (
    Row(suppressed_address, "unimplemented", "unimplemented", "NotFoundException"),
    Row(
        bounce_of_an_address_that_bounces,
        "accepted",
        "accepted",
        Skip("a mail would be sent; SES accepts it and tells of the bounce by an event"),
    ),
)
