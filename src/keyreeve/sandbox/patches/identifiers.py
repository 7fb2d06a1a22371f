"""Unique ids that look like AWS's.

AWS: AIDA… for users, AGPA… for groups, ANPA… for managed policies, 21 upper-case characters; a
re-created name gets a new id. moto gives users and groups 20 random lower-case characters. Ours
follow from account, name and how often the name was used, so that a seeded account always has the
same ids.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.world import World

_LENGTH = 21


def derived(prefix: str, length: int, *facts: object) -> str:
    """An id of `length` characters that begins with `prefix` and follows from the facts."""
    digest = hashlib.sha256("\n".join(map(str, facts)).encode()).digest()
    return (prefix + base64.b32encode(digest).decode())[:length]


def apply(world: World) -> None:
    """Name users and groups as AWS would."""
    from moto.iam import models
    from moto.iam.utils import random_access_key

    make_user, make_group = models.User.__init__, models.Group.__init__

    def identity(prefix: str, account_id: str, name: str) -> str:
        label = f"{prefix}/{account_id}/{name}"
        world.generations[label] = world.generations.get(label, 0) + 1
        return derived(prefix, _LENGTH, label, world.generations[label])

    def init_user(
        self: Any, account_id: str, region_name: str, name: str, path: Any = None
    ) -> None:
        make_user(self, account_id, region_name, name, path)
        self.id = identity("AIDA", account_id, name)

    def init_group(
        self: Any, account_id: str, region_name: str, name: str, path: str = "/"
    ) -> None:
        make_group(self, account_id, region_name, name, path)
        self.id = identity("AGPA", account_id, name)

    replace(models.User, __init__=init_user)
    replace(models.Group, __init__=init_group)
    replace(models, random_policy_id=lambda: "ANPA" + random_access_key() + "K")
