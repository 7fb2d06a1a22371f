"""Which requirements each control supports, as versioned data; advisory, never "satisfies".

Sources: the frameworks in prowler-cloud/prowler `prowler/compliance/aws/*.json` (August 2026) and
Security Hub's control pages. An id with a dagger (†) is our own judgement: neither carries it.
HIPAA's numbers are sections of 45 CFR. CIS moved IAM from chapter 1 to 2 with version 6.0, so every
version has its own number; 1.4 and 3.0 share those of IAM.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from keyreeve.model.compliance import Citation, CitedBy
from keyreeve.model.identifiers import AnyControlId, ControlId, PostureId

VERSION: Final = "2026-08"
"""Of this table; moves with every change to it, and stands in whatever is exported by it."""

OURS: Final = "†"

_CIS: Final = "CIS AWS Foundations"


def _cis(v3: str, v5: str, v6: str, v7: str, *, v14: str | None = None) -> Iterator[Citation]:
    """CIS 1.4, 3.0, 5.0, 6.0, 7.0; 1.4's numbers are 3.0's unless they differ."""
    numbers = {"1.4": v3 if v14 is None else v14, "3.0": v3, "5.0": v5, "6.0": v6, "7.0": v7}
    for version, ids in numbers.items():
        yield from _ids(_CIS, version, ids)


def _ids(framework: str, version: str, ids: str) -> Iterator[Citation]:
    """Ids apart by spaces."""
    for each in ids.split():
        yield Citation(
            framework=framework,
            version=version,
            id=each.removesuffix(OURS),
            cited_by=CitedBy.OURS if each.endswith(OURS) else CitedBy.PUBLISHED,
        )


def _row(
    cis: Iterable[Citation] = (),
    *,
    hub: str = "",
    hipaa: str,
    nist: str,
    pci: str,
    soc: str,
    iso: str,
) -> tuple[Citation, ...]:
    return tuple(
        chain(
            cis,
            _ids("AWS Security Hub", "", hub),
            _ids("HIPAA", "", hipaa),
            _ids("NIST 800-53", "r5", nist),
            _ids("PCI DSS", "4.0.1", pci),
            _ids("SOC 2", "", soc),
            _ids("ISO 27001", "2022", iso),
        )
    )


_UNUSED_CREDENTIALS: Final = _row(
    _cis("1.12", "1.11", "2.11", "2.11"),
    hub="IAM.8 IAM.22",
    hipaa="164.308(a)(3)(ii)(B) 164.308(a)(3)(ii)(C)† 164.308(a)(4)(ii)(C) 164.308(a)(5)(ii)(D)",
    nist="AC-2 AC-2(1) AC-2(3) AC-3(7) AC-3(15) AC-6",
    pci="8.2.6 7.2.4 7.2.5.1",
    soc="CC1.3 CC6.2† CC6.3†",
    iso="A.5.15 A.5.18†",
)

_TOO_MUCH_POWER: Final = _row(
    _cis("1.16", "1.15", "2.15", "2.14"),
    hub="IAM.1 IAM.21",
    hipaa=(
        "164.308(a)(1)(ii)(B) 164.308(a)(3)(i) 164.308(a)(3)(ii)(B) 164.308(a)(4)(i) "
        "164.308(a)(4)(ii)(B) 164.308(a)(4)(ii)(C) 164.312(a)(1)"
    ),
    nist="AC-2 AC-2(1) AC-3(7) AC-3(15) AC-5 AC-6 AC-6(2) AC-6(3) AC-6(10)",
    pci="7.2.1† 7.2.2†",
    soc="CC6.3",
    iso="A.5.18 A.8.2",
)

_ROLE_WITHOUT_MFA: Final = _row(
    hipaa="164.312(a)(1)† 164.312(a)(2)(ii)†",
    nist="AC-6(1)† AC-6(2)† AC-6(5)† AC-6(9)† IA-2(1)†",
    pci="7.2.2† 8.4.1†",
    soc="CC6.3†",
    iso="A.8.2†",
)

_STRANGERS: Final = _row(
    hipaa="164.308(a)(4)(ii)(C)† 164.312(a)(1)†",
    nist="AC-3† AC-6(7)†",
    pci="7.2.4†",
    soc="CC6.1† CC6.3†",
    iso="A.8.3†",
)

_EXTERNAL_ANALYZER: Final = _row(
    _cis("1.20", "1.19", "2.19", "2.18"),
    hub="IAM.28",
    hipaa="164.308(a)(4)(ii)(C)† 164.308(a)(8)†",
    nist="AC-3† AC-6(7)† CA-7†",
    pci="7.2.4†",
    soc="CC6.1† CC6.3†",
    iso="A.8.3",
)

_UNUSED_ACCESS: Final = _row(
    hub="IAM.22",
    hipaa="164.308(a)(4)(ii)(C)",
    nist="AC-2(3) AC-6(7)†",
    pci="7.2.4 7.2.5.1",
    soc="CC6.3†",
    iso="A.5.18†",
)

_PROVISIONING: Final = _row(
    hipaa="164.308(a)(3)(ii)(A)† 164.308(a)(4)(ii)(B)†",
    nist="AC-2† IA-4† IA-5†",
    pci="8.2.1† 8.2.4†",
    soc="CC6.2†",
    iso="A.5.16†",
)

_OTHER_CREDENTIALS: Final = _row(
    hipaa="164.308(a)(5)(ii)(D)†",
    nist="AC-2(3)† IA-5†",
    pci="8.3.9† 8.6.3†",
    soc="CC6.1†",
    iso="A.5.17†",
)

MAPPING: Final[Mapping[AnyControlId, tuple[Citation, ...]]] = {
    ControlId.ACCESS_KEY_ROTATION: _row(
        _cis("1.14", "1.13", "2.13", "2.12"),
        hub="IAM.3",
        hipaa="164.308(a)(3)(ii)(C) 164.308(a)(4)(ii)(C) 164.308(a)(5)(ii)(D)",
        nist="AC-2(1) AC-2(3) AC-3(15) IA-5(1)†",
        pci="8.3.9 8.6.3",
        soc="CC6.1†",
        iso="A.5.15 A.5.17†",
    ),
    ControlId.ACCESS_KEY_STALE: _UNUSED_CREDENTIALS,
    ControlId.PASSWORD_AGE: _row(
        _ids(_CIS, "1.2", "1.11"),
        hub="IAM.10 IAM.17",
        hipaa="164.308(a)(5)(ii)(D)†",
        nist="IA-5(1)",
        pci="8.3.9†",
        soc="CC6.1†",
        iso="A.5.17†",
    ),
    ControlId.CONSOLE_MFA: _row(
        _cis("1.10", "1.9", "2.9", "2.10"),
        hub="IAM.5 IAM.19",
        hipaa="164.308(a)(3)(ii)(A) 164.312(a)(1) 164.312(d)",
        nist="AC-2(1) AC-3(15) IA-2(1) IA-2(2) IA-2(6) IA-2(8)",
        pci="8.4.1 8.4.2 8.4.3",
        soc="CC6.1†",
        iso="A.5.15 A.5.17 A.8.5",
    ),
    ControlId.USER_INACTIVE: _UNUSED_CREDENTIALS,
    ControlId.INLINE_POLICIES: _row(
        _cis("1.15", "1.14", "2.14", "2.13"),
        hub="IAM.2",
        hipaa="164.308(a)(4)(ii)(B) 164.308(a)(4)(ii)(C)",
        nist="AC-2(1) AC-3 AC-3(7) AC-3(15) AC-6 AC-6(3)",
        pci="7.2.1 7.2.2 7.2.5 7.3.1 7.3.2 7.3.3",
        soc="CC1.3 CC6.3",
        iso="A.5.15 A.5.18",
    ),
    PostureId.ROOT_USE: _row(
        _cis("1.7 4.3", "1.6 4.3", "2.6 5.3", "2.7 5.3"),
        hub="IAM.20 CloudWatch.1",
        hipaa="164.308(a)(6)(i) 164.308(a)(6)(ii)",
        nist="AC-6(9)† AU-6† SI-4†",
        pci="10.2.1.2†",
        soc="CC7.2†",
        iso="A.8.2† A.8.15 A.8.16",
    ),
    PostureId.ROOT_ACCESS_KEY: _row(
        _cis("1.4", "1.3", "2.3", "2.4"),
        hub="IAM.4",
        hipaa="164.308(a)(1)(ii)(B) 164.308(a)(3)(i) 164.308(a)(4)(ii)(C) 164.312(a)(2)(i)",
        nist="AC-2(1) AC-3(7) AC-3(15) AC-6 AC-6(2) AC-6(10)",
        pci="7.2.1 8.2.1 8.2.2",
        soc="CC6.1†",
        iso="A.5.15 A.8.2†",
    ),
    PostureId.ROOT_MFA: _row(
        _cis("1.5", "1.4", "2.4", "2.5"),
        hub="IAM.9",
        hipaa="164.308(a)(3)(ii)(A) 164.312(d)",
        nist="AC-2(1) AC-3(15) IA-2(1) IA-2(2) IA-2(6) IA-2(8)",
        pci="8.4.1 8.4.2 8.4.3",
        soc="CC6.1†",
        iso="A.5.17 A.8.5",
    ),
    PostureId.PASSWORD_POLICY: _row(
        _cis("1.8 1.9", "1.7 1.8", "2.7 2.8", "2.8 2.9"),
        hub="IAM.15 IAM.16",  # length and reuse: not the classes of characters, nor an expiry
        hipaa="164.308(a)(5)(ii)(D) 164.312(d)",
        nist="IA-5(1) AC-2(3)",
        pci="8.3.6† 8.3.7†",
        soc="CC6.1†",
        iso="A.5.17†",
    ),
    PostureId.ADMINISTRATOR_ACCESS: _TOO_MUCH_POWER,
    PostureId.WILDCARD_POLICIES: _TOO_MUCH_POWER,
    PostureId.PRIVILEGE_ESCALATION: _row(
        hipaa="164.308(a)(4)(ii)(B)† 164.308(a)(4)(ii)(C)† 164.312(a)(1)†",
        nist="AC-5† AC-6† AC-6(10)†",
        pci="7.2.1† 7.2.2†",
        soc="CC6.3†",
        iso="A.5.18† A.8.2†",
    ),
    PostureId.TRUST_WITHOUT_MFA: _ROLE_WITHOUT_MFA,
    PostureId.TRUST_WITHOUT_EXTERNAL_ID: _STRANGERS,
    PostureId.TRUST_TOO_WIDE: _STRANGERS,
    PostureId.UNUSED_ROLES: _UNUSED_ACCESS,
    PostureId.UNUSED_ACCESS: _UNUSED_ACCESS,
    PostureId.EXTERNAL_ACCESS: _EXTERNAL_ANALYZER,
    PostureId.OUTSIDE_ROLE_GROUPS: _PROVISIONING,
    PostureId.DOUBLE_MEMBERSHIP: _PROVISIONING,
    PostureId.MISSING_TAGS: (
        *_ids("AWS Security Hub", "", "IAM.25"),
        *_PROVISIONING,
    ),
    PostureId.SERVER_CERTIFICATES: _row(
        _cis("1.19", "1.18", "2.18", "2.17"),
        hub="IAM.26",
        hipaa="164.312(e)(1)†",
        nist="IA-5(2)† SC-12†",
        pci="4.2.1†",
        soc="CC6.1†",
        iso="A.8.24†",
    ),
    PostureId.SSH_KEYS: _OTHER_CREDENTIALS,
    PostureId.SERVICE_CREDENTIALS: _OTHER_CREDENTIALS,
    PostureId.CLOUDTRAIL_ON: _row(
        _cis("3.1", "3.1", "4.1", "4.1"),
        hub="CloudTrail.1",
        hipaa="164.308(a)(1)(ii)(D) 164.308(a)(6)(ii) 164.312(b)",
        nist="AU-2 AU-3 AU-6(3) AU-12",
        pci="10.2.1",
        soc="CC2.1 CC7.2 CC7.3†",
        iso="A.8.15†",
    ),
    PostureId.CONFIG_ON: _row(
        _cis("3.3", "3.3", "4.3", "4.3", v14="3.5"),
        hub="Config.1",
        hipaa="164.308(a)(1)(ii)(A) 164.308(a)(8)†",
        nist="CM-3 CM-6† CM-8",
        pci="2.2† 11.5.2†",
        soc="CC7.1† CC8.1",
        iso="A.8.9† A.5.16",
    ),
    PostureId.GUARDDUTY_ON: _row(
        hub="GuardDuty.1",
        hipaa=(
            "164.308(a)(1)(ii)(A) 164.308(a)(1)(ii)(D) 164.308(a)(5)(ii)(C) "
            "164.308(a)(6)(i) 164.308(a)(6)(ii) 164.308(a)(8)"
        ),
        nist="SI-4 AC-2(12) IR-4†",
        pci="10.4† 11.5.1",
        soc="CC6.8 CC7.1 CC7.2 CC7.3 CC7.4",
        iso="A.8.16† A.5.25",
    ),
    PostureId.ACCESS_ANALYZER_ON: _EXTERNAL_ANALYZER,
}
"""Every control; in the order in which people read frameworks."""


def frameworks() -> tuple[str, ...]:
    """The titles of all frameworks, `CIS AWS Foundations 5.0` … , each once, oldest CIS first."""
    found = {citation.title: citation for row in MAPPING.values() for citation in row}
    cis = sorted((c for c in found.values() if c.framework == _CIS), key=lambda c: c.version)
    others = [title for title, c in found.items() if c.framework != _CIS]
    return (*(each.title for each in cis), *others)


def requirements(title: str) -> dict[str, tuple[AnyControlId, ...]]:
    """The ids of one framework, in its own order, with the controls that support each."""
    found: dict[str, list[AnyControlId]] = {}
    for control, row in MAPPING.items():
        for citation in row:
            if citation.title == title:
                found.setdefault(citation.id, []).append(control)
    return {id_: tuple(found[id_]) for id_ in sorted(found, key=_in_order)}


def cited(control: AnyControlId) -> dict[str, tuple[str, ...]]:
    """Framework titles with the ids that one control supports; † behind our own judgements."""
    found: dict[str, list[str]] = {}
    for citation in MAPPING[control]:
        dagger = OURS if citation.cited_by is CitedBy.OURS else ""
        found.setdefault(citation.title, []).append(f"{citation.id}{dagger}")
    return {title: tuple(ids) for title, ids in found.items()}


def _in_order(id_: str) -> tuple[tuple[int, str], ...]:
    """`1.9` before `1.10`, `AC-2(3)` before `AC-2(12)`: numbers count as numbers."""
    parts = "".join(c if c.isalnum() else " " for c in id_).split()
    return tuple((int(p), "") if p.isdecimal() else (-1, p) for p in parts)
