"""AWS's documented examples row by row, what AWS refuses, and an oracle for the rest."""

from __future__ import annotations

import fnmatch
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.language.filter_pattern import LONGEST, MalformedPattern, parse_pattern

TRAIL = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "ThisFlag": True,
    "cluster.name": "c",
}
"""The guide's first event."""
PEOPLE = {
    "user": {"id": 1, "email": "John.Stiles@example.com"},
    "users": [
        {"id": 2, "email": "John.Doe@example.com"},
        {"id": 3, "email": "Jane.Doe@example.com"},
    ],
    "actions": ["GET", "PUT", "DELETE"],
    "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
}
"""The guide's event for compound expressions."""
NUMBERS = {
    "bandwidth": 80,
    "latency": 49.5,
    "refreshRate": 60,
    "responseTime": 5,
    "errorCode": 400,
    "number": [0.001],
    "account": "123456789012",
    "debt": -3,
    "what?": "a?b",
}

ONE_OF = '$.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch"'

GUIDE = [
    (TRAIL, '{ $.eventType = "UpdateTrail" }', True),
    (TRAIL, "{ $.sourceIPAddress != 123.123.* }", True),
    (TRAIL, "{ $.sourceIPAddress = 111.111.* }", True),
    (TRAIL, '{ $.arrayKey[0] = "value" }', True),
    (TRAIL, "{ $.objectList[1].id = 2 }", True),
    (TRAIL, "{ $.eventType = %Trail% }", True),
    (TRAIL, "{ $.arrayKey[*] = %val.{2}% }", True),
    (TRAIL, r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }", True),
    (TRAIL, "{ $.['cluster.name'] = \"c\" }", True),
    (TRAIL, "{ $.SomeObject IS NULL }", True),
    (TRAIL, "{ $.SomeOtherObject NOT EXISTS }", True),
    (TRAIL, "{ $.ThisFlag IS TRUE }", True),
    (PEOPLE, '{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', True),
    (PEOPLE, '{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', False),
    (
        PEOPLE,
        f'{{ {ONE_OF} && $.actions[2] = "nonmatch" }}',
        True,
    ),
    (
        PEOPLE,
        f'{{ ({ONE_OF}) && $.actions[2] = "nonmatch" }}',
        False,
    ),
    ({"users": [1, 2, 3]}, "{ $.users = 1 }", False),
    ({"users": [1, 2, 3]}, "{ $.users != 1 }", False),
    (NUMBERS, "{ $.bandwidth > 75 }", True),
    (NUMBERS, "{ $.latency < 50 }", True),
    (NUMBERS, "{ $.refreshRate >= 60 }", True),
    (NUMBERS, "{ $.responseTime <= 5 }", True),
    (NUMBERS, "{ $.errorCode = 400}", True),
    (NUMBERS, "{ $.errorCode != 500 }", True),
    (NUMBERS, "{ $.number[0] = 1e-3 }", True),
    (NUMBERS, "{ $.number[0] != 1e+3 }", True),
    (NUMBERS, "{ $.latency = * }", True),
    ({"foo": "baz"}, "{$.foo = bar || $.foo = baz }", True),
    ({"name": "PutEvent"}, "{ $.name = *Event }", True),
    ({"name": "EventId"}, '{ $.name = "Event*" }', True),
]

BEYOND_THE_GUIDE = [
    ({"a": {}}, '{ $.a.b != "x" }', False),
    ({"a": None}, '{ $.a != "x" }', False),
    ({"a": None}, "{ $.a NOT EXISTS }", False),
    ({"a": 42}, '{ $.a != "A*" }', True),
    ({"a": ""}, '{ $.a != "A*" }', True),
    ({"a": True}, '{ $.a = "true" }', False),
    ({"a": True}, "{ $.a = 1 }", False),
    ({"a": False}, "{ $.a IS FALSE }", True),
    ({"a": 0}, "{ $.a IS FALSE }", False),
    ({"a": "true"}, "{ $.a IS TRUE }", False),
    ({"a": "75"}, "{ $.a < 80 }", False),
    ({"a": []}, "{ $.a[0] NOT EXISTS }", True),
    ({"a": ["x"]}, "{ $.a[*] NOT EXISTS }", False),
    ({"a": "updatetrail"}, '{ $.a = "UpdateTrail" }', False),
    (NUMBERS, "{ $.account = 123456789012 }", True),
    (NUMBERS, "{ $.debt < -2.5 }", True),
    (NUMBERS, '{ $["what?"] = "a?b" }', True),
    (NUMBERS, '{ $["what?"] = "a??" }', False),
    ({"a": 'say "x"'}, r'{ $.a = "say \"x\"" }', True),
    ({"a": "é"}, '{ $.a = "é" }', True),
    ({"IS": "NOT"}, "{ $.IS = NOT }", True),
]


@pytest.mark.parametrize(("event", "pattern", "counted"), GUIDE)
def test_every_example_of_the_guide(event: Any, pattern: str, *, counted: bool) -> None:
    assert parse_pattern(pattern).matches(event) is counted


