"""The floor: the fewest calls that carry the facts, signed by hand, raw bytes through expat."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import os
import re
import time
from collections.abc import Iterator
from urllib.parse import urlencode
from xml.parsers import expat

from six_checks import tell

HOST = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
KIND = "application/x-www-form-urlencoded; charset=utf-8"


def signed(body: bytes) -> dict[str, str]:
    """Headers of AWS Signature Version 4."""
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    heads = {"content-type": KIND, "host": HOST, "x-amz-date": at}
    names = ";".join(heads)
    said = "".join(f"{name}:{value}\n" for name, value in heads.items())
    request = f"POST\n/\n\n{said}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{at[:8]}/us-east-1/iam/aws4_request"
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashed}".encode()
    by = f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
    signature = hmac.digest(key, text, "sha256").hex()
    return {**heads, "authorization": f"{by}, SignedHeaders={names}, Signature={signature}"}


def asked(**parameters: str) -> bytes:
    """One answer."""
    body = urlencode({"Version": "2010-05-08", **parameters}).encode()
    connection.request("POST", "/", body, signed(body))
    return connection.getresponse().read()


def text_of(tag: bytes, data: bytes) -> bytes | None:
    """Of the first such element."""
    found = re.search(b"<%s>([^<]*)<" % tag, data)
    return found and found.group(1)


def counted(data: bytes) -> dict[str, int]:
    """Users with the number of their inline policies."""
    users: dict[str, int] = {}
    path: list[str] = []
    text: list[str] = []
    name = [""]

    def start(tag: str, _: object) -> None:
        path.append(tag)
        text.clear()

    def end(tag: str) -> None:
        path.pop()
        if tag == "UserName":
            name[0] = "".join(text)
            users[name[0]] = 0
        elif tag == "member" and path[-1] == "UserPolicyList":
            users[name[0]] += 1

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text.append
    parser.Parse(data, True)
    return users


def pages() -> Iterator[bytes]:
    """All of GetAccountAuthorizationDetails."""
    more: dict[str, str] = {}
    while True:
        page = asked(
            Action="GetAccountAuthorizationDetails",
            MaxItems="1000",
            **{"Filter.member.1": "User"},
            **more,
        )
        yield page
        marker = text_of(b"Marker", page[-600:])
        if marker is None:
            return
        more = {"Marker": marker.decode()}


connection = http.client.HTTPConnection(HOST)
while text_of(b"State", asked(Action="GenerateCredentialReport")) != b"COMPLETE":
    time.sleep(0.05)
content = text_of(b"Content", asked(Action="GetCredentialReport")) or b""
inline: dict[str, int] = {}
for each in pages():
    inline |= counted(each)
tell(base64.b64decode(content).decode(), inline)
