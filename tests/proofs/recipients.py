"""Credentials reach their owner and nobody else (P7).

Random populations whose addresses are shared, foreign, hostile or changed in the middle of a case.
Each private mail is handed to the three real mail systems, and read back from what came out: the
envelope that SES and the SMTP server were told, and the bytes.  Whose address is whose is known
from how the population was made.  To replay a violation: `live(seed, number)`.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path

from tests.fakes.mailer import FakeMailer
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.letters import key_in
from tests.proofs.planting import patched
from tests.proofs.worlds import Neighbourhood
from tests.scenario.people import console, key, person
from tests.scenario.village import TEAM

from keyreeve.aws.ses_mailer import SesMailer
from keyreeve.codec import mime
from keyreeve.escalation import outlook, owner
from keyreeve.local.directory_mailer import DirectoryMailer
from keyreeve.local.smtp_mailer import SmtpMailer
from keyreeve.model.notice import Accepted, MailKind, OutgoingMail
from keyreeve.model.policy import BlastLimits, OwnerRules
from keyreeve.model.snapshot import User
from keyreeve.pipeline import delivery, reset, rotation

DOMAIN = "example.com"
PEOPLE = 24
HOSTILE = (
    "{n}@example.com, thief@evil.example",
    "{n}@example.com\nBcc: thief@evil.example",
    "{n}@example.com\r\nTo: thief@evil.example",
    "Owner <{n}@example.com>",
    '"{n}@example.com" <thief@evil.example>',
    "thief@evil.example <{n}@example.com>",
    '"{n} thief@evil.example"@example.com',
    "{n}@evil.example",
    "{n}@example.com.evil.example",
    "{n}@ex\u0430mple.com",
    "{n}@xn--exmple-4nf.com",
    "\u00fc{n}@example.com",
    "{n}@example.com;thief@evil.example",
    "{n}@example.com thief@evil.example",
    "{n}%thief@evil.example",
    "@evil.example:{n}@example.com",
    "{n}@[192.0.2.1]",
    "{n}(@evil.example)@example.com",
    "{n}",
    "",
)
"""Tags of a user to whom no credentials may ever be mailed."""
PLAIN = (
    "{n}@example.com",
    "{n}+aws@example.com",
    "{n}.x_y-z@example.com",
    "{n}@EXAMPLE.com",
    "  {n}@example.com ",
    "o'{n}@example.com",
)
"""Addresses that are their owner's."""


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """World after world, until enough private mails were read."""
    tried: Counter[str] = Counter()
    bad: list[str] = []
    for world in trials(size, seed):
        tried.update(world.tried)
        bad += [f"seed {seed}, world {world.number}, {text}" for text in world.wrong]
    for what in ("private mails through three mail systems", "users who may get none"):
        yield Figure(promise="P7", what=what, tried=tried[what])
    notices = tried["notices searched"]
    yield Figure(promise="P7", what="notices searched", tried=notices, violations=tuple(bad))


def trials(size: Size, seed: int) -> Iterator[World]:
    """Each world, lived."""
    return (live(seed, number) for number in range(size.of(20, 400)))


@dataclass(slots=True)
class World:
    """Who is whose owner, and what was found."""

    number: int
    owners: dict[str, str] = field(default_factory=dict)
    """User → the one address to which credentials may go, in lower case."""
    tried: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One mail as a mail system got it."""

    by: str
    envelope: tuple[str, ...]
    raw: bytes


# --- the three mail systems ---------------------------------------------------------------------


class _Ses:
    """The client's end: takes what it is given."""

    request: dict[str, object]

    def send_email(self, **request: object) -> dict[str, str]:
        self.request = request
        return {"MessageId": "0100"}


class _Smtp:
    """The server's end of `smtplib.SMTP`: takes what it is told."""

    def noop(self):
        return 250, b""

    def ehlo_or_helo_if_needed(self) -> None: ...

    def mail(self, sender):
        self.to: list[str] = []
        return 250, b""

    def rcpt(self, address):
        self.to.append(address)
        return 250, b""

    def data(self, content):
        self.content = content
        return 250, b""


