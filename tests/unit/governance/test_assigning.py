"""Who reviews whom: everybody has a reviewer, and nobody reviews himself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scenario.people import person

from keyreeve.governance.assigning import assign, is_the_user
from keyreeve.model.identifiers import UserName
from keyreeve.model.review import Assignment, Reviewer, ReviewerName, Reviewers

ANN = Reviewer(name=ReviewerName("ann"), email="ann@example.com", user=UserName("ann.lee"))
BEN = Reviewer(name=ReviewerName("ben"), email="Ben@example.com")
BOSS = Reviewer(name=ReviewerName("boss"), email="boss@example.com")
BY_ANN = {"reviewer": ReviewerName("ann")}
BY_BEN = {"reviewer": ReviewerName("ben")}


def plan(*assignments: Assignment, default: str | None = "boss") -> Reviewers:
    return Reviewers(
        reviewers=(ANN, BEN, BOSS),
        assignments=assignments,
        default=ReviewerName(default) if default else None,
    )


def reviewer_of(reviewers: Reviewers, user) -> str:
    found = assign(reviewers, [user], "email")
    for reviewer, names in found.of:
        if user.name in names:
            return reviewer.name
    ((_, why),) = found.unassigned
    return why


BOB = person("bob", groups=("Developers",), tags={"Department": "Eng", "manager": "ann"})
NOBODY = "no assignment fits, and there is no default"
ITSELF = "only the user itself would review it"
BY_MANAGER = Assignment(reviewer=None, named_by="manager")


def tagged(manager: str):
    return person("bob", tags={"manager": manager})


@pytest.mark.parametrize(
    ("assignments", "user", "expected"),
    [
        ((), BOB, "boss"),
        ((Assignment(users=("b*",), **BY_ANN),), BOB, "ann"),
        ((Assignment(users=("B*",), **BY_ANN),), BOB, "boss"),
        ((Assignment(tag="Department=Eng", **BY_ANN),), BOB, "ann"),
        ((Assignment(tag="Department=E*", **BY_ANN),), BOB, "ann"),
        ((Assignment(tag="Department=Ops", **BY_ANN),), BOB, "boss"),
        ((Assignment(group="Developers", **BY_ANN),), BOB, "ann"),
        ((Assignment(group="Auditor", **BY_ANN),), BOB, "boss"),
        ((BY_MANAGER,), BOB, "ann"),
        ((BY_MANAGER,), tagged("ANN@example.com"), "ann"),
        ((BY_MANAGER,), tagged("ann.lee"), "ann"),
        ((BY_MANAGER,), tagged("somebody"), "boss"),
        ((BY_MANAGER,), tagged(""), "boss"),
        # The first that fits decides.
        ((Assignment(users=("bob",), **BY_BEN), BY_MANAGER), BOB, "ben"),
        ((BY_MANAGER, Assignment(users=("bob",), **BY_BEN)), BOB, "ann"),
        # Nobody reviews himself: the next one does.
        ((Assignment(users=("*",), **BY_ANN),), person("ann.lee"), "boss"),
        ((Assignment(users=("*",), **BY_ANN),), person("Ann.Lee"), "boss"),
        (
            (Assignment(users=("*",), **BY_ANN), Assignment(users=("*",), **BY_BEN)),
            person("ann.lee"),
            "ben",
        ),
        ((Assignment(users=("*",), **BY_BEN),), person("ben"), "boss"),
        ((), person("boss"), ITSELF),
    ],
)
def test_the_first_reviewer_who_fits_and_is_somebody_else(assignments, user, expected):
    assert reviewer_of(plan(*assignments), user) == expected


def test_without_a_default_whoever_fits_nowhere_is_named():
    assert reviewer_of(plan(default=None), BOB) == NOBODY


NAMES = st.sampled_from(["ann.lee", "ben", "boss", "bob", "eve"])
ADDRESSES = st.sampled_from(
    ["ann@example.com", "BEN@example.com", "boss@example.com", "", "x@example.com"]
)
ASSIGNMENTS = st.one_of(
    st.builds(Assignment, reviewer=st.sampled_from(["ann", "ben"]), users=st.just(("*",))),
    st.builds(Assignment, reviewer=st.sampled_from(["ann", "boss"]), group=st.just("Developers")),
    st.just(BY_MANAGER),
)


@given(
    st.lists(ASSIGNMENTS, max_size=3),
    st.dictionaries(NAMES, st.tuples(ADDRESSES, ADDRESSES, st.booleans()), max_size=5),
    st.sampled_from([None, "ann", "boss"]),
)
def test_everybody_is_shown_once_to_somebody_else_or_is_named(assignments, people, default):
    users = [
        person(
            name,
            tags={"email": email, "manager": manager},
            groups=("Developers",) if developer else (),
        )
        for name, (email, manager, developer) in people.items()
    ]
    found = assign(plan(*assignments, default=default), users, "email")
    shown = [name for _, names in found.of for name in names]
    assert sorted([*shown, *(name for name, _ in found.unassigned)]) == sorted(people)
    by_name = {user.name: user for user in users}
    for reviewer, names in found.of:
        assert names
        assert not any(is_the_user(reviewer, by_name[name], "email") for name in names)
