"""Escrow ends with its retention: never before delivery and the old key's end (P1)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.fakes.vault import FakeVault
from tests.scenario.people import MONDAY, aged, bystanders, old_password
from tests.scenario.peril import Fate, Stopped
from tests.scenario.village import Silence, Village

from keyreeve.model.decisions import Hold, Pause, Waiver
from keyreeve.model.errors import StorageUnreachable
from keyreeve.model.notice import MailKind
from keyreeve.model.plan import Gate, OutcomeKind
from keyreeve.model.policy import Delivery
from keyreeve.model.snapshot import User
from keyreeve.pipeline.people import Person
from keyreeve.pipeline.resend import resend

DAYS = (0, 3, 7, 10, 11, 14, 15)
ON = date(2026, 1, 5)


def lived(*people, until: int = 15, **policy) -> Village:
    """The ladder: delivered on day 7, the old key Inactive on day 14."""
    village = Village(*people, *bystanders(4), **policy)
    for day in DAYS:
        if day <= until:
            village.run(day)
    return village


def escrowed(village: Village) -> list[str]:
    return [row.key for row in village.store.list("credentials/")]


def outcomes(village: Village, kind: OutcomeKind) -> list[tuple[int, str]]:
    return [
        (day, outcome.resource_id)
        for day, outcome in village.outcomes
        if outcome.effect_kind == "purge_escrow" and outcome.kind is kind
    ]


def log(village: Village) -> str:
    rows = village.store.list("audit/")
    return "".join(village.store.get(row.key).content.decode() for row in rows)


def old_key(village: Village) -> str:
    return next(iter(village.account.keys_of("aged.key")))


def test_escrow_goes_once_the_retention_has_passed_since_delivery_and_not_before():
    village = lived(aged(), old_password())
    key, password = escrowed(village)
    village.run(36.9)
    assert escrowed(village) == [key, password]
    village.run(37)
    assert escrowed(village) == []
    assert outcomes(village, OutcomeKind.DONE) == [(37, key), (37, password)]
    assert village.store.purged == [key, password]
    village.run(38)
    assert len(outcomes(village, OutcomeKind.DONE)) == 2


def test_a_retention_of_a_day_still_waits_for_the_old_keys_end():
    village = lived(aged(), old_password(), until=11, backup_retention_days=1)
    (key,) = escrowed(village)
    assert "access-keys" in key
    assert village.account.keys_of("aged.key")[old_key(village)]
    village.run(14)
    village.run(15)
    assert escrowed(village) == []


def test_each_purge_is_in_the_plan_and_twice_in_the_audit_log():
    village = lived(aged())
    (key,) = escrowed(village)
    rehearsed = village.run(37, execute=False)
    assert [(e.kind, e.resource_id) for e in rehearsed.plan.effects] == [("purge_escrow", key)]
    assert escrowed(village) == [key]
    village.run(37.1)
    told = log(village)
    assert told.count('"step.purge.intent"') == told.count('"step.purge.done"') == 1
    assert told.count(f'"escrow":"{key}"') >= 2


def test_escrow_of_what_was_sent_again_is_kept_until_retention_after_the_second_delivery():
    village = lived(aged(), until=7)
    village.comes_back(village.mails(MailKind.CREDENTIALS)[0])
    village.run(8)
    resend(village.wired(), person_of(aged()), village.at(20), Silence(), send=True)
    village.live(21, 49)
    (key,) = escrowed(village)
    assert village.case("aged.key") is None
    village.run(50)
    assert outcomes(village, OutcomeKind.DONE) == [(50, key)]


@pytest.mark.parametrize("came_back", [False, True])
def test_what_a_person_put_into_secrets_manager_goes_though_runs_use_mail_alone(
    came_back: bool,  # noqa: FBT001 - a parameter
):
    village = lived(aged(), until=7)
    by_mail = village.policy
    if came_back:
        village.comes_back(village.mails(MailKind.CREDENTIALS)[0])
        village.run(8)
    village.policy = replace(by_mail, delivery=Delivery.SECRETS_MANAGER)
    for day in (9, 9.1):
        resend(village.wired(), person_of(aged()), village.at(day), Silence(), send=True)
    assert len(village.vault.secrets) == 1
    village.policy = by_mail
    village.live(10, 45)
    assert escrowed(village) == []
    assert village.vault.secrets == {}


def test_what_lies_in_secrets_manager_of_another_region_is_named_and_never_taken_for_deleted():
    village = lived(aged(), delivery=Delivery.SECRETS_MANAGER)
    kept, village.vault = village.vault, FakeVault()
    village.vault.region = "us-east-1"
    report = village.run(40)
    assert len(escrowed(village)) == len(kept.secrets) == 1
    (held,) = [held for held in report.plan.held if held.gate is Gate.EVIDENCE]
    assert "Secrets Manager of eu-west-1" in held.reason
    village.vault = kept
    village.run(41)
    assert (escrowed(village), kept.secrets) == ([], {})


def test_escrow_of_a_password_that_waited_for_a_person_goes_after_he_has_sent_it():
    village = Village(old_password(), *bystanders(4))
    for day in range(20):
        village.run(day)
        for mail in village.mails(MailKind.CREDENTIALS)[-1:]:
            village.comes_back(mail, lasting=False)
    resend(village.wired(), person_of(old_password()), village.at(20), Silence(), send=True)
    village.live(21, 49)
    (key,) = escrowed(village)
    village.run(50)
    assert outcomes(village, OutcomeKind.DONE) == [(50, key)]


def person_of(user: User) -> Person:
    return Person(user_id=user.user_id, user_name=user.name)


def waived(village: Village) -> None:
    """The act never comes, and the old key stays Active."""
    village.decisions.add_waiver(
        Waiver(
            waiver_id="w1",
            user="aged.key",
            control=None,
            resource_id=None,
            reason="vendor",
            requested_by="a",
            approved_by="b",
            expires_on=ON + timedelta(days=300),
            added_at=MONDAY,
            added_by="msp",
        ),
        today=ON,
    )


def held(village: Village) -> None:
    until = ON + timedelta(days=80)
    hold = Hold(user="aged.key", until=until, reason="leave", added_at=MONDAY, added_by="msp")
    village.decisions.add_hold(hold, today=ON)


def paused(village: Village) -> None:
    village.decisions.set_pause(Pause(reason="audit", since=MONDAY, by="msp"))


def brought_back(village: Village) -> None:
    village.account.change_key("aged.key", old_key(village), active=True)


def without_steps(village: Village) -> None:
    for row in list(village.store.list("ops/")):
        village.store.delete(row.key)


@pytest.mark.parametrize(
    ("until", "what"),
    [(11, waived), (15, held), (15, paused), (15, brought_back), (15, without_steps)],
    ids=lambda item: getattr(item, "__name__", str(item)),
)
def test_escrow_is_kept(until: int, what: Callable[[Village], None]):
    village = lived(aged(), until=until)
    (key,) = escrowed(village)
    what(village)
    for day in (37, 38, 50):
        village.run(day)
    assert escrowed(village) == [key]
    assert outcomes(village, OutcomeKind.DONE) == []


def test_what_cannot_be_judged_is_named():
    village = lived(aged())
    without_steps(village)
    (held,) = village.run(37).plan.held
    assert "none of its steps is there" in held.reason
    assert held.resource_id == escrowed(village)[0]


def test_who_may_not_read_escrow_may_rehearse_all_the_same():
    village = stopped_with_escrow_alone()
    _, unrecorded = village.account.keys_of("aged.key")
    village.account.delete_access_key("aged.key", unrecorded)
    village.live(8, 20)
    first, _ = escrowed(village)
    reading = village.store.get

    def denied(key: str):
        if key.startswith("credentials/"):
            raise StorageUnreachable("AccessDenied", where=key)
        return reading(key)

    village.store.get = denied
    (held,) = village.run(37, execute=False).plan.held
    assert (held.resource_id, held.gate) == (first, Gate.EVIDENCE)
    assert "its escrow object may not be read" in held.reason


def stopped_with_escrow_alone() -> Village:
    """On day 7 the key is made and escrowed, and no step says so."""
    whole = Fate()
    lived(aged(), until=3).run(7, fate=whole)
    put = next(n for n, call in enumerate(whole.calls) if "put credentials/" in call)
    village = lived(aged(), until=3)
    with suppress(Stopped):
        village.run(7, fate=Fate(put, after=True))
    return village


def test_a_key_brought_back_between_report_and_deletion_keeps_the_escrow():
    village = lived(aged())
    keys, old = village.account.access_keys, old_key(village)

    def later(user: str):
        brought_back(village) if user == "aged.key" else None
        return keys(user)

    village.account.access_keys = later
    village.run(37)
    assert escrowed(village)
    assert village.account.keys_of("aged.key")[old]
    assert len(outcomes(village, OutcomeKind.REFUSED)) == 1


def test_the_escrow_of_a_user_who_is_gone_goes_too():
    village = lived(aged(), old_password())
    village.account.delete("aged.key")
    village.run(36)
    village.run(37)
    assert escrowed(village) == []


def test_a_renamed_users_escrow_is_judged_by_the_unique_id():
    village = lived(aged())
    brought_back(village)
    village.account.rename("aged.key", "other.name")
    village.run(37)
    assert escrowed(village)
    village.account.change_key("other.name", next(iter(village.account.keys_of("other.name"))))
    assert outcomes(village, OutcomeKind.DONE) == []


def test_the_attempt_that_was_given_up_goes_once_its_key_is_gone():
    """Stopped before the key was recorded, and its owner deleted it: nobody will deliver it."""
    fate = Fate()
    lived(aged(), until=3).run(7, fate=fate)
    escrow = next(n for n, call in enumerate(fate.calls) if "put credentials/" in call)
    village = lived(aged(), until=3)
    with suppress(Stopped):
        village.run(7, fate=Fate(escrow, after=True))
    (first,) = escrowed(village)
    new = next(k for k in village.account.keys_of("aged.key") if k != old_key(village))
    village.account.delete_access_key("aged.key", new)
    for day in (7.1, 10, 11, 14, 15, 16, 17):
        village.run(day)
    _, second = escrowed(village)
    village.run(36.9)
    assert escrowed(village) == [first, second]
    village.run(37.1)
    assert escrowed(village) == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_stop_at_any_call_of_the_purge_leaves_nothing_behind(after: bool):  # noqa: FBT001
    fate = Fate()
    lived(aged(), delivery=Delivery.BOTH).run(37, fate=fate)
    begun = next(n for n, call in enumerate(fate.calls) if "-intent.json" in call)
    for number in range(begun, len(fate.calls)):
        village = lived(aged(), delivery=Delivery.BOTH)
        with suppress(Stopped):
            village.run(37, fate=Fate(number, after=after))
        village.run(37.01)
        assert escrowed(village) == [], fate.calls[number]
        assert village.vault.secrets == {}, fate.calls[number]
        assert '"step.purge.intent"' in log(village)


def test_a_role_that_may_not_delete_versions_fails_alone():
    village = lived(aged(), old_password())

    def refuse(key: str) -> None:
        raise StorageUnreachable("s3:DeleteObject: not allowed", where=key)

    village.store.purge = refuse
    report = village.run(37)
    assert len(outcomes(village, OutcomeKind.FAILED)) == 2
    assert report.exit_code == 1
    assert len(escrowed(village)) == 2
