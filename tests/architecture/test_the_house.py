"""The rules of the house that import-linter cannot see."""

from __future__ import annotations

import ast
import re
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
    r"create_login_profile|delete_login_profile|add_user_to_group|remove_user_from_group)\("
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


def test_readme_and_architecture_name_only_files_that_exist() -> None:
    for document in ("README.md", "ARCHITECTURE.md"):
        for link in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", (ROOT / document).read_text()):
            target = link[0] or link[1]
            if not target.startswith("http"):
                assert (ROOT / target).exists(), f"{document}: {target}"
