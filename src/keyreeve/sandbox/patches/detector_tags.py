"""Tags of GuardDuty's detectors.

AWS: TagResource, UntagResource and ListTagsForResource by ARN.  moto keeps the tags that a detector
was made with and lacks the calls.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from keyreeve.sandbox.patches.replacing import add


def apply() -> None:
    """Serve the three calls."""
    from moto.guardduty import urls
    from moto.guardduty.responses import GuardDutyResponse

    def detector(self: Any) -> Any:
        return self.guardduty_backend.get_detector(unquote(self.path).rpartition("/")[2])

    def tag_resource(self: Any) -> str:
        detector(self).tags.update(self._get_param("tags"))
        return "{}"

    def untag_resource(self: Any) -> str:
        for key in self.querystring.get("tagKeys", ()):
            detector(self).tags.pop(key, None)
        return "{}"

    def list_tags_for_resource(self: Any) -> str:
        return json.dumps({"tags": detector(self).tags})

    add(
        GuardDutyResponse,
        tag_resource=tag_resource,
        untag_resource=untag_resource,
        list_tags_for_resource=list_tags_for_resource,
    )
    urls.url_paths["{0}/tags/(?P<arn>.+)$"] = GuardDutyResponse.dispatch
