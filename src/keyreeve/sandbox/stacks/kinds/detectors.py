"""AWS::GuardDuty::Detector."""

from __future__ import annotations

from typing import Final

from keyreeve.sandbox.stacks.calling import found_by, given, reading, removing, tags
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site

_SETTINGS: Final = ("DataSources", "Enable", "Features", "FindingPublishingFrequency")
_DETECTOR: Final = reading("guardduty", "GetDetector", "DetectorId")


def _make(site: Site, props: Props) -> str:
    told = site.call("guardduty", "CreateDetector", **given(props, *_SETTINGS, "Tags"))
    return str(told["DetectorId"])


def _put(site: Site, id_: str, new: Props, _: Props) -> None:
    site.call("guardduty", "UpdateDetector", DetectorId=id_, **given(new, *_SETTINGS))


def _read(site: Site, id_: str, props: Props) -> Props:
    told = _DETECTOR(site, id_, props)
    names = {"Enable": told.get("Status") == "ENABLED"}
    return names | given(told, "FindingPublishingFrequency")


DETECTOR: Final = Kind(
    type="AWS::GuardDuty::Detector",
    make=_make,
    remove=removing("guardduty", "DeleteDetector", "DetectorId"),
    facets=(
        Facet(properties=_SETTINGS, put=_put, read=_read, born=True),
        tags(
            "guardduty",
            ("TagResource", "ResourceArn", "Tags"),
            ("UntagResource", "ResourceArn", "TagKeys"),
            lambda site, id_: (
                f"arn:{site.partition}:guardduty:{site.region}:{site.account}:detector/{id_}"
            ),
        ),
    ),
    required=frozenset({"Enable"}),
    attributes=lambda _site, id_, _props: {"Id": id_},
    present=found_by("guardduty", "GetDetector", "DetectorId"),
    identifier=("Id",),
)
KINDS: Final = (DETECTOR,)
