"""What Lambda's own Python has besides the standard library: AWS's runtime client and the SDK.

AWS: "Building Lambda functions with Python", runtime dependencies: the SDK is there, in a version
of AWS's choice; whatever else a function imports must be in its package.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

_ROOTS: Final = ("awslambdaric", "boto3")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


@cache
def library_paths() -> tuple[Path, ...]:
    """Their packages and modules, and those that they need, where this installation has them."""
    waiting, found = list(_ROOTS), dict[str, Distribution]()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # needed on other platforms
            continue
        needed = (it for it in found[name].requires or () if "extra ==" not in it)
        waiting += [match[0] for it in needed if (match := _NAME.match(it))]
    tops = {
        Path(str(own.locate_file(file.parts[0])))
        for own in found.values()
        for file in own.files or ()
        if file.parts[0] not in ("..", "__pycache__")
    }
    return tuple(sorted(tops))