class ThreeMailers(FakeMailer):
    """Every private mail goes through the real adapters as well; all of them may refuse it."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.arrived: list[list[Arrived]] = []
        self._directory = directory
        self._ses, self._smtp = _Ses(), _Smtp()
        self._by_ses = SesMailer(self._ses, region="eu-central-1")
        self._by_smtp = SmtpMailer(host="127.0.0.1", port=25, tls="none")
        self._by_smtp._connection = self._smtp
        self._by_file = DirectoryMailer(directory)

    def send(self, mail: OutgoingMail) -> Accepted:
        if mail.kind is MailKind.CREDENTIALS:
            self.arrived.append(list(self._thrice(mail)))
        return super().send(mail)

    def _thrice(self, mail: OutgoingMail) -> Iterator[Arrived]:
        self._by_ses.send(mail)
        request = self._ses.request
        told = tuple(a for box in request["Destination"].values() for a in box)
        yield Arrived(by="SES", envelope=told, raw=request["Content"]["Raw"]["Data"])
        self._by_smtp.send(mail)
        yield Arrived(by="SMTP", envelope=tuple(self._smtp.to), raw=self._smtp.content)
        self._by_file.send(mail)
        (file,) = self._directory.glob("*.eml")
        raw = file.read_bytes()
        for written in self._directory.iterdir():
            written.unlink()
        yield Arrived(by="directory", envelope=_addresses(raw, "To", "Cc", "Bcc"), raw=raw)


# --- lived --------------------------------------------------------------------------------------


def live(seed: int, number: int) -> World:
    """Day 0, a reminder, and the day of new credentials, with some addresses changed between."""
    chance = random.Random(f"{seed} {number}")
    world = World(number)
    people = _population(chance, world)
    domains = (DOMAIN,)
    village = Neighbourhood(
        *people,
        limits=BlastLimits(disruptive_share=1.0, disruptive_floor=PEOPLE),
        owner=OwnerRules(domains=domains, fallback=(TEAM, "fallback@example.com")),
        mail_cc=(TEAM, "cc@example.com"),
        summary_to=("summary@example.com",),
    )
    with tempfile.TemporaryDirectory() as directory:
        village.mailer = ThreeMailers(Path(directory))
        village.run(0)
        if chance.random() < 0.5:
            village.run(3)
        for user in people:
            if user.name.startswith("user") and chance.random() < 0.1:
                _change(village, chance, world, str(user.name))
        for day in (7, 8, 9):
            village.run(day)
            village.run(day + 0.1)
        _judge(world, village.mailer)
    world.tried["users who may get none"] += len(people) - len(world.owners)
    return world


def _population(chance: random.Random, world: World) -> list[User]:
    shared = {f"group{n}@example.com" for n in range(2)}
    out = []
    for n in range(PEOPLE):
        name = f"user{n:02d}"
        fate = chance.random()
        if fate < 0.6:
            address = chance.choice(PLAIN).format(n=name)
            world.owners[name] = address.strip().lower()
        elif fate < 0.85:
            address = chance.choice(HOSTILE).format(n=name)
        elif fate < 0.93:
            address = chance.choice(sorted(shared))
            address = chance.choice([address, address.upper().replace("EXAMPLE.COM", DOMAIN)])
        else:
            address = chance.choice(
                [TEAM, "CC@example.com", "fallback@example.com", "summary@EXAMPLE.com"]
            )
        facts = console(changed=100) if chance.random() < 0.3 else {}
        keys = () if facts else (key(100),)
        out.append(person(name, *keys, **facts, tags={"email": address}))
    # A shared address with one reader is no shared one: each has at least two.
    for n, address in enumerate(sorted(shared)):
        for twin in (0, 1):
            name = f"twin{n}{twin}"
            out.append(person(name, key(100), tags={"email": address}))
    return out


def _change(village: Neighbourhood, chance: random.Random, world: World, name: str) -> None:
    """Whoever may set a tag must not get another's key."""
    world.owners.pop(name, None)
    other = chance.choice([f"thief.{name}@example.com", f"{name}@evil.example", TEAM])
    village.account.change(name, tags={"email": other})


