"""Text made harmless for chats: nothing in it rings a bell, opens a page or changes its looks.

User names, tags and settings are other people's words. Slack reads `<!channel>` and `<url|text>`,
Discord `@everyone`, Teams and others Markdown; all of them make links of whatever looks like an
address. Each sign that means something to them is replaced by one that looks alike and means
nothing: names in a chat are for reading, and are copied from the mail.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from keyreeve.codec.redaction import redact
from keyreeve.codec.visible import one_line
from keyreeve.model.bulletin import Bulletin
from keyreeve.reporting.bulletins import posting

LONGEST_TITLE: Final = 100
"""Characters: SNS's subject."""
LONGEST_BODY: Final = 1800
"""Characters: Discord takes 2,000 with the title."""
_FORMAT: Final = "Cf"
"""Unicode's category of what is there and is not seen."""
_MORE: Final = "… the rest is in the mail."
_ALIKE: Final = str.maketrans(
    {
        "@": "\N{FULLWIDTH COMMERCIAL AT}",
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "&": "\N{FULLWIDTH AMPERSAND}",
        "[": "\N{FULLWIDTH LEFT SQUARE BRACKET}",
        "]": "\N{FULLWIDTH RIGHT SQUARE BRACKET}",
        "`": "\N{MODIFIER LETTER GRAVE ACCENT}",
        "*": "\N{ASTERISK OPERATOR}",
        "_": "\N{FULLWIDTH LOW LINE}",
        "~": "\N{TILDE OPERATOR}",
        "|": "\N{BROKEN BAR}",
        "#": "\N{FULLWIDTH NUMBER SIGN}",
        "\\": "\N{SET MINUS}",
    }
)
_COLON_OF_A_LINK: Final = re.compile(r"(?<=\w):(?=//)|(?<=[^\W\d]):(?=\w)|(?<=\d):(?=[^\W\d])")
"""Not that of a time of day."""
_DOT_OF_A_NAME: Final = re.compile(r"(?<=\w)\.(?=\w*[^\W\d_])")
"""Between letters, as in a domain; not the dot of a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatText:
    """What a channel posts: plain text, harmless."""

    title: str
    body: str


def chat_text(bulletin: Bulletin) -> ChatText:
    """The bulletin for a chat, cut to what every chat takes."""
    made = posting(bulletin)
    body = "\n".join(harmless(line) for line in made.lines)
    if len(body) > LONGEST_BODY:
        body = f"{body[: LONGEST_BODY - len(_MORE) - 1].rstrip()}\n{_MORE}"
    title = harmless(made.title)
    short = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
    return ChatText(title=short, body=body)


def harmless(text: str) -> str:
    """One line; what looks like a secret is taken out as well."""
    seen = "".join(c for c in one_line(redact(text)) if unicodedata.category(c) != _FORMAT)
    plain = seen.translate(_ALIKE)
    plain = _COLON_OF_A_LINK.sub("\N{RATIO}", plain)
    return _DOT_OF_A_NAME.sub("\N{ONE DOT LEADER}", plain)
