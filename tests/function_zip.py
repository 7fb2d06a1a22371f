"""The package of a function as `package lambda` makes it, from what is installed here.

AWS's own Python has the SDK and nothing else: whatever else Keyreeve needs goes into the zip.
Binary wheels are this machine's, so that the sandbox can run them.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from keyreeve.local.lambda_package import function_package

_OF_AWS = {"boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3"}
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def run_zip(files: Mapping[str, bytes]) -> bytes:
    """Keyreeve, what it needs, and these files."""
    out = io.BytesIO(function_package(files))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_STORED) as archive:
        for path, content in _libraries().items():
            archive.writestr(path, content)
    return out.getvalue()


@cache
def _libraries() -> Mapping[str, bytes]:
    return {
        str(file): file.locate().read_bytes()
        for own in _needed()
        for file in own.files or ()
        if file.parts[0] != ".." and "__pycache__" not in file.parts
    }


def _needed() -> Iterator[Distribution]:
    waiting, seen = _requirements(distribution("keyreeve")), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name in _OF_AWS:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # needed on other platforms
            continue
        yield found
        waiting += _requirements(found)


def _requirements(found: Distribution) -> list[str]:
    needed = (it for it in found.requires or () if "extra ==" not in it)
    return [match[0].lower() for it in needed if (match := _NAME.match(it))]
