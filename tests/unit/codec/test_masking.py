from __future__ import annotations

import json
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keyreeve.codec.masking import TYPED, Mask, names_in
from keyreeve.codec.seal import seal

MASK = Mask(b"salt" * 8, {"ann", "bob.b", "eve@example.com", "a+b=c"})
ANN, BOB = MASK.name("ann"), MASK.name("bob.b")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ann", ANN),
        ("Hello ann, it is due.", f"Hello {ANN}, it is due."),
        ("told ann.", f"told {ANN}."),
        ("ann,bob.b", f"{ANN},{BOB}"),
        ("user=ann", f"user={ANN}"),
        ("annual plan of hannah", "annual plan of hannah"),
        ("ann-laptop", "ann-laptop"),
        ("arn:aws:iam::123456789012:user/ann", f"arn:aws:iam::123456789012:user/{ANN}"),
        (
            "arn:aws:iam::123456789012:user/teams/secret/zoe",
            f"arn:aws:iam::123456789012:user/{MASK.name('zoe')}",
        ),
        (
            "arn:aws:sts::123456789012:assumed-role/Admin/ann",
            f"arn:aws:sts::123456789012:assumed-role/Admin/{ANN}",
        ),
        ("arn:aws:iam::123456789012:role/Admin", "arn:aws:iam::123456789012:role/Admin"),
        ("mail to Zoe@Example.com", f"mail to {MASK.address('zoe@example.com')}"),
        ("<zoe@example.com>", f"<{MASK.address('zoe@example.com')}>"),
        ("eve@example.com", MASK.name("eve@example.com")),
        ("a+b=c", MASK.name("a+b=c")),
        ("2026-01-05T06:00:00+00:00", "2026-01-05T06:00:00+00:00"),
        ("from 203.0.113.77.", f"from {MASK.source('203.0.113.77')}."),
        ("[2001:DB8::77]", f"[{MASK.source('2001:db8::77')}]"),
        ("aws-cli/2.15.30 at 06:00:00", "aws-cli/2.15.30 at 06:00:00"),
        ("s3.amazonaws.com", "s3.amazonaws.com"),
        ("AKIAANN", "AKIAANN"),
        ("<root_account>", "<root_account>"),
    ],
)
def test_names_are_masked_where_they_stand_alone(text: str, masked: str):
    assert MASK.text(text) == masked


NAMES = st.text(string.ascii_letters + string.digits + "_+=,.@-", min_size=1, max_size=20)


@given(NAMES, st.sampled_from(["{}", "user {} is due", '"{}"', "x/{}/y", "({})", "{}: late"]))
def test_a_known_name_stays_nowhere_where_it_stands_alone(name: str, around: str):
    assume(name not in around)  # the words around it are nobody's name
    mask = Mask(b"s", {name})
    assert mask.text(around.format(name)) == around.format(mask.name(name))


@given(NAMES, NAMES)
def test_a_pseudonym_is_the_same_for_the_same_name_and_salt_alone(one: str, two: str):
    assert (MASK.name(one) == MASK.name(two)) == (one == two)
    assert Mask(b"another", ()).name(one) != MASK.name(one)


def test_fields_that_name_a_user_are_masked_whatever_they_hold():
    document = {"user_name": "unknown", "user": "AIDAEXAMPLEEXAMPLE01", "control": "access_key"}
    masked = MASK.value(document)
    assert masked == {
        "user_name": MASK.name("unknown"),
        "user": "AIDAEXAMPLEEXAMPLE01",
        "control": "access_key",
    }


def test_what_people_typed_is_left_out_and_our_own_codes_stay():
    document = {"holds": [{"reason": "Zoe is ill"}, {"reason": "retention_over"}]}
    assert MASK.value(document) == {"holds": [{"reason": TYPED}, {"reason": "retention_over"}]}


def test_what_a_gate_says_is_ours_but_at_the_gate_of_people():
    held = [
        {"gate": "recipient", "reason": "ann has no address"},
        {"gate": None, "reason": "sent to ann"},
        {"gate": "human", "reason": "held until 2026-02-01: Zoe is ill"},
    ]
    assert [row["reason"] for row in MASK.value({"held": held})["held"]] == [
        f"{ANN} has no address",
        f"sent to {ANN}",
        TYPED,
    ]


def test_no_sum_of_a_text_with_a_name_in_it_is_there_to_try_names_by():
    """Of a row that a reviewer was shown, of the file handed in, of the document itself."""
    sealed = seal({"user_name": "ann", "verdicts": [{"user_name": "ann", "digest": "ab" * 32}]})
    masked = json.loads(MASK.document(sealed))
    assert masked["sha256"] == MASK.keyed(json.loads(sealed)["sha256"])
    assert masked["verdicts"][0]["digest"] == MASK.keyed("ab" * 32)


