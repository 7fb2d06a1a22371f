"""Text without what looks like a secret: for logs, and for the words of others that are kept."""

from __future__ import annotations

import re

REDACTED = "[redacted]"

_NAMED = re.compile(
    r"""
    (?P<name>(?<![a-z])(?:[a-z0-9]+[-_])*
        (?:secret[-_ ]?access[-_ ]?key|secret[-_ ]?key|(?:session|security)[-_ ]?token|secret
        |secretstring|password|passwd|authorization|signature|token))
    (?P<between>\\?["']?(?:\s*(?:=>|[:=]|%3d)\s*|>)(?:b(?=["']))?)
    (?P<value>\\"[^"\\]*\\"|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s<&]+)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""A telling name, a sign between, a value: `Password=…`, `"SecretAccessKey": "…"`, `<Secret…>…`."""

_FORTY = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_LONG = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{100,}={0,2}")
"""Session tokens, and secrets within base64."""

_FEWEST_OF_A_CASE = 5
"""Of 40 random characters about 16 are capitals: digests and paths have none or few."""


def redact(text: str) -> str:
    """The text without what looks like a secret; access key ids and digests stay."""
    text = _NAMED.sub(lambda found: f"{found['name']}{found['between']}{REDACTED}", text)
    text = _LONG.sub(REDACTED, text)
    return _FORTY.sub(lambda found: REDACTED if _is_random(found[0]) else found[0], text)


def _is_random(text: str) -> bool:
    capitals = sum(character.isupper() for character in text)
    small = sum(character.islower() for character in text)
    return capitals >= _FEWEST_OF_A_CASE and small >= _FEWEST_OF_A_CASE
