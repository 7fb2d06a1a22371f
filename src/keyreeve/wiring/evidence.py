"""Evidence wired: what a pack holds besides the storage's own, and the key that signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyreeve import __version__
from keyreeve.codec.redaction import redact
from keyreeve.codec.seal import readable
from keyreeve.codec.values import Json, to_json
from keyreeve.controls.catalogue import CARDS
from keyreeve.controls.compliance import MAPPING, VERSION
from keyreeve.model.evidence import PackSubject, Period
from keyreeve.pipeline.evidence import Surroundings
from keyreeve.wiring import Door, access_model
from keyreeve.wiring.installation import installation_of

if TYPE_CHECKING:
    from keyreeve.aws.kms_signer import KmsSigner
    from keyreeve.config import Config

_TELLING = frozenset({"channels", "external_id"})
"""Settings whose values are secrets: addresses that whoever knows them may write to, and words that
only two accounts know."""


def subject_of(door: Door, period: Period) -> PackSubject:
    """Whose evidence it is."""
    return PackSubject(
        project=door.config.project_name,
        account_id=door.caller.account_id,
        period=period,
        version=__version__,
    )


def surroundings(door: Door) -> Surroundings:
    """Configuration and policies as they stand now, cards and citations.

    Of the ladder: what runs keep. Posture is read on request and kept by none.
    """
    return Surroundings(
        files={**_configuration(door.config), **_policies(door)},
        cards=CARDS.values(),
        supports={control: MAPPING[control] for control in CARDS},
        mapping_version=VERSION,
    )


def signer_for(door: Door, key_id: str) -> KmsSigner:
    """The key, in its own region where an ARN names one."""
    from keyreeve.aws.kms_signer import KmsSigner
    from keyreeve.aws.sessions import Sessions

    region = key_id.split(":")[3] if key_id.startswith("arn:") and key_id.count(":") > 4 else None  # noqa: PLR2004 - the parts of an ARN
    sessions = door.at_home
    if region and region != sessions.region:
        sessions = Sessions(rehearsal=False, profile=sessions.profile, region=region)
    return KmsSigner(sessions, key_id)


def _configuration(config: Config) -> dict[str, bytes]:
    """Defaults filled in; what looks like a secret is left out."""
    settings: Json = config.model_dump(mode="json")
    files = {"config/config.json": readable(_without_secrets(settings))}
    model = access_model(config)
    if model is not None:
        files["config/access.json"] = readable(_without_secrets(to_json(model)))
    return files


def _without_secrets(value: Json, field: str = "") -> Json:
    match value:
        case str():
            return "[left out]" if field in _TELLING else redact(value)
        case list():
            return [_without_secrets(item, field) for item in value]
        case dict():
            return {
                key: _without_secrets(item, field if field in _TELLING else key)
                for key, item in value.items()
            }
        case _:
            return value


def _policies(door: Door) -> dict[str, bytes]:
    """As `policy print` writes them."""
    from keyreeve.governance.own_policies import Role, in_documents, statements
    from keyreeve.governance.people_policies import PeopleRole, people_statements

    region = door.at_home.client("s3").meta.region_name
    at = installation_of(door.config, account_id=door.caller.account_id, region=region)
    roles = {role.value: statements(at, role) for role in Role}
    model = access_model(door.config)
    if model is not None:
        roles |= {role.value: people_statements(at, model, role) for role in PeopleRole}
    return {
        f"policies/{role}-{number}.json": readable(document)
        for role, said in roles.items()
        for number, document in enumerate(in_documents(said), start=1)
    }
