"""config.yaml: read, checked as a whole, and turned into the escalation policy.

values     what settings take: durations, days, addresses
sections   the parts of the file, with defaults and their own checks; mail, settings: the rest
document   YAML into plain data, with the line of every key
mistakes   everything that is wrong, at once, with suggestions
loading    file to Config, or one ConfigError
schema     the JSON Schema for editors
template   the commented config.yaml that `init` writes

No clock is read here: public holidays come for a range of years.
"""

from __future__ import annotations

from keyreeve.config.loading import load, parse
from keyreeve.config.mail import Tls, Transport
from keyreeve.config.schema import json_schema
from keyreeve.config.settings import Config, MemberAccount, Organization
from keyreeve.config.template import InitAnswers, render_template

__all__ = [
    "Config",
    "InitAnswers",
    "MemberAccount",
    "Organization",
    "Tls",
    "Transport",
    "json_schema",
    "load",
    "parse",
    "render_template",
]
