"""What a function's process runs: AWS's own runtime client, which ends with the sandbox.

Run by its path, with the handler's name; no module of ours is imported, for the function's own
must come first.  The sandbox holds our standard input; when it is gone, so are we.
"""

import os
import runpy
import select
import shutil
import sys
from threading import Thread

_A_MOMENT = 0.2
"""Seconds: the sandbox's end is seen on its connections and here, in any order."""


def _end_with_sandbox() -> None:
    while os.read(0, 1):
        pass
    _tidy()
    os._exit(0)


def _tidy() -> None:
    shutil.rmtree(os.environ["KEYREEVE_SANDBOX_FOLDER"], ignore_errors=True)


if __name__ == "__main__":
    Thread(target=_end_with_sandbox, daemon=True).start()
    sys.argv = ["awslambdaric", sys.argv[1]]
    try:
        runpy.run_module("awslambdaric", run_name="__main__")
    finally:
        if select.select([0], [], [], _A_MOMENT)[0]:
            _tidy()
