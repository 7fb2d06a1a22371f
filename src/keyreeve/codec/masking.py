"""Names of people replaced by pseudonyms, the same for the same name.

    user names, session names    user-…
    mail addresses               address-…@masked.invalid
    addresses calls came from    source-…
    paths of users in ARNs       left out: arn:aws:iam::…:user/user-…
    what people typed (reasons)  left out
    SHA-256 sums                 an HMAC of the sum, also where a file's name ends with a part of it

A pseudonym is an HMAC of the name with a salt: who has the salt can tell whose it is, by trying
names, and nobody else. IAM's own ids of users and keys stay: they mean something only to those who
may look them up in the account. A name is found where it stands alone (`ann`), not within another
word (`ann-laptop`).
"""

from __future__ import annotations

import csv
import email
import email.policy
import hashlib
import hmac
import io
import json
import re
from collections.abc import Iterable, Mapping
from email.utils import getaddresses
from ipaddress import ip_address

from keyreeve.codec.credential_report import ROOT
from keyreeve.codec.seal import content_digest, parse, readable
from keyreeve.codec.values import Json

TYPED = "[what a person typed is masked]"
NAMING = frozenset({"user", "user_name", "userName"})
"""Fields whose value is the name of a user."""
_PEOPLE = frozenset({"approved_by", "requested_by"})
"""Fields with a person, as somebody typed it: a name, an address, anything."""
_TYPED = frozenset({"reason", "comment", "note"})
"""Fields that people fill with words of their own, or that repeat such words."""
_GATE, _OF_PEOPLE = "gate", "human"
"""What is told at a gate is told in our words, but at the one where people stand."""
_NOT_TYPED = re.compile(r"[a-z0-9_.:/]+")
"""A reason in one word is a code of ours."""
_UNIQUE_ID = re.compile(
    r"A(?:BIA|CCA|GPA|IDA|IPA|KIA|NPA|NVA|PKA|ROA|SCA|SIA)[A-Z0-9]{12,}", re.ASCII
)
"""IAM User Guide, "Understanding unique ID prefixes"; a name in capitals is none."""
_OURS = frozenset({"control", "effect_kind", "event", "stage"})
"""Fields of words of our own: a user may bear the name of a control."""
_WORD = re.compile(r"[\w+=,.@-]+", re.ASCII)
"""What IAM lets a user name be made of."""
_PIECE = re.compile(r"[^,=]+")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_NUMERIC = re.compile(r"(?<![\w.:])[0-9A-Fa-f]*(?:[.:][0-9A-Fa-f]*){2,}(?!\w)")
"""What may be an IP address; ip_address tells."""
_USER_ARN = re.compile(r":user/(?:[^\s\"'<>*?]*/)?(?P<name>[\w+=,.@-]+)", re.ASCII)
_SESSION = re.compile(r"(?P<role>:assumed-role/[\w+=,.@-]+/)(?P<name>[\w+=,.@-]+)", re.ASCII)


_SUM = re.compile(r"[0-9a-f]{64}")
"""A SHA-256 in hex: of a text with a name in it, it tells a right guess from a wrong one."""
_NAMED_BY_SUM = re.compile(r"(?<=-)(?P<sum>[0-9a-f]{16}|[0-9a-f]{8})(?=\.json\b)")
"""As names of steps of reviews and of mails that came back end: with the sum of their content."""


