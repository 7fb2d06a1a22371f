"""Accounts as data, read and judged before anything is made; every mistake is told at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from keyreeve.model.errors import ConfigError
from keyreeve.sandbox.account import (
    AccountData,
    Act,
    Document,
    EventData,
    GroupData,
    KeyData,
    MailData,
    PasswordData,
    PolicyData,
    RoleData,
    RootData,
    UserData,
)

_AGE = re.compile(r"(\d+)([dhm])")
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_HARMLESS: Document = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
}


class _Mistakes(list[str]):
    """Every mistake of a document, so that all are told at once."""

    def add(self, where: str, what: str) -> None:
        self.append(f"{where}: {what}" if where else what)


Reader = Callable[[Any, str, _Mistakes], Any]


def _typed(kind: type, name: str) -> Reader:
    def read(value: Any, where: str, mistakes: _Mistakes) -> Any:
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        mistakes.add(where, f"{value!r} is no {name}")
        return None

    return read


_text = _typed(str, "text")
_number = _typed(int, "whole number")
_truth = _typed(bool, "true or false")


def _age(value: Any, where: str, mistakes: _Mistakes) -> timedelta | None:
    matched = _AGE.fullmatch(str(value))
    if matched:
        return int(matched[1]) * _UNITS[matched[2]]
    mistakes.add(where, f"{value!r} is no age such as 75d, 36h or 10m")
    return None


def _mfa(value: Any, where: str, mistakes: _Mistakes) -> timedelta | None:
    """True: enrolled a month ago; false: not at all."""
    if isinstance(value, bool):
        return timedelta(days=30) if value else None
    return _age(value, where, mistakes)


def _tags(value: Any, where: str, mistakes: _Mistakes) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        mistakes.add(where, "is no mapping of tags")
        return {}
    return {str(key): str(text) for key, text in value.items()}


def _inline(value: Any, where: str, mistakes: _Mistakes) -> Mapping[str, Document]:
    """Documents by name; a mere list of names gets a harmless document each."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list):
        return {str(name): _HARMLESS for name in value}
    mistakes.add(where, "is neither a list of names nor a mapping of documents")
    return {}


def _mapping(value: Any, where: str, mistakes: _Mistakes) -> Document:
    if isinstance(value, Mapping):
        return dict(value)
    mistakes.add(where, "is no mapping")
    return {}


def _list(of: Reader) -> Reader:
    def read(value: Any, where: str, mistakes: _Mistakes) -> tuple[Any, ...]:
        if isinstance(value, list | tuple):
            return tuple(of(item, f"{where}[{n}]", mistakes) for n, item in enumerate(value))
        mistakes.add(where, "is no list")
        return ()

    return read


def _act(value: Any, where: str, mistakes: _Mistakes) -> Act | None:
    try:
        return Act(value)
    except ValueError:
        mistakes.add(where, f"{value!r} is no act; known are {', '.join(Act)}")
        return None


def _a(cls: type) -> Reader:
    """Reader of one of the dataclasses, by the table below."""

    def read(value: Any, where: str, mistakes: _Mistakes) -> Any:
        if not isinstance(value, Mapping):
            mistakes.add(where, "is no mapping")
            return None
        readers = _READERS[cls]
        for name in value:
            if name not in readers:
                mistakes.add(where, f"unknown field {name!r}; known are {', '.join(readers)}")
        given = {
            name: reader(value[name], f"{where}.{name}" if where else name, mistakes)
            for name, reader in readers.items()
            if name in value
        }
        for item in fields(cls):
            if item.name not in given and item.default is item.default_factory is MISSING:
                mistakes.add(where, f"{item.name} is missing")
                given[item.name] = None
        return cls(**given)

    return read


