"""Small judgements that values make about themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from tests.builders import (
    ACCOUNT,
    INACTIVE,
    KEY_1,
    MFA_CONTROL,
    MONDAY,
    NOW,
    PASSWORD_AGE,
    ROTATION,
    RUN,
    access_key,
    ago,
    console,
    old_key,
    outlook,
    record,
    rotation,
    snapshot,
    user,
)

from keyreeve.language.authorizations import ACTIONS
from keyreeve.model import errors
from keyreeve.model.case import OperationKind, StepName
from keyreeve.model.effect import (
    Act,
    CreateReplacementKey,
    DeactivateAccessKey,
    DeactivationCause,
    DeleteLoginProfile,
    DeleteOrphanedKey,
    Message,
    PurgeEscrow,
    Quarantine,
    ResetPassword,
    SendClosing,
    SendNotice,
    SendSummary,
    SendTeamNotice,
    finding_key,
)
from keyreeve.model.notice import Attachment, MailKind, OutgoingMail, RenderedMail
from keyreeve.model.plan import Gate, Held, Plan, UserPlan
from keyreeve.model.snapshot import Absent

# --- errors ---------------------------------------------------------------------------------------


def test_an_error_says_where_what_and_what_to_do():
    assert str(errors.ConfigError("no project_name")) == "no project_name"
    full = errors.ConfigError("no name", where="config.yaml:1", remedy="Add project_name.")
    assert str(full) == "config.yaml:1: no name\n  Add project_name."
    assert (full.where, full.what, full.remedy) == (
        "config.yaml:1",
        "no name",
        "Add project_name.",
    )
    assert str(errors.LockHeld("held", remedy="Wait.")) == "held\n  Wait."


def test_a_failed_call_names_the_call():
    failed = errors.AccessDenied("not allowed", call="iam:ListUsers", code="AccessDenied")
    assert str(failed) == "iam:ListUsers: not allowed"
    assert (failed.call, failed.code, failed.retryable) == ("iam:ListUsers", "AccessDenied", False)


EXITS = {
    errors.KeyreeveError: 1,
    errors.ConfigError: 2,
    errors.UnsafePlan: 4,
    errors.LockHeld: 5,
    errors.CannotStart: 6,
    errors.AccountUnreadable: 6,
    errors.StorageUnreachable: 6,
    errors.StateUnreadable: 6,
    errors.BrokenOff: 1,
    errors.LockLost: 1,
    errors.StorageConflict: 1,
    errors.MailFailure: 1,
}


@pytest.mark.parametrize("kind", EXITS)
def test_every_error_has_the_exit_code_of_the_interface(kind):
    assert kind("x").exit_code == EXITS[kind]


def test_only_throttling_conflicts_and_doubt_are_worth_another_try():
    ours = errors.AwsFailure.__subclasses__()  # adapters and use cases have some of their own
    kinds = [kind for kind in ours if kind.__module__ == errors.__name__]
    again = {kind for kind in kinds if kind.retryable}
    assert again == {errors.Throttled, errors.Conflict, errors.Doubtful}


# --- effects --------------------------------------------------------------------------------------

COMMON = {"user_id": "AIDAANN", "user_name": "ann", "due_on": MONDAY, "reason": "r"}
OF = {**COMMON, "operation_id": "op"}
EFFECTS = {
    CreateReplacementKey(**OF, control=ROTATION, old_key=KEY_1): (KEY_1, False),
    ResetPassword(**OF, control=PASSWORD_AGE, resource_id="password"): ("password", True),
    DeactivateAccessKey(**OF, control=ROTATION, key_id=KEY_1, cause=DeactivationCause.ROTATION): (
        KEY_1,
        True,
    ),
    DeleteLoginProfile(**OF, control=PASSWORD_AGE, resource_id="password"): ("password", True),
    Quarantine(**OF, control=MFA_CONTROL, resource_id="mfa", group="g"): ("mfa", True),
    DeleteOrphanedKey(**OF, key_id="AKIA9"): ("AKIA9", False),
    PurgeEscrow(
        **OF,
        escrow_key="credentials/x.csv",
        of="20260105-a",
        in_vault=True,
        key_id=KEY_1,
        user_gone=False,
    ): ("credentials/x.csv", False),
    SendNotice(**COMMON, stage="warning", to="a@example.com"): ("a@example.com", False),
    SendClosing(**COMMON, to="a@example.com"): ("a@example.com", False),
    SendTeamNotice(
        **COMMON, to=("t",), headline="h", paragraphs=(), topic="t", resource_id="AKIA1"
    ): ("AKIA1", False),
    SendSummary(**COMMON, to=("t",)): ("summary", False),
}


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda e: e.kind)
def test_every_effect_names_its_resource_and_says_whether_it_disturbs(effect):
    resource, disruptive = EFFECTS[effect]
    assert effect.resource_id == resource
    assert effect.disruptive is disruptive
    assert effect.required_actions
    assert set(effect.required_actions) <= set(ACTIONS)
    vault = getattr(effect, "vault_actions", ())
    assert {action.split(":")[0] for action in vault} <= {"iam", "secretsmanager"}


def test_every_effect_is_in_the_table():
    assert {type(effect) for effect in EFFECTS} == {*get_args(Act), *get_args(Message)}


def test_an_act_knows_the_finding_that_asks_for_it():
    key = DeactivateAccessKey(**OF, control=INACTIVE, key_id=KEY_1, cause=DeactivationCause.UNUSED)
    assert finding_key(key) == (INACTIVE, "user")
    assert finding_key(replace(key, cause=DeactivationCause.STALE)) == (INACTIVE, KEY_1)
    assert finding_key(replace(key, control=None)) is None
    reset = ResetPassword(**OF, control=PASSWORD_AGE, resource_id="password")
    assert finding_key(reset) == (PASSWORD_AGE, "password")


# --- plans, findings, operations ------------------------------------------------------------------


def test_a_plans_effects_come_user_by_user_acts_first_and_the_team_last():
    by_kind = {effect.kind: effect for effect in EFFECTS}
    act, reset = by_kind["create_replacement_key"], by_kind["reset_password"]
    notice, team = by_kind["send_notice"], by_kind["send_team_notice"]
    held = Held(gate=Gate.TOLD, reason="r", user_id="AIDAANN", user_name="ann")
    users = (
        UserPlan(user_id="AIDAANN", user_name="ann", acts=(act, reset), message=notice),
        UserPlan(user_id="AIDABOB", user_name="bob", held=(held,)),
    )
    plan = Plan(run_id=RUN, account_id=ACCOUNT, as_of=NOW, on=MONDAY, users=users, team=(team,))
    assert plan.effects == (act, reset, notice, team)
    assert plan.held == (held,)


def test_a_findings_identity_holds_neither_name_nor_slot():
    one = outlook(snapshot(user("ann", old_key(1)))).findings["AIDAANN"][ROTATION, KEY_1]
    moved = replace(one, slot=2, user_name="anna")
    assert one.key == moved.key == (ROTATION, KEY_1)
    assert one.fingerprint == moved.fingerprint
    assert one.fingerprint == "access_key_rotation/123456789012/AIDAANN/AKIA1"
    assert replace(one, user_id=None).fingerprint.split("/")[2] == "-"
    assert one.access_key_id == KEY_1
    assert replace(one, slot=None).access_key_id is None
    assert record().key == one.key


UNFINISHED = (
    StepName.INTENT,
    StepName.CREATED,
    StepName.KEEPING,
    StepName.ENFORCING,
    StepName.ORPHANED,
)


@pytest.mark.parametrize("last", StepName)
def test_an_operation_is_unfinished_until_its_last_step_ends_it(last):
    assert rotation(StepName.INTENT, last).unfinished is (last in UNFINISHED)
    assert not rotation().unfinished
    assert OperationKind.ROTATION.value == "rotation"


@pytest.mark.parametrize(
    ("who", "live"),
    [
        (user(), False),
        (user("ann", access_key()), True),
        (user("ann", access_key(active=False)), False),
        (console(), True),
        (user(password_enabled=None), False),
    ],
)
def test_the_population_counts_whoever_has_an_active_key_or_a_password(who, live):
    assert who.has_live_credential is live


def test_a_keys_age_begins_with_its_createdate_when_that_is_known():
    assert access_key(created_at=ago(9), last_rotated=ago(1)).since == ago(9)
    assert access_key(created_at=None, last_rotated=ago(1)).since == ago(1)
    assert access_key(created_at=None, last_rotated=Absent.UNKNOWN).since is Absent.UNKNOWN


# --- mail -----------------------------------------------------------------------------------------


def test_the_envelope_holds_everybody_once():
    mail = OutgoingMail(
        kind=MailKind.NOTICE,
        sender="s",
        to=("a", "b"),
        cc=("b", "c"),
        reply_to=None,
        subject="s",
        body=RenderedMail(html="", text=""),
        sent_at=NOW,
    )
    assert mail.recipients == ("a", "b", "c")


def test_an_attachments_repr_never_shows_the_secret():
    secret = Attachment(name="k.csv", content=b"wJalrXUtnFEMI")
    assert repr(secret) == "Attachment('k.csv', 13 bytes)"
    assert "wJalr" not in f"{secret!r} {secret}"
