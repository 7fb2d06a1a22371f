"""An effect asks AWS for nothing undeclared: the shipped policies are made of what they declare."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from tests.scenario.people import aged, no_mfa, old_password, quiet, spare
from tests.scenario.peril import Fate, Stopped
from tests.scenario.village import Village

from keyreeve.model.effect import Effect
from keyreeve.model.policy import Enforcement, FinalAct
from keyreeve.pipeline.execution import Execution

ACTIONS = {
    "ReportedAccount.create_access_key": "iam:CreateAccessKey",
    "ReportedAccount.set_access_key_active": "iam:UpdateAccessKey",
    "ReportedAccount.delete_access_key": "iam:DeleteAccessKey",
    "ReportedAccount.reset_password": "iam:UpdateLoginProfile",
    "ReportedAccount.delete_login_profile": "iam:DeleteLoginProfile",
    "ReportedAccount.add_to_group": "iam:AddUserToGroup",
    "ReportedAccount.access_keys": "iam:ListAccessKeys",
    "ReportedAccount.access_key_last_used": "iam:GetAccessKeyLastUsed",
    "ReportedAccount.user": "iam:GetUser",
    "ReportedAccount.has_login_profile": "iam:GetLoginProfile",
    "ReportedAccount.must_change_password": "iam:GetLoginProfile",
    "ReportedAccount.has_mfa_device": "iam:ListMFADevices",
    "FakeMailer.send": "ses:SendRawEmail",
}
ELSEWHERE = {"FakeMailer.remaining_quota"}
"""Asked once a run, whatever it does."""
ELSEWHERE_NEEDED = {
    ("create_replacement_key", "iam:UpdateAccessKey"),  # an orphan is shut
    ("create_replacement_key", "iam:GetAccessKeyLastUsed"),  # … if it was never used
    ("delete_login_profile", "iam:ListMFADevices"),  # where console_mfa asks for it
}
"""Declared for what this story does not come to."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[type, set[str]]:
    """Kind of effect → the actions that carrying it out asked for."""
    found: dict[type, set[str]] = defaultdict(set)
    fates: list[Fate] = []
    stock = Fate.__init__

    def begin(self: Fate, *args: Any, **more: Any) -> None:
        stock(self, *args, **more)
        fates.append(self)

    guarded = Execution._guarded

    def watched(self: Execution, effect: Effect, work: Any) -> Any:
        before = len(fates[-1].calls)
        try:
            return guarded(self, effect, work)
        finally:
            names = {call.split(" ")[0] for call in fates[-1].calls[before:]} - ELSEWHERE
            ours = {name for name in names if name.startswith(("ReportedAccount", "FakeMailer"))}
            found[type(effect)] |= {ACTIONS[name] for name in ours}

    monkeypatch.setattr(Fate, "__init__", begin)
    monkeypatch.setattr(Execution, "_guarded", watched)
    return found


def test_every_act_and_mail_of_a_whole_case_is_declared(asked: dict[type, set[str]]):
    enforcement = Enforcement(
        console_mfa=FinalAct.QUARANTINE, user_inactive=FinalAct.DELETE_LOGIN_PROFILE
    )
    people = (aged(), spare(), old_password(), no_mfa(), quiet())
    village = Village(*people, aged("another.key"), enforcement=enforcement)
    village.live(0, 16)
    assert len(asked) == 8, asked.keys()
    declared = {(kind.kind, action) for kind in asked for action in kind.required_actions}
    needed = {(kind.kind, action) for kind, actions in asked.items() for action in actions}
    assert needed - declared == set()
    assert declared - needed == ELSEWHERE_NEEDED


def test_what_a_lost_answer_leaves_behind_is_mended_with_declared_actions(
    asked: dict[type, set[str]],
):
    probe = Village(aged(), aged("another.key"))
    probe.live(0, 6)
    fate = Fate()
    probe.run(7, fate=fate)
    (create, *_) = [n for n, call in enumerate(fate.calls) if "create_access_key" in call]
    village = Village(aged(), aged("another.key"))
    village.live(0, 6)
    with pytest.raises(Stopped):
        village.run(7, fate=Fate(create, after=True))
    village.live(8, 12)
    for effect, actions in asked.items():
        assert actions <= set(effect.required_actions) | {"iam:DeleteAccessKey"}, effect.kind
