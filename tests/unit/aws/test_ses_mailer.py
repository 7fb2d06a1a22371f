"""What SES may answer: moto accepts nearly everything, so its refusals are spoken by a stub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber
from tests.samples import outgoing

from keyreeve.aws.ses_mailer import SesMailer, _names, wire_domain
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import (
    AccessDenied,
    MailDoubtful,
    MailFailure,
    NotFound,
    QuotaSpent,
    RecipientRefused,
    SenderRefused,
)

CHECK = "Email address is not verified. The following identities failed the check in region"


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return Sessions(rehearsal=False, region="us-east-1").client("sesv2", attempts_once=True)


@pytest.mark.parametrize(
    ("code", "status", "text", "meaning"),
    [
        (
            "MessageRejected",
            400,
            f"{CHECK} US-EAST-1: priya.sharma@example.com",
            RecipientRefused,
        ),
        (
            "MessageRejected",
            400,
            f"{CHECK} US-EAST-1: IAM Compliance <iam-compliance@example.com>",
            SenderRefused,
        ),
        (
            "MessageRejected",
            400,
            f"{CHECK} EU-WEST-1: iam-compliance@example.com, msp-team@example.com",
            RecipientRefused,
        ),
        ("MessageRejected", 400, "Address blacklisted.", RecipientRefused),
        ("MessageRejected", 400, "Message body holds a virus", MailFailure),
        ("BadRequestException", 400, "Domain contains illegal character", RecipientRefused),
        ("MailFromDomainNotVerifiedException", 400, "MX record missing", SenderRefused),
        ("AccountSuspendedException", 400, "shut down", SenderRefused),
        ("SendingPausedException", 400, "paused", SenderRefused),
        ("NotFoundException", 404, "Configuration set <x> does not exist", SenderRefused),
        ("AccessDeniedException", 403, "not authorized to perform ses:SendEmail", SenderRefused),
        ("TooManyRequestsException", 429, "Daily message quota exceeded.", QuotaSpent),
        ("LimitExceededException", 400, "Daily sending quota exceeded.", QuotaSpent),
        ("TooManyRequestsException", 429, "Maximum sending rate exceeded.", MailFailure),
        ("Throttling", 400, "Maximum sending rate exceeded.", MailFailure),
        ("InternalFailure", 500, "", MailDoubtful),
    ],
)
def test_each_refusal_has_one_meaning(client, code, status, text, meaning):
    with Stubber(client) as stub:
        stub.add_client_error("send_email", code, text, status)
        with pytest.raises(MailFailure) as raised:
            SesMailer(client, region="us-east-1").send(outgoing())
    assert type(raised.value) is meaning
    assert raised.value.where == "sesv2:SendEmail"
    if meaning is RecipientRefused and text.startswith(CHECK):
        assert raised.value.address == text.rpartition(" ")[2]
    if "rate" in text:
        assert "not sent" in raised.value.what


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("in region X: ops@example.com", True),
        ("in region X: Ops <OPS@example.com>, other@example.com", True),
        ("in region X: ops@example.com.", True),
        ("in region X: devops@example.com", False),
        ("in region X: ops@example.com.au", False),
        ("in region X: dev-ops@example.com", False),
    ],
)
def test_an_address_is_named_by_itself_and_not_as_a_part_of_another(text: str, *, named: bool):
    assert _names(text, "ops@example.com") is named


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (ReadTimeoutError(endpoint_url="http://127.0.0.1"), MailDoubtful),
        (ResponseParserError("cut off"), MailDoubtful),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1"), MailFailure),
    ],
)
def test_silence_is_doubt_and_an_unreachable_host_is_none(client, error, meaning):
    calls = []

    def fail(**event) -> None:
        calls.append(event)
        raise error

    client.meta.events.register("before-send.sesv2.SendEmail", fail)
    with pytest.raises(MailFailure) as raised:
        SesMailer(client, region="us-east-1").send(outgoing())
    assert type(raised.value) is meaning
    assert len(calls) == 1


def test_an_answer_without_an_id_is_doubt(client):
    with Stubber(client) as stub:
        stub.add_response("send_email", {})
        with pytest.raises(MailDoubtful):
            SesMailer(client, region="us-east-1").send(outgoing())


@pytest.mark.parametrize(
    ("region", "own", "domain"),
    [
        ("us-east-1", None, "email.amazonses.com"),
        ("ap-south-1", None, "ap-south-1.amazonses.com"),
        ("ap-south-1", "mail.example.com", "mail.example.com"),
    ],
)
def test_the_id_is_completed_as_ses_writes_it(client, region, own, domain):
    mailer = SesMailer(client, region=region, message_id_domain=own)
    with Stubber(client) as stub:
        stub.add_response("send_email", {"MessageId": "0100018d-000000"})
        assert mailer.send(outgoing()).message_id == f"0100018d-000000@{domain}"
    assert own or wire_domain(region) == domain


@pytest.mark.parametrize(
    ("limit", "sent", "left"),
    [(200.0, 12.0, 188), (200.0, 250.0, 0), (-1.0, 12.0, None)],
)
def test_the_quota_is_what_24_hours_leave(client, limit, sent, left):
    quota = {"Max24HourSend": limit, "SentLast24Hours": sent, "MaxSendRate": 1.0}
    with Stubber(client) as stub:
        stub.add_response("get_account", {"SendQuota": quota})
        assert SesMailer(client, region="us-east-1").remaining_quota() == left


def test_a_quota_that_cannot_be_read_is_not_the_same_as_none(client):
    with Stubber(client) as stub:
        stub.add_client_error("get_account", "AccessDeniedException", "no", 403)
        with pytest.raises(AccessDenied):
            SesMailer(client, region="us-east-1").remaining_quota()


def test_an_endpoint_that_has_no_quota_to_tell_sets_none(client):
    with Stubber(client) as stub:
        stub.add_client_error("get_account", "404", "Not Found", 404)
        assert SesMailer(client, region="us-east-1").remaining_quota() is None
        stub.add_client_error("get_account", "NotFoundException", "no", 404)
        with pytest.raises(NotFound):
            SesMailer(client, region="us-east-1").remaining_quota()


class StillClock:
    """Moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def test_with_a_clock_mails_keep_the_rate_that_ses_names(client):
    clock = StillClock()
    begun = clock.now()
    mailer = SesMailer(client, region="us-east-1", clock=clock)
    quota = {"Max24HourSend": 200.0, "SentLast24Hours": 0.0, "MaxSendRate": 2.0}
    with Stubber(client) as stub:
        stub.add_response("get_account", {"SendQuota": quota})
        mailer.remaining_quota()
        for number in range(5):
            stub.add_response("send_email", {"MessageId": str(number)})
            mailer.send(outgoing())
    assert clock.now() - begun == timedelta(seconds=2)


def test_a_clock_that_was_set_back_holds_no_mail_up(client):
    clock = StillClock()
    mailer = SesMailer(client, region="us-east-1", clock=clock)
    quota = {"Max24HourSend": 200.0, "SentLast24Hours": 0.0, "MaxSendRate": 2.0}
    with Stubber(client) as stub:
        stub.add_response("get_account", {"SendQuota": quota})
        mailer.remaining_quota()
        stub.add_response("send_email", {"MessageId": "1"})
        mailer.send(outgoing())
        clock.sleep(-3600)
        set_back = clock.now()
        stub.add_response("send_email", {"MessageId": "2"})
        mailer.send(outgoing())
    assert clock.now() - set_back <= timedelta(seconds=1)
