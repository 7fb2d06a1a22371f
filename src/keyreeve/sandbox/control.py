"""The control endpoints below `/_sandbox/`: JSON in, JSON out.

| path | GET | POST | DELETE |
|---|---|---|---|
| clock | the instant | {at, ticking} | |
| settings | all | some | |
| reset | | {account, at, settings} | |
| seed | | one more account, as data | |
| account | IAM as JSON (?id=) | | |
| mails | sent mails (?since=n) | | |
| fingerprint | digests (?full=1) | | |
| calls | AWS calls (?since=n) | | forget |
| act | | {user, act, details} | |
| fault | planted failures | one more | forget |
| emit | | {event, account_id}: one more CloudTrail event | |
| confirm | | {subscription}: its ARN or its address | |
| alerts | what confirmed e-mail subscribers got (?since=n) | | |
| settle | | {}: wait until what follows from the calls is done | |
| cfn-response | | PUT of a custom resource's function (?token=) | |
| guard | | {access_key, documents}: all that the key may do; documents null: everything | |
| sign-in | | {user, password, otp}, or {root: true, mfa}: a console session | |
| otp | what an MFA device shows (?serial=, ?steps=) | | |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from time import monotonic
from typing import Any

from keyreeve.language.policy_document import parse_document
from keyreeve.model.errors import ConfigError
from keyreeve.sandbox import acts, console, seed, view
from keyreeve.sandbox.account import Act
from keyreeve.sandbox.account_file import read_account
from keyreeve.sandbox.chain import alarms, topics
from keyreeve.sandbox.chain.callers import Caller, service_identity
from keyreeve.sandbox.chain.delivery import follow
from keyreeve.sandbox.chain.history import event_of
from keyreeve.sandbox.faults import read_fault
from keyreeve.sandbox.world import Settings, World

Query = Mapping[str, str]
Body = Mapping[str, Any]
Endpoint = Callable[[World, Query, Body], Any]
_PATIENCE = 50
"""Seconds: less than `process.Sandbox` waits for an answer."""


def answer(world: World, method: str, path: str, query: Query, body: Body) -> tuple[int, Any]:
    """HTTP status and JSON answer; mistakes of the caller are status 400 with `error`."""
    endpoint = _ENDPOINTS.get((method, path))
    if endpoint is None:
        return 404, {"error": f"no endpoint {method} {path}"}
    try:
        return 200, endpoint(world, query, body)
    except Exception as error:  # noqa: BLE001 - moto's refusals are of many kinds; told as they are
        return 400, {"error": f"{type(error).__name__}: {error}"}


def instant(text: str) -> datetime:
    """An ISO instant with its zone. ConfigError without one."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ConfigError(f"{text} has no time zone", where="clock", remedy="Append Z for UTC.")
    return at


def _clock(world: World, _: Query, __: Body) -> Any:
    return {"at": world.clock.now().isoformat(), "ticking": world.clock.ticking}


def _set_clock(world: World, query: Query, body: Body) -> Any:
    world.clock.set(instant(body["at"]), ticking=bool(body.get("ticking", False)))
    alarms.evaluate_all(world)
    return _clock(world, query, body)


def _settings(world: World, _: Query, __: Body) -> Any:
    return asdict(world.settings)


def _set_settings(world: World, query: Query, body: Body) -> Any:
    unknown = set(body) - {item.name for item in fields(Settings)}
    if unknown:
        raise ConfigError(f"unknown setting {', '.join(sorted(unknown))}", where="settings")
    for name, value in body.items():
        setattr(world.settings, name, value)
    return _settings(world, query, body)


def _reset(world: World, query: Query, body: Body) -> Any:
    seed.reset(world, read_account(body["account"]), instant(body["at"]))
    return _set_settings(world, query, body.get("settings") or {})


def _seed(world: World, _: Query, body: Body) -> Any:
    account = read_account(body)
    seed.seed(world, account)
    return {"users": len(account.users)}


def _account(world: World, query: Query, __: Body) -> Any:
    return view.account_view(query.get("id", world.home))


def _mails(world: World, query: Query, _: Body) -> Any:
    since = int(query.get("since", "0"))
    return [view.mail_view(mail, n) for n, mail in enumerate(world.outbox, 1) if n > since]


