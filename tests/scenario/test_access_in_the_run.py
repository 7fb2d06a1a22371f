"""The daily run and the access model: reported every day, and the ladder's quarantine undone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from tests.fakes.people import FakePeople
from tests.scenario.people import MONDAY, person
from tests.scenario.village import Silence, Village
from tests.unit.governance.people import MODEL, TAGS

from keyreeve.model.notice import MailKind
from keyreeve.model.people import Outcome
from keyreeve.model.policy import Enforcement, FinalAct
from keyreeve.pipeline import daily
from keyreeve.pipeline.access_report import sweep_of
from keyreeve.pipeline.move import Mover

CONSOLE = {
    "password_enabled": True,
    "password_last_used": MONDAY - timedelta(days=1),
    "password_last_changed": MONDAY - timedelta(days=10),
}


def tagged(name: str) -> dict[str, str]:
    return {**TAGS, "email": f"{name}@example.com"}


def run(village: Village, day: float, **more) -> daily.Report:
    """A run of a project that has an access model."""
    now = village.at(day)
    village.account.now = now
    account = replace(village.wired(), access=MODEL)
    return daily.run(account, now, Silence(), execute=True, **more)


def crowd() -> Village:
    return Village(
        person("bob", groups=("MFA-Setup",), mfa_active=True, tags=tagged("bob")),
        person("eve", groups=("Developers",), tags=tagged("eve")),
        person("fine", groups=("Developers",), mfa_active=True, tags=tagged("fine")),
        person("bare", groups=("MFA-Setup",), tags={"email": "bare@example.com"}),
        person("svc-x", tags={"email": "svc-x@example.com"}),
    )


def with_groups(village: Village) -> Village:
    facts = village.account._facts
    village.account._facts = replace(facts, groups=facts.groups | {"Developers", "Administrator"})
    return village


def test_a_run_reports_who_stands_wrong_and_moves_nobody():
    village = with_groups(crowd())
    report = run(village, 0)
    assert report.sweep is not None
    assert {move.user_name: move.outcome for move in report.sweep.moves} == {
        "bob": Outcome.TO_ROLE_GROUP,
        "eve": Outcome.TO_ONBOARDING,
    }
    assert [gap.user_name for gap in report.sweep.tag_gaps] == ["bare"]
    assert report.sweep.missing_groups == ("Auditor",)
    assert village.account.groups_of("bob") == ("MFA-Setup",)
    assert village.account.groups_of("eve") == ("Developers",)
    key = next(r.key for r in village.store.list("runs/") if r.key.endswith("run.json"))
    document = json.loads(village.store.get(key).content)
    assert [move["user_name"] for move in document["access"]["moves"]] == ["bob", "eve"]


def test_the_weekly_summary_counts_tags_and_names_whom_to_move():
    village = with_groups(crowd())
    summary = run(village, 0).summary
    assert summary.access == (
        ("users whom the access model knows", 4),
        ("bear every tag", 3),
        ("are in order", 1),
    )
    assert [row.user_name for row in summary.to_move] == ["bob", "eve"]
    assert [row.user_name for row in summary.tag_gaps] == ["bare"]
    assert summary.to_place[0].what == "there is no group Auditor"
    assert any(mail.kind is MailKind.SUMMARY for mail in village.mailer.sent)


def test_without_an_access_model_nothing_is_said_about_it():
    village = crowd()
    report = village.run(0)
    assert report.sweep is None
    assert (report.summary.access, report.summary.to_move) == ((), ())


def test_a_user_whose_mfa_is_not_known_is_not_judged():
    village = with_groups(crowd())
    village.account.change("eve", mfa_active=None)
    snapshot = replace(village.account.snapshot(), users=tuple(village.account.snapshot().users))
    found = sweep_of(MODEL, snapshot)
    assert found is not None
    assert "eve" not in {move.user_name for move in found.moves}
    assert sweep_of(MODEL, replace(snapshot, account_readable=False)) is None


def test_the_ladders_quarantine_is_undone_by_enrolling_mfa():
    """S1 and S2 meet: on E the owner lands in onboarding, and the mover leads back."""
    village = with_groups(
        Village(
            person("bob", groups=("Developers",), tags=tagged("bob"), **CONSOLE),
            person("ada", groups=("Developers",), mfa_active=True, tags=tagged("ada"), **CONSOLE),
            enforcement=Enforcement(console_mfa=FinalAct.QUARANTINE),
        )
    )
    for day in range(15):
        run(village, day)
    assert set(village.account.groups_of("bob")) == {"Developers", "MFA-Setup"}

    village.account.change("bob", mfa_active=True)
    people = _as_people(village)
    mover = Mover(
        MODEL,
        reader=people,
        actuator=people,
        history=people,
        clock=village.clock,
        lease=village.wired().tools.lease,
    )
    assert mover.move("bob").failure is None
    assert people.in_groups("bob") == {"Developers"}
    village.account.change("bob", groups=("Developers",))

    for day in range(15, 30):
        report = run(village, day)
    assert village.account.groups_of("bob") == ("Developers",)
    assert village.case("bob") is None
    assert report.sweep is not None
    assert report.sweep.moves == ()


def _as_people(village: Village) -> FakePeople:
    """The village's users, as the mover reads them."""
    people = FakePeople("MFA-Setup", "Developers", "Administrator", "Auditor")
    for user in village.account.snapshot().users:
        people.user(user.name, *user.groups, mfa=bool(user.mfa_active), **user.tags)
    return people
