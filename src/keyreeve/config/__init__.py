"""config.yaml and access.yaml: read, checked as a whole, turned into what the engine judges by.

values     what settings take: durations, days, addresses
sections   the parts of the file, with defaults and their own checks; mail, settings: the rest
document   YAML into plain data, with the line of every key
mistakes   everything that is wrong, at once, with suggestions
reading    any such file, or one ConfigError
loading    config.yaml
access     access.yaml: its parts, and the access model that they make
baseline   the section `baseline` of config.yaml; channels: that of the team's channels
schema     the JSON Schemas for editors
template   the commented config.yaml that `init` writes

What most verbs need is named here; of access, schema and template their modules are asked.
No clock is read here: public holidays come for a range of years.
"""

from __future__ import annotations

from keyreeve.config.loading import load, parse
from keyreeve.config.mail import Tls, Transport
from keyreeve.config.settings import Config, MemberAccount, Organization

__all__ = [
    "Config",
    "MemberAccount",
    "Organization",
    "Tls",
    "Transport",
    "load",
    "parse",
]