class Mask:
    """One salt, and the names that are known."""

    def __init__(self, salt: bytes, names: Iterable[str]) -> None:
        self.salt = salt
        self._names = frozenset(names)

    def keyed(self, content: bytes | str) -> str:
        """An HMAC-SHA256 in hex: tells to who has the salt that it is this content."""
        raw = content if isinstance(content, bytes) else content.encode()
        return hmac.new(self.salt, raw, hashlib.sha256).hexdigest()

    def name(self, name: str) -> str:
        """The pseudonym of a user."""
        return name if name == ROOT else f"user-{self.keyed(f'user:{name}')[:12]}"

    def address(self, address: str) -> str:
        """The pseudonym of a mail address."""
        return f"address-{self.keyed(f'address:{address.lower()}')[:12]}@masked.invalid"

    def source(self, source: str) -> str:
        """The pseudonym of an IP address; whatever is none comes back as it is."""
        bare = source.rstrip(".:")
        try:
            ip_address(bare)
        except ValueError:
            return source
        return f"source-{self.keyed(f'source:{bare.lower()}')[:12]}" + source[len(bare) :]

    def text(self, text: str) -> str:
        """Addresses, ARNs, sums and known names, wherever they stand."""
        if _SUM.fullmatch(text):
            return self.keyed(text)
        text = self.file_name(text)
        text = _NUMERIC.sub(lambda found: self.source(found[0]), text)
        text = _USER_ARN.sub(lambda found: f":user/{self.name(found['name'])}", text)
        text = _SESSION.sub(lambda found: found["role"] + self.name(found["name"]), text)
        return _WORD.sub(lambda found: self._word(found[0]), text)

    def file_name(self, name: str) -> str:
        """The name of a file without a sum of its content."""
        return _NAMED_BY_SUM.sub(lambda found: self.keyed(found["sum"])[: len(found["sum"])], name)

    def _word(self, word: str) -> str:
        if word in self._names:
            return self.name(word)
        bare = word.rstrip(".,")
        if bare in self._names:
            return self.name(bare) + word[len(bare) :]
        if _PIECE.fullmatch(word) is None:
            return _PIECE.sub(lambda found: self._word(found[0]), word)
        if "@" in bare and _ADDRESS.fullmatch(bare):
            return self.address(bare) + word[len(bare) :]
        return word

    def value(self, value: Json, field: str = "", *, top: bool = True) -> Json:
        """A document: its texts, and the keys below its first floor."""
        match value:
            case str():
                return self._field(field, value)
            case list():
                return [self.value(item, field, top=False) for item in value]
            case dict():
                ours = value.get(_GATE, _OF_PEOPLE) != _OF_PEOPLE
                return {
                    key if top else self.text(key): self.value(
                        item, "" if ours and key in _TYPED else key, top=False
                    )
                    for key, item in value.items()
                }
            case _:
                return value

    def _field(self, field: str, text: str) -> str:
        if field in _TYPED and not _NOT_TYPED.fullmatch(text):
            return TYPED
        if field in _OURS and _NOT_TYPED.fullmatch(text):
            return text
        if field in _PEOPLE and text and not _ADDRESS.fullmatch(text):
            return self.name(text)  # whoever approved is still seen to be another one
        if field in NAMING and text and not _UNIQUE_ID.fullmatch(text):
            return self.name(text)
        return self.text(text)

    def report(self, content: bytes) -> bytes:
        """A credential report, cell by cell."""
        out = io.StringIO()
        written = csv.writer(out, lineterminator="\n")
        for row in csv.reader(io.StringIO(content.decode("utf-8", "replace"))):
            written.writerow([self.text(cell) for cell in row])
        return out.getvalue().encode()

    def mail(self, content: bytes) -> bytes:
        """What tells that a mail went, when and to whom; its words are written for a person."""
        message = email.message_from_bytes(content, policy=email.policy.default)
        told: dict[str, Json] = {}
        for name in ("Date", "From", "To", "Cc", "Message-ID", "In-Reply-To"):
            headers = [str(header) for header in message.get_all(name, ())]
            if name in ("From", "To", "Cc"):  # the names before addresses may be anybody's
                headers = [address for _, address in getaddresses(headers) if address]
            if headers:
                told[name] = [self.text(header) for header in headers]
        return readable({"schema": "keyreeve.masked-mail/1", "headers": told})

    def document(self, content: bytes) -> bytes:
        """A JSON object. ValueError for anything else."""
        return readable(self.value(parse(content)))

    def lines(self, content: bytes) -> bytes:
        """JSON objects, one a line. ValueError as above."""
        masked = [self.value(parse(line)) for line in content.splitlines()]
        return b"".join(json.dumps(line, sort_keys=True).encode() + b"\n" for line in masked)


def names_in(files: Mapping[str, bytes]) -> frozenset[str]:
    """The users that these files tell of: by ARNs, by credential reports, by fields of JSON."""
    found: set[str] = set()
    for key, content in files.items():
        text = content.decode("utf-8", "replace")
        found |= {match["name"] for match in _USER_ARN.finditer(text)}
        if key.endswith(".csv"):
            rows = csv.DictReader(io.StringIO(text))
            found |= {row["user"] for row in rows if row.get("user")}
        for line in [text] if key.endswith(".json") else text.splitlines():
            if key.endswith((".json", ".jsonl")):
                found |= set(_named(_parsed(line)))
    return frozenset(name for name in found if name != ROOT and not _UNIQUE_ID.fullmatch(name))


def _parsed(text: str) -> Json:
    try:
        return parse(text.encode())
    except ValueError:
        return None


def _named(value: Json, field: str = "") -> Iterable[str]:
    match value:
        case str() if field in NAMING and _WORD.fullmatch(value):
            yield value
        case list():
            for item in value:
                yield from _named(item, field)
        case dict():
            for key, item in value.items():
                yield from _named(item, key)
        case _:
            return


def salt_digest(salt: bytes) -> str:
    """Tells packs of different salts apart without telling the salt."""
    return content_digest(b"keyreeve evidence salt" + salt)[:16]
