"""SES as Keyreeve meets it: GetAccount, the quota, the envelope, ids, and an outbox.

AWS: GetAccount tells quota and whether the account is in SES's sandbox; recipients count against
the quota of 24 hours; given destinations are the whole envelope; ids are hexadecimal and end in
-000000. moto: no GetAccount, a quota that never ends, header recipients added to the envelope,
unverified recipients accepted, letters for ids.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from email import message_from_bytes
from email.utils import getaddresses, parseaddr
from typing import Any

from keyreeve.sandbox.patches.replacing import add, replace
from keyreeve.sandbox.world import SentMail, World

_DAY = timedelta(hours=24)
_RECIPIENTS = 50


def recipients_today(world: World) -> int:
    """Recipients within the last 24 hours of the sandbox's clock."""
    since = world.clock.now() - _DAY
    return sum(len(mail.destinations) for mail in world.outbox if mail.at > since)


def _refusal(world: World, backend: Any, source: str, destinations: Sequence[str]) -> str | None:
    """Why SES rejects the message, in its words."""
    checked = [source] if world.settings.mail_production else [source, *destinations]
    unverified = [address for address in checked if not backend._is_verified_address(address)]
    if unverified:
        return (
            "Email address is not verified. The following identities failed the check in region "
            f"{backend.region_name.upper()}: {', '.join(unverified)}"
        )
    if len(destinations) > _RECIPIENTS:
        return "Recipient count exceeds 50."
    if not destinations:
        return "Missing required header 'To'."
    if any("@" not in parseaddr(address)[1] for address in destinations):
        return "Missing final '@domain'"
    return None


def _message_id(random: Any) -> str:
    """The shape of AWS's ids: 0100… and -000000."""
    parts = [random.get_random_hex(length) for length in (12, 8, 4, 4, 4, 12)]
    return f"0100{'-'.join(parts)}-000000"


def apply(world: World) -> None:
    """Send through our outbox."""
    from moto.moto_api._internal import mock_random
    from moto.ses import models
    from moto.ses.exceptions import MessageRejectedError
    from moto.sesv2 import urls
    from moto.sesv2.responses import SESV2Response

    class TooManyRequests(MessageRejectedError):
        code = "TooManyRequestsException"

    def accept(backend: Any, source: str, destinations: Sequence[str], raw: bytes) -> str:
        if refusal := _refusal(world, backend, source, destinations):
            raise MessageRejectedError(refusal)
        quota = world.settings.mail_quota
        if quota >= 0 and recipients_today(world) + len(destinations) > quota:
            raise TooManyRequests("Daily message quota exceeded.")
        mail = SentMail(
            message_id=_message_id(mock_random),
            region=backend.region_name,
            source=source,
            destinations=tuple(destinations),
            raw=raw,
            at=world.clock.now(),
        )
        world.outbox.append(mail)
        return mail.message_id

    def send_raw_email(
        self: Any, source: str | None, destinations: Sequence[str], raw_data: str
    ) -> Any:
        raw = raw_data.encode("utf-8", "surrogateescape")
        headers = message_from_bytes(raw)
        if not destinations:
            fields = [
                str(value) for name in ("To", "Cc", "Bcc") for value in headers.get_all(name, [])
            ]
            destinations = [address for _, address in getaddresses(fields)]
        sender = source or str(headers.get("From", ""))
        message_id = accept(self, sender, destinations, raw)
        return models.RawMessage(message_id, sender, list(destinations), raw_data)

    def get_account(_: Any) -> str:
        settings = world.settings
        return json.dumps(
            {
                "DedicatedIpAutoWarmupEnabled": False,
                "EnforcementStatus": "HEALTHY",
                "ProductionAccessEnabled": settings.mail_production,
                "SendQuota": {
                    "Max24HourSend": float(settings.mail_quota),
                    "MaxSendRate": float(settings.mail_rate),
                    "SentLast24Hours": float(recipients_today(world)),
                },
                "SendingEnabled": True,
            }
        )

    replace(models.SESBackend, send_raw_email=send_raw_email)
    replace(SESV2Response, send_email=_sending(SESV2Response.send_email))
    add(SESV2Response, get_account=get_account)
    urls.url_paths["{0}/v2/email/account$"] = SESV2Response.dispatch


def _sending(stock: Callable[[Any], str]) -> Callable[[Any], str]:
    """SendEmail of the second version: raw messages keep every byte."""

    def send_email(self: Any) -> str:
        given: Mapping[str, Any] = json.loads(self.body)
        content = given.get("Content", {})
        if "Raw" not in content:
            return stock(self)
        envelope = given.get("Destination") or {}
        message = self.sesv2_backend.send_raw_email(
            source=given.get("FromEmailAddress"),
            destinations=[
                address
                for field in ("ToAddresses", "CcAddresses", "BccAddresses")
                for address in envelope.get(field, ())
            ],
            raw_data=base64.b64decode(content["Raw"]["Data"]).decode("utf-8", "surrogateescape"),
        )
        return json.dumps({"MessageId": message.id})

    return send_email