def _fingerprint(world: World, query: Query, _: Body) -> Any:
    found = view.fingerprint(world)
    return found if query.get("full") else {k: v for k, v in found.items() if k != "canonical"}


def _calls(world: World, query: Query, _: Body) -> Any:
    since = int(query.get("since", "0"))
    return [call.as_json() for call in world.calls if call.number > since]


def _forget_calls(world: World, _: Query, __: Body) -> Any:
    world.calls.clear()
    return {}


def _do(world: World, _: Query, body: Body) -> Any:
    account_id = body.get("account_id", world.home)
    return acts.perform(
        world, account_id, Act(body["act"]), body["user"], body.get("details") or {}
    )


def _guard(world: World, _: Query, body: Body) -> Any:
    key, documents = body["access_key"], body["documents"]
    if documents is None:
        world.guards.pop(key, None)
    else:
        world.guards[key] = tuple(parse_document(document) for document in documents)
    return {"guarded": sorted(world.guards)}


def _settle(world: World, _: Query, __: Body) -> Any:
    until = monotonic() + _PATIENCE
    while world.afterwork.settle(until - monotonic()):
        alarms.evaluate_all(world)
        if world.afterwork.idle:
            return {}
    raise ConfigError(f"still at work after {_PATIENCE} s", where="settle")


def _emit(world: World, _: Query, body: Body) -> Any:
    event = body["event"]
    account_id = body.get("account_id") or event.get("recipientAccountId") or world.home
    identity = event.get("userIdentity") or service_identity("sandbox.amazonaws.com")
    caller = Caller(account_id=account_id, identity=identity)
    kept = world.history.add(caller, world.clock.now(), event)
    follow(world, kept)
    return {"eventID": event_of(kept)["eventID"]}


def _confirm(_: World, __: Query, body: Body) -> Any:
    return {"confirmed": topics.confirm(body["subscription"])}


def _alerts(world: World, query: Query, _: Body) -> Any:
    since = int(query.get("since", "0"))
    return [
        {**asdict(alert), "at": alert.at.isoformat(), "number": number}
        for number, alert in enumerate(world.alerts, 1)
        if number > since
    ]


def _sign_in(world: World, _: Query, body: Body) -> Any:
    account_id = body.get("account_id", world.home)
    if body.get("root"):
        session = console.sign_in_as_root(world, account_id, mfa=bool(body.get("mfa")))
    else:
        given = body["user"], body["password"], body.get("otp")
        session = console.sign_in(world, account_id, *given)
    return {
        "access_key": session.access_key,
        "secret": session.secret,
        "token": session.token,
        "mfa": session.mfa_at is not None,
        "must_change_password": session.must_change_password,
        "expires": session.expires.isoformat(),
    }


def _otp(world: World, query: Query, _: Body) -> Any:
    return {"code": console.otp_of(world, query["serial"], int(query.get("steps", "0")))}


def _cfn_response(world: World, query: Query, body: Body) -> Any:
    world.cfn_answers[query["token"]] = dict(body)
    return {}


def _faults(world: World, _: Query, __: Body) -> Any:
    return [asdict(fault) for fault in world.faults]


def _plant(world: World, query: Query, body: Body) -> Any:
    world.faults.append(read_fault(body))
    return _faults(world, query, body)


def _clear(world: World, _: Query, __: Body) -> Any:
    world.faults.clear()
    return {}


_ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("GET", "clock"): _clock,
    ("POST", "clock"): _set_clock,
    ("GET", "settings"): _settings,
    ("POST", "settings"): _set_settings,
    ("POST", "reset"): _reset,
    ("POST", "seed"): _seed,
    ("GET", "account"): _account,
    ("GET", "mails"): _mails,
    ("GET", "fingerprint"): _fingerprint,
    ("GET", "calls"): _calls,
    ("DELETE", "calls"): _forget_calls,
    ("POST", "act"): _do,
    ("POST", "emit"): _emit,
    ("POST", "confirm"): _confirm,
    ("GET", "alerts"): _alerts,
    ("POST", "settle"): _settle,
    ("PUT", "cfn-response"): _cfn_response,
    ("GET", "fault"): _faults,
    ("POST", "fault"): _plant,
    ("DELETE", "fault"): _clear,
    ("POST", "guard"): _guard,
    ("POST", "sign-in"): _sign_in,
    ("GET", "otp"): _otp,
}
