"""Logs: for people, without secrets, one event one line."""

from __future__ import annotations

import io
import logging

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.logs import CHATTY, SafeFormatter, Verbosity, escape_control, set_up

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


def test_a_loggers_name_is_escaped_too():
    record = logging.makeLogRecord({"name": "x\n\x1b[2J", "msg": "said", "levelname": "INFO"})
    assert SafeFormatter(verbose=True).format(record).endswith("info x\\n\\x1b[2J: said")


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
