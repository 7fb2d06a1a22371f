"""Where moto differs from AWS and Keyreeve would notice: one small file per difference.

Each is pinned by a row in tests/conformance: what stock moto does, and what we make of it.
Applied once, in the sandbox's own process, before it serves.
"""

from __future__ import annotations

from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Bend moto towards AWS for the rest of this process's life."""
    from keyreeve.sandbox.patches import (
        access_analyzer,
        clock,
        cloudformation,
        credential_report,
        deletion,
        detectors,
        function_logs,
        groups,
        identifiers,
        login_profile,
        mail,
        managed_policies,
        mfa,
        pagination,
        puts,
        secrets,
    )

    clock.apply(world)
    identifiers.apply(world)
    credential_report.apply(world)
    login_profile.apply(world)
    pagination.apply()
    managed_policies.apply()
    mfa.apply()
    deletion.apply()
    mail.apply(world)
    secrets.apply()
    access_analyzer.apply(world)
    cloudformation.apply(world)
    detectors.apply()
    function_logs.apply()
    groups.apply()
    puts.apply()
