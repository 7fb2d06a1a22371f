"""What people do in a random history: to their keys and users, and as the team.

Each takes a `Life`, does something, and says what in a few words (an empty text: there was
nothing to do).
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.proofs.checker import REINSTATE, TAG, USE
from tests.scenario.people import administrator, console, key, person

from keyreeve.model.decisions import Extension, Hold, Pause, Waiver
from keyreeve.model.identifiers import AccessKeyId, UserId, UserName
from keyreeve.model.snapshot import AccessKey, User
from keyreeve.pipeline.people import Person
from keyreeve.pipeline.reinstate import Request
from keyreeve.pipeline.reinstate import reinstate as bring_back

if TYPE_CHECKING:
    from tests.proofs.random_histories import Life


def some_person(chance: random.Random, name: str) -> User:
    """0 to 2 keys × status × age × use, with or without a console."""
    keys = [_some_key(chance) for _ in range(chance.choice([0, 1, 1, 1, 2, 2]))]
    facts = {}
    if chance.random() < 0.4:
        facts = console(
            changed=chance.choice([10, 73, 80, 300]),
            signed_in=chance.choice([None, 1, 73, 90]),
            mfa=chance.random() < 0.5,
        )
    if chance.random() < 0.1:
        return administrator(name, *keys)
    return person(name, *keys, **facts)


def _some_key(chance: random.Random) -> AccessKey:
    return key(
        chance.choice([3, 20, 73, 80, 90, 400, 400]),
        chance.choice([None, 1, 1, 1, 16, 30, 90]),
        active=chance.random() < 0.8,
    )


# --- keys ---------------------------------------------------------------------------------------


def _a_key(life: Life) -> tuple[str, AccessKey] | None:
    users = [user for user in life.village.account.snapshot().users if user.keys]
    if not users:
        return None
    user = life.chance.choice(users)
    return str(user.name), life.chance.choice(user.keys)


def toggle_key(life: Life) -> str:
    """Inactive becomes Active, and the other way round."""
    found = _a_key(life)
    if found is None:
        return ""
    name, slot = found
    status = "Inactive" if slot.active else "Active"
    life.village.account.change_key(name, slot.key_id, active=not slot.active)
    life.chronicle.person("iam:UpdateAccessKey", name, AccessKeyId=str(slot.key_id), Status=status)
    return f"{slot.key_id} is made {status}"


def delete_key(life: Life) -> str:
    found = _a_key(life)
    if found is None:
        return ""
    name, slot = found
    user = life.village.account._users[UserName(name)]
    rest = tuple(other for other in user.keys if other.key_id != slot.key_id)
    life.village.account.change(name, keys=rest)
    life.chronicle.person("iam:DeleteAccessKey", name, AccessKeyId=str(slot.key_id))
    return f"{slot.key_id} is deleted"


def create_key(life: Life) -> str:
    """By hand, in the free slot."""
    users = [user for user in life.village.account.snapshot().users if len(user.keys) < 2]
    if not users:
        return ""
    user = life.chance.choice(users)
    life.serial += 1
    slot = next(n for n in (1, 2) if n not in {k.slot for k in user.keys})
    new = AccessKey(
        slot=slot,
        active=True,
        key_id=AccessKeyId(f"AKIABYHAND{life.serial:09d}"),
        created_at=life.now,
        last_rotated=life.now,
        last_used=life.now,
    )
    life.village.account.change(str(user.name), keys=(*user.keys, new))
    return f"{new.key_id} is created for {user.name}"


def use_key(life: Life) -> str:
    found = _a_key(life)
    if found is None:
        return ""
    name, slot = found
    life.village.account.change_key(name, slot.key_id, last_used=life.now)
    life.chronicle.person(USE, name, AccessKeyId=str(slot.key_id))
    return f"{slot.key_id} is used"


# --- users --------------------------------------------------------------------------------------


def _a_user(life: Life, *, console_user: bool | None = None) -> User | None:
    users = [
        user
        for user in life.village.account.snapshot().users
        if console_user is None or bool(user.password_enabled) is console_user
    ]
    return life.chance.choice(users) if users else None


def sign_in(life: Life) -> str:
    user = _a_user(life, console_user=True)
    if user is None:
        return ""
    life.village.account.change(str(user.name), password_last_used=life.now)
    return f"{user.name} signs in"


def change_password(life: Life) -> str:
    user = _a_user(life, console_user=True)
    if user is None:
        return ""
    life.village.account.change(str(user.name), password_last_changed=life.now)
    return f"{user.name} changes the password"


def toggle_mfa(life: Life) -> str:
    user = _a_user(life, console_user=True)
    if user is None:
        return ""
    life.village.account.change(str(user.name), mfa_active=not user.mfa_active)
    verb = "Deactivate" if user.mfa_active else "Enable"
    life.chronicle.person(f"iam:{verb}MFADevice", str(user.name))
    return f"{user.name} enrols or removes MFA"


def change_address(life: Life) -> str:
    """Another, none, nonsense, or the old one again."""
    user = _a_user(life)
    if user is None:
        return ""
    address = life.chance.choice(
        [f"{user.name}@example.com", f"{user.name}.new@example.com", "", "nobody", "a@other.org"]
    )
    life.village.account.change(str(user.name), tags={"email": address})
    life.chronicle.person(TAG, str(user.name), Email=address)
    return f"the address of {user.name} is {address!r}"


def delete_user(life: Life) -> str:
    """Seldom: a history of nobody tells little."""
    user = _a_user(life)
    if user is None or life.chance.random() < 0.6:
        return ""
    for slot in user.keys:
        life.chronicle.person("iam:DeleteAccessKey", str(user.name), AccessKeyId=str(slot.key_id))
    life.village.account.delete(str(user.name))
    return f"{user.name} is deleted"


def create_user(life: Life) -> str:
    """New, or anew under a name that was somebody else's."""
    names = [f"user{n}" for n in range(4)]
    taken = {*life.village.account.people, *life.renamed}
    free = [name for name in names if name not in taken]
    if not free:
        return ""
    life.serial += 1
    name = life.chance.choice(free)
    made = some_person(life.chance, name)
    keys = tuple(
        AccessKey(
            slot=slot.slot,
            active=slot.active,
            key_id=AccessKeyId(f"AKIANEWUSER{life.serial:07d}{slot.slot}"),
            created_at=slot.created_at,
            last_rotated=slot.last_rotated,
            last_used=slot.last_used,
        )
        for slot in made.keys
    )
    life.village.account.add(made)
    user_id = UserId(f"AIDANEW{life.serial:013d}")
    life.village.account.change(name, keys=keys, user_id=user_id, created_at=life.now)
    life.chronicle.person(TAG, name, Email=made.tags["email"])
    return f"{name} is created anew"


