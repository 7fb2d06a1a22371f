"""A page of GetAccountAuthorizationDetails, read by expat: what nobody reads is not built.

The SDK builds a tree of every element, then values of every one of them: for 5,000 users that is
most of what a check costs.  The page comes out as the SDK gives it, with the members that the
readers of this room use, and refuses what the SDK lets pass: a member that is there twice, text
among elements, a truth that is neither true nor false.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote
from xml.parsers import expat

from botocore.handlers import json_decode_policies
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.model import OperationModel

OPERATION: Final = "GetAccountAuthorizationDetails"
_RESULT: Final = f"{OPERATION}Result"
_EMPTY: Final = f"<{OPERATION}Response><{_RESULT}/></{OPERATION}Response>".encode()
"""What is left for the SDK to read."""

_REFUSED: Final = 300
"""HTTP status from which on an answer is an error, which the SDK reads."""


class _Text:
    """An element that holds a text, and no other element."""

    __slots__ = ("read",)
    make = None

    def __init__(self, read: Callable[[str], Any] | None = None) -> None:
        self.read = read


class _Structure:
    """An element that holds others by their names; those that are not named are passed over."""

    __slots__ = ("find",)
    make = dict

    def __init__(self, **members: Any) -> None:
        self.find = members.get


class _List:
    """An element that holds others in order."""

    __slots__ = ("find",)
    make = list

    def __init__(self, member: Any) -> None:
        self.find = {"member": member}.get


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a date without time zone")
    return at


@lru_cache(maxsize=256)
def _document(text: str) -> Any:
    """A policy document; one that is no JSON stays the text that it was, as in the SDK.

    The same reaches many, so it is decoded once; nobody changes a document.
    """
    try:
        return json.loads(unquote(text))
    except ValueError:
        return text


_TEXT: Final = _Text()
_TRUTH: Final = _Text(_truth)
_INSTANT: Final = _Text(_instant)
_DOCUMENT: Final = _Text(_document)

_INLINE: Final = _List(_Structure(PolicyName=_TEXT, PolicyDocument=_DOCUMENT))
_COMMON: Final = {
    "Path": _TEXT,
    "Arn": _TEXT,
    "CreateDate": _INSTANT,
    "AttachedManagedPolicies": _List(_Structure(PolicyArn=_TEXT)),
    "PermissionsBoundary": _Structure(PermissionsBoundaryArn=_TEXT),
    "Tags": _List(_Structure(Key=_TEXT, Value=_TEXT)),
}
_PAGE: Final = _Structure(
    IsTruncated=_TRUTH,
    Marker=_TEXT,
    UserDetailList=_List(
        _Structure(
            **_COMMON,
            UserName=_TEXT,
            UserId=_TEXT,
            UserPolicyList=_INLINE,
            GroupList=_List(_TEXT),
        )
    ),
    GroupDetailList=_List(_Structure(**_COMMON, GroupName=_TEXT, GroupPolicyList=_INLINE)),
    RoleDetailList=_List(
        _Structure(
            **_COMMON,
            RoleName=_TEXT,
            RolePolicyList=_INLINE,
            AssumeRolePolicyDocument=_DOCUMENT,
            RoleLastUsed=_Structure(LastUsedDate=_INSTANT),
        )
    ),
    Policies=_List(
        _Structure(
            Arn=_TEXT,
            PolicyVersionList=_List(_Structure(Document=_DOCUMENT, IsDefaultVersion=_TRUTH)),
        )
    ),
)
_ANSWER: Final = _Structure(**{f"{OPERATION}Response": _Structure(**{_RESULT: _PAGE})})


def read_here(iam: BaseClient) -> None:
    """From now on this client's pages are read here, not by the SDK."""
    iam.meta.events.register(f"before-parse.iam.{OPERATION}", _take_over)
    # It would walk through every member of every user once more.
    iam.meta.events.unregister("after-call.iam", json_decode_policies)
    iam.meta.events.register("after-call.iam", _decode_elsewhere)


def page_of(body: bytes) -> dict[str, Any]:
    """What the readers use of one page. KeyError for an answer without a result.

    ResponseParserError for what is no XML, or not as documented; it never quotes the answer.
    """
    try:
        answer = _parsed(body)
    except (expat.ExpatError, LookupError, ValueError) as error:
        what = type(error).__name__
    else:
        # A response that lacks its result is an empty answer; nothing may be made of it.
        page: dict[str, Any] = answer[f"{OPERATION}Response"][_RESULT]
        return page
    raise ResponseParserError(f"the page cannot be read ({what})")


def _take_over(
    *, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if response_dict["status_code"] >= _REFUSED:
        return
    customized_response_dict.update(page_of(response_dict["body"]))
    response_dict["body"] = _EMPTY


def _decode_elsewhere(*, parsed: dict[str, Any], model: OperationModel, **_: Any) -> None:
    if model.name != OPERATION:
        json_decode_policies(parsed, model)


def _parsed(body: bytes) -> dict[str, Any]:  # noqa: C901 - a call more for each element would tell
    """The whole answer. Two closures, called forty times for every user."""
    answer: dict[str, Any] = {}
    held: Any = answer
    find: Callable[[str], Any] = _ANSWER.find
    above: list[tuple[Any, Callable[[str], Any]]] = []
    """The same of the elements around this one."""
    leaf: _Text | None = None
    """The element that is being read, where it holds a text."""
    passed = 0
    """How deep within an element that nobody reads."""
    text: list[str] = []

    def start(tag: str, _: object) -> None:
        nonlocal held, find, leaf, passed
        if passed:
            passed += 1
            return
        if leaf is not None:
            raise ValueError(tag)
        inner = find(tag)
        if inner is None:
            passed = 1
        elif inner.make is None:
            leaf = inner
            text.clear()
        else:
            above.append((held, find))
            held, find = inner.make(), inner.find

    def end(tag: str) -> None:
        nonlocal held, find, leaf, passed
        if passed:
            passed -= 1
            return
        value: Any
        if leaf is not None:
            value = "".join(text)
            if leaf.read is not None:
                value = leaf.read(value)
            leaf = None
        else:
            value = held
            held, find = above.pop()
        if type(held) is list:
            held.append(value)
        elif tag in held:
            raise ValueError(tag)
        else:
            held[tag] = value

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text.append
    parser.Parse(body, True)
    return answer
