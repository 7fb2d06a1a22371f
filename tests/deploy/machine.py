"""Programs, folders and accounts that the proofs of deploy/ work with."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from keyreeve import __version__
from keyreeve.sandbox.process import Sandbox

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PACKAGE = ROOT / "dist" / f"keyreeve-deployment-{__version__}"
"""What `make package` has made."""
WATCHED = "KEYREEVE_HEARTBEAT_URL"
CONFIG = """\
project_name: ETV
storage: {bucket: keyreeve-sandbox}
mail:
  sender: IAM Compliance <iam@example.com>
  cc: [msp@example.com]
  days: [mon, tue, wed, thu, fri, sat, sun]
"""


def tool(name: str) -> str:
    """A linter of the environment that `install.sh` made."""
    return str(Path(os.environ["KEYREEVE_DEPLOY_TOOLS"]).absolute() / name)


def run(
    *command: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    code: int | None = 0,
) -> str:
    """The program's output; it must end with `code` (None: with any)."""
    done = subprocess.run(
        [str(part) for part in command],
        env=env,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if code is not None:
        assert done.returncode == code, f"{command}: exit {done.returncode}\n{done.stdout}"
    return done.stdout


def plain_environment(sandbox: Sandbox, **more: str) -> dict[str, str]:
    """Nothing of this machine but a path, and the way to the sandbox."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", **sandbox.environment(), **more}


def lines(environment: Mapping[str, str]) -> str:
    """As keyreeve.env and systemd's EnvironmentFile take them."""
    return "".join(f"{name}={value}\n" for name, value in environment.items())


def account_of_today() -> Sandbox:
    """The small account, living now."""
    return Sandbox(account="small", at=datetime.now(UTC))


def wheels(folder: Path) -> Sequence[Path]:
    """Everything that the lock file names, fetched once with its hashes."""
    pip = (ROOT / ".venv/bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "download", "--require-hashes", "--no-deps", "--dest", folder,
        "--requirement", PACKAGE / "requirements-run.lock")  # fmt: skip
    return sorted(folder.iterdir())
