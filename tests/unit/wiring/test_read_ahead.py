from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from keyreeve.model.errors import AccessDenied
from keyreeve.wiring.read_ahead import ReadAhead


class Slow:
    """A reader that says who we are only when the report and the list were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.report, self.list = Event(), Event()

    def caller(self) -> str:
        assert self.report.wait(10)
        assert self.list.wait(10)
        return "us"

    def credential_report(self) -> str:
        self.asked.append("report")
        self.report.set()
        raise AccessDenied("no", call="iam:GetCredentialReport")

    def details(self) -> str:
        self.asked.append("details")
        self.list.set()
        return "details"


def test_report_and_list_are_asked_for_once_and_while_aws_says_who_we_are():
    slow = Slow()
    with ThreadPoolExecutor(2) as pool:
        reader = ReadAhead(slow, pool)
        assert reader.caller() == "us"
        assert (reader.details(), reader.details()) == ("details", "details")
    assert sorted(slow.asked) == ["details", "report"]


def test_what_went_wrong_is_said_where_the_answer_is_taken():
    with ThreadPoolExecutor(2) as pool:
        reader = ReadAhead(Slow(), pool)
        with pytest.raises(AccessDenied):
            reader.credential_report()
