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
        alarms,
        boundaries,
        clock,
        cloudformation,
        compliance,
        credential_report,
        deletion,
        detector_tags,
        detectors,
        findings,
        function_logs,
        functions,
        groups,
        identifiers,
        implied_user,
        last_accessed,
        log_filters,
        log_keys,
        login_profile,
        long_polling,
        mail,
        managed_policies,
        mfa,
        object_lock,
        pagination,
        public_keys,
        puts,
        rules,
        secrets,
        security_hub,
        service_credentials,
        simulation,
        state_machines,
        sts,
        subscriptions,
        times,
        trail_events,
        trust,
        user_tags,
    )

    clock.apply(world)
    identifiers.apply(world)
    credential_report.apply(world)
    login_profile.apply(world)
    pagination.apply()
    managed_policies.apply()
    mfa.apply(world)
    deletion.apply()
    mail.apply(world)
    functions.apply(world)
    times.apply(world)
    log_filters.apply(world)
    alarms.apply(world)
    subscriptions.apply(world)
    rules.apply(world)
    trail_events.apply(world)
    compliance.apply()
    findings.apply(world)
    long_polling.apply(world)
    detector_tags.apply()
    secrets.apply(world)
    service_credentials.apply(world)
    boundaries.apply()
    trust.apply(world)
    sts.apply(world)
    user_tags.apply()
    simulation.apply()
    last_accessed.apply(world)
    implied_user.apply(world)
    access_analyzer.apply(world)
    cloudformation.apply(world)
    detectors.apply()
    function_logs.apply()
    groups.apply()
    puts.apply()
    log_keys.apply()
    security_hub.apply()
    object_lock.apply()
    public_keys.apply()
    state_machines.apply(world)
