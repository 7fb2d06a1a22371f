"""What a user installs is pinned, hashed, known by licence, and the same as what is tested."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = (
    "requirements.lock",
    "requirements-run.lock",
    "requirements-supply.lock",
    "requirements-docs.lock",
    "requirements-scan.lock",
    "tests/deploy/requirements.lock",
)
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)(\[[a-z,]+\])?==(?P<version>[^ ;]+)", re.MULTILINE)

LICENCES = {
    "annotated-types": "MIT",
    "apprise": "BSD-2-Clause",
    "boto3": "Apache-2.0",
    "botocore": "Apache-2.0",
    "certifi": "MPL-2.0",
    "charset-normalizer": "MIT",
    "click": "BSD-3-Clause",
    "css-inline": "MIT",
    "holidays": "MIT",
    "idna": "BSD-3-Clause",
    "jinja2": "BSD",
    "jmespath": "MIT",
    "markdown": "BSD-3-Clause",
    "markdown-it-py": "MIT",
    "markupsafe": "BSD-3-Clause",
    "mdurl": "MIT",
    "oauthlib": "BSD-3-Clause",
    "pydantic": "MIT",
    "pydantic-core": "MIT",
    "pygments": "BSD-2-Clause",
    "python-dateutil": "Apache, BSD",
    "pyyaml": "MIT",
    "requests": "Apache-2.0",
    "requests-oauthlib": "ISC",
    "rich": "MIT",
    "ruamel-yaml": "MIT",
    "s3transfer": "Apache-2.0",
    "six": "MIT",
    "typing-extensions": "PSF-2.0",
    "typing-inspection": "MIT",
    "tzdata": "Apache-2.0",
    "urllib3": "MIT",
}
"""Every library that a user installs: whoever adds one, looks at its licence."""


def pins(lock: str) -> dict[str, str]:
    return {m["name"]: m["version"] for m in PIN.finditer((ROOT / lock).read_text())}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_place_to_fetch_it_from(lock: str):
    text = (ROOT / lock).read_text()
    for block in re.split(r"\n(?=[a-z])", text.strip()):
        assert "--hash=sha256:" in block, block
    assert "://" not in text
    assert "find-links" not in text
    assert "index-url" not in text


def test_no_lock_is_passed_over():
    written = {
        lock
        for folder in (".ci", ".github", "benchmarks", "deploy", "docs", "tests")
        for lock in (ROOT / folder).rglob("*.lock")
    }
    written |= {*ROOT.glob("*.lock")}
    assert {str(path.relative_to(ROOT)) for path in written} == set(LOCKS)


def test_what_is_shipped_is_what_is_tested():
    tested = pins("requirements.lock")
    assert {n: v for n, v in pins("requirements-run.lock").items() if tested.get(n) != v} == {}


def test_every_library_that_a_user_installs_has_a_known_licence():
    assert set(LICENCES) == set(pins("requirements-run.lock"))


@pytest.mark.parametrize("name", sorted(LICENCES))
def test_the_licence_is_still_the_one_that_was_looked_at(name: str):
    told = distribution(name).metadata
    said = " ".join(
        [
            told.get("License-Expression") or "",
            told.get("License") or "",
            *(c for c in told.get_all("Classifier") or () if c.startswith("License")),
        ]
    )
    for part in LICENCES[name].split(", "):
        assert part.split("-", 1)[0].lower() in said.lower(), said
