from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from keyreeve.model.access import AccessModel, Grant
from keyreeve.model.errors import AccessDenied, ConfigError, Rejected
from keyreeve.model.identifiers import AccountId
from keyreeve.model.snapshot import Caller
from keyreeve.pipeline.assume import Target, assume, session_name, span, target
from keyreeve.ports.role_sessions import Proof, RoleSession

ACCOUNT = AccountId("123456789012")
ARN = f"arn:aws:iam::{ACCOUNT}:role/DeveloperRole"
MODEL = AccessModel(
    grants=(
        Grant(
            functional_group="Developer",
            group="Developers",
            role="DeveloperRole",
            policies=(),
            max_session=timedelta(hours=8),
        ),
    )
)
USER = Caller(account_id=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:user/people/ana", user_id="AIDAANA")
SESSION = Caller(
    account_id=ACCOUNT,
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/DeveloperRole/ana",
    user_id="AROADEV:ana",
)
DEVICE = f"arn:aws:iam::{ACCOUNT}:mfa/ana"


@dataclass
class Sts:
    who: Caller = USER
    devices: tuple[str, ...] | None = (DEVICE,)
    refusal: Exception | None = None
    asked: list[tuple[str, str, timedelta, Proof | None]] = field(default_factory=list)

    def caller(self):
        return self.who

    def mfa_devices(self):
        if self.devices is None:
            raise AccessDenied("no", call="iam:ListMFADevices")
        return self.devices

    def assume(self, role_arn, session_name, duration, proof):
        self.asked.append((role_arn, session_name, duration, proof))
        if self.refusal is not None:
            raise self.refusal
        return RoleSession(
            access_key_id="ASIAEXAMPLE",
            secret="secret-of-session",
            token="token-of-session",
            expires_at=datetime(2026, 1, 5, 7, tzinfo=UTC),
            arn=f"{role_arn}/{session_name}",
        )


@pytest.mark.parametrize(
    ("said", "model", "arn", "longest"),
    [
        ("DeveloperRole", MODEL, ARN, 8),
        ("Developer", MODEL, ARN, 8),
        ("DeveloperRole", None, ARN, None),
        (ARN, MODEL, ARN, 8),
        ("Breakglass", MODEL, f"arn:aws:iam::{ACCOUNT}:role/Breakglass", None),
        ("arn:aws:iam::999999999999:role/x", None, "arn:aws:iam::999999999999:role/x", None),
    ],
)
def test_a_role_is_named_by_arn_by_name_or_by_duty(said, model, arn, longest):
    found = target(said, model, USER)
    assert found.arn == arn
    assert found.longest == (timedelta(hours=longest) if longest else None)


def test_what_is_no_role_is_told_with_the_roles_that_are_known():
    with pytest.raises(ConfigError, match="Known: DeveloperRole"):
        target("my role!", MODEL, USER)


@pytest.mark.parametrize(
    ("wanted", "longest", "caller", "given"),
    [
        (None, None, USER, 60),
        (None, 8 * 60, USER, 60),
        (None, 30, USER, 30),
        (480, 480, USER, 480),
        (900, None, USER, 900),
        (60, None, SESSION, 60),
    ],
)
def test_a_session_lasts_an_hour_or_as_long_as_asked_for(wanted, longest, caller, given):
    role = Target(arn=ARN, longest=timedelta(minutes=longest) if longest else None)
    asked = timedelta(minutes=wanted) if wanted else None
    assert span(asked, role, caller) == timedelta(minutes=given)


@pytest.mark.parametrize(
    ("wanted", "longest", "caller"), [(14, None, USER), (481, 480, USER), (61, 480, SESSION)]
)
def test_no_session_is_shorter_or_longer_than_aws_and_the_role_allow(wanted, longest, caller):
    role = Target(arn=ARN, longest=timedelta(minutes=longest) if longest else None)
    with pytest.raises(ConfigError):
        span(timedelta(minutes=wanted), role, caller)


def test_a_user_proves_himself_with_the_code_of_his_device_under_his_own_name():
    sts = Sts()
    opened = assume(sts, Target(arn=ARN, longest=None), timedelta(hours=1), lambda _: "123 456")
    [(arn, name, duration, proof)] = sts.asked
    assert (arn, name, duration) == (ARN, "ana", timedelta(hours=1))
    assert proof == Proof(serial=DEVICE, code="123456")
    assert opened.arn == f"{ARN}/ana"


def test_a_role_session_is_asked_for_no_code_since_it_carries_no_mfa():
    sts = Sts(who=SESSION)
    assume(sts, Target(arn=ARN, longest=None), timedelta(hours=1), lambda _: pytest.fail("asked"))
    assert sts.asked[0][3] is None


@pytest.mark.parametrize("said", ["12345", "abcdef", "1234567", ""])
def test_what_is_no_code_is_not_sent(said):
    sts = Sts()
    with pytest.raises(ConfigError, match="six digits"):
        assume(sts, Target(arn=ARN, longest=None), timedelta(hours=1), lambda _: said)
    assert sts.asked == []


@pytest.mark.parametrize(("devices", "words"), [((), "no MFA device"), (None, "does not tell")])
def test_without_a_known_device_it_says_how_to_get_one(devices, words):
    with pytest.raises(ConfigError, match=words):
        assume(
            Sts(devices=devices), Target(arn=ARN, longest=None), timedelta(hours=1), lambda _: "1"
        )


def test_a_device_that_is_named_is_not_looked_for():
    sts = Sts(devices=None)
    role = Target(arn=ARN, longest=None)
    assume(sts, role, timedelta(hours=1), lambda _: "123456", serial="arn:mine")
    assert sts.asked[0][3] == Proof(serial="arn:mine", code="123456")


def test_a_refusal_says_what_may_be_wrong():
    sts = Sts(refusal=AccessDenied("not authorized", call="sts:AssumeRole"))
    with pytest.raises(AccessDenied, match="not in the role's group"):
        assume(sts, Target(arn=ARN, longest=None), timedelta(hours=1), lambda _: "123456")


def test_a_duration_beyond_the_role_is_told_as_a_mistake_of_the_call():
    refusal = Rejected("The requested DurationSeconds exceeds the maximum", call="sts:AssumeRole")
    with pytest.raises(ConfigError, match="Ask for less"):
        assume(
            Sts(refusal=refusal),
            Target(arn=ARN, longest=None),
            timedelta(hours=9),
            lambda _: "123456",
        )


def test_neither_session_nor_proof_show_a_secret():
    opened = Sts().assume(ARN, "ana", timedelta(hours=1), None)
    assert "secret-of-session" not in repr(opened)
    assert "token-of-session" not in repr(opened)
    assert "987654" not in repr(Proof(serial=DEVICE, code="987654"))


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (USER.arn, "ana"),
        (SESSION.arn, "ana"),
        (f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root".rpartition("/")[2][:64]),
    ],
)
def test_the_session_bears_the_persons_name(arn, name):
    assert session_name(Caller(account_id=ACCOUNT, arn=arn, user_id="x")) == name


PASSKEY = f"arn:aws:iam::{ACCOUNT}:u2f/user/ana/passkey-ABC"


def test_a_device_that_shows_no_code_is_not_asked_for_one():
    sts = Sts(devices=(PASSKEY, DEVICE))
    assume(sts, Target(arn=ARN, longest=None), timedelta(hours=1), lambda _: "123456")
    assert sts.asked[0][3] == Proof(serial=DEVICE, code="123456")
    only = Sts(devices=(PASSKEY,))
    with pytest.raises(ConfigError, match="a passkey or a security key only"):
        assume(only, Target(arn=ARN, longest=None), timedelta(hours=1), lambda _: "123456")
    assert only.asked == []
