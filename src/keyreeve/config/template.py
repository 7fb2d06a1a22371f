"""The commented config.yaml that `keyreeve init` writes.

Every setting stands in `template.yaml` with a comment: prose behind `# `, a setting at its
default behind a bare `#`, so that taking the `#` away changes nothing yet.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any

from keyreeve.config.mail import Transport
from keyreeve.config.sections import FirstRun


@dataclass(frozen=True, slots=True, kw_only=True)
class InitAnswers:
    """The few needed facts. None leaves a setting commented out at its default."""

    project_name: str
    sender: str
    cc: tuple[str, ...]
    bucket: str | None = None
    """This or `directory`."""
    directory: str | None = None
    timezone: str = "UTC"
    transport: Transport = Transport.SES
    smtp_host: str | None = None
    """For transport smtp."""
    mail_directory: str | None = None
    """For transport directory."""
    domains: tuple[str, ...] = ()
    """Where credentials may go; empty: anywhere."""
    free_slot_after_days: int | None = None
    """None: Keyreeve never deletes a key to make room."""
    first_run: FirstRun = FirstRun.OBSERVE
    """A new project observes until it is armed; a config that does not say so acts."""


def render_template(answers: InitAnswers) -> str:
    """The text of a config.yaml; `parse` tells whether the answers were possible."""
    free_slot = answers.free_slot_after_days
    smtp_host = answers.smtp_host
    first_run = None if answers.first_run is FirstRun.ACT else answers.first_run.value
    transport = None if answers.transport is Transport.SES else answers.transport.value
    template = Template(
        files("keyreeve.config").joinpath("template.yaml").read_text(encoding="utf-8")
    )
    return template.substitute(
        project_name=_yaml(answers.project_name),
        timezone=_yaml(answers.timezone),
        bucket=_setting("bucket", answers.bucket),
        directory=_setting("directory", answers.directory),
        sender=_yaml(answers.sender),
        cc=_yaml(answers.cc),
        contact=_yaml(answers.cc[0]) if answers.cc else "null",
        transport=_setting("transport", transport, default="ses"),
        domains=_setting("domains", answers.domains or None, default="[]"),
        smtp=_setting("smtp", None if smtp_host is None else {"host": smtp_host}),
        mail_directory=_setting("directory", answers.mail_directory),
        first_run=_setting("first_run", first_run, default="act"),
        free_slot=_setting(
            "free_slot", None if free_slot is None else {"delete_after_days": free_slot}
        ),
    )


def _setting(key: str, value: Any, *, default: str = "null") -> str:
    return f"#{key}: {default}" if value is None else f"{key}: {_yaml(value)}"


def _yaml(value: Any) -> str:
    """JSON is YAML, and quotes whatever a person may have typed."""
    return json.dumps(value, ensure_ascii=False)
