from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from keyreeve.codec.values import from_json, to_json
from keyreeve.model import effect, plan
from keyreeve.model.finding import Finding
from keyreeve.model.identifiers import ControlId
from keyreeve.model.notice import Attachment
from keyreeve.model.plan import Gate, Held, Plan
from keyreeve.model.policy import EscalationPolicy
from keyreeve.model.snapshot import Absent
from keyreeve.ports import NewAccessKey

NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
NOTICE = effect.SendNotice(
    user_id="AIDA1",
    user_name="zoë",
    due_on=date(2026, 1, 5),
    reason="first_notice",
    stage="notification",
    to="zoë@example.com",
)


def test_an_effect_is_written_with_its_kind():
    written = to_json(NOTICE)
    assert written["kind"] == "send_notice"
    assert written["due_on"] == "2026-01-05"


def test_every_effect_of_the_model_has_a_kind_to_be_written():
    kinds = [cls.kind for cls in get_args(effect.Effect)]
    assert len(set(kinds)) == len(kinds) > 0


def test_a_whole_plan_can_be_printed():
    held = Held(gate=Gate.TOLD, reason="no notice yet", user_id="AIDA1", user_name="zoë")
    finding = Finding(
        control=ControlId.CONSOLE_MFA,
        account_id="1",
        user_id=None,
        user_name="zoë",
        resource_id="mfa",
        severity="high",
        observed=False,
        threshold=True,
        detail="No MFA device.",
    )
    written = to_json(
        Plan(
            run_id="r",
            account_id="1",
            as_of=NOW,
            on=NOW.date(),
            users=(plan.UserPlan(user_id="AIDA1", user_name="zoë", message=NOTICE, held=(held,)),),
            findings=(finding,),
        )
    )
    assert written["as_of"] == "2026-01-05T06:00:00+00:00"
    assert written["users"][0]["message"]["kind"] == "send_notice"
    assert written["users"][0]["held"][0]["gate"] == "told"
    assert written["findings"][0]["observed"] is False


def test_a_policy_can_be_printed():
    written = to_json(EscalationPolicy(project_name="ETV", timezone=ZoneInfo("Asia/Kolkata")))
    assert written["timezone"] == "Asia/Kolkata"
    assert written["thresholds"]["password_age"] == 75 * 86400
    assert written["mail_weekdays"] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "secret",
    [
        NewAccessKey(key_id="AKIA", secret="canary", created_at=NOW),
        Attachment(name="a.csv", content=b"canary"),
        {"csv": b"canary"},
    ],
)
def test_what_holds_a_secret_is_never_written_and_never_shown(secret: object):
    with pytest.raises(TypeError, match="never written down") as caught:
        to_json(secret)
    assert "canary" not in str(caught.value)


def test_a_key_that_could_be_read_back_as_another_is_not_written():
    with pytest.raises(ValueError, match="slash"):
        to_json({("a/b", "c"): 1})
    with pytest.raises(TypeError, match="cannot be the key"):
        to_json({None: 1})


@dataclass(frozen=True)
class Seen:
    last: datetime | Absent


@pytest.mark.parametrize("last", [NOW, Absent.NEVER, Absent.UNKNOWN])
def test_an_instant_and_the_reason_why_there_is_none_are_never_mixed_up(last: datetime | Absent):
    seen = from_json(Seen, to_json(Seen(last)))
    assert (seen.last, type(seen.last)) == (last, type(last))


@pytest.mark.parametrize("last", ["NEVER", "", None, 1, ["never"], "2026-01-05T06:00:00"])
def test_what_is_neither_an_instant_nor_a_reason_is_refused(last: object):
    with pytest.raises(ValueError, match="last: expected a time with offset"):
        from_json(Seen, {"last": last})


def test_a_field_that_could_not_be_read_back_is_found_at_once():
    @dataclass
    class Odd:
        either: int | str

    Odd.__annotations__["either"] = int | str
    with pytest.raises(TypeError, match="no way to read"):
        from_json(Odd, {"either": 1})
