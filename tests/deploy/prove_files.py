"""Shell scripts, units, Dockerfile, manifests and the action, each by the linter of its kind."""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path

import pytest
from tests.deploy.machine import DEPLOY, PACKAGE, ROOT, run, tool

EXPOSURE = 15
"""systemd's own score of the service times ten: 0 is locked up, 100 is open."""
SCRIPTS = sorted([*DEPLOY.rglob("*.sh"), Path(__file__).parent / "install.sh"])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path):
    run("shellcheck", "--severity=style", script)


def test_hadolint_finds_nothing():
    run(tool("hadolint"), "--failure-threshold", "style", DEPLOY / "container/Dockerfile")


def test_the_manifests_are_what_kubernetes_takes(tmp_path: Path):
    manifest = DEPLOY / "container/cronjob.yaml"
    run(tool("kubernetes-validate"), "--strict", manifest)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(manifest.read_text().replace("concurrencyPolicy: Forbid", "concurrency: No"))
    run(tool("kubernetes-validate"), "--strict", wrong, code=1)
    for needed in (
        "concurrencyPolicy: Forbid",
        "readOnlyRootFilesystem: true",
        "runAsNonRoot: true",
        "allowPrivilegeEscalation: false",
        "backoffLimit: 0",
        "pod-security.kubernetes.io/enforce: restricted",
    ):
        assert needed in manifest.read_text()


def test_the_action_is_what_github_takes():
    action = DEPLOY / "github-action/action.yml"
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.github-actions", action)
    run(tool("zizmor"), "--offline", "--no-progress", "--persona", "pedantic", action)


def test_the_workflows_are_what_github_takes(tmp_path: Path):
    workflows = sorted((ROOT / ".github/workflows").iterdir())
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *workflows)
    judge = (tool("zizmor"), "--offline", "--no-progress", "--config", ROOT / ".github/zizmor.yml")
    run(*judge, *workflows)
    foreign = tmp_path / "foreign.yml"
    foreign.write_text(workflows[0].read_text().replace("actions/checkout", "others/checkout"))
    assert "unpinned-uses" in run(*judge, foreign, code=None)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """A root with systemd's own units, ours, and the program that ours starts."""
    system = tmp_path / "usr/lib/systemd/system"
    shutil.copytree("/lib/systemd/system", system, symlinks=True)
    ours = tmp_path / "etc/systemd/system"
    ours.mkdir(parents=True)
    for unit in (DEPLOY / "systemd").iterdir():
        shutil.copy(unit, ours)
    program = tmp_path / "opt/keyreeve/venv/bin/keyreeve"
    program.parent.mkdir(parents=True)
    shutil.copy("/bin/true", program)
    return tmp_path


def test_systemd_verifies_the_units(units: Path):
    verify = ("systemd-analyze", "verify", f"--root={units}")
    assert run(*verify, "keyreeve.service", "keyreeve.timer") == ""
    service = units / "etc/systemd/system/keyreeve.service"
    service.write_text(service.read_text().replace("Type=oneshot", "Type=never\nProtectAll=yes"))
    said = run(*verify, "keyreeve.service", code=None)
    assert "Failed to parse service type" in said
    assert "Unknown key" in said


def test_systemd_thinks_little_of_the_services_exposure():
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager",
               f"--threshold={EXPOSURE}", DEPLOY / "systemd/keyreeve.service")  # fmt: skip
    (score,) = re.findall(r"Overall exposure level for keyreeve\.service: ([0-9.]+)", said)
    assert float(score) * 10 <= EXPOSURE


def test_the_timer_names_a_time_that_systemd_understands():
    (when,) = re.findall(
        r"^OnCalendar=(.*)$", (DEPLOY / "systemd/keyreeve.timer").read_text(), re.MULTILINE
    )
    said = run("systemd-analyze", "calendar", "--iterations=2", when)
    assert len(re.findall(r"06:00:00 UTC", said)) >= 2


def test_the_package_holds_all_that_a_machine_needs_and_nothing_of_this_one():
    with tarfile.open(PACKAGE.with_name(f"{PACKAGE.name}.tar.gz")) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
        assert {(info.uid, info.mtime) for info in packed} == {(0, 0)}
        modes = {info.name.partition("/")[2]: info.mode for info in packed}
    needed = {"requirements-run.lock", "deployment.md", "deploy/cron/run.sh", "LICENSE"}
    assert needed < names
    assert [name for name in names if name.endswith(".whl")]
    assert modes["deploy/cron/run.sh"] & 0o111 == 0o111
