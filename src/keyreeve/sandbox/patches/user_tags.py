"""Tags of users keep to IAM's rules.

AWS: 50 tags on a user, keys of 128 and values of 256 characters, no key that begins with `aws:`;
keys are told apart without looking at their case, and a new value takes the place of the old tag.
moto has these rules for roles and takes anything for users.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from keyreeve.sandbox.patches.replacing import replace

_MOST: Final = 50
_RESERVED: Final = "aws:"


def apply() -> None:
    """Look at tags before they are kept."""
    from moto.iam.exceptions import InvalidInput, LimitExceededException
    from moto.iam.models import IAMBackend

    stock_tag: Callable[..., None] = IAMBackend.tag_user
    stock_create: Callable[..., Any] = IAMBackend.create_user

    def check(backend: Any, tags: Sequence[dict[str, str]], kept: Sequence[str]) -> None:
        if any(tag["Key"].lower().startswith(_RESERVED) for tag in tags):
            raise InvalidInput("Tag keys that begin with aws: are reserved for AWS's own use.")
        if len({key.lower() for key in (*kept, *(tag["Key"] for tag in tags))}) > _MOST:
            raise LimitExceededException(f"Cannot exceed quota for TagsPerUser: {_MOST}")
        backend._tag_verification(tags)

    def tag_user(self: Any, name: str, tags: list[dict[str, str]]) -> None:
        user = self.get_user(name)
        kept = [tag["Key"] for tag in self.list_user_tags(name)]
        check(self, tags, kept)
        given = {tag["Key"].lower(): tag["Key"] for tag in tags}
        replaced = [key for key in kept if given.get(key.lower(), key) != key]
        self.tagger.untag_resource_using_names(user.arn, replaced)
        stock_tag(self, name, tags)

    def create_user(
        self: Any, region_name: str, user_name: str, path: str = "/", tags: Any = None
    ) -> Any:
        check(self, tags or (), ())
        return stock_create(self, region_name, user_name, path, tags)

    replace(IAMBackend, tag_user=tag_user, create_user=create_user)
