"""`ports.role_sessions.RoleSessions` over STS and IAM."""

from __future__ import annotations

from datetime import timedelta

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions
from keyreeve.model.identifiers import AccountId
from keyreeve.model.snapshot import Caller
from keyreeve.ports.role_sessions import Proof, RoleSession


class StsRoleSessions:
    """As the caller of the SDK's own credential chain."""

    def __init__(self, sessions: Sessions) -> None:
        self._sts = sessions.client("sts", attempts_once=True)
        self._iam = sessions.client("iam")

    @calling("sts:GetCallerIdentity")
    def caller(self) -> Caller:
        """Who asks."""
        told = self._sts.get_caller_identity()
        return Caller(
            account_id=AccountId(told["Account"]), arn=told["Arn"], user_id=told["UserId"]
        )

    @calling("iam:ListMFADevices")
    def mfa_devices(self) -> tuple[str, ...]:
        """Without a user name IAM answers for whoever signed."""
        return tuple(row["SerialNumber"] for row in self._iam.list_mfa_devices()["MFADevices"])

    @calling("sts:AssumeRole")
    def assume(
        self, role_arn: str, session_name: str, duration: timedelta, proof: Proof | None
    ) -> RoleSession:
        """One attempt: an MFA code is taken once only."""
        mfa = {"SerialNumber": proof.serial, "TokenCode": proof.code} if proof else {}
        told = self._sts.assume_role(
            RoleArn=role_arn,
            RoleSessionName=session_name,
            DurationSeconds=int(duration.total_seconds()),
            **mfa,  # type: ignore[arg-type]  # the stubs know no optional pair
        )
        found = told["Credentials"]
        return RoleSession(
            access_key_id=found["AccessKeyId"],
            secret=found["SecretAccessKey"],
            token=found["SessionToken"],
            expires_at=found["Expiration"],
            arn=told["AssumedRoleUser"]["Arn"],
        )
