from __future__ import annotations

import pytest
import yaml  # PyYAML reads YAML 1.1, as CloudFormation does

from keyreeve.codec.template import read, shipped, write
from keyreeve.model.baseline import StackName


@pytest.mark.parametrize("stack", StackName)
def test_what_is_written_says_the_same_and_has_no_alias(stack):
    template = shipped(stack)
    text = write(template)
    assert read(text) == template
    assert "&id" not in text


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref Key", {"Ref": "Key"}),
        ("!Sub a-${Project}", {"Fn::Sub": "a-${Project}"}),
        ("!GetAtt Key.Arn", {"Fn::GetAtt": ["Key", "Arn"]}),
        ("!GetAtt Nested.Outputs.Arn", {"Fn::GetAtt": ["Nested", "Outputs.Arn"]}),
        ("!If [A, 1, !Ref B]", {"Fn::If": ["A", 1, {"Ref": "B"}]}),
        ("!Condition A", {"Condition": "A"}),
        ("!Sub [x, {a: !Ref B}]", {"Fn::Sub": ["x", {"a": {"Ref": "B"}}]}),
    ],
)
def test_a_short_tag_is_its_long_name(short, long):
    assert read(f"value: {short}\n") == {"value": long}


@pytest.mark.parametrize("word", ["OFF", "on", "Yes", "n", "true", "1", "2012-10-17", "None", ""])
def test_a_text_stays_a_text_where_yaml_1_1_would_read_something_else(word):
    assert yaml.safe_load(write({"Mode": word})) == {"Mode": word}