def _judge(world: World, mailer: ThreeMailers) -> None:
    secrets = []
    for copies in mailer.arrived:
        world.tried["private mails through three mail systems"] += 1
        for copy in copies:
            world.wrong += [f"by {copy.by}: {text}" for text in wrong(world.owners, copy)]
        secrets += [_secret_of(copies[0].raw)]
    for mail, raw in zip(mailer.sent, mailer.wire, strict=True):
        if mail.kind is MailKind.CREDENTIALS:
            continue
        world.tried["notices searched"] += 1
        if any(secret and secret in raw for secret in secrets):
            world.wrong.append(f"a {mail.kind} holds a secret")


def wrong(owners: dict[str, str], copy: Arrived) -> Iterator[str]:
    """Whatever makes a private mail public."""
    mail = message_from_bytes(copy.raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    (attachment,) = mail.iter_attachments()
    content = attachment.get_payload(decode=True)
    assert isinstance(content, bytes)
    name = content.decode().split("\r\n")[1].split(",")[0]
    owner_of = owners.get(name)
    if owner_of is None:
        yield f"the credential of {name} went to {copy.envelope}, and may go nowhere"
    elif [a.lower() for a in copy.envelope] != [owner_of]:
        yield f"the credential of {name} went to {copy.envelope}, not to {owner_of}"
    if [a.lower() for a in _addresses(copy.raw, "To")] != [owner_of]:
        yield f"the mail to {name} is headed {mail['To']!r}"
    others = ("Cc", "Bcc", "Reply-To", "Resent-To", "References", "In-Reply-To")
    if any(mail.get_all(header) for header in others) or len(mail.get_all("To", [])) != 1:
        yield f"the mail to {name} has {[h for h in others if mail[h]]}"
    found = key_in(content)
    if found is not None and f"{found[0]}.csv" != attachment.get_filename():
        yield f"the attachment of {name} is called {attachment.get_filename()}"


def _secret_of(raw: bytes) -> bytes:
    """What must stand nowhere else: the attachment as it is encoded, and its last field."""
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    (attachment,) = mail.iter_attachments()
    content = attachment.get_payload(decode=True)
    assert isinstance(content, bytes)
    row = content.decode().split("\r\n")[1].split(",")
    found = key_in(content)
    return (found[1] if found is not None else row[1]).encode()


def _addresses(raw: bytes, *headers: str) -> tuple[str, ...]:
    mail = message_from_bytes(raw, policy=policy.default)
    values = [str(value) for header in headers for value in mail.get_all(header, [])]
    return tuple(address for _, address in getaddresses(values))


# --- planted violations -------------------------------------------------------------------------

_headers = mime._headers


def _copied(mail: OutgoingMail, message_id: str | None) -> list[tuple[str, str]]:
    return [*_headers(mail, message_id), ("Cc", TEAM)]


def _to_the_fallback(bench, user, case):
    return bench.outlook.policy.owner.fallback[0]


_may_receive = owner.may_receive_credentials


def _shared_too(address, case, shared, policy, today):
    del shared
    return _may_receive(address, case, frozenset(), policy, today)


MUTANTS = (
    Mutant(
        promise="P7",
        name="the team is in copy",
        plant=patched((mime, "_headers", _copied)),
    ),
    Mutant(
        promise="P7",
        name="the fallback address gets the credentials",
        plant=patched(
            (rotation, "recipient", _to_the_fallback), (reset, "recipient", _to_the_fallback)
        ),
    ),
    Mutant(
        promise="P7",
        name="an address of two users gets credentials",
        plant=patched(
            (outlook, "may_receive_credentials", _shared_too),
            (delivery, "may_receive_credentials", _shared_too),
        ),
    ),
)
