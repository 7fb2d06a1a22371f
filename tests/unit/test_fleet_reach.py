from __future__ import annotations

from pathlib import Path

import pytest

from keyreeve.config import parse
from keyreeve.governance.installation import Reach
from keyreeve.model.identifiers import AccountId
from keyreeve.wiring.fleet_reach import reach_of

HOME, FAR, OTHER = AccountId("1" * 12), "2" * 12, "3" * 12
ROLE = "arn:aws:iam::{}:role/Keyreeve"
UNITS = ("arn:aws:organizations::*:ou/*", "arn:aws:organizations::*:root/*")


def of(accounts: str) -> Reach | None:
    text = (
        "project_name: ETV\nstorage: {bucket: some-bucket}\n"
        "mail: {sender: a@example.com, cc: [b@example.com]}\n"
        f"accounts: {accounts}\n"
    )
    return reach_of(parse(text, path=Path("config.yaml")), HOME, "aws")


def organization(**more: list[str]) -> str:
    said = "".join(f", {key}: {value}" for key, value in more.items())
    return f"{{organization: true, role_name: Keyreeve{said}}}"


@pytest.mark.parametrize(
    ("accounts", "reach"),
    [
        ("self", None),
        (
            f'[{{id: "{FAR}", role_arn: "{ROLE.format(FAR)}"}}, {{id: "{HOME}"}}]',
            Reach(roles=(ROLE.format(FAR),), organization=False, own=True),
        ),
        (
            f'[{{id: "{FAR}", role_arn: "{ROLE.format(FAR)}"}}]',
            Reach(roles=(ROLE.format(FAR),), organization=False),
        ),
        (organization(), Reach(roles=(ROLE.format("*"),), organization=True, own=True)),
        (
            organization(exclude=[HOME]),
            Reach(roles=(ROLE.format("*"),), organization=True),
        ),
        (
            organization(include=[FAR, OTHER]),
            Reach(roles=(ROLE.format(FAR), ROLE.format(OTHER)), organization=True),
        ),
        (
            organization(include=[HOME, FAR]),
            Reach(roles=(ROLE.format(FAR),), organization=True, own=True),
        ),
        (
            organization(include=["ou-ab", FAR]),
            Reach(roles=(ROLE.format("*"),), organization=True, units=UNITS, own=True),
        ),
    ],
)
def test_no_role_is_named_that_the_config_does_not_mean(accounts, reach):
    assert of(accounts) == reach
