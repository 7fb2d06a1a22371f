"""What a user may hold beside a password, access keys and devices, made over the SDK."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from keyreeve.model.people import Held, HeldKind

_SSH_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 bob"


def give_everything(iam: Any, user: str) -> set[Held]:
    """One of each kind."""
    ssh = iam.upload_ssh_public_key(UserName=user, SSHPublicKeyBody=_SSH_KEY)
    git = iam.create_service_specific_credential(
        UserName=user, ServiceName="codecommit.amazonaws.com"
    )
    signing = iam.upload_signing_certificate(UserName=user, CertificateBody=_certificate(user))
    return {
        Held(kind=HeldKind.SSH_KEY, id=ssh["SSHPublicKey"]["SSHPublicKeyId"]),
        Held(
            kind=HeldKind.SERVICE_CREDENTIAL,
            id=git["ServiceSpecificCredential"]["ServiceSpecificCredentialId"],
        ),
        Held(kind=HeldKind.CERTIFICATE, id=signing["Certificate"]["CertificateId"]),
    }


def _certificate(name: str) -> str:
    """Signed by itself."""
    key = Ed25519PrivateKey.generate()
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(whose)
        .issuer_name(whose)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2030, 1, 1, tzinfo=UTC))
        .sign(key, None)
    )
    return made.public_bytes(Encoding.PEM).decode()
