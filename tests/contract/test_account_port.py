"""AccountReader and CredentialActuator: one contract, whoever keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keyreeve.codec.credential_report import parse
from keyreeve.model.errors import LimitExceeded, NotFound
from keyreeve.model.snapshot import Absent

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}
DENY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
}


def user_of(account, name):
    return next(user for user in account.reader.details().users if user.name == name)


# --- the reader -------------------------------------------------------------------------------


def test_the_caller_is_known(account):
    caller = account.reader.caller()
    assert len(caller.account_id) == 12
    assert caller.arn.startswith("arn:aws:")
    assert caller.user_id


def test_the_report_is_generated_and_names_every_user(account):
    account.seed.user("ada")
    account.seed.user("bob", path="/team/")
    account.seed.password("ada")
    account.seed.access_key("bob")
    report = account.reader.credential_report()
    assert report.generated_at.tzinfo is not None
    rows = {row.user: row for row in parse(report.content).rows}
    assert set(rows) == {"ada", "bob"}
    assert rows["ada"].password_enabled
    assert [key.active for key in rows["bob"].keys] == [True]


def test_report_and_details_agree_on_who_a_user_is(account):
    """They are joined by name and creation time."""
    account.seed.user("ada")
    (row,) = parse(account.reader.credential_report().content).rows
    (user,) = account.reader.details().users
    assert (row.user, row.created_at.replace(microsecond=0), row.arn) == (
        user.name,
        user.created_at.replace(microsecond=0),
        user.arn,
    )


def test_an_account_without_users_is_read_as_such(account):
    assert account.reader.details().users == ()
    assert parse(account.reader.credential_report().content).rows == ()


def test_details_carry_identity_tags_and_groups(account):
    account.seed.user("ada", path="/eng/", tags={"email": "ada@example.com", "Straße": "höher 7"})
    account.seed.group("admins", "ada")
    account.seed.group("empty")
    details = account.reader.details()
    (ada,) = details.users
    assert ada.user_id
    assert ada.arn.endswith(":user/eng/ada")
    assert ada.path == "/eng/"
    assert ada.tags == {"email": "ada@example.com", "Straße": "höher 7"}
    assert ada.groups == ("admins",)
    assert details.groups == {"admins", "empty"}


def test_details_leave_open_what_only_the_report_knows(account):
    account.seed.user("ada")
    account.seed.password("ada")
    account.seed.access_key("ada")
    ada = user_of(account, "ada")
    assert ada.password_enabled is None
    assert ada.password_last_used is Absent.UNKNOWN
    assert ada.password_last_changed is Absent.UNKNOWN
    assert ada.mfa_active is None
    assert ada.keys == ()


def test_details_carry_every_policy_that_reaches_a_user(account):
    for name in ("ada", "bob"):
        account.seed.user(name)
    account.seed.group("team", "ada", "bob")
    own = account.seed.managed_policy("own", POLICY)
    shared = account.seed.managed_policy("shared", DENY)
    account.seed.attach_to_user("ada", own)
    account.seed.attach_to_group("team", shared)
    account.seed.user_policy("ada", "inline-ada", POLICY)
    account.seed.group_policy("team", "inline-team", DENY)
    ada, bob = user_of(account, "ada"), user_of(account, "bob")
    assert ada.inline_policies == ("inline-ada",)
    assert ada.granted.managed == {own, shared}
    assert sorted(map(str, ada.granted.documents)) == sorted(map(str, [POLICY, POLICY, DENY, DENY]))
    assert bob.inline_policies == ()
    assert bob.granted.managed == {shared}
    assert list(bob.granted.documents) == [DENY, DENY]


def test_without_a_password_policy_aws_defaults_are_reported(account):
    policy = account.reader.password_policy()
    assert not policy.custom
    assert policy.minimum_length == 8
    assert not policy.users_may_change
    assert (policy.reuse_prevention, policy.max_age_days) == (0, 0)


def test_a_custom_password_policy_is_reported_as_it_is(account):
    account.seed.password_policy(
        MinimumPasswordLength=20,
        RequireSymbols=True,
        AllowUsersToChangePassword=True,
        PasswordReusePrevention=5,
        MaxPasswordAge=60,
    )
    policy = account.reader.password_policy()
    assert policy.custom
    assert policy.minimum_length == 20
    assert policy.require_symbols
    assert not policy.require_numbers
    assert policy.users_may_change
    assert (policy.reuse_prevention, policy.max_age_days) == (5, 60)


def test_a_live_user_is_who_the_details_say(account):
    account.seed.user("ada", tags={"email": "ada@example.com"})
    live, listed = account.reader.user("ada"), user_of(account, "ada")
    assert (live.user_id, live.name, live.tags) == (listed.user_id, "ada", listed.tags)
    assert live.created_at == listed.created_at
    assert live.password_last_used is None


def test_keys_are_listed_with_id_status_and_birth(account):
    account.seed.user("ada")
    assert account.reader.access_keys("ada") == ()
    first, second = account.seed.access_key("ada"), account.seed.access_key("ada")
    keys = account.reader.access_keys("ada")
    assert {key.key_id for key in keys} == {first, second}
    assert all(key.active and key.created_at.tzinfo is not None for key in keys)


def test_a_key_that_was_never_used_has_no_last_use(account):
    account.seed.user("ada")
    assert account.reader.access_key_last_used(account.seed.access_key("ada")) is None


def test_login_profile_and_mfa_are_seen(account):
    account.seed.user("ada")
    assert not account.reader.has_login_profile("ada")
    assert not account.reader.must_change_password("ada")
    assert not account.reader.has_mfa_device("ada")
    account.seed.password("ada")
    account.seed.mfa_device("ada")
    assert account.reader.has_login_profile("ada")
    assert account.reader.has_mfa_device("ada")


@pytest.mark.parametrize("question", ["user", "access_keys", "has_mfa_device"])
def test_questions_about_a_user_who_is_gone_say_so(account, question):
    account.seed.user("ada")
    account.seed.delete_user("ada")
    with pytest.raises(NotFound):
        getattr(account.reader, question)("ada")


# --- the actuator -----------------------------------------------------------------------------


def test_a_new_key_is_active_and_shows_its_secret_to_nobody_by_accident(account):
    account.seed.user("ada")
    new = account.actuator.create_access_key("ada")
    (live,) = account.reader.access_keys("ada")
    assert (live.key_id, live.active) == (new.key_id, True)
    assert abs((live.created_at - new.created_at).total_seconds()) < 1
    assert len(new.secret) >= 16
    assert new.secret not in f"{new} {new!r}"


def test_a_third_key_is_refused_even_if_one_is_inactive(account):
    account.seed.user("ada")
    first = account.seed.access_key("ada")
    account.seed.access_key("ada")
    account.actuator.set_access_key_active("ada", first, active=False)
    with pytest.raises(LimitExceeded):
        account.actuator.create_access_key("ada")
    assert len(account.reader.access_keys("ada")) == 2


def test_only_the_named_key_changes_and_it_can_come_back(account):
    account.seed.user("ada")
    first, second = account.seed.access_key("ada"), account.seed.access_key("ada")

    def active():
        return {key.key_id for key in account.reader.access_keys("ada") if key.active}

    account.actuator.set_access_key_active("ada", first, active=False)
    assert active() == {second}
    account.actuator.set_access_key_active("ada", first, active=True)
    assert active() == {first, second}


def test_a_key_made_inactive_twice_stays_inactive(account):
    account.seed.user("ada")
    key = account.seed.access_key("ada")
    account.actuator.set_access_key_active("ada", key, active=False)
    account.actuator.set_access_key_active("ada", key, active=False)
    assert [live.active for live in account.reader.access_keys("ada")] == [False]


def test_a_deleted_key_is_gone_and_the_other_stays(account):
    account.seed.user("ada")
    first, second = account.seed.access_key("ada"), account.seed.access_key("ada")
    account.actuator.delete_access_key("ada", first)
    assert [key.key_id for key in account.reader.access_keys("ada")] == [second]


def test_a_password_can_be_reset_only_where_there_is_one(account):
    account.seed.user("ada")
    with pytest.raises(NotFound):
        account.actuator.reset_password("ada", "New-Horse-77-staple")
    account.seed.password("ada")
    assert not account.reader.must_change_password("ada")
    account.actuator.reset_password("ada", "New-Horse-77-staple")
    assert account.reader.has_login_profile("ada")
    assert account.reader.must_change_password("ada")


def test_a_login_profile_is_deleted_once(account):
    account.seed.user("ada")
    account.seed.password("ada")
    key = account.seed.access_key("ada")
    account.actuator.delete_login_profile("ada")
    assert not account.reader.has_login_profile("ada")
    assert [live.key_id for live in account.reader.access_keys("ada") if live.active] == [key]
    with pytest.raises(NotFound):
        account.actuator.delete_login_profile("ada")


def test_a_user_joins_a_group(account):
    account.seed.user("ada")
    account.seed.group("quarantine")
    account.actuator.add_to_group("ada", "quarantine")
    account.actuator.add_to_group("ada", "quarantine")
    assert user_of(account, "ada").groups == ("quarantine",)


@pytest.mark.parametrize(("user", "group"), [("ada", "nowhere"), ("nobody", "quarantine")])
def test_joining_needs_both_user_and_group(account, user, group):
    account.seed.user("ada")
    account.seed.group("quarantine")
    with pytest.raises(NotFound):
        account.actuator.add_to_group(user, group)


@pytest.mark.parametrize(
    "act",
    [
        lambda actuator: actuator.create_access_key("nobody"),
        lambda actuator: actuator.set_access_key_active("nobody", "AKIAX" * 4, active=False),
        lambda actuator: actuator.delete_access_key("nobody", "AKIAX" * 4),
        lambda actuator: actuator.reset_password("nobody", "New-Horse-77-staple"),
        lambda actuator: actuator.delete_login_profile("nobody"),
    ],
    ids=["create", "update", "delete", "reset", "delete_login_profile"],
)
def test_acts_on_a_user_who_does_not_exist_say_so(account, act):
    with pytest.raises(NotFound):
        act(account.actuator)


def test_a_key_of_another_user_is_not_touched(account):
    account.seed.user("ada")
    account.seed.user("bob")
    key = account.seed.access_key("bob")
    with pytest.raises(NotFound):
        account.actuator.set_access_key_active("ada", key, active=False)
    assert [live.active for live in account.reader.access_keys("bob")] == [True]


def test_every_instant_bears_a_zone(account):
    account.seed.user("ada")
    account.seed.access_key("ada")
    instants = [
        user_of(account, "ada").created_at,
        account.reader.user("ada").created_at,
        account.reader.access_keys("ada")[0].created_at,
        account.reader.credential_report().generated_at,
    ]
    assert all(isinstance(at, datetime) and at.astimezone(UTC) == at for at in instants)
