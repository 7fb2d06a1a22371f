"""What installs itself from the lock file, really run: Jenkins's shell steps, the action's."""

from __future__ import annotations

from pathlib import Path

from tests.deploy.machine import (
    CONFIG,
    DEPLOY,
    PACKAGE,
    ROOT,
    account_of_today,
    plain_environment,
    run,
)
from tests.deploy.prove_jenkins import ACTS, of, played, scenario


def test_its_shell_steps_really_run(tmp_path: Path):
    """A workspace like a job's: the deployment package and a config.yaml."""
    workspace = tmp_path / "workspace"
    run("cp", "-r", PACKAGE, workspace)
    (workspace / "config.yaml").write_text(CONFIG)
    with account_of_today() as sandbox:
        home = {"HOME": str(tmp_path)}
        env = plain_environment(sandbox, **home)
        first = scenario("first", params={}, env=env, workspace=str(workspace))
        acts = scenario("acts", env=env, workspace=str(workspace))
        findings = scenario(
            "findings", params={**ACTS, "DRY_RUN": True, "FAIL_ON_FINDINGS": True}, env=env,
            workspace=str(workspace),
        )  # fmt: skip
        made = played(tmp_path, [first, acts, findings])
        assert len(sandbox.mails()) > 0
    results = {name: build["result"] for name, build in made.items()}
    assert results == {"first": "SUCCESS", "acts": "SUCCESS", "findings": "UNSTABLE"}, made
    reports = {path.name for path in (workspace / "reports").iterdir()}
    assert reports == {"run.txt", "check.txt", "findings.xml", "report.html"}
    said = "\n".join(of(made["first"], "said"))
    assert "Rehearsed only" in said
    assert "Rehearsed only" not in "\n".join(of(made["acts"], "said"))


def test_the_action_installs_itself_by_hashes_and_runs_from_its_own_checkout(tmp_path: Path):
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_ACTION_PATH": str(DEPLOY / "github-action"),
        "PYTHON": "python3",
    }
    assert "keyreeve, version" in run(DEPLOY / "github-action/install.sh", env=env)
    python = tmp_path / "keyreeve-venv/bin/python"
    where = run(python, "-c", "import keyreeve; print(keyreeve.__file__)", cwd=tmp_path, env=env)
    assert where.strip() == str(ROOT / "src/keyreeve/__init__.py")
