"""What the policies of Keyreeve's own roles must name, from the config and the storage's layout."""

from __future__ import annotations

from email.utils import parseaddr

from keyreeve.config import Config, Transport
from keyreeve.governance.access_policies import Place, of_aws
from keyreeve.governance.installation import Bucket, Evidence, Installation
from keyreeve.language.authorizations import partition
from keyreeve.model.identifiers import AccountId
from keyreeve.storage import layout
from keyreeve.wiring.channels import topics
from keyreeve.wiring.fleet_reach import reach_of


def installation_of(config: Config, *, account_id: AccountId, region: str) -> Installation:
    """What the policies of Keyreeve's own roles must name."""
    by_ses = config.mail.transport is Transport.SES
    return Installation(
        account_id=account_id,
        partition=partition(region),
        region=region,
        project=layout.project_slug(config.project_name),
        policy=config.escalation_policy(),
        bucket=_bucket(config, account_id),
        sender=parseaddr(config.mail.sender)[1] if by_ses else None,
        secrets_key_id=config.credentials.kms_key_id,
        signing_key_id=config.evidence.signing_key,
        governed=config.baseline.access is not None,
        named_policies=_policies_of_aws(config, partition(region), account_id),
        topics=topics(config),
        reach=reach_of(config, account_id, partition(region)),
        counts_runs=config.heartbeat.metric,
    )


def _bucket(config: Config, account_id: AccountId) -> Bucket | None:
    """Where which role may do what; None: the storage is a directory."""
    storage = config.storage
    if storage.bucket is None:
        return None
    return Bucket(
        name=storage.bucket,
        # A pattern: every account has a folder of its own, and the fleet's days lie beside.
        prefix=layout.prefix(config.project_name) + ("" if config.accounts == "self" else "*"),
        written_once=layout.WRITTEN_ONCE,
        replaced=(
            *layout.REPLACED,
            f"{layout.KEPT_BROKEN}*",
            layout.PROBE,
            *(f"{folder}*" for folder in layout.ARCHIVES),
        ),
        read=(
            *layout.REPLACED,
            f"{account_id}/{layout.STATE}",
            layout.AUDIT_START,
            *(f"{f}*" for f in layout.WRITTEN_ONCE if f != layout.CREDENTIALS),
            f"{layout.FEEDBACK}*",
            f"{layout.RUNS}*",
        ),
        read_back=(f"{layout.CREDENTIALS}*", layout.PROBE),
        secret=layout.CREDENTIALS,
        feedback=layout.FEEDBACK,
        deleted=(
            layout.LOCK,
            layout.AUDIT_END,
            f"{layout.AUDIT_INBOX}*",
            f"{layout.FEEDBACK}*",
        ),
        versions_of=layout.STATE,
        inbox=layout.AUDIT_INBOX,
        sent=layout.SENT_FINDINGS,
        fleet=layout.FLEET,
        gathered=layout.FLEET_RESULTS,
        archived=(*layout.ARCHIVES, layout.REVIEWS, layout.FEEDBACK, layout.AUDIT),
        evidence=Evidence(
            written_once=(layout.AUDIT, layout.AUDIT_INBOX, layout.EVIDENCE),
            replaced=(layout.LOCK, layout.AUDIT_END, layout.AUDIT_START),
            deleted=(f"{layout.AUDIT_INBOX}*",),
        ),
        kms_key_id=storage.kms_key_id,
    )


def _policies_of_aws(config: Config, where: str, account_id: AccountId) -> tuple[str, ...]:
    """AWS's own policies that access.yaml names."""
    if config.baseline.access is None:
        return ()
    at = Place(partition=where, account_id=account_id)
    named = {arn for grant in config.access_model().grants for arn in grant.policies}
    return tuple(sorted(at.policy(arn) for arn in named if of_aws(arn)))
