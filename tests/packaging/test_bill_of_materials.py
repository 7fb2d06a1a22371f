"""What `make sbom` looks for in its bill is found where it is planted."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from tests.packaging.bill_of_materials import billed, differences, locked, main

LOCK = Path(__file__).parents[2] / "requirements-run.lock"


def bill() -> dict[str, Any]:
    """Of the lock as it stands, in the form in which cyclonedx-py writes it."""
    return {
        "components": [
            {
                "name": name,
                "version": version,
                "externalReferences": [
                    {
                        "type": "distribution",
                        "url": f"https://pypi.org/simple/{name}/",
                        "hashes": [{"alg": "SHA-256", "content": it} for it in sorted(hashes)],
                    }
                ],
            }
            for name, (version, hashes) in locked(LOCK.read_text(encoding="utf-8")).items()
        ]
    }


def told(document: dict[str, Any]) -> list[str]:
    return list(differences(billed(document), locked(LOCK.read_text(encoding="utf-8"))))


def test_a_bill_that_names_what_the_lock_names_passes(tmp_path: Path, capsys: Any):
    made = tmp_path / "sbom.json"
    made.write_text(json.dumps(bill()))
    assert main(str(made), str(LOCK)) == 0
    assert f"the {len(bill()['components'])} libraries of" in capsys.readouterr().out


def test_every_library_of_the_lock_is_looked_for_with_hashes():
    lock = locked(LOCK.read_text(encoding="utf-8"))
    assert "boto3" in lock
    assert all(hashes for _, hashes in lock.values())
    assert len(lock) == LOCK.read_text(encoding="utf-8").count("==")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.pop(0), "annotated-types: in the lock, not in the bill"),
        (
            lambda rows: rows.append({"name": "Left_Pad", "version": "1"}),
            "left-pad: in the bill, not in the lock",
        ),
        (lambda rows: rows[0].update(version="0"), "annotated-types: the bill says 0, the lock "),
        (
            lambda rows: rows[0].update(externalReferences=[]),
            "annotated-types: its hashes differ",
        ),
    ],
    ids=["lacking", "more", "another version", "without hashes"],
)
def test_a_bill_that_differs_from_the_lock_fails(change: Any, said: str, tmp_path: Path):
    changed = copy.deepcopy(bill())
    change(changed["components"])
    [line] = told(changed)
    assert line.startswith(said)
    made = tmp_path / "sbom.json"
    made.write_text(json.dumps(changed))
    assert main(str(made), str(LOCK)) == 1


def test_a_line_of_the_lock_that_pins_nothing_is_no_lock():
    with pytest.raises(ValueError, match="pins nothing"):
        locked("boto3>=1\n")
