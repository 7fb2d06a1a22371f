"""The ladder's quarantine for a missing MFA device, and the way out that its owner has (S1, S2.6).

Thirteen runs over the command line, the stacks' own policies enforced at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.scenario.governed import BASELINE, Governed, Joiner, refused

from keyreeve.sandbox.process import Sandbox

NAME = "no.device"
ACCOUNT = {
    "password_policy": {"MinimumPasswordLength": 14},
    "groups": [{"name": "Developers"}],
    "users": [
        {
            "name": NAME,
            "tags": {
                "email": f"{NAME}@example.com",
                "FunctionalGroup": "Developer",
                "Department": "IT",
            },
            "groups": ["Developers"],
            "password": {"changed": "20d", "last_sign_in": "1d"},
        }
    ],
}


@pytest.fixture
def account(sandbox: Sandbox, tmp_path: Any) -> Iterator[Governed]:
    with pytest.MonkeyPatch.context() as patch:
        governed = Governed(sandbox, tmp_path, patch)
        governed.begin(ACCOUNT)
        governed.settle(more=BASELINE + "enforcement: {console_mfa: quarantine}\n")
        governed.deploy("identity", "audit-trail", "monitoring", "onboarding")
        yield governed
        sandbox.enforce(on=False)


def test_who_has_no_device_on_day_14_may_only_enrol_one_and_then_is_back(account):
    for day in (0, 3, 7, 10, 11):
        assert account.run(day).code == 0
        assert account.groups(NAME) == {"Developers"}
    assert account.run(14).code == 0
    assert account.groups(NAME) == {"Developers", "MFA-Setup"}
    account.sandbox.settle()
    person = Joiner(sandbox=account.sandbox, name=NAME, password=f"Initial-Password-of-{NAME}-1!")
    account.sandbox.enforce()
    session = person.sign_in(mfa=False)
    assert refused(person.client("s3", session).list_buckets)
    assert refused(person.assume, role="DeveloperRole", session=session)
    person.enrol(session)
    account.sandbox.settle()
    assert account.groups(NAME) == {"Developers"}
    assert person.assume("DeveloperRole", person.sign_in(mfa=True))
