"""A user and its row of the report become one user, and nothing of either is lost."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime

from keyreeve.codec.credential_report import ReportRow
from keyreeve.model.snapshot import AccessKey, GrantedPolicies, User
from keyreeve.pipeline.collect import _with_row

MADE = datetime(2026, 1, 5, tzinfo=UTC)
BORN = datetime(2025, 1, 1, tzinfo=UTC)
KEY = AccessKey(slot=1, active=True, last_rotated=BORN, last_used=MADE)
LISTED = User(
    name="ada",
    arn="arn:aws:iam::123456789012:user/eng/ada",
    created_at=BORN,
    user_id="AIDAADA",
    path="/eng/",
    tags={"email": "ada@example.com"},
    groups=("team",),
    inline_policies=("own",),
    granted=GrantedPolicies(managed=frozenset({"arn:aws:iam::aws:policy/ReadOnlyAccess"})),
    password_enabled=None,
    password_last_used=BORN,
    password_last_changed=BORN,
    mfa_active=None,
)
ROW = ReportRow(
    user="ada",
    arn=LISTED.arn,
    created_at=BORN,
    password_enabled=True,
    password_last_used=MADE,
    password_last_changed=MADE,
    mfa_active=True,
    keys=(KEY,),
)


def test_a_joined_user_has_every_field_of_the_list_and_of_the_row():
    told = {f.name for f in fields(ReportRow)} & {f.name for f in fields(User)} - {"arn"}
    expected = replace(LISTED, **{name: getattr(ROW, name) for name in told}, observed_at=MADE)
    joined = _with_row(LISTED, ROW, MADE)
    assert joined == expected
    unlike_the_default = [f.name for f in fields(User) if getattr(joined, f.name) not in (None, ())]
    assert set(unlike_the_default) == {f.name for f in fields(User)}
