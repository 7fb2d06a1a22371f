"""The rules of the house that import-linter cannot see."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyreeve.controls.handbook import page
from keyreeve.governance import onboarding_steps

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "keyreeve"
PURE = ("model", "language", "controls", "escalation", "governance", "reporting")
CLOCKS = {"now", "utcnow", "today", "time", "monotonic"}
MUTATIONS = re.compile(
    r"\.(create_access_key|update_access_key|delete_access_key|update_login_profile|"
    r"create_login_profile|delete_login_profile|add_user_to_group|remove_user_from_group|"
    r"create_user|delete_user|tag_user|untag_user|put_user_policy|delete_user_policy|"
    r"attach_user_policy|detach_user_policy|deactivate_mfa_device|delete_virtual_mfa_device)\("
)


def modules(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        yield from sorted((SOURCE / room).rglob("*.py"))


def names(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", list(modules(*PURE)), ids=names)
def test_the_core_reads_no_clock(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            called = isinstance(owner, ast.Name) and owner.id in {"datetime", "date", "time"}
            assert not (called and node.func.attr in CLOCKS), f"line {node.lineno}"


@pytest.mark.parametrize("path", list(modules(*PURE)), ids=names)
def test_the_core_opens_no_file_and_prints_nothing(path: Path) -> None:
    if path.name == "handbook.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "print", "input"}, f"line {node.lineno}"


def test_iam_is_changed_only_by_the_actuator() -> None:
    """Through an SDK client, that is: ports have methods of their own names."""
    found = {
        names(path)
        for path in modules("aws")
        if MUTATIONS.search(path.read_text()) and path.name != "iam_actuator.py"
    }

    assert set() == found


def test_no_room_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "manager", "base", "service", "misc"}

    assert set() == {path.stem for path in SOURCE.rglob("*.py")} & empty


def test_every_module_opens_with_what_it_is_for() -> None:
    for path in SOURCE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), names(path)


def test_the_page_of_the_controls_is_up_to_date() -> None:
    """Mend with: python -m keyreeve.controls.handbook > docs/controls.md."""
    assert page() == (ROOT / "docs" / "controls.md").read_text()


def test_the_page_of_what_works_when_is_up_to_date() -> None:
    """Mend with: python -m keyreeve.governance.onboarding_steps > docs/onboarding-steps.md."""
    assert onboarding_steps.page() == (ROOT / "docs" / "onboarding-steps.md").read_text()


def test_the_pages_outside_the_site_name_only_files_that_exist() -> None:
    for document in ROOT.glob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)[#)]|src=\"([^\"]+)\"", document.read_text()):
            target = link[0] or link[1]
            if not target.startswith("http"):
                assert (ROOT / target).exists(), f"{document.name}: {target}"


RUNTIME = {"boto3", "botocore", "keyreeve"}
"""What Lambda's own Python has, besides the standard library; and what we pack."""


def imported(path: Path) -> Iterator[str]:
    """What importing a module imports: whatever stands outside functions and TYPE_CHECKING."""
    waiting: list[ast.AST] = list(ast.parse(path.read_text()).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)


def module_file(name: str) -> Path | None:
    below = SOURCE.parent / Path(*name.split("."))
    files = (below.with_suffix(".py"), below / "__init__.py")
    return next((file for file in files if file.exists()), None)


@pytest.mark.parametrize("handler", ["onboarding"])
def test_a_function_of_the_baseline_needs_nothing_that_lambda_does_not_have(handler: str) -> None:
    """Its package carries no other library; whoever imports one here breaks it on AWS only."""
    waiting, seen, foreign = [f"keyreeve.handlers.{handler}"], set(), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        top = name.partition(".")[0]
        if top != "keyreeve":
            if top not in RUNTIME | sys.stdlib_module_names:
                foreign.add(name)
            continue
        file = module_file(name)
        if file is not None:
            waiting += [name.rpartition(".")[0] or "keyreeve", *imported(file)]

    assert foreign == set()
    assert "keyreeve.pipeline.move" in seen