@pytest.mark.parametrize("length", [8, 16])
def test_nor_is_a_part_of_it_in_the_name_of_a_file_or_where_the_name_is_told(length: int):
    name = f"reviews/q1/removals/20260105T060000000000Z-AIDAEXAMPLE-{'ab' * (length // 2)}.json"
    masked = MASK.file_name(name)
    assert masked == name.replace("ab" * (length // 2), MASK.keyed("ab" * (length // 2))[:length])
    assert MASK.value({"feedback": name})["feedback"] == masked
    for other in ("runs/20260105T060000Z-000a/run.json", "mails/00001-notice-AIDA.eml"):
        assert MASK.file_name(other) == other


def test_keys_of_the_document_itself_stay_and_names_as_keys_below_do_not():
    mask = Mask(b"s", {"event"})
    assert mask.value({"event": {"event": 1}}) == {"event": {mask.name("event"): 1}}


def test_a_report_keeps_its_columns_and_its_root():
    report = (
        b"user,arn,user_creation_time\n"
        b"<root_account>,arn:aws:iam::1:root,2020-01-01T00:00:00+00:00\n"
        b'"a+b=c","arn:aws:iam::1:user/x/a+b=c",2020-01-01T00:00:00+00:00\n'
    )
    lines = MASK.report(report).decode().splitlines()
    name = MASK.name("a+b=c")
    assert lines[0] == "user,arn,user_creation_time"
    assert lines[1].startswith("<root_account>,arn:aws:iam::1:root,2020")
    assert lines[2] == f"{name},arn:aws:iam::1:user/{name},2020-01-01T00:00:00+00:00"


def test_of_a_mail_only_who_when_and_which_stays():
    mail = (
        b"Date: Mon, 05 Jan 2026 06:00:00 +0000\r\nFrom: Team <team@example.com>\r\n"
        b"To: Ann Smith <ann@example.com>, zoe@example.com\r\nSubject: about ann\r\n"
        b"Message-ID: <1@ses>\r\n\r\nHello Ann Smith\r\n"
    )
    masked = json.loads(MASK.mail(mail))
    assert masked["headers"]["To"] == [
        MASK.address("ann@example.com"),
        MASK.address("zoe@example.com"),
    ]
    assert "Smith" not in json.dumps(masked)
    assert set(masked["headers"]) == {"Date", "From", "To", "Message-ID"}


def test_names_are_known_from_reports_arns_and_fields():
    found = names_in(
        {
            "collected/report.csv": b"user,arn\n<root_account>,x\nann,arn:aws:iam::1:user/a/ann\n",
            "audit/1.jsonl": b'{"data":{"user_name":"bob","user_id":"AIDAEXAMPLEEXAMPLE01"}}\n',
            "decisions/holds.json": b'{"holds":[{"user":"AIDAEXAMPLEEXAMPLE01"}]}',
            "mails/1.eml": b"To: arn:aws:iam::1:user/zoe\r\n",
            "runs/1/run.json": b"broken",
        }
    )
    assert found == {"ann", "bob", "zoe"}


@pytest.mark.parametrize("name", ["ALEXANDERTHEGREAT", "A1234567890123456"])
def test_a_name_in_capitals_is_no_id_of_iams(name: str):
    files = {"runs/1/run.json": json.dumps({"findings": [{"user_name": name}]}).encode()}
    assert names_in(files) == {name}
    masked = Mask(b"s", names_in(files)).document(files["runs/1/run.json"])
    assert name.encode() not in masked


@pytest.mark.parametrize("field", ["control", "effect_kind", "event", "stage"])
def test_a_user_with_the_name_of_a_control_hides_no_finding(field: str):
    mask = Mask(b"s", {"console_mfa"})
    told = mask.value({field: "console_mfa", "user_name": "console_mfa"})
    assert told == {field: "console_mfa", "user_name": mask.name("console_mfa")}


def test_who_asked_for_a_waiver_and_who_approved_it_stay_two_people_without_a_name():
    told = {"waiver": {"requested_by": "Zoë Smith, team A", "approved_by": "ciso@example.com"}}
    masked = Mask(b"s", ()).value(told)
    assert masked == {
        "waiver": {
            "requested_by": Mask(b"s", ()).name("Zoë Smith, team A"),
            "approved_by": Mask(b"s", ()).address("ciso@example.com"),
        }
    }
    assert MASK.value({"approved_by": "ann"}) == {"approved_by": ANN}
