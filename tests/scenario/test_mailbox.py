"""Room in the mailbox (gate 6), and mails that the mail system does not take."""

from __future__ import annotations

import pytest
from tests.fakes.mailer import FakeMailer
from tests.scenario.people import aged, bystanders, old_password
from tests.scenario.village import Village

from keyreeve.model.errors import AccessDenied, QuotaSpent, RecipientRefused, SenderRefused
from keyreeve.model.notice import MailKind
from keyreeve.model.plan import Gate
from keyreeve.model.snapshot import AccessKey


def made(village: Village) -> list[AccessKey]:
    return [
        k
        for u in village.account.snapshot().users
        for k in u.keys
        if k.key_id.startswith("AKIAFORECAST")
    ]


@pytest.mark.parametrize(
    ("left", "keys"),
    [
        (0, 0),
        pytest.param(1, 1),
        (2, 2),
        (3, 2),
        (8, 2),
    ],
)
def test_no_key_is_made_whose_mail_would_not_fit_the_quota(left: int, keys: int):
    village = Village(aged("one"), aged("two"), *bystanders(8))
    village.live(0, 6)
    village.mailer.quota = left
    village.run(7)
    assert (len(made(village)), len(village.mails(MailKind.CREDENTIALS))) == (keys, keys)
    village.mailer.quota = None
    village.run(8)
    assert (len(made(village)), len(village.mails(MailKind.CREDENTIALS))) == (2, 2)
    village.live(9, 20)
    assert all(not next(iter(village.account.keys_of(name).values())) for name in ("one", "two"))


def test_a_quota_that_could_not_be_read_holds_credentials_lets_notices_pass_and_is_named():
    village = Village(aged("one"), old_password("two"), *bystanders(8))
    village.live(0, 6)
    village.mailer.quota_unread = AccessDenied("no", call="sesv2:GetAccount")
    for day in (7, 8):
        report = village.run(day)
        said = "the mail quota could not be read: no"
        assert [(held.gate, held.reason) for held in report.plan.held] == [(Gate.MAILBOX, said)] * 2
        assert [(gap.step, gap.reason) for gap in report.plan.gaps] == [("sesv2:GetAccount", said)]
        assert report.exit_code == 1
    assert (made(village), village.mails(MailKind.CREDENTIALS)) == ([], [])
    assert village.days("one")[-1] == village.days("two")[-1] == 7
    village.mailer.quota_unread = None
    assert village.run(9).exit_code == 0
    assert len(village.mails(MailKind.CREDENTIALS)) == 2


def test_a_key_that_exists_is_handed_over_although_the_quota_could_not_be_read():
    village = Village(aged("one"), *bystanders(8))
    village.live(0, 6)
    village.mailer.fail_next(QuotaSpent("spent"))
    village.run(7)
    village.mailer.quota_unread = AccessDenied("no", call="sesv2:GetAccount")
    assert village.run(8).exit_code == 1
    assert (len(made(village)), len(village.mails(MailKind.CREDENTIALS))) == (1, 1)


@pytest.mark.parametrize("failure", [QuotaSpent("spent"), SenderRefused("not verified")])
def test_once_no_mail_will_pass_no_further_key_is_made(failure: Exception):
    village = Village(*[aged(f"user{n}") for n in range(5)], *bystanders(8))
    village.live(0, 6)
    village.mailer.fail_next(failure)
    report = village.run(7)
    assert report.exit_code == 1
    assert len(made(village)) == 1  # its mail was the one that failed; it waits in escrow
    assert not village.mails(MailKind.CREDENTIALS)
    village.run(8)
    assert len(made(village)) == 5
    assert len(village.mails(MailKind.CREDENTIALS)) == 5
    village.live(9, 20)
    assert sum(k.active for k in made(village)) == 5


def test_one_refused_recipient_stops_nobody_else():
    village = Village(aged("one"), aged("two"), *bystanders(8))
    village.mailer.refuse("one@example.com", RecipientRefused("not verified"))
    report = village.run(0)
    assert report.exit_code == 1
    assert (village.notices("one"), village.notices("two")) == ([], [(0, "notification")])
    village.mailer = FakeMailer()
    village.live(1, 20)
    assert village.notices("one")[0] == (1, "notification")
    assert (15, "deactivate_access_key") in village.acts("one")
    assert (14, "deactivate_access_key") in village.acts("two")
