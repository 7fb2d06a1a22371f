from __future__ import annotations

import pytest
from tests.builders import TEAM, case, on, policy, record, user

from keyreeve.escalation.owner import (
    find_owner,
    is_address,
    may_receive_credentials,
    shared_addresses,
)
from keyreeve.model.policy import OwnerRules

ADDRESSES = {
    "ann@example.com": True,
    "a.n+n@mail.example.co.uk": True,
    "x" * 64 + "@example.com": True,
    "x" * 65 + "@example.com": False,
    "ann@localhost": False,
    "ann@-example.com": False,
    "ann@example-.com": False,
    "ann@ex--ample.com": True,
    "Ann <ann@example.com>": False,
    "ann@example.com, eve@example.com": False,
    "ann@example.com\nBcc: eve@example.com": False,
    "ann@example.com\n": False,
    "zoë@example.com": False,
    "ann": False,
    "@example.com": False,
    "ann@": False,
    "a@b@example.com": False,
    "": False,
}


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_is_one_plain_ascii_mailbox(text):
    assert is_address(text) is ADDRESSES[text]


RULES = OwnerRules()
DOMAIN = OwnerRules(default_domain="example.org")
FOUND = {
    "the tag": (user("ann"), RULES, "ann@example.com", "tag email"),
    "the tag, trimmed": (
        user("ann", tags={"email": "  ann@example.com "}),
        RULES,
        "ann@example.com",
        "tag email",
    ),
    "a tag of another name": (
        user("ann", tags={"owner": "a@example.com", "email": "b@example.com"}),
        OwnerRules(tag="owner"),
        "a@example.com",
        "tag owner",
    ),
    "a tag that holds no address is reported, never guessed around": (
        user("ann@example.com", tags={"email": "n/a"}),
        DOMAIN,
        None,
        "tag email holds no mail address",
    ),
    "without a tag, a user name that is an address": (
        user("ann@example.com", tags={}),
        DOMAIN,
        "ann@example.com",
        "the user name is an address",
    ),
    "an empty tag is no tag": (
        user("ann@example.com", tags={"email": "  "}),
        RULES,
        "ann@example.com",
        "the user name is an address",
    ),
    "user names switched off as addresses": (
        user("ann@example.com", tags={}),
        OwnerRules(user_name_is_address=False),
        None,
        "no tag email, and the user name is no address",
    ),
    "the default domain": (
        user("ann", tags={}),
        DOMAIN,
        "ann@example.org",
        "user name @ example.org",
    ),
    "a name that makes no address with the domain": (
        user("a@b", tags={}),
        DOMAIN,
        None,
        "no tag email, and the user name is no address",
    ),
    "nothing": (
        user("ann", tags={}),
        RULES,
        None,
        "no tag email, and the user name is no address",
    ),
}


@pytest.mark.parametrize("row", FOUND)
def test_the_owners_address_is_the_tags_then_the_user_name_then_the_default_domain(row):
    who, rules, address, reason = FOUND[row]
    owner = find_owner(who, rules)
    assert (owner.address, owner.reason) == (address, reason)


def test_an_address_of_two_users_is_shared_whatever_its_case():
    crew = [
        user("ann", tags={"email": "Ops@example.com"}),
        user("bob", tags={"email": "ops@EXAMPLE.com"}),
        user("cid"),
        user("dan", tags={}),
        user("eve", tags={}),
    ]
    assert shared_addresses(crew, RULES) == {"ops@example.com"}


TOLD = case(record(day_0=True))
MAY = {
    "the address that got the notices": ("ann@example.com", TOLD, {}, None),
    "in other case": ("ANN@Example.com", TOLD, {}, None),
    "before any notice": ("ann@example.com", case(record()), {}, None),
    "inside the domains": (
        "ann@example.com",
        TOLD,
        {"owner": OwnerRules(domains=("x.org", "Example.COM"))},
        None,
    ),
    "outside the domains": (
        "ann@example.com",
        TOLD,
        {"owner": OwnerRules(domains=("x.org",))},
        "ann@example.com is outside mail.owner.domains",
    ),
    "a subdomain is another domain": (
        "ann@mail.example.com",
        case(record()),
        {"owner": OwnerRules(domains=("example.com",))},
        "ann@mail.example.com is outside mail.owner.domains",
    ),
    "a CC address": (TEAM.upper(), TOLD, {}, f"{TEAM.upper()} is an address of the team"),
    "a summary address": (
        "ann@example.com",
        TOLD,
        {"summary_to": ("Ann@example.com",)},
        "ann@example.com is an address of the team",
    ),
    "a fallback address": (
        "ann@example.com",
        TOLD,
        {"owner": OwnerRules(fallback=("ann@example.com",))},
        "ann@example.com is an address of the team",
    ),
    "changed since the first notice": (
        "eve@example.com",
        TOLD,
        {},
        "the owner's address changed since the first notice",
    ),
    "changed and changed back": (
        "ann@example.com",
        case(record(day_0=True), addresses=("ann@example.com", "eve@example.com")),
        {},
        "the owner's address changed since the first notice",
    ),
}


@pytest.mark.parametrize("row", MAY)
def test_credentials_go_only_to_the_one_address_that_got_every_notice(row):
    address, told, changes, reason = MAY[row]
    assert may_receive_credentials(address, told, frozenset(), policy(**changes), on(7)) == reason


def test_credentials_never_go_to_a_shared_mailbox():
    reason = may_receive_credentials(
        "Ann@example.com", TOLD, frozenset({"ann@example.com"}), policy(), on(7)
    )
    assert reason == "Ann@example.com belongs to more than one user"
