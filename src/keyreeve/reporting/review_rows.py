"""What a reviewer is shown of each user: the access document and the credentials, in one row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from keyreeve.model.access import RequiredTags
from keyreeve.model.identifiers import UserId
from keyreeve.model.review import ShownKey, ShownUser
from keyreeve.model.snapshot import AccessKey, Moment, User
from keyreeve.reporting.access_document import AccessReport, Person


def shown_users(
    report: AccessReport, users: Iterable[User], tags: RequiredTags
) -> Iterator[ShownUser]:
    """By name: everybody whom both have seen."""
    credentials = {user.user_id: user for user in users}
    for person in report.people:
        user = credentials.get(person.user_id)
        if person.user_id is not None and user is not None:
            yield _shown(person.user_id, person, user, tags)


def _shown(user_id: UserId, person: Person, user: User, tags: RequiredTags) -> ShownUser:
    return ShownUser(
        user_id=user_id,
        user_name=person.user_name,
        created_on=person.created_at.date(),
        department=person.tags[tags.department],
        email=person.tags[tags.email],
        mfa=person.mfa,
        groups=(*(way.group for way in person.ways), *person.other_groups),
        roles=tuple(way.role for way in person.ways if way.role is not None),
        standing=person.standing,
        console=user.password_enabled,
        signed_in=_moment(user.password_last_used),
        keys=tuple(map(_key, user.keys)),
        remarks=tuple(remark.value for remark in person.remarks),
    )


def _key(key: AccessKey) -> ShownKey:
    since = key.since
    return ShownKey(
        slot=key.slot,
        key_id=key.key_id,
        active=key.active,
        created_on=since.date() if isinstance(since, datetime) else None,
        last_used=_moment(key.last_used),
    )


def _moment(moment: Moment) -> str:
    return moment.date().isoformat() if isinstance(moment, datetime) else moment.value
