"""run.sh under a real cron daemon, and the image as its Dockerfile makes it, in a clean Debian."""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.contract.test_heartbeat import CANARY, Watcher
from tests.deploy.clean_root import CHROOT, clean_root, copied, daemon, within
from tests.deploy.machine import (
    CONFIG,
    DEPLOY,
    PACKAGE,
    WATCHED,
    account_of_today,
    lines,
    plain_environment,
    run,
)

from keyreeve.sandbox.process import Sandbox

BASE = "docker.io/library/python:3.11-slim-bookworm"
SENDMAIL = """\
#!/bin/sh
exec cat >> /var/mail/sent
"""
HEARTBEAT = f"heartbeat: {{url_env: {WATCHED}}}\n"
HOME = "/home/ops"
MINUTES = 10
"""At most: cron looks once a minute, the first run installs besides, and the machine is shared."""


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean_root(tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="module")
def root(pristine: Path) -> Path:
    lived_in = pristine.with_name("lived-in")
    run("cp", "--archive", "--reflink=auto", pristine, lived_in)
    return lived_in


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    with account_of_today() as sandbox:
        yield sandbox


# --- cron -----------------------------------------------------------------------------------------


class User:
    """Somebody with an empty home, and a crontab with one line."""

    def __init__(self, root: Path, sandbox: Sandbox, url: str) -> None:
        self.root, self.sandbox = root, sandbox
        within(root, "useradd", "--create-home", "--shell", "/bin/sh", "ops")
        copied(PACKAGE, root, f"{HOME}/package", "ops")
        self.place = root / HOME.lstrip("/") / "keyreeve"
        self.settings = {WATCHED: url, "KEYREEVE_MAILTO": "ops@example.com"}
        self.write("config.yaml", CONFIG + HEARTBEAT)
        self.write("keyreeve.env", lines(sandbox.environment() | self.settings))
        sendmail = root / "usr/sbin/sendmail"
        sendmail.write_text(SENDMAIL)
        sendmail.chmod(0o755)
        (root / "var/mail").chmod(0o1777)

    def write(self, name: str, content: str, mode: int = 0o600) -> None:
        self.place.mkdir(exist_ok=True)
        file = self.place / name
        file.write_text(content)
        file.chmod(mode)
        within(self.root, "chown", "-R", "ops:ops", f"{HOME}/keyreeve")

    def crontab(self, arguments: str) -> None:
        table = self.root / "crontab"
        table.write_text(f"* * * * *  {HOME}/package/deploy/cron/run.sh {arguments}\n")
        within(self.root, "crontab", "-u", "ops", "/crontab")

    def no_crontab(self) -> None:
        within(self.root, "crontab", "-u", "ops", "-r")

    def shell(self, arguments: str, code: int) -> str:
        """The same command line by hand, with no more of an environment than cron gives."""
        env = {"HOME": HOME, "PATH": "/usr/bin:/bin", "LOGNAME": "ops"}
        line = f"{HOME}/package/deploy/cron/run.sh {arguments}"
        return run(CHROOT, "--userspec=ops:ops", self.root, "/bin/sh", "-c", line,
                   env=env, code=code)  # fmt: skip

    def logs(self) -> list[Path]:
        return sorted((self.place / "logs").glob("run-*.log"))

    @property
    def mail(self) -> str:
        sent = self.root / "var/mail/sent"
        return sent.read_text() if sent.exists() else ""


@pytest.fixture(scope="module")
def watcher() -> Iterator[Watcher]:
    with closing(Watcher()) as made:
        yield made


@pytest.fixture(scope="module")
def user(root: Path, account: Sandbox, watcher: Watcher) -> User:
    return User(root, account, watcher.url)


def until(ready: Callable[[], bool], minutes: float) -> None:
    end = time.monotonic() + minutes * 60
    while not ready():
        assert time.monotonic() < end, "cron did not do it in time"
        time.sleep(0.5)


