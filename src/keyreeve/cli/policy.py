"""`keyreeve policy print`: the IAM policies of Keyreeve's own roles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from keyreeve.cli import fleet, opening, screen, words
from keyreeve.cli.options import example
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from keyreeve.config import Config
    from keyreeve.governance.installation import Installation
    from keyreeve.governance.statements import Json

_ROLES = (
    "reader",
    "actor",
    "deployer",
    "mail-feedback",
    "security-hub",
    "people",
    "onboarding",
    "evidence",
    "fleet",
    "member",
)


@click.group(epilog=example("keyreeve policy print --role actor"))
def policy() -> None:
    """What Keyreeve's own roles may do, as this config needs it and no more."""


@policy.command(
    name="print",
    epilog=example(
        "keyreeve policy print --role reader > reader.json",
        "keyreeve --region eu-west-1 policy print --role actor --account 123456789012",
        "aws iam create-policy --policy-name keyreeve-etv-reader \\",
        "    --policy-document file://reader.json",
    ),
)
@click.option(
    "--role",
    type=click.Choice(_ROLES),
    required=True,
    help="reader: looks and rehearses · actor: also runs --execute · deployer: makes the rest · "
    "mail-feedback: of the handler that hears of bounces · security-hub: report --security-hub "
    "--execute · people: keyreeve user --execute · onboarding: of the function that moves users · "
    "evidence: keyreeve evidence export|purge · fleet: of the central account, where there are "
    "several · member: in each of them.",
)
@click.option(
    "--account",
    metavar="ID",
    help="The account's twelve digits; asks AWS for nothing. [default: the caller's]",
)
@click.option(
    "--part",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only this document, where AWS's quota asks for several.",
)
def print_(*, role: str, account: str | None, part: int | None) -> int:
    """Print the policy of a role as JSON, made from the config.

    Change the config, and the policy may change: print it again. Where it is longer than AWS
    takes, it comes in several documents, and the role needs all of them.
    """
    from keyreeve.governance.own_policies import unsayable

    config = opening.config()
    installation = _installation(config, account)
    made = _documents(config, installation, role)
    if not made:
        raise ConfigError(
            f"the role {role} needs no policy: "
            + (
                "the project is one account"
                if role in ("fleet", "member")
                else "the storage is a directory"
            ),
            where="accounts" if role in ("fleet", "member") else "storage",
        )
    if part is not None and part > len(made):
        raise click.UsageError(f"--part {part}: there {_are(len(made))}.")
    if opening.options().json:
        screen.json_document(
            {
                "schema": "keyreeve.policy/1",
                "role": role,
                "account_id": installation.account_id,
                "region": installation.region,
                "documents": list(made if part is None else made[part - 1 : part]),
            }
        )
        return 0
    for document in made if part is None else made[part - 1 : part]:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    if len(made) > 1 and part is None:
        screen.note(f"There {_are(len(made))}: attach all; --part prints one.")
    for pattern in unsayable(installation):
        screen.note(
            f"note: IAM cannot say {screen.safe(pattern)!r}: Keyreeve leaves these users alone, "
            "the policy does not deny it"
        )
    return 0


def _documents(config: Config, installation: Installation, role: str) -> tuple[Json, ...]:
    """ConfigError for the roles of `user` where there is no access model."""
    from keyreeve.governance.own_policies import Role, documents, in_documents
    from keyreeve.governance.people_policies import PeopleRole, people_statements
    from keyreeve.wiring import required_access_model

    if role not in tuple(PeopleRole):
        return documents(installation, Role(role))
    model = required_access_model(config)
    return in_documents(people_statements(installation, model, PeopleRole(role)))


def _are(number: int) -> str:
    return f"{'is' if number == 1 else 'are'} {words.count(number, 'document')}"


def _installation(config: Config, account: str | None) -> Installation:
    """Of the caller's account, or of the one that is named."""
    from keyreeve.aws.sessions import Sessions
    from keyreeve.model.identifiers import AccountId
    from keyreeve.wiring.installation import installation_of

    given = opening.options()
    if account is None and opening.several():
        account = fleet.home(execute=False).caller.account_id
    if account is None:
        opened = opening.door(execute=False)
        region = opened.at_home.client("s3").meta.region_name
        return installation_of(config, account_id=opened.caller.account_id, region=region)
    if not (account.isascii() and account.isdigit() and len(account) == 12):  # noqa: PLR2004
        raise ConfigError(f"{account!r} is no account number of twelve digits", where="--account")
    profile = given.profile or config.profile
    sessions = Sessions(rehearsal=True, profile=profile, region=given.region)
    region = sessions.client("s3").meta.region_name
    return installation_of(config, account_id=AccountId(account), region=region)