@pytest.mark.parametrize(("event", "pattern", "counted"), BEYOND_THE_GUIDE)
def test_what_the_guide_leaves_open(event: Any, pattern: str, *, counted: bool) -> None:
    assert parse_pattern(pattern).matches(event) is counted


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("ERROR -Exiting", "stands in braces"),
        ("[ip, user, code = 4*]", "stands in braces"),
        ("", "stands in braces"),
        ("{ }", "selector such as"),
        ("{ $.a }", "comparison is missing"),
        ("{ $.a = }", "value is missing"),
        ("{ $.a EXISTS }", "NOT EXISTS only"),
        ("{ $.a IS NOT NULL }", "only NULL, TRUE or FALSE"),
        ("{ $.a NOT NULL }", "comparison is missing"),
        ("{ $.a < b }", "only numbers have an order"),
        ("{ $.a = us-east-1 }", "quotation marks"),
        ("{ $.a = x@y }", "cannot be read from here: '@y'"),
        ("{ ($.a = 1 }", "closing parenthesis"),
        ("{ $.a = 1) }", "unexpected ')'"),
        ("{ $.a = 1 $.b = 2 }", "unexpected '$.b'"),
        ("{ a = 1 }", "selector such as"),
        ('{ $.a = "x }', "cannot be read from here"),
        ("{ $.a[*].b[*] = 1 }", "one wildcard in a selector"),
        ("{ $.a[*]=1 || $.b[*]=1 || $.c[*]=1 || $.d[*]=1 }", "3 in a pattern"),
        ("{ $.a=%a% || $.b=%b% || $.c=%c% }", "more than 2 regular"),
        ("{ $.a = %wow!% }", "no such character"),
        ("{ $.a = %(a)% }", "no such character"),
        ("{ $.a = %[% }", "%[%"),
        (f"{{ $.a = {'x' * LONGEST} }}", "AWS takes 1024"),
        (f"{{ {'(' * 60}$.a = 1{')' * 60} }}", "more than 50 parentheses"),
    ],
)
def test_what_aws_would_refuse_is_refused_with_the_place(pattern: str, said: str) -> None:
    with pytest.raises(MalformedPattern, match=re.escape(said)):
        parse_pattern(pattern)


# --- an oracle: nested lists instead of a tree of ours, values looked up by a path text -----------

NAMES = ("a", "b-c", "d.e")
TEXTS = ("", "x", "xy", "Yes", "*", "x*", "*y", "12", "1.5", 'q"\\')
NUMBERS_WRITTEN = ("12", "-1", "+2", "1.5", "12e0")

leaves = st.one_of(
    st.none(), st.booleans(), st.sampled_from([0, 12, -1, 2, 1.5]), st.sampled_from(TEXTS)
)
events = st.dictionaries(
    st.sampled_from(NAMES),
    st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    max_size=3,
)
paths = st.lists(st.sampled_from(NAMES) | st.integers(0, 2), max_size=2).flatmap(
    lambda rest: st.sampled_from(NAMES).map(lambda first: [first, *rest])
)
conditions = st.one_of(
    st.tuples(st.just("absent"), paths),
    st.tuples(st.just("is"), paths, st.sampled_from(["NULL", "TRUE", "FALSE"])),
    st.tuples(st.sampled_from(["=", "!="]), paths, st.sampled_from(TEXTS).map(lambda t: ("t", t))),
    st.tuples(
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        paths,
        st.sampled_from(NUMBERS_WRITTEN).map(lambda n: ("n", n)),
    ),
)
trees = st.recursive(
    conditions,
    lambda inner: st.tuples(st.sampled_from(["&&", "||"]), st.lists(inner, min_size=2, max_size=3)),
    max_leaves=6,
)


def written(tree: Any, above: str = "") -> str:
    """With no more parentheses than `&&` before `||` needs."""
    kind = tree[0]
    if kind in ("&&", "||"):
        text = f" {kind} ".join(written(part, kind) for part in tree[1])
        return f"({text})" if (kind == "||" and above == "&&") else text
    path = "$" + "".join(
        f"[{s}]" if isinstance(s, int) else f"['{s}']" if "." in s else f".{s}" for s in tree[1]
    )
    if kind == "absent":
        return f"{path} NOT EXISTS"
    if kind == "is":
        return f"{path} IS {tree[2]}"
    of, value = tree[2]
    return f"{path}{kind}{json.dumps(value) if of == 't' else value}"


def naive(tree: Any, event: Any) -> bool:
    kind = tree[0]
    if kind == "&&":
        return False not in [naive(part, event) for part in tree[1]]
    if kind == "||":
        return True in [naive(part, event) for part in tree[1]]
    node: Any = event
    for step in tree[1]:
        within = range(len(node)) if isinstance(node, list) else node
        if not isinstance(node, list | dict) or step not in within:
            return kind == "absent"
        node = node[step]
    if kind in ("absent", "is"):
        shown = {"null": "NULL", "true": "TRUE", "false": "FALSE"}.get(json.dumps(node))
        return kind == "is" and shown == tree[2]
    if type(node) not in (str, int, float):
        return False
    of, value = tree[2]
    if kind in ("=", "!="):
        if of == "n":
            same = node == value if type(node) is str else node == float(value)
        else:
            same = fnmatch.fnmatchcase(str(node), value)
        return same == (kind == "=")
    return (
        type(node) is not str
        and {
            "<": node < float(value),
            "<=": node <= float(value),
            ">": node > float(value),
            ">=": node >= float(value),
        }[kind]
    )


@given(trees, events)
def test_patterns_mean_what_a_naive_reader_takes_them_for(tree: Any, event: Any) -> None:
    pattern = parse_pattern("{ " + written(tree) + " }")

    assert pattern.matches(event) is naive(tree, event)


@given(st.text(alphabet="{}()$.ab[]*'\"=!<>&|% 1NOTEXISULR-?\\", max_size=60))
def test_any_text_is_a_pattern_or_is_refused(text: str) -> None:
    try:
        found = parse_pattern("{" + text + "}")
    except MalformedPattern:
        return
    assert found.matches({"a": "b"}) in (True, False)
