"""Posture wired: whose account, which region, and the access model where there is one."""

from __future__ import annotations

from keyreeve.pipeline.posture import Survey
from keyreeve.wiring import Door, access_model


def survey_of(door: Door) -> Survey:
    """Reads only. With access.yaml, what is regional is read where the baseline lies."""
    from keyreeve.aws.posture_reader import PostureOfAccount
    from keyreeve.language.authorizations import partition

    model = access_model(door.config)
    region = door.config.baseline_settings().region if model else door.sessions.region
    at = region or "us-east-1"
    return Survey(
        account_id=door.caller.account_id,
        partition=partition(at),
        region=at,
        account=door.reader,
        reader=PostureOfAccount(door.sessions.reading(at)),
        model=model,
    )
