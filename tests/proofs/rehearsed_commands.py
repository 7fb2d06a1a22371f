"""Every command of the command line, as it rehearses or reads (P15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

OPEN = "no.mfa"
"""A user whose case is open; the others' have come to their end."""
SHUT = "shut.out"
"""A user in Quarantine."""
NOW = "2026-01-19T07:00:00+00:00"


class Form(StrEnum):
    """What a command may do as it is called here."""

    READS = "reads or rehearses"
    OWN_STORAGE = "changes Keyreeve's own storage"
    MAKES_BUCKET = "makes the bucket"
    MAKES_CHANGE_SETS = "makes change sets and removes them again"
    ELSEWHERE = "talks to an emulator of its own"
    SEVERAL = "refused where there is one account; rehearsed in tests/scenario/test_fleet.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command with its arguments; `{key}` is the Inactive key, `{folder}` a folder to write,
    `{tags}` a file of tags, `{reviewers}` a file of reviewers, `{review}` a review that is open,
    `{answers}` a file of answers to it, which revoke, `{pack}` an evidence pack, `{fresh}` a file
    that is not there yet."""

    words: tuple[str, ...]
    form: Form = Form.READS

    @property
    def name(self) -> str:
        return " ".join(self.words)

    @property
    def needs_bucket(self) -> bool:
        """The stacks' functions are uploaded to it, and a role's rights name it: else refused."""
        stacks = self.words[0] == "baseline" and self.words[1] != "verify"
        return stacks or self.words == ("policy", "print", "--role", "evidence")


def _reads(*words: str) -> Command:
    return Command(words=words)


def _own(*words: str) -> Command:
    return Command(words=words, form=Form.OWN_STORAGE)


AT = ("--as-of", NOW)
_WHY = ("--reason", "asked for by the team")
_WAIVED = ("--requested-by", "a@example.com", "--approved-by", "b@example.com")
_PERIOD = ("--from", "2026-01-05", "--to", "2026-01-10")
_DUTY = ("--role", "Developer", "--department", "Eng")
COMMANDS: Mapping[str, tuple[Command, ...]] = {
    "init": (Command(words=("init", "--bucket"), form=Form.MAKES_BUCKET),),
    "doctor": (_reads("doctor"),),
    "mail samples": (_reads("mail", "samples"),),
    "arm": (_reads("arm", *AT),),
    "sandbox": (Command(words=("sandbox",), form=Form.ELSEWHERE),),
    "demo": (Command(words=("demo",), form=Form.ELSEWHERE),),
    "check": (_reads("check", *AT), _reads("check", "--fail-on-findings", *AT)),
    "plan": (_reads("plan", *AT), _reads("plan", "--days", "9", *AT)),
    "run": (
        _reads("run", *AT),
        _own("run", "--pause", "migration", *AT),
        _own("run", "--resume", *AT),
    ),
    "org accounts": (Command(words=("org", "accounts"), form=Form.SEVERAL),),
    "org run": (Command(words=("org", "run"), form=Form.SEVERAL),),
    "org status": (Command(words=("org", "status"), form=Form.SEVERAL),),
    "package lambda": (Command(words=("package", "lambda"), form=Form.ELSEWHERE),),
    "summary": (_reads("summary", *AT),),
    "case list": (_reads("case", "list"),),
    "case show": (_reads("case", "show", OPEN),),
    "case hold": (_own("case", "hold", OPEN, "--until", "2026-02-20", *_WHY, *AT),),
    "case unhold": (_own("case", "unhold", OPEN, *AT),),
    "case extend": (_own("case", "extend", OPEN, "--days", "3", *_WHY, *AT),),
    "case resend": (_reads("case", "resend", "aged.key", *AT),),
    "waiver add": (_own("waiver", "add", OPEN, *_WHY, *_WAIVED, "--expires", "2026-03-01", *AT),),
    "waiver list": (_reads("waiver", "list"),),
    "waiver revoke": (_own("waiver", "revoke", "{waiver}", *AT),),
    "reinstate": (_reads("reinstate", "aged.key", "{key}", "--for", "24h", *_WHY, *AT),),
    "user onboard": (
        _reads("user", "onboard", "new.comer", *_DUTY, "--email", "new.comer@example.com", *AT),
    ),
    "user list": (_reads("user", "list"),),
    "user show": (_reads("user", "show", OPEN),),
    "user tags": (
        _reads("user", "tags", *AT),
        _reads("user", "tags", "--set", "{tags}", *AT),
    ),
    "user reconcile": (_reads("user", "reconcile", *AT),),
    "user demote": (_reads("user", "demote", OPEN, "--to-role", "Developer", *AT),),
    "user release": (_reads("user", "release", SHUT, *AT),),
    "user offboard": (
        _reads("user", "offboard", OPEN, *AT),
        _reads("user", "offboard", OPEN, "--delete", "--after-days", "9", *AT),
    ),
    "baseline render": (_reads("baseline", "render"),),
    "baseline plan": (Command(words=("baseline", "plan"), form=Form.MAKES_CHANGE_SETS),),
    "baseline deploy": (_reads("baseline", "deploy"),),
    "baseline status": (_reads("baseline", "status"),),
    "baseline destroy": (_reads("baseline", "destroy", "identity"),),
    "baseline verify": (_reads("baseline", "verify"),),
    "report": (
        _reads("report", *AT),
        _reads("report", "--access"),
        _reads("report", "--format", "ocsf", *AT),
        _reads("report", "--security-hub", *AT),
    ),
    "review start": (
        _reads("review", "start", "--reviewers", "{reviewers}", *AT),
        _own("review", "start", "--reviewers", "{reviewers}", "--out", "{folder}", *AT),
    ),
    "review status": (_reads("review", "status", *AT), _reads("review", "status", "--all")),
    "review remind": (_reads("review", "remind", "--campaign", "{review}", *AT),),
    "review answer": (_own("review", "answer", "{answers}", *AT),),
    # The result is Keyreeve's own to write; who has access loses it with --execute alone.
    "review close": (
        _reads("review", "close", "--campaign", "{review}", *AT),
        _own("review", "close", "--campaign", "{review}", *AT),
    ),
    "review due": (_reads("review", "due", *AT),),
    "evidence export": (
        _own("evidence", "export", *_PERIOD, "--out", "{fresh}"),
        _own("evidence", "export", *_PERIOD, "--out", "{fresh}", "--mask"),
    ),
    "evidence verify": (_reads("evidence", "verify", "{pack}"),),
    "evidence purge": (_reads("evidence", "purge"),),
    # Opening a session changes nothing, and asks a person: the profile is what it can rehearse.
    "assume": (
        _reads("assume", "DeveloperRole", "--mfa-serial", "arn:mine", "--write-profile", "dev"),
    ),
    "mail preview": (
        _reads("mail", "preview", OPEN, *AT),
        _reads("mail", "preview", OPEN, "--out", "{folder}", *AT),
    ),
    "policy print": (
        _reads("policy", "print", "--role", "reader"),
        _reads("policy", "print", "--role", "actor"),
        _reads("policy", "print", "--role", "deployer", "--account", "123456789012"),
        _reads("policy", "print", "--role", "people"),
        _reads("policy", "print", "--role", "onboarding"),
        _reads("policy", "print", "--role", "security-hub"),
        _reads("policy", "print", "--role", "evidence"),
    ),
    "state show": (_reads("state", "show"),),
    "state verify": (_reads("state", "verify"),),
    "state repair": (_own("state", "repair"),),
    "state migrate": (_own("state", "migrate"),),
    "state unlock": (_own("state", "unlock"),),
}
"""Every command; a new verb without a row here is a violation."""
