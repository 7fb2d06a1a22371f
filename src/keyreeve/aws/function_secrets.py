"""The secret that a function reads at its start: passwords and tokens that no config holds."""

from __future__ import annotations

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions


@calling("secretsmanager:GetSecretValue")
def secret_text(sessions: Sessions, arn: str) -> str:
    """Its current text. AwsFailure if it cannot be read; empty if it is binary."""
    client = sessions.client("secretsmanager")
    return str(client.get_secret_value(SecretId=arn).get("SecretString", ""))
