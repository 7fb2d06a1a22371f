"""Short sentences about findings, acts and gates, the same in mails, reports and logs."""

from __future__ import annotations

from datetime import date, datetime

from keyreeve.model.case import FindingRecord
from keyreeve.model.identifiers import AccessKeyId, ControlId
from keyreeve.model.policy import FinalAct
from keyreeve.model.snapshot import User

KEY_CONTROLS = (ControlId.ACCESS_KEY_ROTATION, ControlId.ACCESS_KEY_STALE)


def day(value: date) -> str:
    """`Mon 19 Jan 2026`."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def resource(control: ControlId, resource_id: str) -> str:
    """What a finding is about."""
    match control:
        case ControlId.ACCESS_KEY_ROTATION | ControlId.ACCESS_KEY_STALE:
            return f"Access key {resource_id}"
        case ControlId.PASSWORD_AGE:
            return "Console password"
        case ControlId.CONSOLE_MFA:
            return "MFA for console sign-in"
        case ControlId.USER_INACTIVE:
            return "Console access"
        case ControlId.INLINE_POLICIES:
            return "Inline policies"


def how_cleared(record: FindingRecord, user: User, *, removed: bool = False) -> str:
    """One sentence for the closing mail and the log: no more than the facts of today show.

    `removed`: Keyreeve has taken the console password away for it.
    """
    what = resource(record.control, record.resource_id)
    is_key = record.control in KEY_CONTROLS
    if record.enforced_on is not None and (is_key or removed):
        return f"{what}: done by Keyreeve on {day(record.enforced_on)}."
    if is_key:
        return f"{what}: in order, or no longer active."
    if user.password_enabled is False:
        return f"{what}: there is no console password any more."
    if record.control is ControlId.CONSOLE_MFA and user.mfa_active:
        return f"{what}: an MFA device is active."
    if record.control is ControlId.PASSWORD_AGE and _changed_since(record, user):
        return f"{what}: changed."
    return f"{what}: in order."


def _changed_since(record: FindingRecord, user: User) -> bool:
    """A raised threshold ends the finding as well, and nobody has changed anything."""
    changed = user.password_last_changed
    return isinstance(changed, datetime) and record.since is not None and changed > record.since


def consequence(
    control: ControlId, act: FinalAct | None, group: str, *, acts: bool, none_left: bool
) -> str:
    """What happens on E, as one sentence."""
    if control in KEY_CONTROLS:
        left = " No active key will be left." if none_left else ""
        return f"The key becomes inactive. It is not deleted.{left}"
    if not acts or act is None:
        return "It will be listed as overdue, and you will be reminded every week."
    match act:
        case FinalAct.QUARANTINE:
            return f"You will be put into the group {group}, which denies all other access."
        case FinalAct.DELETE_LOGIN_PROFILE:
            return "Your console password will be removed. Access keys go on working."
        case FinalAct.DEACTIVATE_UNUSED_KEYS:
            return "Your unused access keys become inactive. They are not deleted."
        case _:
            return "It will be listed as overdue, and you will be reminded every week."


RESET_SETTLES = "Nothing more will happen: the new password settles this."


def act_done(control: ControlId, resource_id: str, act: str | None, on: date) -> str:
    """What was done on E, as one sentence."""
    match act:
        case "delete_login_profile":
            return f"The console password was removed on {day(on)}."
        case "quarantine":
            return f"The user was put into quarantine on {day(on)}."
        case "deactivate_access_key" if control in KEY_CONTROLS:
            return f"Access key {resource_id} was made inactive on {day(on)}."
        case "deactivate_access_key":
            return f"Unused access keys were made inactive on {day(on)}."
        case _:
            return f"Enforced on {day(on)}."


CREATE_KEY = "In the AWS console, open Security credentials and create a second access key."
DELETE_ONE = "Delete the access key that you need least: AWS allows two per user."


def take_key(new_key: AccessKeyId, on: date, *, kept: bool, to: str | None = None) -> str:
    """The first step once a replacement was handed over; `to` as for `handed`."""
    mail = f"the private mail of {day(on)}"
    if to:
        mail += f" to {to}"
    ask = " If you cannot read it, ask the team." if to else ""
    if kept:
        return f"Fetch the new key, {new_key}, as {mail} says.{ask}"
    return f"Take the new key, {new_key}, from {mail}.{ask}"


def handed(*, kept: bool, to: str | None = None) -> str:
    """How a secret reaches its owner: `was created and …`; the day may follow.

    `to`: the owner's address of that day, where the one who reads this has another.
    """
    if kept:
        mailed = "with a separate private mail" + (f" to {to}" if to else "")
        return f"put into AWS Secrets Manager for you alone, {mailed}"
    if to:
        return f"sent in a separate private mail to {to}, the address of this user then,"
    return "sent to you in a separate private mail"


CANNOT_FETCH = (
    "a new password could not be fetched from Secrets Manager: no access key of the user is in use"
)
REPLACEMENT_GONE = "replacement_gone"
NO_REPLACEMENT = {
    "spare": "No replacement will be made: a spare key that nobody uses needs none.",
    "none_needed": "No new credentials are needed for this.",
    "dormant": (
        "No new credentials will be made, since none of yours have been used for a long time."
    ),
    "both_slots_aged": (
        "No replacement can be made: AWS allows two access keys per user, you have two, and both "
        "are due."
    ),
    REPLACEMENT_GONE: (
        "The replacement that was handed over is gone or inactive, and no other will be made."
    ),
    "already_replaced": "A replacement was handed over earlier.",
}
"""Reasons why nothing is handed out, as told to the owner; keyed by the reason's code."""


def no_replacement(reason: str, blocking: AccessKeyId | None) -> str:
    """The sentence for a reason's code."""
    if reason.startswith("slots_taken"):
        return (
            f"No replacement can be made: AWS allows two access keys per user, and {blocking} "
            "takes the second slot."
        )
    return NO_REPLACEMENT.get(reason, f"No new credentials will be made: {reason}.")
