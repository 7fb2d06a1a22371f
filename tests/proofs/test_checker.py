"""The checker finds each violation that is planted into a history written by hand, and no other."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from tests.proofs import checker, letters
from tests.proofs.checker import ACTOR, REINSTATE, USE, Rules, repeated, violations
from tests.proofs.chronicle import Chronicle
from tests.proofs.history import Call, History, Key, Mail
from tests.proofs.letters import read
from tests.proofs.words import TEXT
from tests.scenario.people import aged, bystanders, old_password, spare
from tests.scenario.village import Village

from keyreeve.render.email import MailRenderer

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
OLD, NEW, OTHER = "AKIAOLD", "AKIANEW", "AKIAOTHER"
OWNER, TEAM = "ada@example.com", "team@example.com"
CSV = f"User name,Access key ID,Secret access key\r\nada,{NEW},s3cret\r\n".encode()
PUT = "credentials/access-keys/AIDA/op-1.csv"
MOVED = "The date has moved: it was nearer."
UNUSED = "Your unused access keys become inactive. They are not deleted."
SPARE_DAYS = (
    ("day_0", 0, "NOTIFICATION"),
    ("day_3", 3, "REMINDER"),
    ("day_7", 7, "NEW CREDENTIALS"),
    ("day_10", 10, "WARNING"),
    ("day_11", 11, "COUNTDOWN"),
)


def call(day: float, operation: str, **params: str) -> Call:
    made = params.pop("made", None)
    at = MONDAY + timedelta(days=day)
    user = None if operation.startswith("s3:") else "ada"
    return Call(at=at, operation=operation, user=user, params=params, made=made)


def mail(day: float, subject: str, text: str, *, to: str = OWNER, csv: bytes = b"") -> Mail:
    message = EmailMessage()
    message["To"], message["Subject"] = to, subject
    if not csv:
        message["Cc"] = TEAM
    message.set_content(text)
    if csv:
        message.add_attachment(csv, maintype="text", subtype="csv")
    envelope = (to,) if csv else (to, TEAM)
    return Mail(at=MONDAY + timedelta(days=day), to=envelope, raw=message.as_bytes())


def notice(day: float, stage: str, on: int | None = 14, said: str = "") -> Mail:
    date = "to be set" if on is None else f"{MONDAY + timedelta(days=on):%a %d %b %Y}"
    text = (
        f"ETV\n{stage}: day-14 action\n\n1 of 1  Access key is due for rotation\n"
        f"[{stage}]  Medium severity\n\nAccess key {OLD}\nold\n\nDATE: {date}, soon\n{said}\n"
    )
    return mail(day, "[ETV] IAM Compliance: ada", text)


def spare_notice(day: float, stage: str, *rotation: tuple[str, int]) -> Mail:
    """Of a spare key; and of its rotation, which is due later."""
    text = f"ETV\n{stage}: day-14 action\n"
    findings = [("Spare access key is not used", stage, 14)]
    findings += [("Access key is due for rotation", later, on) for later, on in rotation]
    for number, (title, each, on) in enumerate(findings, start=1):
        text += (
            f"\n{number} of {len(findings)}  {title}\n[{each}]  Medium severity\n\n"
            f"Access key {OLD}\nold\n\nDATE: {MONDAY + timedelta(days=on):%a %d %b %Y}, soon\n"
        )
    return mail(day, "[ETV] IAM Compliance: ada", text)


def threat(day: float, stage: str, said: str) -> Mail:
    """Of the console access, which may cost access keys."""
    text = (
        f"ETV\n{stage}: day-14 action\n\nUser has not signed in for a long time\n"
        f"[{stage}]  Medium severity\n\nConsole access\nNo sign-in\n\n"
        f"DATE: {MONDAY + timedelta(days=14):%a %d %b %Y}, soon\n{said}\n"
    )
    return mail(day, "[ETV] IAM Compliance: ada", text)


def second_round() -> list[Call | Mail]:
    """The same key once more, two weeks later; its replacement stands."""
    stages = ((16, "NOTIFICATION"), (19, "REMINDER"), (23, "NEW CREDENTIALS"), (26, "WARNING"))
    return [
        *(notice(day, stage, on=30) for day, stage in stages),
        looked(30),
        shut(30),
        notice(30, "ENFORCEMENT", on=30),
    ]


def private(day: float = 7, key: str = NEW, csv: bytes = CSV) -> Mail:
    text = f"ETV\nYOUR NEW ACCESS KEY: today\n\n  New key  {key}\n  Old key  {OLD}\n"
    return mail(day, "[ETV] Your new access key: ada", text, csv=csv)


def shut(day: float, key: str = OLD) -> Call:
    return call(day, "iam:UpdateAccessKey", AccessKeyId=key, Status="Inactive")


def create(day: float, key: str = NEW) -> Call:
    return call(day, "iam:CreateAccessKey", made=key)


def looked(day: float) -> Call:
    return call(day, "iam:ListAccessKeys")


def profile(day: float) -> Call:
    return call(day, "iam:GetLoginProfile")


def asked(day: float, until: float, key: str = OLD) -> Call:
    """Somebody asks for the key back."""
    at = (MONDAY + timedelta(days=until)).isoformat()
    return by_its_owner(call(day, REINSTATE, AccessKeyId=key, Until=at))


def back(day: float, key: str = OLD) -> Call:
    return call(day, "iam:UpdateAccessKey", AccessKeyId=key, Status="Active")


def by_its_owner(event: Call) -> Call:
    return replace(event, params={**event.params, ACTOR: "ada"})


CASE = {
    "day 0": notice(0, "NOTIFICATION"),
    "day 3": notice(3, "REMINDER"),
    "create": create(7),
    "escrow": call(7, "s3:PutObject", Key=PUT),
    "private": private(),
    "day 7": notice(7, "NEW CREDENTIALS"),
    "day 10": notice(10, "WARNING"),
    "day 11": notice(11, "COUNTDOWN"),
    "look": looked(14),
    "act": shut(14),
    "day 14": notice(14, "ENFORCEMENT"),
    "closing": mail(15, "[ETV] IAM Compliance: ada", "ETV\nALL SETTLED: today\n"),
}
END = History(
    calls=(),
    keys=(Key(key_id=OLD, user="ada", active=False), Key(key_id=NEW, user="ada", active=True)),
    escrow={PUT: CSV},
    team=frozenset({TEAM}),
)

Events = dict[str, Call | Mail]


def case(**changes: Call | Mail | None) -> History:
    """The clean case; a step can be another one or left out."""
    events = {**CASE, **{name.replace("_", " "): event for name, event in changes.items()}}
    return replace(END, calls=tuple(event for event in events.values() if event is not None))


def with_after(name: str, *more: Call | Mail) -> History:
    """The clean case with more events after a step."""
    events: list[Call | Mail] = []
    for step, event in CASE.items():
        events += [event, *(more if step == name else ())]
    return replace(END, calls=tuple(events))


def found(history: History, rules: Rules | None = None) -> set[str]:
    return {violation.promise for violation in violations(history, rules)}


def test_a_case_as_it_should_be_has_no_violation():
    assert violations(case()) == []


def swapped(first: str, second: str) -> History:
    return case(**{first: CASE[second], second: CASE[first]})


PLANTED: dict[str, tuple[str, Callable[[], History]]] = {
    "an active key that is in no escrow": ("P1", lambda: replace(case(), escrow={})),
    "an escrow without the secret": (
        "P1",
        lambda: replace(case(), escrow={PUT: CSV.replace(b"s3cret", b"")}),
    ),
    "a secret mailed before its escrow": ("P1", lambda: swapped("escrow", "private")),
    "a password set before its escrow": (
        "P1 P3",
        lambda: with_after("day 7", call(7, "iam:UpdateLoginProfile")),
    ),
    "two keys made in a row": ("P2", lambda: with_after("create", create(7, OTHER))),
    "a second key for the same old one": (
        "P2",
        lambda: with_after("day 7", create(8, OTHER), private(8, OTHER)),
    ),
    "a key never named": ("P4", lambda: with_after("day 14", looked(14), shut(14, OTHER))),
    "told once": (
        "P3",
        lambda: case(day_0=None, day_3=None, day_7=None, day_10=notice(0, "WARNING"), day_11=None),
    ),
    "no warning": ("P3", lambda: case(day_10=None, day_11=None)),
    "a warning on the day itself": (
        "P3",
        lambda: case(day_10=None, day_11=notice(14, "WARNING"), day_14=None),
    ),
    "before the date that was told": ("P3", lambda: case(day_11=notice(11, "COUNTDOWN", on=15))),
    "before day 14": ("P3", lambda: case(look=looked(13), act=shut(13))),
    "the warning bounced": (
        "P3",
        lambda: case(
            day_10=replace(CASE["day 10"], bounced=True),
            day_11=replace(CASE["day 11"], bounced=True),
        ),
    ),
    "no replacement and no reason": ("P3", lambda: case(create=None, private=None)),
    "the replacement came late": ("P3", lambda: case(create=create(11), private=private(11))),
    "the replacement is gone": ("P3", lambda: with_after("day 7", by_its_owner(shut(8, NEW)))),
    "the replacement was gone when somebody looked": (
        "P3",
        lambda: with_after("day 11", by_its_owner(shut(14, NEW))),
    ),
    "two findings that were each told too little": (
        "P3",
        lambda: case(
            **{
                name: spare_notice(day, stage) if day < 7 else notice(day, stage)
                for name, day, stage in SPARE_DAYS
            }
        ),
    ),
    "a threat that came in the last notice alone": (
        "P3",
        lambda: case(
            **{
                name: threat(day, stage, "It will be listed." if day < 11 else UNUSED)
                for name, day, stage in SPARE_DAYS
            },
            create=None,
            private=None,
            escrow=None,
        ),
    ),
    "nobody looked": ("P3", lambda: case(look=None)),
    "somebody looked yesterday": ("P3", lambda: case(look=looked(13))),
    "the look came before another change": (
        "P3",
        lambda: with_after("look", call(14, "iam:CreateAccessKey", made=OTHER)),
    ),
    "new credentials on day 6": ("P3", lambda: case(create=create(6))),
    "a login profile deleted unsaid": (
        "P4",
        lambda: with_after("day 14", profile(14), call(14, "iam:DeleteLoginProfile")),
    ),
    "a quarantine unsaid": (
        "P4",
        lambda: with_after(
            "day 14", profile(14), call(14, "iam:AddUserToGroup", GroupName="Quarantine")
        ),
    ),
    "another change": ("P4", lambda: with_after("day 14", call(14, "iam:DeleteUser"))),
    "a deleted old key": (
        "P4",
        lambda: with_after("day 14", call(15, "iam:DeleteAccessKey", AccessKeyId=OLD)),
    ),
    "a deleted key that was handed over": (
        "P4",
        lambda: with_after("day 14", call(15, "iam:DeleteAccessKey", AccessKeyId=NEW)),
    ),
    "a deleted orphan that was used": (
        "P4",
        lambda: with_after(
            "day 3",
            create(7, OTHER),
            call(7, USE, AccessKeyId=OTHER, **{ACTOR: "ada"}),
            shut(7, OTHER),
            call(8, "iam:DeleteAccessKey", AccessKeyId=OTHER),
        ),
    ),
    "a key made Active for which nobody asked": (
        "P4",
        lambda: with_after("day 14", looked(15), back(15)),
    ),
    "a key made Active twice, asked for once": (
        "P4",
        lambda: with_after(
            "day 14",
            *(asked(15, 16), looked(15), back(15), looked(16), shut(16), looked(17), back(17)),
        ),
    ),
    "another key made Active than the one asked for": (
        "P4",
        lambda: with_after(
            "day 14",
            *(by_its_owner(shut(14, NEW)), asked(15, 16), looked(15), back(15, NEW)),
            by_its_owner(back(15, NEW)),
        ),
    ),
    "a key of another user made Active than the one asked for": (
        "P4",
        lambda: with_after(
            "day 14", replace(asked(15, 16), user="eve"), looked(15), back(15), looked(16), shut(16)
        ),
    ),
    "a key made Active without a look": (
        "P3",
        lambda: with_after("day 14", asked(15, 16), back(15)),
    ),
    "a key brought back that ends too early": (
        "P3",
        lambda: with_after("day 14", asked(15, 18), looked(15), back(15), looked(17), shut(17)),
    ),
    "a key brought back for longer that ends at the first time": (
        "P3",
        lambda: with_after(
            "day 14",
            *(asked(15, 16), looked(15), back(15), by_its_owner(shut(15))),
            *(asked(15, 18), looked(15.5), back(15.5), looked(16), shut(16)),
        ),
    ),
    "a key that its owner made Active again, taken for one brought back": (
        "P4",
        lambda: with_after(
            "day 3",
            *(by_its_owner(shut(3, OTHER)), asked(3, 5, OTHER), looked(3), back(3, OTHER)),
            *(by_its_owner(shut(4, OTHER)), by_its_owner(back(4, OTHER))),
            *(looked(4.5), shut(4.5, OTHER)),
        ),
    ),
    "a notice twice on a day": ("P5", lambda: with_after("day 3", CASE["day 3"])),
    "the same stage on two days": ("P5", lambda: with_after("day 3", notice(4, "REMINDER"))),
    "a first notice again, with another date": (
        "P5",
        lambda: with_after("day 0", notice(1, "NOTIFICATION", on=15)),
    ),
    "a warning again, for a date that nobody said had moved": (
        "P3 P5",
        lambda: case(day_11=notice(11, "WARNING", on=15)),
    ),
    "a date said to have moved that is the same": (
        "P5",
        lambda: with_after("day 3", notice(4, "REMINDER", said=MOVED)),
    ),
    "an act told twice": ("P5", lambda: with_after("day 14", notice(14.5, "ENFORCEMENT"))),
    "an act told again on another day": (
        "P5",
        lambda: case(closing=notice(16, "ENFORCEMENT")),
    ),
    "an act told again under another date": (
        "P5",
        lambda: case(closing=notice(16, "ENFORCEMENT", on=16)),
    ),
    "a burst": ("P5", lambda: with_after("day 3", notice(3, "COUNTDOWN"))),
    "a private mail twice": ("P5", lambda: with_after("private", private(8))),
    "a closing on the day of a notice": (
        "P5",
        lambda: case(closing=replace(CASE["closing"], at=CASE["day 14"].at)),
    ),
    "a copy to the team": (
        "P7",
        lambda: case(private=replace(CASE["private"], to=(OWNER, TEAM))),
    ),
    "a stranger": (
        "P7",
        lambda: case(
            private=mail(
                7,
                "[ETV] Your new access key: ada",
                f"YOUR NEW ACCESS KEY: \n\n  New key  {NEW}\n  Old key  {OLD}\n",
                to="eve@example.com",
                csv=CSV,
            )
        ),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_found(name: str):
    promise, history = PLANTED[name]
    assert found(history()) == set(promise.split())


@pytest.mark.parametrize(
    "history",
    [
        pytest.param(
            with_after("day 3", create(7, OTHER), shut(7, OTHER)), id="an orphan that was shut"
        ),
        pytest.param(
            with_after(
                "day 3",
                create(7, OTHER),
                shut(7, OTHER),
                call(8, "iam:DeleteAccessKey", AccessKeyId=OTHER),
            ),
            id="an orphan that was deleted",
        ),
        pytest.param(
            with_after("day 3", replace(create(7, OTHER), effect=False)), id="a refused create"
        ),
        pytest.param(with_after("day 11", notice(12, "COUNTDOWN")), id="a countdown a day"),
        pytest.param(
            with_after("day 3", notice(4, "REMINDER", on=15, said=MOVED)),
            id="a date that moved",
        ),
        pytest.param(
            case(closing=spare_notice(16, "NOTIFICATION")), id="another finding of the same key"
        ),
        pytest.param(
            case(
                day_11=notice(11, "NEW CREDENTIALS", on=20, said=MOVED),
                look=notice(16, "WARNING", on=20),
                act=looked(20),
                day_14=shut(20),
                closing=notice(20, "ENFORCEMENT", on=20),
            ),
            id="a warning for the date that it moved to",
        ),
        pytest.param(
            case(
                day_11=notice(14, "OVERDUE", on=None),
                look=notice(16, "NEW CREDENTIALS", on=21),
                act=notice(17, "WARNING", on=21),
                day_14=None,
                closing=None,
            ),
            id="a stage again, once there is a date",
        ),
        pytest.param(
            with_after(
                "day 14",
                by_its_owner(replace(shut(14), params={"AccessKeyId": OLD, "Status": "Active"})),
                *second_round(),
            ),
            id="an act told again, for it was done again",
        ),
        pytest.param(
            with_after("day 14", asked(15, 17), looked(15), back(15), looked(17), shut(17)),
            id="a key brought back for its time",
        ),
        pytest.param(
            with_after("day 14", asked(15, 17), looked(15), back(15), by_its_owner(shut(16))),
            id="a key brought back that its owner has ended",
        ),
        pytest.param(
            with_after("look", by_its_owner(shut(14, NEW))),
            id="a replacement that ended after the last look",
        ),
        pytest.param(
            case(
                create=None,
                private=None,
                escrow=None,
                **{
                    name: spare_notice(day, stage, *[("WARNING", 20)] * (day > 7))
                    for name, day, stage in SPARE_DAYS
                },
            ),
            id="a spare key that came of age: its own clock goes on",
        ),
        pytest.param(
            case(
                **{
                    name: threat(day, stage, "It will be listed." if day < 7 else UNUSED)
                    for name, day, stage in SPARE_DAYS
                },
                create=None,
                private=None,
                escrow=None,
            ),
            id="a finding that threatened something else at first",
        ),
        pytest.param(
            case(
                create=None,
                private=None,
                day_7=notice(7, "NEW CREDENTIALS", said="No replacement can be made: full."),
            ),
            id="a reason why there is no replacement",
        ),
    ],
)
def test_what_is_allowed_is_not_found(history: History):
    assert violations(history) == []


def test_what_was_opted_into_may_be_deleted():
    history = with_after("day 14", call(15, "iam:DeleteAccessKey", AccessKeyId=OLD))
    assert violations(history, Rules(free_slots=frozenset({OLD}))) == []


def test_a_lost_answer_allows_one_mail_more_and_no_second_one():
    once = with_after("private", private(8))
    twice = with_after("private", private(8), private(9))
    assert found(once, Rules(stops_at_send=1)) == set()
    assert found(twice, Rules(stops_at_send=1)) == {"P5"}
    assert len(list(repeated(twice))) == 2


@pytest.mark.parametrize("renderer", [TEXT, MailRenderer()], ids=["words", "mails"])
def test_a_whole_case_of_the_engine_has_no_violation(renderer: MailRenderer):
    village = Village(aged(), old_password(), spare(), *bystanders(4), renderer=renderer)
    chronicle = Chronicle(village)
    for day in range(18):
        village.run(day, fate=chronicle.fate())
    assert violations(chronicle.history()) == []
    acts = [
        e.operation for e in chronicle.events if isinstance(e, Call) and "Update" in e.operation
    ]
    assert sorted(acts) == ["iam:UpdateAccessKey", "iam:UpdateAccessKey", "iam:UpdateLoginProfile"]
    assert not village.state.users


def test_the_words_are_those_of_the_real_mails():
    told = []
    for renderer in (TEXT, MailRenderer()):
        village = Village(aged(), old_password(), spare(), *bystanders(4), renderer=renderer)
        village.live(0, 16)
        told.append([replace(read(raw), text="") for raw in village.mailer.wire])
    assert told[0] == told[1]
    assert sum(len(letter.lines) for letter in told[0]) == 15


def test_the_checker_knows_nothing_of_the_engine():
    for module in (checker, letters):
        tree = ast.parse(Path(module.__file__).read_text())
        names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names += [
            a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names
        ]
        ours = {name for name in names if name.split(".")[0] in ("keyreeve", "tests")}
        assert ours <= {"tests.proofs.history", "tests.proofs.letters"}
