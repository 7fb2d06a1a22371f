"""The Jenkinsfile, parsed by Groovy and run against stubs of Jenkins's steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.machine import DEPLOY, run

HERE = Path(__file__).parent
JENKINSFILE = DEPLOY / "jenkins/Jenkinsfile"
SECRETS = {
    "keyreeve-heartbeat-url": "https://hc-ping.com/canary",
    "keyreeve-smtp-password": "pw-canary",
}
RESULTS = {0: "SUCCESS", 1: "UNSTABLE", 2: "FAILURE", 4: "FAILURE", 5: "FAILURE", 6: "FAILURE",
           130: "ABORTED", 137: "FAILURE"}  # fmt: skip
ACTS = {"DRY_RUN": False, "FAIL_ON_FINDINGS": False, "ACCEPT_BLAST_RADIUS": ""}


def scenario(name: str, **given: Any) -> dict[str, Any]:
    return {"name": name, "env": {}, "params": ACTS, "secrets": SECRETS, "codes": {}} | given


def scenarios() -> list[dict[str, Any]]:
    both = " ".join(SECRETS)
    return [
        scenario("first build", params={}),
        scenario("dry", params={**ACTS, "DRY_RUN": True}),
        scenario("by the timer", env={"KEYREEVE_SECRETS": both, "KEYREEVE_SCHEDULE": "H 5 * * *"}),
        scenario("unknown secret", env={"KEYREEVE_SECRETS": "nobody-s"}),
        scenario("accepted", params={**ACTS, "ACCEPT_BLAST_RADIUS": "12"}),
        scenario("injected", params={**ACTS, "ACCEPT_BLAST_RADIUS": "1; id"}),
        scenario("findings", params={**ACTS, "FAIL_ON_FINDINGS": True}, codes={" check ": 3}),
        scenario("not installed", codes={"pip install": 1}),
        scenario("report in part", codes={"--format junit": 1}),
        *(scenario(f"exit {code}", codes={" run --execute": code}) for code in RESULTS),
    ]


def played(folder: Path, given: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    file = folder / "scenarios.json"
    file.write_text(json.dumps(given))
    java = Path("/usr/bin/java").resolve().parents[1]
    env = {"PATH": "/usr/bin:/bin", "JAVA_HOME": str(java)}
    said = run("groovy", HERE / "Jenkins.groovy", JENKINSFILE, file, env=env)
    return {each["name"]: each for each in json.loads(said)}


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return played(tmp_path_factory.mktemp("jenkins"), scenarios())


def scripts(build: dict[str, Any]) -> list[str]:
    return [step["given"]["script"] for step in build["steps"] if step["step"] == "sh"]


def of(build: dict[str, Any], step: str) -> list[Any]:
    return [each["given"] for each in build["steps"] if each["step"] == step]


def executes(build: dict[str, Any]) -> bool:
    return any("--execute" in script for script in scripts(build))


def test_a_jobs_first_build_rehearses_and_the_timer_acts_from_then_on(builds):
    assert not executes(builds["first build"])
    assert not executes(builds["dry"])
    assert executes(builds["by the timer"])
    (settings,) = of(builds["first build"], "properties")
    (parameters,) = [each["all"] for each in settings if each["kind"] == "parameters"]
    (dry,) = [each for each in parameters if each["name"] == "DRY_RUN"]
    assert dry["defaultValue"] is False, "the timer starts builds with the defaults"
    assert "Rehearsal" in of(builds["dry"], "stage")


def test_the_job_has_a_cron_of_its_own_and_no_two_builds_at_once(builds):
    for name, spec in (("by the timer", "H 5 * * *"), ("dry", "TZ=Etc/UTC\nH(0-20) 6 * * *")):
        (settings,) = of(builds[name], "properties")
        kinds = {each["kind"]: each for each in settings}
        assert kinds["pipelineTriggers"]["all"] == [{"kind": "cron", "spec": spec}]
        assert {"disableConcurrentBuilds", "buildDiscarder"} <= set(kinds)


@pytest.mark.parametrize(("code", "result"), RESULTS.items())
def test_exit_codes_become_results(builds, code: int, result: str):
    assert builds[f"exit {code}"]["result"] == result


def test_open_findings_and_a_report_in_part_make_a_build_unstable(builds):
    assert builds["findings"]["result"] == "UNSTABLE"
    assert builds["report in part"]["result"] == "UNSTABLE"
    assert builds["not installed"]["result"] == "FAILURE"


def test_whatever_happened_is_archived_and_findings_shown_as_results(builds):
    for name, build in builds.items():
        if name == "not installed":
            continue
        (kept,) = of(build, "archiveArtifacts")
        assert kept["artifacts"] == "reports/**", name
        (shown,) = of(build, "junit")
        assert (shown["testResults"], shown["skipMarkingBuildUnstable"]) == (
            "reports/findings.xml",
            True,
        )


def test_a_refused_run_still_shows_what_stands(builds):
    assert any("--format junit" in script for script in scripts(builds["exit 4"]))
    assert not any("--format junit" in script for script in scripts(builds["exit 6"]))


def test_secrets_come_from_jenkins_store_and_stand_in_no_script(builds):
    build = builds["by the timer"]
    (bound,) = of(build, "withCredentials")
    assert [(each["credentialsId"], each["variable"]) for each in bound] == [
        ("keyreeve-heartbeat-url", "KEYREEVE_HEARTBEAT_URL"),
        ("keyreeve-smtp-password", "KEYREEVE_SMTP_PASSWORD"),
    ]
    inside = [step for step in build["steps"] if "withCredentials" in step["within"]]
    assert any(
        " run --execute" in step["given"]["script"] for step in inside if step["step"] == "sh"
    )
    assert "canary" not in json.dumps(build["steps"])
    assert builds["unknown secret"]["result"] == "FAILURE"


def test_only_a_number_gets_into_a_command_line(builds):
    assert any(" --accept-blast-radius 12" in script for script in scripts(builds["accepted"]))
    assert builds["injected"]["result"] == "FAILURE"
    assert not any("id" in script.split() for script in scripts(builds["injected"]))


def test_dependencies_are_installed_by_their_hashes(builds):
    (install,) = [script for script in scripts(builds["dry"]) if "pip install" in script]
    assert "--require-hashes --no-deps -r requirements-run.lock" in install
    assert "--no-index --no-deps keyreeve-*.whl" in install
