"""The `heartbeat` section: who hears that a run has come to its end.

Whoever knows the URL can keep the watcher quiet while nothing runs: it is a secret, and no mistake
shows what stands in its place.
"""

from __future__ import annotations

from keyreeve.config.channels import VariableName
from keyreeve.config.sections import Section
from keyreeve.config.values import Flag


class Heartbeat(Section):
    """A dead man's switch: it is the silence that somebody hears of."""

    url_env: VariableName | None = None
    """The environment variable that holds the URL to ask for, such as KEYREEVE_HEARTBEAT_URL."""
    metric: Flag = False
    """Count in CloudWatch: namespace Keyreeve, metric DailyRunEnded, dimension Project."""
