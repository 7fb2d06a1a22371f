"""Text from outside made fit for one line: what a person reads is what is there.

User names, paths, tags and settings reach mail headers, bodies and terminals. Control characters
could end a line, direction overrides could make a text read as another.
"""

from __future__ import annotations

import re

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would calculate (P17); a leading apostrophe makes it text."""
_BREAKS = re.compile("(?:\r\n|[\t\n\v\f\r\x85\u2028\u2029])")
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""C0 and C1 controls, direction embeddings, overrides and isolates, lone surrogates."""


def one_line(text: str) -> str:
    """`text` with line breaks and tabs as spaces, and every other control as U+FFFD."""
    if text.isprintable():  # nearly every text: no control, no format character
        return text
    return _HIDDEN.sub("\N{REPLACEMENT CHARACTER}", _BREAKS.sub(" ", text))


def spreadsheet_cell(text: str) -> str:
    """`text` on one line, for a CSV that people open: never a formula."""
    line = one_line(text)
    return f"'{line}" if line.startswith(_FORMULA) else line
