"""What may reach a terminal or a log, by the terminal's own rules and not by the product's."""

from __future__ import annotations

import re

HARMLESS = re.compile(
    "[^\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]*"
)
"""Text and line ends: no C0 or C1 control, no direction override, no other line end."""
