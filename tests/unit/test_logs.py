"""Logs: for people, without secrets, one event one line."""

from __future__ import annotations

import io
import logging
import random
import string

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.logs import CHATTY, REDACTED, SafeFormatter, Verbosity, escape_control, redact, set_up

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
CHILDREN = ("botocore.auth", "urllib3.connectionpool")
KEY_ID = "AKIAIOSFODNN7EXAMPLE"


@pytest.fixture(autouse=True)
def _loggers_as_before():
    root = logging.getLogger()
    watched = [root, *map(logging.getLogger, (*CHATTY, *CHILDREN, "keyreeve"))]
    levels = [logger.level for logger in watched]
    handlers = list(root.handlers)
    yield
    root.handlers[:] = handlers
    for logger, level in zip(watched, levels, strict=True):
        logger.setLevel(level)


def test_each_verbosity_shows_its_share():
    shown = {}
    for verbosity in Verbosity:
        stream = io.StringIO()
        set_up(verbosity, stream=stream)
        log = logging.getLogger("keyreeve.somewhere")
        log.debug("why")
        log.info("what")
        log.warning("careful")
        log.error("failed")
        shown[verbosity] = stream.getvalue()
    assert shown[Verbosity.QUIET] == "warning: careful\nerror: failed\n"
    assert shown[Verbosity.NORMAL] == "what\nwarning: careful\nerror: failed\n"
    assert len(shown[Verbosity.VERBOSE].splitlines()) == 4
    assert "debug keyreeve.somewhere: why" in shown[Verbosity.VERBOSE]


def test_logs_go_to_stderr_and_setting_up_twice_does_not_double_them(capsys):
    set_up()
    set_up()
    logging.getLogger("keyreeve").info("once")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "once\n")


@pytest.mark.parametrize("name", [*CHATTY, *CHILDREN])
@pytest.mark.parametrize("verbosity", Verbosity)
def test_the_sdk_never_speaks_below_info_even_if_the_root_logger_is_at_debug(name, verbosity):
    stream = io.StringIO()
    set_up(verbosity, stream=stream)
    logging.getLogger().setLevel(logging.DEBUG)
    logger = logging.getLogger(name)
    assert not logger.isEnabledFor(logging.DEBUG)
    logger.setLevel(logging.DEBUG)
    logger.debug("canary")
    assert "canary" not in stream.getvalue()


def test_a_real_sdk_call_at_highest_verbosity_shows_no_secret():
    stream = io.StringIO()
    set_up(Verbosity.VERBOSE, stream=stream)
    logging.getLogger().setLevel(logging.DEBUG)
    session = boto3.session.Session(
        aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, region_name="eu-central-1"
    )
    url = session.client("s3").generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
    assert KEY_ID in url
    logging.getLogger("keyreeve").debug("asked")
    assert "asked" in stream.getvalue()
    assert SECRET not in stream.getvalue()
    assert "debug boto" not in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"made {SECRET}.",
        f'{{"SecretAccessKey": "{SECRET}"}}',
        f"{{'SecretAccessKey': b'{SECRET}'}}",
        f"<SecretAccessKey>{SECRET}</SecretAccessKey>",
        f"aws_secret_access_key = {SECRET}",
        "Action=UpdateLoginProfile&Password=canary%21&UserName=x",
        '"Password": "canary with, spaces; and <signs>"',
        '{\\"password\\": \\"canary\\"}',
        "KEYREEVE_SMTP_PASSWORD=canary",
        "password: canary",
        "Authorization: canary",
        "X-Amz-Security-Token=canary&X-Amz-Signature=canary",
        "x-amz-security-token: " + "canary" * 40,
        "aws_session_token='canary'",
        "F" + "wJalrXUtnFEMI7" * 12 + "==",
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text):
    for found in ("canary", SECRET, "wJalrXUtnFEMI7"):
        assert found not in redact(text)
    assert REDACTED in redact(text)


@given(st.integers(min_value=0, max_value=2**32))
def test_any_generated_secret_key_is_taken_out_wherever_it_stands(seed):
    source = random.Random(seed)
    letters = string.ascii_letters + string.digits + "/+"
    secret = "".join(source.choice(letters) for _ in range(40))
    capitals = sum(letter.isupper() for letter in secret)
    small = sum(letter.islower() for letter in secret)
    if min(capitals, small) >= 5:
        assert secret not in redact(f"row 3: {secret!r} was read")


@pytest.mark.parametrize(
    "text",
    [
        f"access key {KEY_ID} of alice is now Inactive",
        f"aws_access_key_id={KEY_ID}",
        "password_age: 75d",
        "password reset for bob: day 7",
        "AIDACKCEVSQ6C2EXAMPLE and 012345678901",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "iam-compliance/etv/audit/2026/01/05/20260105T060000Z-1a2b/1.jsonl",
        "arn:aws:sts::123456789012:assumed-role/Keyreeve/session",
        "delivery: secrets_manager",
    ],
)
def test_key_ids_digests_and_plain_words_stay(text):
    assert redact(text) == text


@given(st.text())
def test_no_message_can_write_a_second_line_or_steer_the_terminal(text):
    shown = escape_control(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    if text.isprintable():
        assert shown == text


def test_a_forged_line_stays_within_its_message():
    stream = io.StringIO()
    set_up(stream=stream)
    logging.getLogger("keyreeve").info("user %s", "x\r\nerror: forged\x1b[2J\u2028\u202e")
    assert stream.getvalue() == "user x\\r\\nerror: forged\\x1b[2J\\u2028\\u202e\n"


@pytest.mark.parametrize("verbosity", [Verbosity.NORMAL, Verbosity.VERBOSE])
def test_a_traceback_is_shown_only_when_asked_for_and_never_with_a_secret(verbosity):
    stream = io.StringIO()
    set_up(verbosity, stream=stream)
    try:
        int(f"password='canary' {SECRET}\nerror: forged")
    except ValueError:
        logging.getLogger("keyreeve").exception("could not")
    lines = stream.getvalue().splitlines()
    assert lines[0].endswith("could not")
    assert all(line.startswith("  | ") for line in lines[1:])
    assert bool(lines[1:]) == (verbosity is Verbosity.VERBOSE)
    assert "canary" not in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_a_message_whose_arguments_do_not_fit_does_not_spill_them():
    record = logging.makeLogRecord({"msg": "two %s %s", "args": (SECRET,), "levelname": "INFO"})
    record.levelno = logging.INFO
    text = SafeFormatter(verbose=False).format(record)
    assert text == "two %s %s (its arguments do not fit)"
