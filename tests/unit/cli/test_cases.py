"""The list of cases in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.builders import ACCOUNT, KEY_2, NOW, case, on, policy, record, state

from keyreeve.cli.cases import File, show_list
from keyreeve.escalation.calendar import Calendar
from keyreeve.model.case import FindingRecord
from keyreeve.model.decisions import HumanDecisions

DONE = replace(record(day_0=True), enforcement_on=on(14), enforced_on=on(14))
NO_DAY = replace(record(resource_id=KEY_2, day_0=True), enforcement_on=None)


@pytest.mark.parametrize(
    ("records", "said"),
    [((DONE,), "done 2026-01-19"), ((NO_DAY,), "open"), ((DONE, NO_DAY), "open"), ((), "")],
)
def test_a_case_whose_acts_are_done_is_not_listed_as_one_without_a_day(
    records: tuple[FindingRecord, ...], said: str, capsys: pytest.CaptureFixture[str]
):
    show_list(
        File(
            account_id=ACCOUNT,
            state=state(case(*records)),
            people=HumanDecisions(),
            calendar=Calendar(policy()),
            now=NOW,
        )
    )
    header, row = capsys.readouterr().out.splitlines()[:2]
    begin, end = header.index("  E ") + 2, header.index("LEFT")
    assert row[begin:end].strip() == said
