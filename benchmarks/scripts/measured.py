"""Runs a command; on the last line of stdout: its exit code, wall and CPU seconds, peak kB.

A process of its own, small on purpose: the kernel counts the parent's pages towards the child's
peak.
"""

import json
import os
import sys
import time

begun = time.monotonic()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
figures = {
    "exit": os.waitstatus_to_exitcode(status),
    "wall": time.monotonic() - begun,
    "cpu": used.ru_utime + used.ru_stime,
    "peak": used.ru_maxrss,
}
os.write(1, b"\n" + json.dumps(figures).encode() + b"\n")
