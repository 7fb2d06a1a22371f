"""S1.7, S1.27 over several accounts: who must be looked at is told by name, and the mail ends."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.builders import ACCOUNT, LETTERHEAD, MONDAY, NOW, RUN

from keyreeve.codec.fleet import row_document
from keyreeve.model.case import Stage
from keyreeve.model.fleet import FleetRow, FleetSummary, Member, Named, Standing
from keyreeve.model.identifiers import AccountId, ControlId, UserName
from keyreeve.model.notice import RenderedMail, Summary, SummaryRow, TeamNotice
from keyreeve.model.plan import Plan
from keyreeve.render.email import HTML_LIMIT, MailRenderer
from keyreeve.reporting.fleet import fleet_summary, run_row
from keyreeve.reporting.fleet_words import KEPT, in_words

LATE = "Active access key is 75 or more days old (AKIAEXAMPLE000000001)"


def line(name: str, what: str = LATE, **more: object) -> SummaryRow:
    return SummaryRow(user_name=UserName(name), what=what, **more)


def told(**parts: object) -> Summary:
    usual = Summary(
        letterhead=LETTERHEAD, on=MONDAY, users=40, flagged_users=7, by_control=(), by_stage=()
    )
    return replace(usual, **parts)


def row(summary: Summary | None = None, number: int = 1) -> FleetRow:
    member = Member(account_id=AccountId(f"{number:012}"), name=f"n{number}")
    plan = Plan(run_id=RUN, account_id=ACCOUNT, as_of=NOW, on=MONDAY, users=(), population=40)
    return run_row(member, plan, (), summary or told(), 0)


def fleet(*rows: FleetRow) -> FleetSummary:
    at = datetime(2026, 1, 5, 6, tzinfo=UTC)
    return fleet_summary("ETV", date(2026, 1, 5), at, rows, executed=True)


def text(*rows: FleetRow) -> str:
    return "\n".join(in_words(fleet(*rows))[1])


def mailed(*rows: FleetRow) -> RenderedMail:
    headline, paragraphs = in_words(fleet(*rows))
    notice = TeamNotice(letterhead=LETTERHEAD, on=MONDAY, headline=headline, paragraphs=paragraphs)
    return MailRenderer().team(notice)


PARTS = {
    "overdue": (
        "overdue",
        line("ana", on=MONDAY, days_to_90=-3),
        f"1 overdue: ana, {LATE}, 3 days past 90.",
    ),
    "held": (
        "held",
        line("bo", reason="blast_radius: today's number is spent", days_to_90=4),
        f"1 held: bo, {LATE}, 4 days to 90 (blast_radius: today's number is spent).",
    ),
    "unreachable": (
        "unreachable",
        line("cy", "owner unreachable", reason="the owner cannot be reached: no tag email"),
        "1 owner unreachable: cy (the owner cannot be reached: no tag email).",
    ),
    "inline": (
        "inline_policies",
        line("di", "2 inline policies"),
        "1 user with inline policies: di, 2 inline policies.",
    ),
    "waivers": (
        "waivers",
        line("ed", "waiver of mfa", on=MONDAY + timedelta(days=3), reason="moves"),
        "1 waiver that ends soon or has ended: ed, waiver of mfa, until 2026-01-08 (moves).",
    ),
}


@pytest.mark.parametrize("part", PARTS)
def test_an_account_is_told_with_who_must_be_looked_at(part: str):
    field, entry, sentence = PARTS[part]
    assert f"n1 (000000000001): {sentence}" in text(row(told(**{field: (entry,)})))


def test_posture_and_open_cases_by_stage_are_summed_over_all_accounts():
    one = told(
        by_control=((ControlId.CONSOLE_MFA, "MFA", 3), (ControlId.INLINE_POLICIES, "Inline", 0)),
        cases_by_stage=((Stage.REMINDER, 2), (Stage.OVERDUE, 1)),
    )
    other = told(
        by_control=((ControlId.CONSOLE_MFA, "MFA", 1), (ControlId.PASSWORD_AGE, "Old", 5)),
        cases_by_stage=((Stage.REMINDER, 4),),
    )
    said = text(row(one), row(other, 2))
    assert "14 users with findings: password age 5, console mfa 4." in said
    assert "Open cases by stage: reminder 6, overdue 1." in said


def test_an_account_that_failed_in_part_is_told_of_in_both_ways():
    partly = replace(row(told(held=(line("ana"),))), standing=Standing.PARTLY, problem="no entry")
    said = text(partly)
    assert "n1 (000000000001): partly. no entry" in said
    assert "n1 (000000000001): 1 held: ana" in said


def test_an_account_with_nothing_to_tell_is_not_named():
    assert "n1" not in text(row())


def test_a_list_has_an_end_and_says_how_many_more_there_are():
    many = tuple(line(f"u{number:02}", "2 inline policies") for number in range(KEPT + 5))
    kept = row(told(inline_policies=many)).named.inline_policies
    assert (len(kept.names), kept.more, kept.count) == (KEPT, 5, KEPT + 5)
    said = text(row(told(inline_policies=many)))
    assert f"{KEPT + 5} users with inline policies: u00, 2 inline policies; u01" in said
    assert f"u{KEPT - 1:02}, 2 inline policies; and 5 more." in said


def crowd(name: str) -> Summary:
    """A thousand of everything, with as much to say of each as there can be."""
    rows = tuple(
        line(f"{name}.{number}".ljust(64, "x"), reason="y" * 900, days_to_90=1, on=MONDAY)
        for number in range(1000)
    )
    parts = ("overdue", "held", "unreachable", "inline_policies", "waivers")
    return told(**dict.fromkeys(parts, rows))


def test_a_row_stays_small_however_much_there_is_to_tell_of_its_account():
    assert len(json.dumps(row_document(row(crowd("u"))))) < 32_000


def test_the_mail_of_a_thousand_accounts_can_be_read_and_says_what_it_leaves_out():
    kept = row(crowd("u"))
    rows = [replace(kept, account_id=AccountId(f"{n:012}"), name=f"n{n}") for n in range(990)]
    broken = [
        FleetRow(
            account_id=AccountId(f"{n:012}"),
            name=f"b{n}",
            standing=Standing.NOT_COVERED,
            exit_code=6,
            problem="no entry",
        )
        for n in range(5000, 5030)
    ]
    mail = mailed(*rows, *broken)
    assert len(mail.text) < 40_000
    assert len(mail.html.encode()) < HTML_LIMIT
    for body in (mail.html, " ".join(mail.text.split())):
        assert "And 18 more accounts to look at" in body
        assert "And 970 more accounts with something to tell" in body
        assert "990000 users with inline policies" in body


def test_all_that_the_text_says_stands_in_the_html_too():
    rows = [row(told(held=(line(f"user{n}"),)), n) for n in range(60)]
    mail = mailed(*rows)
    named = [n for n in range(60) if f"user{n}," in mail.text]
    assert named
    assert [n for n in range(60) if f"user{n}," in mail.html] == named


def test_those_with_the_most_to_tell_come_first():
    few = row(told(held=(line("ana"),)), 1)
    many = row(told(held=(line("bo"), line("cy"))), 2)
    said = text(few, many)
    assert said.index("n2 (") < said.index("n1 (")


def test_what_is_overdue_comes_before_any_number_of_inline_policies():
    policies = row(told(inline_policies=tuple(line(f"u{n}") for n in range(9))), 1)
    late = row(told(overdue=(line("ana"),)), 2)
    said = text(policies, late)
    assert said.index("n2 (") < said.index("n1 (")


def test_few_accounts_are_told_in_full():
    many = tuple(line(f"u{number:02}") for number in range(KEPT))
    said = text(row(told(held=many)), row(told(overdue=many), 2))
    assert said.count("u24, ") == 2
    assert re.search(r"\d more", said) is None


def test_an_entry_that_is_too_long_is_cut_visibly():
    (name,) = row(told(held=(line("ana", reason="z" * 500),))).named.held.names
    assert name.endswith("…")
    assert len(name) <= 160


def test_nothing_named_is_nothing():
    assert Named().count == 0
