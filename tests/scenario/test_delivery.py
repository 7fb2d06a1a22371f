"""Credentials through Secrets Manager: one secret, its owner's alone, whatever stops the run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.scenario.people import MONDAY, aged, bystanders, console, key, old_password, person
from tests.scenario.peril import Fate, Stopped
from tests.scenario.village import Silence, Village

from keyreeve.model.case import Case
from keyreeve.model.errors import AccessDenied, ConfigError
from keyreeve.model.notice import MailKind
from keyreeve.model.plan import Gate, OutcomeKind
from keyreeve.model.policy import Delivery, Match, Thresholds, UserClass
from keyreeve.pipeline.people import find_person
from keyreeve.pipeline.resend import resend
from keyreeve.render.email import MailRenderer

VAULT = Delivery.SECRETS_MANAGER
DAYS = (0, 3, 7, 10, 11, 14, 15, 16, 17)


def keyed_password():
    """An old password and a young key that could fetch a new one."""
    user = old_password()
    return replace(user, keys=tuple(replace(k, key_id="AKIAOLDPASSWORD001") for k in (key(20),)))


def village_on(day: int, *people, **policy) -> Village:
    """Lived up to the day before."""
    people = people or (aged(), keyed_password())
    village = Village(*people, *bystanders(4), **({"delivery": VAULT} | policy))
    live_on(village, -1, before=day)
    return village


def live_on(village: Village, day: int, before: int = 30) -> None:
    for later in DAYS:
        if day < later < before:
            village.run(later)


def escrowed(village: Village) -> dict[str, bytes]:
    rows = village.store.list("credentials/")
    return {row.key: village.store.get(row.key).content for row in rows}


def secrets(village: Village) -> dict[str, bytes]:
    return {name: (value or "").encode() for name, value in village.vault.secrets.items()}


def private(village: Village, user: str):
    return village.mails(MailKind.CREDENTIALS, user)


def test_the_secret_is_kept_for_its_owner_alone_and_the_mail_holds_none_of_it():
    village = village_on(8, renderer=MailRenderer())
    assert sorted(secrets(village).values()) == sorted(escrowed(village).values())
    for name, reader in village.vault.readers.items():
        user = "aged.key" if "AIDAAGEDKEY" in name else "old.password"
        assert reader.endswith(f":user/{user}")
        (mail,) = private(village, user)
        assert mail.attachments == ()
        assert name in mail.body.text
        assert (mail.to, mail.cc) == ((f"{user}@example.com",), ())
    (password,) = (v for name, v in secrets(village).items() if "OLDPASSWORD" in name)
    secret = password.decode().splitlines()[1].split(",")[1]
    assert len(secret) >= 14
    assert not any(secret.encode() in wire for wire in village.mailer.wire)


def test_the_notices_say_where_credentials_come_from():
    village = village_on(8, aged(), renderer=MailRenderer())
    first, *_, latest = [m.body.text for m in village.mails(MailKind.NOTICE, "aged.key")]
    assert "Secrets Manager" in first
    assert "sent to you" not in first
    assert "Fetch the new key" in latest


def test_both_attaches_it_too():
    village = village_on(8, delivery=Delivery.BOTH)
    assert sorted(secrets(village).values()) == sorted(escrowed(village).values())
    (mail,) = private(village, "aged.key")
    assert mail.attachments[0].content in escrowed(village).values()


def test_a_class_has_a_way_of_its_own():
    bots = UserClass(match=Match(user="aged.*"), thresholds=Thresholds(), delivery=VAULT)
    village = village_on(8, delivery=Delivery.CSV, classes=(bots,))
    (name,) = secrets(village)
    assert "AIDAAGEDKEY" in name
    assert private(village, "old.password")[0].attachments


def test_by_csv_nothing_is_ever_put_into_the_vault():
    village = village_on(30, delivery=Delivery.CSV)
    assert village.vault.readers == {}
    assert not [row for row in village.store.list("ops/") if "keeping" in row.key]


def test_the_secret_is_announced_before_it_is_kept_and_kept_before_the_mail():
    fate = Fate()
    village_on(7, aged()).run(7, fate=fate)
    marks = ("-created.json", "-keeping.json", "FakeVault.keep", "send", "-delivered.json")
    at = [next(n for n, c in enumerate(fate.calls) if mark in c) for mark in marks]
    assert at == sorted(at)


def problems(village: Village) -> list[str]:
    found = []
    kept = secrets(village)
    if len(kept) != len(set(kept.values())):
        found.append("one value in two secrets")
    active = {k for k, on in village.account.keys_of("aged.key").items() if on and "FORECAST" in k}
    if len(active) != 1:
        found.append(f"{len(active)} active keys made by us")
    for one in active:
        holding = [name for name, value in kept.items() if one.encode() in value]
        if len(holding) != 1:
            found.append(f"{one} lies in {holding}")
        if not any(one.encode() in value for value in escrowed(village).values()):
            found.append(f"{one} is not in escrow")
    counts = {user: len(private(village, user)) for user in ("aged.key", "old.password")}
    if not set(counts.values()) <= {1, 2}:
        found.append(f"private mails: {counts}")
    if any(mail.attachments for mail in village.mails(MailKind.CREDENTIALS)):
        found.append("a secret was attached")
    if village.account.keys_of("aged.key")[next(iter(village.account.keys_of("aged.key")))]:
        found.append("the old key is still active")
    return found


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_stop_at_any_call_of_day_7_loses_no_secret_and_makes_no_second_one(after: bool):  # noqa: FBT001
    fate = Fate()
    village_on(7).run(7, fate=fate)
    broken = {}
    for number, call in enumerate(fate.calls):
        village = village_on(7)
        with suppress(Stopped):
            village.run(7, fate=Fate(number, after=after))
        village.run(7.01)
        live_on(village, 7)
        if found := problems(village):
            broken[f"{number} {call}"] = found
    assert broken == {}


def test_a_vault_that_refuses_sends_no_mail_and_is_tried_again():
    village = village_on(7, aged())
    keep = village.vault.keep

    def refused(*_: object):
        raise AccessDenied("not allowed", call="secretsmanager:CreateSecret")

    village.vault.keep = refused
    report = village.run(7)
    assert report.exit_code == 1
    assert private(village, "aged.key") == []
    village.vault.keep = keep
    village.run(8)
    assert len(private(village, "aged.key")) == len(secrets(village)) == 1


def held(case: Case | None) -> tuple[str, str]:
    (record,) = case.findings.values()
    return record.held.gate, record.held.reason


@pytest.mark.parametrize("keys", [(), (key(20, 100),), (key(20, active=False),)])
def test_no_password_is_reset_whose_owner_could_not_fetch_it(keys):
    numbered = tuple(replace(k, key_id="AKIAOLDPASSWORD001") for k in keys)
    village = village_on(8, replace(old_password(), keys=numbered))
    gate, reason = held(village.case("old.password"))
    assert gate == Gate.RECIPIENT
    assert "Secrets Manager" in reason
    assert private(village, "old.password") == []
    assert village.acts("old.password") == []


def test_with_both_the_attachment_reaches_an_owner_without_keys():
    village = village_on(8, old_password(), delivery=Delivery.BOTH)
    assert len(private(village, "old.password")) == 1


def test_the_key_that_could_fetch_it_is_looked_up_live():
    village = village_on(7, keyed_password())
    keys = village.account.access_keys
    village.account.access_keys = lambda user: tuple(replace(k, active=False) for k in keys(user))
    village.run(7)
    kinds = [(o.kind, o.gate) for day, o in village.outcomes if o.effect_kind == "reset_password"]
    assert kinds == [(OutcomeKind.DEFERRED, Gate.RECIPIENT)]
    assert escrowed(village) == {}


def again(village: Village, day: float, name: str = "aged.key", *, send: bool = True):
    now = MONDAY + timedelta(days=day)
    village.account.now = now
    account = village.wired()
    person = find_person(name, account.tools.states.load(), account.tools.reader)
    return resend(account, person, now, Silence(), send=send)


def test_resend_sends_the_pointer_again_and_makes_no_second_secret():
    village = village_on(8, aged())
    before = secrets(village)
    again(village, 8.1)
    assert secrets(village) == before
    first, second = private(village, "aged.key")
    assert first.attachments == second.attachments == ()


def test_a_password_that_its_owner_has_changed_since_is_not_sent_again():
    user = person("old.password", **console(changed=100, mfa=False))
    village = village_on(8, user, delivery=Delivery.CSV)
    assert again(village, 7.1, "old.password", send=False).to == "old.password@example.com"
    village.account.choose_password("old.password", village.at(7.2))
    with pytest.raises(ConfigError, match="was changed or removed since"):
        again(village, 7.3, "old.password")
    village.account.change("old.password", password_enabled=False)
    with pytest.raises(ConfigError, match="was changed or removed since"):
        again(village, 7.4, "old.password")
    assert len(private(village, "old.password")) == 1


def test_resend_after_the_purge_says_that_they_are_gone_and_what_to_do():
    village = village_on(15, aged(), backup_retention_days=1)
    for row in list(village.store.list("credentials/")):
        village.store.purge(row.key)
    with pytest.raises(ConfigError, match="kept for 1 days after") as caught:
        again(village, 14.5, send=False)
    assert "new access key" in caught.value.remedy


def test_the_owners_copy_goes_with_the_escrow():
    village = village_on(30)
    assert secrets(village)
    village.run(36.9)
    assert secrets(village)
    village.run(37)
    assert secrets(village) == escrowed(village) == {}
