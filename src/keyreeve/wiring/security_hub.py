"""Security Hub, wired: where findings are sent, and what remembers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyreeve.codec.asff import Product

if TYPE_CHECKING:
    from keyreeve.ports.security_hub import FindingImporter, SentFindings
    from keyreeve.wiring import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What `report --security-hub` works with."""

    importer: FindingImporter
    memory: SentFindings
    product: Product


def product_of(door: Door) -> Product:
    """The account's own product, in the region of the clients. ConfigError without a region."""
    region = door.sessions.client("securityhub").meta.region_name
    return Product(
        account_id=door.caller.account_id, region=region, partition=door.caller.arn.split(":")[1]
    )


def security_hub(door: Door) -> Desk:
    """Every port filled; a rehearsal's door sends nothing."""
    from keyreeve.aws.security_hub import SecurityHub
    from keyreeve.storage.sent_findings import StoredSentFindings

    return Desk(
        importer=SecurityHub(door.sessions),
        memory=StoredSentFindings(door.store),
        product=product_of(door),
    )
