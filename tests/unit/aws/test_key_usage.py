"""Nobody can put words of their own into a mail by the name of a program."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.aws.key_usage import ELSEWHERE, UNNAMED, agent_of, source_of

AGENTS = {
    "aws-cli/2.15.30 Python/3.11.6 Linux/5.10.205 exe/x86_64.amzn.2 prompt/off": (
        "aws-cli/2.15.30 Python/3.11.6 Linux/5.10.205"
    ),
    "Boto3/1.34.5 md/Botocore#1.34.5 ua/2.0 os/linux#5.10 md/arch#x86_64 lang/python#3.11.6": (
        "Boto3/1.34.5"
    ),
    "[Boto3/1.26.0 Python/3.9.0]": "Boto3/1.26.0 Python/3.9.0",
    "APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) aws-sdk-go-v2/1.2": (
        "APN/1.0 HashiCorp/1.0 Terraform/1.5.7"
    ),
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36": "Mozilla/5.0 AppleWebKit/537.36",
    "cloudformation.amazonaws.com": "cloudformation.amazonaws.com",
    "rclone": "rclone",
    "": UNNAMED,
    "Your password has expired, see https://evil.example/reset": UNNAMED,
    "evil.example/reset": UNNAMED,
    "www.evil.example/1.0": UNNAMED,
    "a/1.evil.example": UNNAMED,
    "call/1.2.evil.example now": "call/1.2",
    "<svg/onload=alert(1)>": UNNAMED,
    "`rm -rf /`": UNNAMED,
    "x\r\nBcc: all@example.com": UNNAMED,
    "user\u202egnp.exe/1": UNNAMED,
    "evil.example.amazonaws.com": UNNAMED,
    "w" * 5000: UNNAMED,
}


@pytest.mark.parametrize("told", AGENTS)
def test_of_a_user_agent_only_names_of_programs_and_their_versions_pass(told):
    assert agent_of(told) == AGENTS[told]


@pytest.mark.parametrize("told", [None, 7, ["aws-cli/2"], {"a": 1}])
def test_an_agent_that_is_no_text_has_no_name(told):
    assert agent_of(told) in (UNNAMED, "7", "aws-cli/2")
    assert len(agent_of(told)) < 61


@given(st.text(max_size=300))
def test_whatever_an_agent_says_it_is_short_and_holds_no_link_no_mark_and_no_control(told):
    said = agent_of(told)
    assert len(said) <= 60
    assert re.fullmatch(r"[A-Za-z0-9 ._/-]+", said)
    assert said.endswith(".amazonaws.com") or not re.search(r"\.[A-Za-z]", said)


SOURCES = {
    "203.0.113.9": "203.0.113.9",
    "2001:0DB8::0001": "2001:db8::1",
    "cloudformation.amazonaws.com": "cloudformation.amazonaws.com",
    "AWS Internal": "AWS Internal",
    "": ELSEWHERE,
    "evil.example": ELSEWHERE,
    "fe80::1%<script>": ELSEWHERE,
    "203.0.113.9\r\nBcc: x": ELSEWHERE,
    "3405803785": ELSEWHERE,
}


@pytest.mark.parametrize("told", SOURCES)
def test_a_source_is_an_address_or_a_service_of_awss(told):
    assert source_of(told) == SOURCES[told]
