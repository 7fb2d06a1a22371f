"""Who takes evidence out, and ends what is kept too long: `keyreeve evidence export|purge`.

A role of its own: who acts on users every day has no right to end the audit log, and who may end
its oldest part has no right to touch a user or to read a credential. Of IAM it reads nothing.
What the log says of a purge it cannot end with it: the record stands at the log's newer end.
"""

from __future__ import annotations

from collections.abc import Iterator

from keyreeve.governance.installation import Bucket, Installation
from keyreeve.governance.statements import (
    ONCE,
    Json,
    allow,
    below,
    encrypted,
    key_for_objects,
    key_that_signs,
    never_escrow,
    ours,
)


def evidence_statements(at: Installation) -> list[Json]:
    """Each with a Sid that says what it is for; none beside a directory, unless it signs."""
    made = [] if at.bucket is None else [*_statements(at, at.bucket), *never_escrow(at)]
    if at.signing_key_id is not None:
        made.append(key_that_signs("SignEvidence", at, at.signing_key_id))
    return made


def _statements(at: Installation, bucket: Bucket) -> Iterator[Json]:
    arn, put = at.arn_of(bucket), ("s3:PutObject",)
    yield allow("ListProject", ("s3:ListBucket",), arn, ours(at), below(bucket, ""))
    kept = at.objects(bucket, (f"{folder}*" for folder in bucket.archived))
    once = at.objects(bucket, (f"{folder}*" for folder in bucket.evidence.written_once))
    everything = dict.fromkeys((*at.objects(bucket, bucket.read), *kept, *once))
    yield allow("ReadProject", ("s3:GetObject",), *everything, ours(at))
    yield allow("WriteOnce", put, *once, ours(at), encrypted(bucket), ONCE)
    replaced = at.objects(bucket, bucket.evidence.replaced)
    yield allow("Replace", put, *replaced, ours(at), encrypted(bucket))
    deleted = at.objects(bucket, bucket.evidence.deleted)
    yield allow("ClearUp", ("s3:DeleteObject",), *deleted, ours(at))
    versions = {
        "StringLike": {"s3:prefix": [f"{bucket.prefix}{folder}*" for folder in bucket.archived]}
    }
    yield allow("ListKeptVersions", ("s3:ListBucketVersions",), arn, ours(at), versions)
    yield allow("PurgeKept", ("s3:DeleteObjectVersion",), *kept, ours(at))
    if bucket.kms_key_id is not None:
        yield key_for_objects("KmsDecrypt", "kms:Decrypt", at, bucket)
        yield key_for_objects("KmsGenerateDataKey", "kms:GenerateDataKey", at, bucket)