_READERS: Mapping[type, Mapping[str, Reader]] = {
    KeyData: {
        "created": _age,
        "last_used": _age,
        "active": _truth,
        "id": _text,
        "secret": _text,
        "service": _text,
        "region": _text,
    },
    PasswordData: {
        "changed": _age,
        "last_sign_in": _age,
        "reset_required": _truth,
    },
    UserData: {
        "name": _text,
        "created": _age,
        "path": _text,
        "tags": _tags,
        "groups": _list(_text),
        "password": _a(PasswordData),
        "keys": _list(_a(KeyData)),
        "mfa": _mfa,
        "inline": _inline,
        "attached": _list(_text),
    },
    GroupData: {
        "name": _text,
        "attached": _list(_text),
        "inline": _inline,
    },
    RoleData: {
        "name": _text,
        "trust": _mapping,
        "created": _age,
        "path": _text,
        "attached": _list(_text),
        "inline": _inline,
        "last_used": _age,
    },
    PolicyData: {
        "name": _text,
        "document": _mapping,
    },
    RootData: {
        "created": _age,
        "last_sign_in": _age,
        "mfa": _truth,
        "key": _truth,
    },
    MailData: {
        "verified": _list(_text),
        "quota": _number,
        "rate": _number,
        "production": _truth,
    },
    EventData: {
        "day": _number,
        "user": _text,
        "act": _act,
        "hour": _number,
        "details": _mapping,
    },
    AccountData: {
        "account_id": _text,
        "alias": _text,
        "root": _a(RootData),
        "password_policy": _mapping,
        "mail": _a(MailData),
        "buckets": _list(_text),
        "groups": _list(_a(GroupData)),
        "users": _list(_a(UserData)),
        "policies": _list(_a(PolicyData)),
        "roles": _list(_a(RoleData)),
        "events": _list(_a(EventData)),
    },
}


def read_account(document: Document) -> AccountData:
    """The account that the data describes. ConfigError names every mistake."""
    mistakes = _Mistakes()
    account = cast("AccountData | None", _a(AccountData)(document, "", mistakes))
    if account is not None and not mistakes:
        _judge(account, mistakes)
    if account is None or mistakes:
        raise ConfigError("\n".join(mistakes), where="account data")
    return account


def _judge(account: AccountData, mistakes: _Mistakes) -> None:
    """What single fields cannot tell."""
    names = [user.name for user in account.users]
    for name in sorted({name for name in names if names.count(name) > 1}):
        mistakes.add("users", f"{name} twice")
    groups = {group.name for group in account.groups}
    limit = 2
    for user in account.users:
        if missing := set(user.groups) - groups:
            mistakes.add(f"user {user.name}", f"unknown group {', '.join(sorted(missing))}")
        if len(user.keys) > limit:
            mistakes.add(f"user {user.name}", "more than two access keys")
        if any(key.created > user.created for key in user.keys):
            mistakes.add(f"user {user.name}", "a key is older than its user")
    known = set(names) | {event.user for event in account.events if event.act is Act.CREATE_USER}
    for event in account.events:
        if event.user not in known:
            mistakes.add(f"event of day {event.day}", f"unknown user {event.user}")


def load_document(source: str | Path) -> Document:
    """The data of a YAML file, or of a shipped account by name. ConfigError if there is none."""
    if str(source) in shipped_accounts():
        return _shipped(str(source))
    place = Path(source)
    if not place.is_file():
        raise ConfigError(
            f"no such account: {source}",
            where="sandbox",
            remedy=f"Name a YAML file, or one of {', '.join(shipped_accounts())}.",
        )
    return _parsed(place.read_text(encoding="utf-8"), str(source))


@cache
def _shipped(name: str) -> Document:
    text = (files("keyreeve.sandbox") / "accounts" / f"{name}.yaml").read_text(encoding="utf-8")
    return _parsed(text, name)


def _parsed(text: str, where: str) -> Document:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return cast("Document", YAML(typ="safe").load(text) or {})
    except YAMLError as error:
        raise ConfigError(str(error), where=where) from error


@cache
def shipped_accounts() -> tuple[str, ...]:
    """Names that `load_document` knows."""
    folder = files("keyreeve.sandbox") / "accounts"
    return tuple(sorted(item.name[:-5] for item in folder.iterdir() if item.name[-5:] == ".yaml"))