def test_a_real_cron_daemon_runs_it_in_an_empty_home(user: User, watcher: Watcher):
    user.crontab("--execute")
    with daemon(user.root, "/usr/sbin/cron", "-f"):
        until(lambda: watcher.heard() > 0, MINUTES)
        user.no_crontab()
        until(lambda: not _locked(user), 1)
    log = user.logs()[0].read_text()
    assert "Rehearsed only" not in log
    assert "run" in log
    assert user.sandbox.mails(), "owners were told"
    assert (user.place / "venv/bin/keyreeve").exists()
    codes = set(re.findall(r"exit code ([0-9]+)", user.mail))
    assert codes <= {"5"}, "nothing went wrong; a minute later cron may have come too early"
    assert CANARY not in log
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in user.logs()}
    assert set(modes.values()) == {0o600}


def _locked(user: User) -> bool:
    with (user.place / "run.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_it_is_not_installed_twice_and_rehearses_unless_told_otherwise(user: User):
    before = (user.place / "venv").readlink()
    mails = len(user.sandbox.mails())
    assert user.shell("", 0) == ""
    assert "Rehearsed only" in user.logs()[-1].read_text()
    assert (user.place / "venv").readlink() == before
    assert len(user.sandbox.mails()) == mails


def test_who_comes_second_is_locked_out_and_mailed(user: User):
    with (user.place / "run.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        before = len(user.mail)
        user.shell("--execute", 5)
    assert "exit code 5: another run holds the lock" in user.mail[before:]


def test_what_goes_wrong_is_mailed_by_its_exit_code_and_holds_no_secret(user: User):
    user.write("config.yaml", CONFIG + HEARTBEAT + "unknwon: 1\n")
    user.shell("--execute", 2)
    user.write("config.yaml", CONFIG + HEARTBEAT)
    assert "Subject: [keyreeve]" in user.mail
    assert "exit code 2: usage or configuration error" in user.mail
    assert "unknwon" in user.mail
    assert CANARY not in user.mail


def test_a_mail_is_printed_where_cron_is_to_send_it_and_only_the_codes_that_are_wanted(user: User):
    settings = user.sandbox.environment() | {WATCHED: "nothing"}
    user.write("keyreeve.env", lines(settings))
    said = user.shell("--execute", 1)
    assert "exit code 1: some parts failed" in said
    assert "Heartbeat: URL in" in said
    user.write("keyreeve.env", lines(settings | {"KEYREEVE_MAIL_CODES": "2 4 6"}))
    assert user.shell("--execute", 1) == ""


def test_settings_that_others_can_read_are_refused(user: User):
    user.write("keyreeve.env", lines(user.sandbox.environment()), mode=0o644)
    assert "chmod 600" in user.shell("--execute", 2)
    user.write("keyreeve.env", lines(user.sandbox.environment()))


def test_logs_are_rotated(user: User):
    for number in range(6):
        user.write(f"logs/run-2020010{number}T000000Z-1.log", "old")
    settings = user.sandbox.environment() | {"KEYREEVE_KEEP_LOGS": "3"}
    user.write("keyreeve.env", lines(settings))
    user.shell("", 0)
    kept = [path.name for path in user.logs()]
    assert len(kept) == 3
    assert not any(name.startswith("run-2020") for name in kept)


def test_a_lock_file_with_another_hash_installs_nothing_and_says_so(user: User):
    lock = user.root / HOME.lstrip("/") / "package/requirements-run.lock"
    sound = lock.read_text()
    lock.write_text(sound.replace("--hash=sha256:", "--hash=sha256:0", 400).replace(":00", ":0"))
    said = user.shell("--execute", 6)
    lock.write_text(sound)
    assert "could not be installed; nothing was run" in said
    assert "exit code 6" in said
    assert not list(user.place.glob("venv-*/complete"))[1:], "only the sound one is there"
    assert user.shell("", 0) == ""


# --- the image ------------------------------------------------------------------------------------


class Image:
    """The image that buildah makes from the Dockerfile, its base a clean Debian under its name."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder = folder
        self.bud = ("buildah", "--root", folder / "store", "--runroot", folder / "run",
                    "--storage-driver", "vfs")  # fmt: skip
        made = self.buildah("from", "scratch").strip()
        self.buildah("add", "--quiet", made, str(base))
        self.buildah("commit", "--quiet", made, BASE)
        file = PACKAGE / "deploy/container/Dockerfile"
        self.log = self.buildah("bud", "--pull-never", "--isolation", "chroot", "--tag", "keyreeve",
                                "--file", str(file), str(PACKAGE))  # fmt: skip
        self.container = self.buildah("from", "--pull-never", "keyreeve").strip()
        self.mounted = Path(self.buildah("mount", self.container).strip())
        told = json.loads(self.buildah("inspect", "--type", "image", "keyreeve"))
        self.config = told["OCIv1"]["config"]

    def buildah(self, *arguments: str) -> str:
        return run(*self.bud, *arguments)

    def strip(self) -> None:
        """Of every program but Python: no shell, no tool, no package manager."""
        for place in ("usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"):
            for program in (self.mounted / place).iterdir():
                if not program.name.startswith("python3"):
                    program.unlink()

    def run(self, *arguments: str, env: dict[str, str], code: int) -> str:
        """As a container runs: the image's user, read-only, no capability, a process tree alone."""
        image = dict(pair.split("=", 1) for pair in self.config["Env"])
        config = self.folder / "etc"
        script = (
            'set -e; m=$1; c=$2; shift 2; mount --bind "$m" "$m"; mkdir -p "$m/etc/keyreeve"; '
            'mount --bind "$c" "$m/etc/keyreeve"; mount -t proc proc "$m/proc"; '
            'mount -o remount,bind,ro "$m"; '
            "exec setpriv --no-new-privs --bounding-set=-all,+setuid,+setgid,+sys_chroot "
            'chroot --userspec=65532:65532 --groups=65532 "$m" "$@"'
        )
        space = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh")
        return run(*space, self.mounted, config, *self.config["Entrypoint"], *arguments,
                   env={"PATH": os.environ["PATH"], **image, **env}, code=code)  # fmt: skip


@pytest.fixture(scope="module")
def image(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("image")
    made = Image(folder, pristine)
    (folder / "etc").mkdir()
    (folder / "etc/config.yaml").write_text(CONFIG)
    yield made
    made.buildah("umount", made.container)


def test_the_dockerfile_builds_step_by_step(image: Image):
    steps = [line for line in image.log.splitlines() if "STEP" in line]
    instructions = [
        line.split()[0]
        for line in (DEPLOY / "container/Dockerfile").read_text().splitlines()
        if line[:1].isupper()
    ]
    assert len(steps) >= len(instructions) - 1, image.log
    assert image.config["User"] == "65532:65532"
    assert image.config["Entrypoint"] == ["/opt/keyreeve/bin/python", "-m", "keyreeve"]
    assert not (image.mounted / "package").exists()
    assert not list(image.mounted.glob("opt/keyreeve/bin/pip*"))


def test_it_runs_read_only_as_nobody_without_a_shell_or_any_tool(image: Image, account: Sandbox):
    image.strip()
    assert not (image.mounted / "usr/bin/sh").exists()
    env = {k: v for k, v in plain_environment(account).items() if k != "PATH"}
    assert "keyreeve, version" in image.run("--version", env=env, code=0)
    assert "Rehearsed only" in image.run("run", env=env, code=0)
    before = len(account.calls())
    said = image.run("run", "--execute", env=env, code=0)
    assert "Rehearsed only" not in said
    assert len(account.calls()) > before
    assert "Nothing breaks the rules" not in image.run("check", env=env, code=0)


def test_nothing_in_it_can_be_written(image: Image):
    assert image.config["WorkingDir"] == "/etc/keyreeve"
    said = image.run("report", "--credential-report", "x", env={}, code=2)
    assert "No such option" in said
    owned = [path for path in (image.mounted / "opt").rglob("*") if path.lstat().st_uid != 0]
    writable = [p for p in (image.mounted / "opt").rglob("*")
                if not p.is_symlink() and p.stat().st_mode & 0o022]  # fmt: skip
    assert (owned, writable) == ([], [])
