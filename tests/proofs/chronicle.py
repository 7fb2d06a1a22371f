"""The history of an account made of memory, written down call by call as it is lived.

    chronicle = Chronicle(village)
    village.run(0, fate=chronicle.fate())
    violations(chronicle.history())

Each run gets a `Witness` of its own: it lets calls pass, remembers those that AWS would have seen,
and may end the process or withhold an answer at one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.proofs.checker import ACTOR
from tests.proofs.history import Call, History, Key, Mail
from tests.scenario.peril import Fate, Stopped, whole
from tests.scenario.village import TEAM, Village

from keyreeve.codec.mime import envelope
from keyreeve.model.errors import AwsFailure, Doubtful, MailDoubtful, StorageUnreachable

CREDENTIALS = "credentials/"
_OPERATIONS: Mapping[str, tuple[str, str]] = {
    "access_keys": ("iam:ListAccessKeys", ""),
    "has_login_profile": ("iam:GetLoginProfile", ""),
    "user": ("iam:GetUser", ""),
    "create_access_key": ("iam:CreateAccessKey", ""),
    "set_access_key_active": ("iam:UpdateAccessKey", "AccessKeyId"),
    "delete_access_key": ("iam:DeleteAccessKey", "AccessKeyId"),
    "reset_password": ("iam:UpdateLoginProfile", ""),
    "delete_login_profile": ("iam:DeleteLoginProfile", ""),
    "add_to_group": ("iam:AddUserToGroup", "GroupName"),
}
"""Method of the account's ports → operation, and the name of what follows the user name."""
READS = frozenset(
    {
        *("caller", "credential_report", "details", "password_policy", "access_keys"),
        *("access_key_last_used", "user", "has_login_profile", "has_mfa_device"),
        *("get", "list", "remaining_quota"),
    }
)
"""Methods that change nothing."""


class End(StrEnum):
    """What becomes of one call."""

    STOPPED_BEFORE = "stopped before"
    STOPPED_AFTER = "stopped after"
    NEVER_ARRIVED = "never arrived"
    """No effect and no answer; the process lives."""
    ANSWER_LOST = "answer lost"
    """The effect, but no answer; the process lives."""


@dataclass(frozen=True, slots=True)
class Blow:
    """At which call of a run, counted from 0, and what."""

    at: int
    end: End

    @property
    def kills(self) -> bool:
        return self.end in (End.STOPPED_BEFORE, End.STOPPED_AFTER)

    @property
    def takes_effect(self) -> bool:
        return self.end in (End.STOPPED_AFTER, End.ANSWER_LOST)

    def __str__(self) -> str:
        return f"{self.end} call {self.at}"


class Chronicle:
    """Everything that AWS and the mail system saw of one village."""

    def __init__(self, village: Village, events: tuple[Call | Mail, ...] = ()) -> None:
        self.village = village
        self.events = list(events)
        self.passwords: dict[str, str] = {}
        """User → the console password that was set last."""
        self.troubles: list[str] = []
        """What a harness noticed besides."""

    def fate(self, blow: Blow | None = None) -> Witness:
        """Of one run."""
        return Witness(self, blow)

    def person(self, operation: str, user: str, **params: str) -> None:
        """Somebody else changes the account: to be believed, not judged."""
        self.events.append(
            Call(
                at=self.village.clock.now(),
                operation=operation,
                user=user,
                params={ACTOR: "a person", **params},
            )
        )

    def history(self) -> History:
        """Until now."""
        village = self.village
        users = village.account.snapshot().users
        return History(
            calls=tuple(self.events),
            keys=tuple(
                Key(key_id=str(key.key_id), user=str(user.name), active=key.active)
                for user in users
                for key in user.keys
            ),
            escrow={
                row.key: village.store.get(row.key).content
                for row in village.store.list(CREDENTIALS)
            },
            team=frozenset({TEAM}),
        )


class Witness(Fate):
    """Sees every call of one run; at the blow the process ends, or an answer is lost."""

    def __init__(self, chronicle: Chronicle, blow: Blow | None = None) -> None:
        super().__init__()
        self._chronicle = chronicle
        self._blow = blow
        self.struck = False
        """Whether the run came as far as the blow."""

    def call(self, name: str, work: Any, *args: Any, **more: Any) -> Any:
        if self._dead:
            raise Stopped(name)
        number = len(self.calls)
        self.calls.append(name)
        if self._blow is None or self._blow.at != number:
            return self._pass(name, work, args, more)
        self.struck = True
        self._dead = self._blow.kills
        if self._blow.takes_effect:
            self._pass(name, work, args, more, answered=False)
        if self._dead:
            raise Stopped(name)
        raise lost(name)

    def _pass(self, name: str, work: Any, args: Any, more: Any, *, answered: bool = True) -> Any:
        method = method_of(name)
        mails = self._chronicle.village.mailer.wire
        sent = len(mails)
        try:
            answer = whole(work(*args, **more))
        except Exception:
            self._note(method, args, more, effect=False, answered=answered)
            raise
        else:
            self._note(method, args, more, answered=answered, made=getattr(answer, "key_id", None))
            if method == "reset_password":
                self._chronicle.passwords[args[0]] = args[1]
            return answer
        finally:
            if method == "send" and len(mails) > sent:
                self._mail(args[0], mails[-1])

    def _note(self, method: str, args: Any, more: Any, **facts: Any) -> None:
        village = self._chronicle.village
        if method == "put" and args[0].startswith(CREDENTIALS):
            operation, user, params = "s3:PutObject", None, {"Key": args[0]}
        elif method in _OPERATIONS:
            operation, second = _OPERATIONS[method]
            user = str(args[0])
            params = {second: str(args[1])} if second else {}
            if "active" in more:
                params["Status"] = "Active" if more["active"] else "Inactive"
        else:
            return
        self._chronicle.events.append(
            Call(at=village.clock.now(), operation=operation, user=user, params=params, **facts)
        )

    def _mail(self, mail: Any, raw: bytes) -> None:
        now = self._chronicle.village.clock.now()
        self._chronicle.events.append(Mail(at=now, to=envelope(mail).recipients, raw=raw))


def method_of(call: str) -> str:
    """`MemoryStore.put state.json` → `put`."""
    return call.split(" ", 1)[0].rpartition(".")[2]


def lost(call: str) -> Exception:
    """What an adapter raises when no answer comes."""
    if call.startswith("MemoryStore."):
        return StorageUnreachable("no answer", where=call)
    if call.startswith("FakeMailer.send"):
        return MailDoubtful("no answer")
    kind = AwsFailure if method_of(call) in READS else Doubtful
    return kind("no answer", call=call)
