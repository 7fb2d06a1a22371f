"""Secrets that their owner alone may read, as ports.SecretVault over AWS Secrets Manager.

    CreateSecret        without a value, under a name made of the operation
    PutResourcePolicy   the owner may read, and nobody else may while this policy stands
    PutSecretValue      with a token made of the name: repeated, it stays one version

So there is no moment at which it has a value and no guard; who may change the secret's policy can
take the guard away.  Each call may be repeated, and after a stop the next run repeats all three.

The denial goes by `aws:userid`, the user's unique id: it outlives a rename, and a user who is
deleted and created anew under the same name gets nothing.  Sessions of roles have ids of their
own.  AWS turns the principal's ARN into the same unique id when it stores the policy.
Source: Secrets Manager User Guide, "Resource-based policies"; IAM User Guide, "Global condition
keys", aws:userid.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import AlreadyExists, Conflict, Doubtful, Malformed
from keyreeve.model.identifiers import UserId
from keyreeve.model.notice import SecretPlace
from keyreeve.ports import VaultItem

FOLDER: Final = "keyreeve"
"""Where all names begin: what the shipped policies allow."""

_READ: Final = "secretsmanager:GetSecretValue"
_OWNERS: Final = ["secretsmanager:DescribeSecret", _READ]
"""The console asks for the description before it shows the value."""


class SecretsManagerVault:
    """ports.SecretVault in the region of the run; the client is made when it is first needed."""

    def __init__(self, sessions: Sessions, *, project: str, kms_key_id: str | None = None) -> None:
        self._sessions = sessions
        self._project = project
        self._key = {} if kms_key_id is None else {"KmsKeyId": kms_key_id}

    @property
    def region(self) -> str:
        """The run's."""
        return str(self._client.meta.region_name)

    def name(self, item: VaultItem) -> str:
        """`keyreeve/{project}/{user id}/{operation}-{attempt}`."""
        return f"{FOLDER}/{self._project}/{item.user_id}/{item.stem}"

    def keep(self, item: VaultItem, owner_arn: str, content: str) -> SecretPlace:
        """Three calls in this order; Conflict if the name is taken by somebody else's secret."""
        name = self.name(item)
        try:
            arn = self._create(item)
        except (AlreadyExists, Doubtful, Malformed):
            arn = self._recognise(item)
        self._allow(name, reading_policy(owner_arn, item.user_id))
        self._put(name, content)
        url = _console(name, self.region)
        return SecretPlace(name=name, arn=arn, region=self.region, console_url=url)

    @calling("secretsmanager:DeleteSecret")
    def discard(self, item: VaultItem) -> None:
        """Without a recovery window; AWS makes no error of a secret that is not there."""
        self._client.delete_secret(SecretId=self.name(item), ForceDeleteWithoutRecovery=True)

    @property
    def _client(self) -> Any:
        return self._sessions.client("secretsmanager")

    @calling("secretsmanager:CreateSecret")
    def _create(self, item: VaultItem) -> str:
        answer = self._client.create_secret(
            Name=self.name(item),
            Description=f"For one IAM user alone, by Keyreeve ({self._project})",
            Tags=[{"Key": key, "Value": value} for key, value in self._tags(item).items()],
            **self._key,
        )
        return str(answer["ARN"])

    @calling("secretsmanager:DescribeSecret")
    def _recognise(self, item: VaultItem) -> str:
        """The secret that is there already, if an earlier try of ours made it."""
        answer = self._client.describe_secret(SecretId=self.name(item))
        tags = {row["Key"]: row["Value"] for row in answer.get("Tags", ())}
        if not self._tags(item).items() <= tags.items() or "DeletedDate" in answer:
            raise Conflict(
                f"the secret {self.name(item)} is not Keyreeve's, or is being deleted",
                call="secretsmanager:CreateSecret",
                remedy="Look at it in Secrets Manager; nothing was written to it.",
            )
        return str(answer["ARN"])

    @calling("secretsmanager:PutResourcePolicy")
    def _allow(self, name: str, policy: str) -> None:
        self._client.put_resource_policy(
            SecretId=name, ResourcePolicy=policy, BlockPublicPolicy=True
        )

    @calling("secretsmanager:PutSecretValue")
    def _put(self, name: str, content: str) -> None:
        self._client.put_secret_value(
            SecretId=name,
            SecretString=content,
            ClientRequestToken=sha256(name.encode()).hexdigest(),
        )

    def _tags(self, item: VaultItem) -> dict[str, str]:
        return {
            "keyreeve:project": self._project,
            "keyreeve:user-id": item.user_id,
            "keyreeve:operation": item.stem,
        }


def reading_policy(owner_arn: str, user_id: UserId) -> str:
    """The owner may read without any policy of their own; everybody else is denied."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TheOwnerMayRead",
                    "Effect": "Allow",
                    "Principal": {"AWS": owner_arn},
                    "Action": _OWNERS,
                    "Resource": "*",
                },
                {
                    "Sid": "NobodyElseMayRead",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": _READ,
                    "Resource": "*",
                    "Condition": {"StringNotEquals": {"aws:userid": user_id}},
                },
            ],
        }
    )


def _console(name: str, region: str) -> str:
    return (
        f"https://{region}.console.aws.amazon.com/secretsmanager/secret"
        f"?name={quote(name, safe='')}&region={region}"
    )
