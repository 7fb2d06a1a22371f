"""Values that hold a secret, shown in every way in which Python shows values unasked."""

from __future__ import annotations

import io
import logging
import pprint
import reprlib
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.fakes.memory_store import MemoryStore
from tests.proofs.leaks import Leaks

from keyreeve.local.smtp_mailer import SmtpMailer
from keyreeve.logs import SafeFormatter
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.identifiers import AccessKeyId, OperationId, UserId, UserName
from keyreeve.model.notice import Attachment, MailKind, OutgoingMail, RenderedMail
from keyreeve.pipeline.credentials_file import key_csv
from keyreeve.ports import NewAccessKey, StoredObject
from keyreeve.storage.escrow import StoredEscrow

CANARY = "kAnArYxUtnFEMIqK7MDENGqbPxRfiCYzEXAMPLEK"
NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
CSV = key_csv(UserName("ana"), AccessKeyId("AKIAIOSFODNN7EXAMPLE"), CANARY)
ATTACHMENT = Attachment(name="ana.csv", content=CSV)


def _escrow() -> StoredEscrow:
    escrow = StoredEscrow(MemoryStore())
    kind = CredentialKind.ACCESS_KEY
    escrow.deposit(kind, UserId("AIDAEXAMPLE"), OperationId("20260105-1"), 1, CSV)
    return escrow


VALUES: Mapping[str, Any] = {
    "NewAccessKey": NewAccessKey(
        key_id=AccessKeyId("AKIAIOSFODNN7EXAMPLE"), secret=CANARY, created_at=NOW
    ),
    "Attachment": ATTACHMENT,
    "OutgoingMail": OutgoingMail(
        kind=MailKind.CREDENTIALS,
        sender="iam@example.com",
        to=("ana@example.com",),
        cc=(),
        reply_to=None,
        subject="Your new access key",
        body=RenderedMail(html="", text=""),
        sent_at=NOW,
        attachments=(ATTACHMENT,),
    ),
    "StoredObject": StoredObject(content=CSV, version="1", modified_at=NOW),
    "StoredEscrow": _escrow(),
    "SmtpMailer": SmtpMailer(host="127.0.0.1", port=1, tls="none", user="iam", password=CANARY),
}


def _logged(value: Any) -> str:
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(logging.Formatter("%(message)s %(args)s"))
    record = logging.LogRecord("x", logging.INFO, "x", 1, "made %s of %r", (value, [value]), None)
    handler.handle(record)
    return told.getvalue() + SafeFormatter(verbose=True).format(record)


def _raised(value: Any) -> str:
    """A chain of exceptions with the value as argument, as note and as a local variable."""
    try:
        try:
            raise KeyError(value)  # noqa: TRY301 - the chain is what is looked at
        except KeyError as error:
            error.add_note(f"about {value}")
            raise RuntimeError(value) from error
    except RuntimeError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(shown.format())


SHOWINGS: Mapping[str, Callable[[Any], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda value: f"{value} {value!a} {value:}",
    "within others": lambda value: f"{(value, [value], {'x': value})}",
    "pprint": pprint.pformat,
    "reprlib": reprlib.repr,
    "log": _logged,
    "traceback": _raised,
}


def shown_values(values: Mapping[str, Any] = VALUES) -> tuple[int, tuple[str, ...]]:
    """How many showings were tried, and which of them told the secret."""
    found = tuple(
        f"{showing} of {name} tells {hit}"
        for name, value in values.items()
        for showing, show in SHOWINGS.items()
        for hit in Leaks({"the secret": CANARY}).found(show(value).encode())
    )
    return len(values) * len(SHOWINGS), found
