"""Where a cluster's files lie and which account runs it.

An ordinary user's cluster lies inside the home. Postgres refuses to run as root, and an
unprivileged account usually cannot reach root's home, so for root the files go to a place of
their own, recorded in `home.json`. No mode of an existing directory is ever changed.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.embedded.binaries import Binaries, copy_to
from api.embedded.home import Home, make_private
from api.embedded.problems import SetupError, from_os_error

LAUNCH = Path(__file__).with_name("launch.py")
_ACCOUNTS = ("postgres", "_postgres", "nobody")
# Ours inside is 0700 with a name of its own, so a shared temporary folder is no danger.
_LASTING = ("/var/lib", "/usr/local/var", "/var/db", "/var/tmp")  # noqa: S108
_SCRATCH = ("/tmp", "/var/tmp")  # noqa: S108


@dataclass(frozen=True, slots=True)
class Place:
    """The folder that holds `data`, the socket directory, and the account (None: our own)."""

    folder: Path
    socket_dir: Path
    account: str | None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def own(self, path: Path) -> None:
        """Give `path` to the account that runs Postgres."""
        if self.account:
            entry = pwd.getpwnam(self.account)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def command(self, program: Path, *arguments: str, parting: int = 0) -> list[str]:
        """The command line that runs `program` as the account (`parting`: see `launch`)."""
        launcher = [sys.executable, "-I", "-S", str(LAUNCH), self.account or "-", str(parting)]
        return [*launcher, str(program), *arguments]


def settle(home: Home, *, lasting: bool = True) -> Place:
    """The place of this home's cluster, made at the first call and recorded ever after.

    One that need not last (tests) goes where the system cleans up after killed runs.
    """
    home.create()
    recorded = home.facts()
    if "cluster" in recorded:
        account = recorded.get("account")
        folder = home.path / recorded["cluster"]
        if account is not None and os.geteuid() != 0:
            raise SetupError(
                f"{home.path} was made by root", "run as root, or set another BACKDESK_HOME"
            )
        return _ready(home, folder, account)
    if os.geteuid() != 0:
        home.record(cluster="postgres", account=None)
        return _ready(home, home.path / "postgres", None)
    account = unprivileged_account()
    folder = _folder_for(home, account, _LASTING if lasting else _SCRATCH)
    home.record(cluster=str(folder), account=account)
    return _ready(home, folder, account)


def unprivileged_account(names: Sequence[str] = _ACCOUNTS) -> str:
    """The existing account that runs Postgres when we are root."""
    for name in names:
        try:
            if pwd.getpwnam(name).pw_uid != 0:
                return name
        except KeyError:
            continue
    raise SetupError(
        "Postgres does not run as root and there is no account 'postgres' or 'nobody'",
        "start backdesk as an ordinary user, or set DATABASE_URL",
    )


def reachable(place: Place, binaries: Binaries) -> Binaries:
    """The same binaries, copied into the place when its account cannot run the originals."""
    if place.account is None or _runs(place, binaries):
        return binaries
    if binaries.root is None:
        raise SetupError(
            f"account {place.account} may not run {binaries.bin}",
            "install PostgreSQL system-wide, or start backdesk as an ordinary user",
        )
    try:
        copied = copy_to(binaries, place.folder)
    except (OSError, shutil.Error) as error:
        cause = error if isinstance(error, OSError) and error.errno else OSError(28, str(error))
        raise from_os_error(cause, place.folder) from None
    if not _runs(place, copied):
        raise SetupError(
            f"account {place.account} may not run {copied.bin}",
            "mount that disk without noexec, or start backdesk as an ordinary user",
        )
    return copied


def _runs(place: Place, binaries: Binaries) -> bool:
    command = place.command(binaries.program("postgres"), "--version")
    return subprocess.run(command, capture_output=True, cwd="/").returncode == 0  # noqa: S603


def _ready(home: Home, folder: Path, account: str | None) -> Place:
    """Make the folder and the socket directory if they went missing (a reboot empties /tmp)."""
    if account is None:
        return Place(make_private(folder), home.run_dir(), None)
    owner = pwd.getpwnam(account).pw_uid
    make_private(folder, owner=owner)
    return Place(folder, make_private(folder / "run", owner=owner), account)


def _folder_for(home: Home, account: str, parents: Sequence[str]) -> Path:
    """A fresh private folder in the first of `parents` that the account can walk through.

    Its file `home` tells an administrator which home it belongs to.
    """
    name = f"backdesk-{home.mark}-{secrets.token_hex(2)}"
    owner = pwd.getpwnam(account).pw_uid
    for parent in map(Path, parents):
        if not _anybody_may_enter(parent):
            continue
        try:
            (parent / name).mkdir(mode=0o700)
        except OSError:
            continue
        (parent / name / "home").write_text(f"{home.path}\n")
        os.chown(parent / name, owner, -1)
        return parent / name
    raise SetupError(
        f"account {account} can reach none of {', '.join(parents)}",
        "start backdesk as an ordinary user, or set DATABASE_URL",
    )


def _anybody_may_enter(folder: Path) -> bool:
    """Whether every directory on the way has the execute bit for others."""
    try:
        return all(each.stat().st_mode & 0o001 for each in [folder, *folder.parents])
    except OSError:
        return False
