"""The credential report: what is understood, what becomes a gap, what is refused."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.make_reports import COLUMNS, report

from keyreeve.codec.credential_report import ParsedReport, parse
from keyreeve.model.errors import AccountUnreadable
from keyreeve.model.snapshot import Absent

REPORTS = Path(__file__).parents[2] / "data" / "credential-reports"
AWS = (REPORTS / "aws.csv").read_bytes()
COLUMNS_OF_AWS = AWS.split(b"\n", 1)[0].count(b",") + 1
OTHER_DIALECT = (REPORTS / "dialect-z-crlf.csv").read_bytes()

ADA = {
    "user": "ada",
    "arn": "arn:aws:iam::123456789012:user/ada",
    "user_creation_time": "2020-03-01T09:15:00+00:00",
    "password_enabled": "true",
    "password_last_used": "2026-01-04T07:55:00+00:00",
    "password_last_changed": "2025-10-01T10:00:00+00:00",
    "mfa_active": "true",
    "access_key_1_active": "true",
    "access_key_1_last_rotated": "2025-09-15T12:00:00+00:00",
    "access_key_1_last_used_date": "2026-01-05T05:45:00+00:00",
    "access_key_1_last_used_region": "eu-west-1",
    "access_key_1_last_used_service": "ec2",
    "access_key_2_active": "false",
}
BOB = {**ADA, "user": "bob", "arn": "arn:aws:iam::123456789012:user/team/bob"}


def written(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="N/A", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def names(parsed: ParsedReport) -> list[str]:
    return [row.user for row in parsed.rows]


def row_of(parsed: ParsedReport, name: str):
    return next(row for row in parsed.rows if row.user == name)


def test_a_report_as_aws_documents_it_is_read_to_the_last_row():
    parsed = parse(AWS)
    assert parsed.gaps == ()
    assert parsed.complete
    assert parsed.root_seen
    assert names(parsed) == [
        "ada",
        "alan@example.com",
        "build-bot",
        "hopper,grace",
        "=cmd",
        "+plus",
        "-minus",
        "@at",
        "rita",
    ]


def test_both_dialects_say_the_same():
    """`+00:00` or `Z`, LF or CRLF, with a byte order mark, TRUE for true, columns in any order."""
    assert parse(OTHER_DIALECT) == parse(AWS)


def test_never_used_and_not_supported_are_two_different_things():
    parsed = parse(AWS)
    alan, at = row_of(parsed, "alan@example.com"), row_of(parsed, "@at")
    assert alan.password_last_used is Absent.NEVER
    assert at.password_last_used is Absent.UNKNOWN
    assert at.mfa_active is None


def test_a_password_or_key_that_exists_was_made_once_so_never_means_unknown():
    rita = row_of(parse(AWS), "rita")
    assert rita.password_last_changed is Absent.UNKNOWN
    assert [key.last_rotated for key in rita.keys] == [Absent.UNKNOWN]


def test_a_slot_is_occupied_by_an_active_key_and_by_an_inactive_one_that_bears_a_date():
    occupied = {row.user: [(key.slot, key.active) for key in row.keys] for row in parse(AWS).rows}
    assert occupied["ada"] == [(1, True)]
    assert occupied["build-bot"] == [(1, False), (2, True)]
    assert occupied["hopper,grace"] == []


def test_a_global_service_has_no_region():
    old = row_of(parse(AWS), "alan@example.com").keys[1]
    assert (old.last_used_service, old.last_used_region) == ("s3", None)
    assert old.last_used == datetime(2024, 6, 1, tzinfo=UTC)


def test_columns_that_aws_may_add_or_move_change_nothing():
    moved = (*reversed(COLUMNS), "brand_new_column")
    assert parse(written(ADA, BOB, columns=moved)) == parse(written(ADA, BOB))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"user_creation_time": "yesterday"}, "'yesterday' is no date"),
        ({"user_creation_time": "N/A"}, "'N/A' is no date"),
        ({"password_last_used": ""}, "'' is no date"),
        ({"password_last_changed": "2025-10-01T10:00:00"}, "without time zone"),
        ({"access_key_1_last_rotated": "2025-02-30T00:00:00+00:00"}, "is no date"),
        ({"password_enabled": "yes"}, "'yes' is neither true nor false"),
        ({"mfa_active": ""}, "'' is neither true nor false"),
        ({"access_key_1_active": "not_supported"}, "access_key_1_active is 'not_supported'"),
        ({"user": ""}, "it names no user"),
    ],
)
def test_a_row_that_is_not_understood_is_a_gap_of_its_user_and_the_others_go_on(change, reason):
    parsed = parse(written({**ADA, **change}, BOB))
    assert names(parsed) == ["bob"]
    assert parsed.complete
    (gap,) = parsed.gaps
    assert (gap.step, gap.user_name) == ("row 2", "ada")
    assert reason in gap.reason


def test_a_name_with_a_comma_that_nobody_quoted_is_a_gap_of_that_very_user():
    raw = written({**ADA, "user": "love", "arn": "arn:aws:iam::123456789012:user/love"}, BOB)
    parsed = parse(raw.replace(b"love,", b"love,lace,", 1).replace(b"/love,", b"/love,lace,", 1))
    assert names(parsed) == ["bob"]
    assert [gap.user_name for gap in parsed.gaps] == ["love,lace"]


def test_two_rows_of_one_user_leave_neither():
    parsed = parse(written(ADA, BOB, {**ADA, "mfa_active": "false"}))
    assert names(parsed) == ["bob"]
    assert [(gap.step, gap.user_name) for gap in parsed.gaps] == [("row 4", "ada")]


def test_a_user_deleted_and_made_again_under_the_same_name_keeps_both_rows():
    again = {**ADA, "user_creation_time": "2025-12-01T00:00:00+00:00"}
    assert names(parse(written(ADA, again))) == ["ada", "ada"]


def test_a_row_of_nobody_is_a_gap_of_the_whole_account():
    parsed = parse(written(ADA) + b"something,else\n" + written(BOB).split(b"\n", 1)[1])
    assert names(parsed) == ["ada", "bob"]
    assert [gap.user_name for gap in parsed.gaps] == [None]
    assert not parsed.complete


def test_a_missing_end_of_line_alone_is_no_truncation():
    assert parse(AWS.rstrip(b"\n")) == parse(AWS)


NOT_NEEDED = ("password_next_rotation", *(name for name in COLUMNS if name.startswith("cert")))


@pytest.mark.parametrize("column", sorted(set(COLUMNS) - set(NOT_NEEDED)))
def test_a_report_without_a_needed_column_is_refused(column):
    left = tuple(name for name in COLUMNS if name != column)
    row = {name: ADA.get(name, "N/A") for name in left}
    with pytest.raises(AccountUnreadable, match=f"missing: {column}\\n"):
        parse(written(row, columns=left))


def test_a_report_without_the_columns_that_nobody_judges_by_is_read():
    left = tuple(name for name in COLUMNS if name not in NOT_NEEDED)
    assert parse(written(ADA, BOB, columns=left)) == parse(written(ADA, BOB))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\xef\xbb\xbf",
        b"<html><body>Service unavailable</body></html>",
        b'{"Content": "dXNlcixhcm4="}',
        AWS.decode().encode("utf-16"),
        b"\x89PNG\r\n\x1a\n\x00\xff",
        AWS.replace(b",", b";"),
        AWS.replace(b"mfa_active", b"mfa_active,mfa_active", 1),
        b'"user',
    ],
)
def test_what_is_no_report_is_refused_with_a_remedy(content):
    with pytest.raises(AccountUnreadable) as refused:
        parse(content)
    assert "this is no credential report" in refused.value.what
    assert "get-credential-report" in refused.value.remedy


def test_a_report_cut_off_anywhere_never_passes_for_a_whole_one_with_other_facts():
    """Cut inside a row: the account has a gap. Cut between two: what was read is right."""
    whole = parse(AWS).rows
    for end in range(AWS.index(b"\n") + 2, len(AWS)):
        parsed = parse(AWS[:end])
        assert parsed.rows == whole[: len(parsed.rows)]
        last_line = AWS[:end].rsplit(b"\n", 1)[1]
        if last_line and last_line.count(b",") < COLUMNS_OF_AWS - 1:
            assert not parsed.complete


def test_a_quote_that_is_never_closed_is_a_gap_of_the_whole_account():
    parsed = parse(written(ADA) + b'"bob,arn:aws:iam::123456789012:user/bob,2020\n')
    assert names(parsed) == ["ada"]
    assert not parsed.complete


def test_five_thousand_users_are_read_without_a_gap():
    parsed = parse(report(5_000))
    assert len(parsed.rows) == 5_000
    assert parsed.gaps == ()
    assert parsed.root_seen


@given(st.binary(max_size=400))
def test_no_bytes_at_all_do_worse_than_a_clear_refusal(content):
    with pytest.raises(AccountUnreadable):
        parse(content)


cells = st.one_of(
    st.sampled_from(["true", "FALSE", "N/A", "no_information", "not_supported", "", "2026-01-05"]),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12),
)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, cells)), max_size=4))
def test_every_row_is_read_or_is_named_as_a_gap(rows):
    parsed = parse(written(*rows))
    root = sum(row["user"] == "<root_account>" for row in rows)
    repeated = {gap.user_name for gap in parsed.gaps if "two rows" in gap.reason}
    assert len(parsed.rows) + len(parsed.gaps) + root <= len(rows)
    assert bool(repeated) or len(parsed.rows) + len(parsed.gaps) + root == len(rows)


user_names = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-", min_size=1, max_size=64
)


@given(st.lists(user_names, unique=True, max_size=20))
def test_every_name_that_iam_allows_comes_back_as_it_is(users):
    rows = [{**ADA, "user": user} for user in users]
    assert names(parse(written(*rows))) == users


@pytest.mark.parametrize(
    ("cells", "used"),
    [
        ({}, Absent.NEVER),
        ({"password_last_used": "no_information"}, Absent.NEVER),
        ({"password_last_used": "not_supported"}, Absent.UNKNOWN),
        (
            {"password_last_used": "2026-01-04T07:55:00+00:00"},
            datetime(2026, 1, 4, 7, 55, tzinfo=UTC),
        ),
        (
            {
                "password_last_used": "2025-01-04T07:55:00+00:00",
                "access_key_2_last_used_date": "2026-01-03T00:00:00Z",
            },
            datetime(2026, 1, 3, tzinfo=UTC),
        ),
        ({"password_last_used": "yesterday"}, None),
    ],
)
def test_of_root_the_latest_use_is_kept_and_a_strange_row_harms_nobody_else(cells, used):
    root = {**ADA, "user": "<root_account>", "password_last_used": "N/A"}
    root |= {"access_key_1_last_used_date": "N/A", **cells}
    parsed = parse(written(root, ADA))
    assert parsed.root_last_used == used
    assert (parsed.root_seen, names(parsed), parsed.gaps) == (True, ["ada"], ())


def test_without_a_row_of_root_nothing_is_known_of_its_use():
    assert parse(written(ADA)).root_last_used is None
