from __future__ import annotations

from datetime import timedelta

import pytest

from keyreeve.model.errors import ConfigError
from keyreeve.sandbox.account import AccountData, Act
from keyreeve.sandbox.account_file import load_document, read_account, shipped_accounts
from keyreeve.sandbox.old_account import old_account


@pytest.mark.parametrize("name", shipped_accounts())
def test_every_shipped_account_can_be_read(name: str) -> None:
    assert isinstance(read_account(load_document(name)), AccountData)


def test_ages_and_defaults_are_read() -> None:
    document = {
        "users": [
            {
                "name": "a",
                "created": "36h",
                "mfa": True,
                "inline": ["x"],
                "keys": [{"created": "5m"}],
            }
        ],
        "events": [{"day": 1, "user": "a", "act": "sign_in"}],
    }
    account = read_account(document)
    (user,) = account.users
    assert (user.created, user.keys[0].created) == (timedelta(hours=36), timedelta(minutes=5))
    assert user.mfa is not None
    assert list(user.inline) == ["x"]
    assert account.events[0].act is Act.SIGN_IN


@pytest.mark.parametrize(
    ("document", "mistakes"),
    [
        ({"user": []}, ["unknown field 'user'"]),
        ({"users": [{"created": "1d"}]}, ["users[0]: name is missing"]),
        ({"users": [{"name": "a", "created": "soon"}]}, ["users[0].created: 'soon' is no age"]),
        ({"users": [{"name": 1}, {"name": "b", "mfa": "x"}]}, ["1 is no text", "'x' is no age"]),
        ({"users": [{"name": "a"}, {"name": "a"}]}, ["a twice"]),
        ({"users": [{"name": "a", "groups": ["g"]}]}, ["unknown group g"]),
        ({"users": [{"name": "a", "keys": [{"created": "1d"}] * 3}]}, ["more than two"]),
        ({"users": [{"name": "a", "created": "1d", "keys": [{"created": "2d"}]}]}, ["older"]),
        ({"events": [{"day": 1, "user": "x", "act": "sign_in"}]}, ["unknown user x"]),
        ({"events": [{"day": 1, "user": "x", "act": "jump"}]}, ["'jump' is no act"]),
        ({"mail": {"quota": True}}, ["mail.quota: True is no whole number"]),
    ],
)
def test_every_mistake_is_told_with_its_place(document: object, mistakes: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        read_account(document)  # type: ignore[arg-type]
    assert all(mistake in str(caught.value) for mistake in mistakes)


def test_an_unknown_account_names_the_shipped_ones() -> None:
    with pytest.raises(ConfigError, match="demo, empty, small"):
        load_document("nowhere")


def test_an_old_account_is_valid_at_any_size() -> None:
    assert len(read_account(old_account(3000, 2900)).users) == 3000
