"""The `mail` section: who writes to whom, by which way, on which days."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from keyreeve.config.sections import Section, Weekday
from keyreeve.config.values import (
    Addresses,
    Day,
    Domain,
    Flag,
    FolderPath,
    Impossible,
    Line,
    Mailbox,
    Whole,
    closest,
)
from keyreeve.model.network import is_loopback
from keyreeve.model.policy import OwnerRules


class Transport(StrEnum):
    """By which way mails leave."""

    SES = "ses"
    SMTP = "smtp"
    DIRECTORY = "directory"


class Tls(StrEnum):
    """How the connection to the SMTP host is secured."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


_PORTS = {"implicit": 465, "none": 25}


class Smtp(Section):
    """The SMTP host; the password comes from $KEYREEVE_SMTP_PASSWORD."""

    host: Line
    """Name of the SMTP host."""
    port: Annotated[Whole, Field(ge=1, le=65535)] = 587
    """Default: 587 for starttls, 465 for implicit, 25 for none."""
    tls: Tls = Tls.STARTTLS
    user: Line | None = None
    """null: no login."""

    @model_validator(mode="before")
    @classmethod
    def _port_by_tls(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "port" in data:
            return data
        return {**data, "port": _PORTS.get(str(data.get("tls")), 587)}

    @model_validator(mode="after")
    def _login_is_encrypted(self) -> Smtp:
        if self.user and self.tls is Tls.NONE and not is_loopback(self.host):
            raise Impossible(
                "a login without TLS would show the password to the network",
                meant="starttls",
                at=[("tls",)],
            )
        return self


class Owner(Section):
    """How an owner's address is found, and where credentials may go."""

    tag: Line = "email"
    """The user's tag that holds the address; it wins."""
    user_name_is_address: Flag = True
    """Without the tag: the user name, when it is an address."""
    default_domain: Domain | None = None
    """At last: the user name @ this domain."""
    domains: tuple[Domain, ...] = ()
    """Credentials go only to these domains; empty: anywhere, and `doctor` warns."""
    fallback: Addresses | None = None
    """Told when an owner cannot be reached; default: mail.cc."""


def _calendars() -> Any:
    """The optional package, loaded only where a country is named."""
    try:
        return importlib.import_module("holidays")
    except ImportError:
        raise Impossible(
            "public holidays of a country need the extra: pip install 'keyreeve[holidays]'",
            meant="dates: [2026-11-09] beside it needs no extra",
        ) from None


class Holidays(Section):
    """Days without mail, beside the weekdays."""

    country: Line | None = None
    """ISO code such as IN; needs the extra keyreeve[holidays]."""
    dates: tuple[Day, ...] = ()
    """Further days without mail, beside the country's."""

    @field_validator("country")
    @classmethod
    def _known(cls, country: str | None) -> str | None:
        if country is not None:
            known = _calendars().list_supported_countries(include_aliases=True)
            if country not in known:
                meant = country.upper() if country.upper() in known else closest(country, known)
                raise Impossible(f"no calendar of holidays for {country!r}", meant=meant)
        return country

    def days(self, years: range) -> frozenset[date]:
        """The dates, and the country's public holidays in the given years."""
        if self.country is None:
            return frozenset(self.dates)
        with warnings.catch_warnings():
            # It warns that moveable feasts of far years are not known yet.
            warnings.simplefilter("ignore", UserWarning)
            public: Mapping[date, str] = _calendars().country_holidays(self.country, years=years)
        return frozenset(self.dates) | frozenset(public)


class Mail(Section):
    """Who writes to whom, by which way, on which days."""

    sender: Mailbox
    """`Name <address>`; the address is verified in SES."""
    cc: Addresses
    """The MSP team: in CC of every notice, never of credentials."""
    transport: Transport = Transport.SES
    owner: Owner = Owner.model_construct()
    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = (
        Weekday.MON,
        Weekday.TUE,
        Weekday.WED,
        Weekday.THU,
        Weekday.FRI,
    )
    """Mail goes out on these days only; the ladder itself counts every day."""
    holidays: Holidays | None = None
    smtp: Smtp | None = None
    directory: FolderPath | None = None
    """Where transport directory writes."""
    message_id_domain: Domain | None = None
    """null: by region, as SES writes it."""

    @model_validator(mode="after")
    def _transport_is_complete(self) -> Mail:
        if self.transport is Transport.SMTP and self.smtp is None:
            raise Impossible("transport smtp needs mail.smtp.host", at=[("smtp",), ("transport",)])
        if self.transport is Transport.DIRECTORY and self.directory is None:
            raise Impossible(
                "transport directory needs mail.directory", at=[("directory",), ("transport",)]
            )
        return self

    @property
    def fallback(self) -> tuple[str, ...]:
        """`owner.fallback`, or the MSP team."""
        return self.owner.fallback or self.cc

    def owner_rules(self) -> OwnerRules:
        """The same as a value of the model."""
        return OwnerRules(
            tag=self.owner.tag,
            user_name_is_address=self.owner.user_name_is_address,
            default_domain=self.owner.default_domain,
            domains=self.owner.domains,
            fallback=self.fallback,
        )