def rename_user(life: Life) -> str:
    """The same user under another name; the address stays."""
    user = _a_user(life)
    if user is None or not user.name.startswith("user"):
        return ""
    old = str(user.name)
    life.serial += 1
    new = f"nam{life.serial % 90 + 10}"
    if new in life.village.account.people:
        return ""
    life.village.account.rename(old, new)
    life.renamed[old] = new
    return f"{old} is renamed {new}"


EDITS = (
    toggle_key,
    toggle_key,
    delete_key,
    create_key,
    use_key,
    use_key,
    sign_in,
    change_password,
    toggle_mfa,
    change_address,
    delete_user,
    create_user,
    rename_user,
)


# --- the team -----------------------------------------------------------------------------------


def _somebody(life: Life) -> str:
    people = life.village.account.people
    return life.chance.choice(people) if people else "nobody"


def waive(life: Life) -> str:
    life.serial += 1
    name = _somebody(life)
    waiver = Waiver(
        waiver_id=f"w{life.serial}",
        user=name,
        control=None,
        resource_id=None,
        reason="vendor replaces it",
        requested_by="a",
        approved_by="b",
        expires_on=life.today + timedelta(days=life.chance.randrange(2, 20)),
        added_at=life.now,
        added_by="msp",
    )
    life.village.decisions.add_waiver(waiver, today=life.today)
    return f"{name} is waived until {waiver.expires_on}"


def hold(life: Life) -> str:
    name = _somebody(life)
    until = life.today + timedelta(days=life.chance.randrange(1, 12))
    life.village.decisions.add_hold(
        Hold(user=name, until=until, reason="on leave", added_at=life.now, added_by="msp"),
        today=life.today,
    )
    return f"{name} is held until {until}"


def extend(life: Life) -> str:
    life.serial += 1
    name, days = _somebody(life), life.chance.randrange(1, 10)
    life.village.decisions.add_extension(
        Extension(
            user=name,
            days=days,
            reason="release week",
            added_at=life.now,
            added_by="msp",
            extension_id=f"e{life.serial}",
        )
    )
    return f"{name} gets {days} days more"


def pause(life: Life) -> str:
    """Or the end of it."""
    decisions = life.village.decisions
    if decisions.read().pause is not None:
        decisions.clear_pause()
        return "the pause is over"
    decisions.set_pause(Pause(reason="migration", since=life.now, by="msp"))
    return "everything is paused"


def reinstate(life: Life) -> str:
    """An Inactive key comes back for a while: by the real use case, not by hand."""
    inactive = [
        (user, slot)
        for user in life.village.account.snapshot().users
        for slot in user.keys
        if not slot.active and user.user_id is not None and slot.key_id is not None
    ]
    if not inactive:
        return "no key is Inactive"
    user, slot = life.chance.choice(inactive)
    span = timedelta(hours=life.chance.choice([5, 24, 100, 400]))
    until = (life.now + span).isoformat()
    life.village.account.now = life.now
    life.chronicle.person(REINSTATE, str(user.name), AccessKeyId=str(slot.key_id), Until=until)
    bring_back(
        life.village.wired(life.chronicle.fate()),
        Request(
            person=Person(user_id=user.user_id, user_name=user.name),
            key_id=slot.key_id,
            span=span,
            reason="a batch job still needs it",
            by="arn:aws:iam::123456789012:user/msp",
        ),
        life.now,
    )
    return f"{slot.key_id} is brought back until {until}"


DECISIONS = (waive, hold, hold, extend, pause, pause, reinstate, reinstate)
