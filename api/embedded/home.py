"""The home folder: everything one installation keeps (0700), and the lock that makes it one's own.

`home.json` says where things are, `secrets.json` (0600) holds what is made once and never shown.
Sockets live elsewhere, in a short private run directory, because a socket path is limited to
about 100 bytes (sun_path: 108 on Linux, 104 on macOS).
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.embedded.problems import SetupError, from_os_error

SECRET_ROLES = ("superuser", "owner", "app", "worker", "platform", "simulator", "sandbox")
LONGEST_SOCKET_PATH = 100


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is made once per home: role passwords, the two keys, a token.

    `master_key` (32 bytes, AES-256-GCM) wraps the keys of stored secrets, `cursor_key`
    (64 bytes, AES-SIV) encrypts feed cursors. Losing them loses what they encrypt.
    `sandbox_token` opens the controls of the sandbox vendors.
    """

    passwords: dict[str, str]
    master_key: bytes
    cursor_key: bytes
    sandbox_token: str


class Home:
    """One home folder. Making the object touches nothing; `create()` makes what is missing."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def outbox(self) -> Path:
        """Where e-mails go in development, one file each."""
        return self.path / "outbox"

    @property
    def demo_file(self) -> Path:
        return self.path / "demo.json"

    @property
    def lock_file(self) -> Path:
        return self.path / "lock"

    @property
    def mark(self) -> str:
        """Eight hex digits that stand for this path and this account."""
        return hashlib.sha256(f"{self.path}:{os.geteuid()}".encode()).hexdigest()[:8]

    def create(self) -> Home:
        """Make the folder and its parts when missing; refuses a home of somebody else."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.stat().st_uid != os.geteuid():
                raise SetupError(
                    f"{self.path} belongs to another account", "choose another BACKDESK_HOME"
                )
            self.path.chmod(0o700)
            for folder in (self.log, self.outbox):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, self.path) from None
        return self

    # home.json ------------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        """What is recorded about this home (empty before the first start)."""
        try:
            found: dict[str, Any] = json.loads((self.path / "home.json").read_text())
        except FileNotFoundError:
            return {}
        except ValueError:
            raise SetupError(
                f"{self.path / 'home.json'} is not JSON", "restore it from a backup"
            ) from None
        except OSError as error:
            raise from_os_error(error, self.path / "home.json") from None
        return found

    def record(self, **facts: Any) -> None:
        """Add facts to `home.json`, whole or not at all."""
        text = json.dumps({**self.facts(), **facts}, indent=2, sort_keys=True) + "\n"
        self.write("home.json", text)

    def write(self, name: str, text: str) -> Path:
        """Write a file of this home at once (0600): readers see the old or the new one."""
        target = self.path / name
        draft = self.path / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise from_os_error(error, target) from None
        return target

    # secrets.json ---------------------------------------------------------------------------

    def secrets(self) -> Secrets:
        """The secrets of this home; made at the first call, the same ever after.

        What a home of an older version lacks is added, whole or not at all.
        """
        target = self.path / "secrets.json"
        if not target.exists():
            draft = self.write(f"secrets.{secrets.token_hex(4)}", _new_secrets())
            # A hard link fails when the name is taken: of two racing starters one wins for both.
            with suppress(FileExistsError):
                os.link(draft, target)
            draft.unlink()
        try:
            told = json.loads(target.read_text())
            if told["master_key"] and told["cursor_key"] and _lacking(told):
                told = self._complete(target)
            return Secrets(
                passwords=dict(told["passwords"]),
                master_key=base64.b64decode(told["master_key"], validate=True),
                cursor_key=base64.b64decode(told["cursor_key"], validate=True),
                sandbox_token=str(told["sandbox_token"]),
            )
        except (ValueError, KeyError, TypeError):
            raise SetupError(f"{target} is damaged", "restore it from a backup") from None
        except OSError as error:
            raise from_os_error(error, target) from None

    def _complete(self, target: Path) -> dict[str, Any]:
        """Adds what is lacking. Of racing starters one does it, the others read what it made."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            told: dict[str, Any] = json.loads(target.read_text())
            if lacking := _lacking(told):
                added = {**lacking, "passwords": {**told["passwords"], **lacking["passwords"]}}
                told = {**told, **added}
                self.write(target.name, json.dumps(told, indent=2) + "\n")
            return told
        finally:
            os.close(folder)

    # The run directory ----------------------------------------------------------------------

    def run_dir(self) -> Path:
        """The short private directory for sockets, made when missing and checked each time.

        A place recorded earlier is kept while it can be used, so that commands started from
        different sessions meet. Refuses a directory that others own or may enter.
        """
        recorded = self.facts().get("run_dir")
        if recorded and Path(recorded).parent.is_dir():
            return make_private(Path(recorded))
        place = make_private(_run_parent() / f"bd-{self.mark}")
        self.record(run_dir=str(place))
        return place

    # The lock -------------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this home alone. Refuses with the holder's pid when another program has it.

        The kernel frees the lock when the holder dies, however it dies; the descriptor is
        close-on-exec, so no child keeps it.
        """
        try:
            handle = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise from_os_error(error, self.lock_file) from None
        with open(handle, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = file.read().strip() or "unknown"
                raise SetupError(
                    f"backdesk already runs on {self.path} (pid {pid})",
                    "stop it first, or set another BACKDESK_HOME",
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            try:
                yield
            finally:
                file.seek(0)
                file.truncate(0)

    def is_locked(self) -> bool:
        """Whether a program holds this home now."""
        try:
            with self.locked():
                return False
        except SetupError:
            return self.lock_file.exists()


def _new_secrets() -> str:
    told = {
        **_lacking({"passwords": {}}),
        "master_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "cursor_key": base64.b64encode(secrets.token_bytes(64)).decode(),
    }
    return json.dumps(told, indent=2) + "\n"


def _lacking(told: dict[str, Any]) -> dict[str, Any]:
    """New values of what these secrets lack and may be given later: passwords and the token.

    A key that is lacking is lost, not new: another one would not open what it has closed.
    """
    known = told["passwords"]
    missing = [role for role in SECRET_ROLES if role not in known]
    if not missing and "sandbox_token" in told:
        return {}
    token = told.get("sandbox_token") or secrets.token_urlsafe(32)
    made = {role: secrets.token_urlsafe(24) for role in missing}
    return {"passwords": made, "sandbox_token": token}


def _run_parent() -> Path:
    """XDG_RUNTIME_DIR when it is ours and short, else /tmp (macOS' own temp folder is too long)."""
    offered = os.environ.get("XDG_RUNTIME_DIR", "")
    if offered and len(offered) + 40 < LONGEST_SOCKET_PATH:
        with suppress(OSError):
            if os.stat(offered).st_uid == os.geteuid():
                return Path(offered)
    return Path("/tmp")  # noqa: S108 — made 0700 below, and its owner is checked


def make_private(place: Path, *, owner: int | None = None) -> Path:
    """Make `place` (0700) or check that it is a real directory of ours that nobody else enters."""
    wanted = os.geteuid() if owner is None else owner
    try:
        with suppress(FileExistsError):
            place.mkdir(mode=0o700)
            if owner is not None:
                os.chown(place, owner, -1)
        found = os.lstat(place)
    except OSError as error:
        raise from_os_error(error, place) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != wanted:
        raise SetupError(f"{place} belongs to somebody else", "remove it, or set XDG_RUNTIME_DIR")
    if found.st_mode & 0o077:
        raise SetupError(f"{place} is open to other accounts", f"chmod 700 {place}")
    return place
