"""Whether a bill of materials names each library of a lock, with version and hashes, and no other.

    python -m tests.packaging.bill_of_materials dist/sbom.cdx.json requirements-run.lock

1 and a line for each that is not so.  `make sbom` ends with it; standard library only.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Libraries = Mapping[str, tuple[str, frozenset[str]]]
"""Name → version, and the SHA-256 of each of its archives."""
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def locked(text: str) -> Libraries:
    """Of a lock with hashes. ValueError for a line that pins nothing."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pin = _PIN.match(line)
        if pin is None:
            raise ValueError(f"pins nothing: {line[:60]}")
        found[_name(pin[1])] = (pin[2], frozenset(_HASH.findall(line)))
    return found


def billed(document: Mapping[str, Any]) -> Libraries:
    """Of a bill in CycloneDX' JSON."""
    return {
        _name(each["name"]): (
            each["version"],
            frozenset(
                told["content"]
                for place in each.get("externalReferences", ())
                for told in place.get("hashes", ())
                if told["alg"] == "SHA-256"
            ),
        )
        for each in document["components"]
    }


def differences(bill: Libraries, lock: Libraries) -> Iterator[str]:
    """What one has and the other has not, in words."""
    for name in sorted(bill.keys() | lock.keys()):
        ours, theirs = bill.get(name), lock.get(name)
        if ours is None:
            yield f"{name}: in the lock, not in the bill"
        elif theirs is None:
            yield f"{name}: in the bill, not in the lock"
        elif ours[0] != theirs[0]:
            yield f"{name}: the bill says {ours[0]}, the lock {theirs[0]}"
        elif ours[1] != theirs[1]:
            yield f"{name}: its hashes differ"


def _name(said: str) -> str:
    """As PyPI compares names."""
    return re.sub(r"[-_.]+", "-", said).lower()


def main(bill: str, lock: str) -> int:
    """0 if they name the same."""
    known = locked(Path(lock).read_text(encoding="utf-8"))
    found = list(differences(billed(json.loads(Path(bill).read_text(encoding="utf-8"))), known))
    for line in found:
        print(f"{bill}: {line}")
    if not found:
        print(f"{bill}: the {len(known)} libraries of {lock}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
