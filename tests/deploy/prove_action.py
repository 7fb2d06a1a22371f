"""The GitHub action, its steps run in their order in a repository with a pull request."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.deploy.machine import CONFIG, DEPLOY, ROOT, account_of_today, plain_environment, run

from keyreeve.sandbox.process import Sandbox

ACTION = DEPLOY / "github-action"
HOSTILE = "x`````y @everyone </details>"
GH = """\
#!/usr/bin/env python3
# `gh api` as far as the action uses it; comments live in a file, and jq is jq.
import json, os, subprocess, sys
arguments, file = sys.argv[2:], os.environ["GH_COMMENTS"]
comments = json.load(open(file))
assert os.environ["GH_TOKEN"] == "t0ken"
given = dict(zip(arguments, arguments[1:]))
path = next(it for it in arguments if it.startswith("repos/"))
if "--jq" in given:
    assert path == "repos/acme/ops/issues/7/comments"
    subprocess.run(["jq", "-r", given["--jq"]], input=json.dumps(comments), text=True, check=True)
    sys.exit(0)
name, _, source = given["--field"].partition("=@")
body = open(source).read()
if given["--method"] == "PATCH":
    (mine,) = [it for it in comments if path.endswith(f"/issues/comments/{it['id']}")]
    mine[name] = body
else:
    comments.append({"id": 100 + len(comments), name: body, "user": {"type": "Bot"}})
json.dump(comments, open(file, "w"))
"""


class PullRequest:
    """A repository of a team, its base and a change of config.yaml."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.repository, self.temp = folder / "ops", folder / "temp"
        self.comments = folder / "comments.json"
        for made in (self.repository, self.temp, folder / "bin"):
            made.mkdir()
        gh = folder / "bin/gh"
        gh.write_text(GH)
        gh.chmod(0o755)
        stranger = {"id": 1, "body": "<!-- keyreeve-plan config.yaml -->", "user": {"type": "User"}}
        self.comments.write_text(json.dumps([stranger]))
        self.git("init", "-q", "-b", "main")
        self.commit(CONFIG)
        self.base = self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        return run("git", *who, *arguments, cwd=self.repository)

    def commit(self, config: str) -> None:
        (self.repository / "config.yaml").write_text(config)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a change")

    def play(self) -> tuple[bool, str]:
        """Whether every step passed, and our comment."""
        action = YAML(typ="safe").load((ACTION / "action.yml").read_text())
        outputs, passed = self.temp / "outputs", True
        outputs.write_text("")
        environment = plain_environment(
            self.sandbox,
            GITHUB_ACTION_PATH=str(ACTION),
            GITHUB_REPOSITORY="acme/ops",
            GITHUB_OUTPUT=str(outputs),
            RUNNER_TEMP=str(self.temp),
            GH_COMMENTS=str(self.comments),
            HOME=str(self.folder),
        )
        environment["PATH"] = f"{self.folder}/bin:{environment['PATH']}"
        for step in action["runs"]["steps"]:
            if "install.sh" in step["run"]:
                self.install()
                continue
            known = {
                **{f"inputs.{name}": it["default"] for name, it in action["inputs"].items()},
                "inputs.token": "t0ken",
                "github.event.pull_request.base.sha": self.base,
                "github.event.pull_request.number": "7",
                **{
                    f"steps.plan.outputs.{name}": value
                    for name, _, value in (
                        line.partition("=") for line in outputs.read_text().splitlines()
                    )
                },
            }
            more = {name: filled(value, known) for name, value in step.get("env", {}).items()}
            script = self.temp / "step.sh"
            script.write_text(step["run"])
            done = subprocess.run(
                ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                env=environment | more,
                cwd=self.repository,
                check=False,
            )
            if done.returncode != 0:
                passed = False
                break
        mine = [it["body"] for it in json.loads(self.comments.read_text()) if it["id"] >= 100]
        assert len(mine) <= 1, "one comment a pull request"
        return passed, mine[0] if mine else ""

    def install(self) -> None:
        """As install.sh leaves it; that script itself is run where there is a network."""
        link = self.temp / "keyreeve-venv/bin/python"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.write_text(f'#!/bin/sh\nexec "{ROOT}/.venv/bin/python" "$@"\n')
        link.chmod(0o755)


def filled(text: str, known: dict[str, str]) -> str:
    """`${{ … }}` as GitHub fills it in; a name that it does not know is a mistake of ours."""
    return re.sub(r"\$\{\{ *([^} ]+) *\}\}", lambda found: known[found[1]], str(text))


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    with account_of_today() as sandbox:
        yield sandbox


@pytest.fixture
def change(tmp_path: Path, account: Sandbox) -> PullRequest:
    return PullRequest(tmp_path, account)


def test_a_change_is_commented_once_and_its_comment_kept_up_to_date(change: PullRequest):
    change.commit(CONFIG + 'exclusions: [{user: "aged.key", reason: emergency}]\n')
    passed, said = change.play()
    assert passed
    assert said.startswith("<!-- keyreeve-plan config.yaml -->\n### What `config.yaml`")
    assert re.search(r"^- .*aged\.key .*notification", said, re.MULTILINE), said
    assert "Exit code 0, 14 days ahead" in said
    change.commit(CONFIG)
    passed, said = change.play()
    assert passed
    assert "The plan is the same." in said
    assert change.git("worktree", "list").count("\n") == 1
    assert change.sandbox.mails() == [], "nobody was told"


def test_a_config_with_mistakes_is_commented_with_them_and_fails(change: PullRequest):
    change.commit(CONFIG + "thresholds: {acces_key_rotation: 20d}\n")
    passed, said = change.play()
    assert not passed
    assert "unknown key" in said
    assert "Exit code 2" in said


def test_a_repair_and_a_first_config_are_planned_without_a_base(change: PullRequest):
    change.commit("project_name: [\n")
    change.base = change.git("rev-parse", "HEAD").strip()
    change.commit(CONFIG)
    passed, said = change.play()
    assert passed
    assert "The base has no plan to compare with" in said
    assert "If nobody acts, account" in said


def test_words_from_outside_cannot_leave_their_code_block(change: PullRequest):
    change.commit(CONFIG + f'"{HOSTILE}": 1\n')
    passed, said = change.play()
    assert not passed
    (fence,) = {line for line in said.splitlines() if re.fullmatch(r"`{3,}", line)}
    inside = said.split(f"\n{fence}\n")[1]
    assert HOSTILE in inside
    assert fence not in inside
