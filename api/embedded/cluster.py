"""One private Postgres cluster: made, started, recovered and stopped by us.

It listens on a socket in a private directory only, asks every account for its password, and
keeps checksums. `postgres` is executed directly, so whoever starts it owns it: the supervisor
restarts it, and on Linux it shuts down by itself when its starter is killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from api.embedded import binaries, place, postmaster
from api.embedded.endpoints import DEFAULT_PREFIX, Endpoints
from api.embedded.home import Home
from api.embedded.problems import SetupError, from_os_error, from_postgres_output

PORT = 5432  # Only a part of the socket's file name: there is no TCP.
DATABASE = "backdesk"
START_SECONDS = 60.0
# Answers of a server that lives but is not ready, and of one whose predecessor still dies.
_STARTING_UP = "57P03"
_PREDECESSOR_DIES = ("pre-existing shared memory block", 'lock file "postmaster.pid"')

_SETTINGS = """\
# Written by backdesk at each start; put your own settings into postgresql.conf below the include.
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
max_connections = 100
password_encryption = 'scram-sha-256'
shared_buffers = '{shared_buffers}'
max_wal_size = '1GB'
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] %q%u@%d '
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
"""


_LEAST_MB, _MOST_MB = 128, 2048
_GROUPS, _OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def memory_bytes() -> int:
    """The memory of this machine, or what this container or service may use of it (cgroup v2)."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    own = ""
    with suppress(OSError):
        own = _OWN_GROUP.read_text().strip().rpartition("0::/")[2]
    for group in (_GROUPS / own, *(_GROUPS / own).parents):
        with suppress(OSError, ValueError):  # none there, or one without a limit
            found = min(found, int((group / "memory.max").read_text()))
    return found


def buffers_mb(memory: int) -> int:
    """How much of it Postgres keeps pages in: a quarter, as its manual advises, taken as it is
    used. At most 2 GB: the other processes live here, too, and the system caches files itself."""
    return max(_LEAST_MB, min(memory // 4 // 2**20, _MOST_MB))


# Python complains of a process object that is dropped while its process lives; an untied Postgres
# outlives the object that started it on purpose.
_STARTED: list[subprocess.Popen[bytes]] = []


class Cluster:
    """The cluster of one home. `ensure_started` for tests and tools, `start` for its owner."""

    def __init__(self, home: Home, *, prefix: str = DEFAULT_PREFIX, durable: bool = True) -> None:
        self.home = home
        self.prefix = prefix
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None
        self._log_from = 0  # where the newest start begins in the log
        self.place = place.settle(home, lasting=durable)
        self.secrets = home.secrets()

    @classmethod
    def at(
        cls, home: Path | Home, *, prefix: str = DEFAULT_PREFIX, durable: bool = True
    ) -> Cluster:
        """The cluster of the home at this path. `durable=False` gives up fsync (tests only)."""
        return cls(home if isinstance(home, Home) else Home(home), prefix=prefix, durable=durable)

    @property
    def endpoints(self) -> Endpoints:
        """How each role reaches the database `backdesk` of this cluster."""
        return Endpoints(
            database=DATABASE,
            passwords=self.secrets.passwords,
            prefix=self.prefix,
            options={"host": str(self.socket_dir), "port": str(PORT)},
        )

    @property
    def socket_dir(self) -> Path:
        running = postmaster.find(self.place.data)
        told = running.socket_dir if running else None
        return told or self.place.socket_dir

    @property
    def log(self) -> Path:
        return self.home.log / "postgres.log"

    def is_running(self) -> bool:
        """Whether a postmaster of this cluster lives, whoever started it."""
        return postmaster.find(self.place.data) is not None

    # Starting -------------------------------------------------------------------------------

    def ensure_started(self, *, tied: bool = False) -> Endpoints:
        """The endpoints of a running, bootstrapped cluster: reused when it runs, else started.

        With `tied` it ends when this process ends (Linux); otherwise it goes on until `stop`.
        """
        self.create()
        if self.is_running():
            self.wait_ready()
        else:
            self.start(tied=tied)
        return self.bootstrap()

    def bootstrap(self) -> Endpoints:
        """Make the roles and the database in the running cluster; repeating changes nothing."""
        from api.embedded import roles

        roles.bootstrap(self.endpoints)
        return self.endpoints

    def start(self, *, tied: bool = True) -> None:
        """Start Postgres as our child and wait until it answers.

        One that survived its launcher is shut down cleanly first, so that the child is ours.
        """
        self.create()
        if left_over := postmaster.find(self.place.data):
            postmaster.end(left_over.pid)
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.spawn(tied=tied)
            try:
                return self.wait_ready(seconds=deadline - time.monotonic())
            except _PredecessorDying:
                # Backends of a killed postmaster end by themselves within moments.
                if time.monotonic() > deadline:
                    raise SetupError(
                        "processes of an earlier Postgres do not end", f"see {self.log}"
                    ) from None
                time.sleep(0.1)

    def spawn(self, *, tied: bool = True) -> subprocess.Popen[bytes]:
        """Execute `postgres` and return at once. With `tied`, call it from the main thread:
        Linux sends the parting signal when the starting thread ends."""
        chosen = self._binaries()
        self._write_settings()
        parting = signal.SIGINT if tied else 0
        command = self.place.command(
            chosen.program("postgres"), "-D", str(self.place.data), parting=int(parting)
        )
        try:
            with self.log.open("ab") as log:
                self._log_from = log.tell()
                self.process = subprocess.Popen(  # noqa: S603 — our own launcher
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=_plain_environment(),
                    start_new_session=True,
                )
        except OSError as error:
            raise from_os_error(error, self.log) from None
        _STARTED[:] = [each for each in _STARTED if each.poll() is None]
        _STARTED.append(self.process)
        return self.process

    def wait_ready(self, *, seconds: float = START_SECONDS) -> None:
        """Return when Postgres answers a query; refuse in one line when it dies instead."""
        import psycopg

        deadline = time.monotonic() + seconds
        while True:
            try:
                with psycopg.connect(self._bootstrap_url(), connect_timeout=5):
                    return
            except psycopg.OperationalError as error:
                self._raise_if_dead()
                if "password authentication failed" in str(error):
                    raise SetupError(
                        "the database does not know the passwords of this home",
                        f"restore {self.home.path / 'secrets.json'}, or set another BACKDESK_HOME",
                    ) from None
                if time.monotonic() > deadline:
                    raise SetupError("Postgres does not answer", f"see {self.log}") from None
            time.sleep(postmaster.POLL_SECONDS)

    # Stopping -------------------------------------------------------------------------------

    def stop(self) -> None:
        """Shut Postgres down, whoever started it: fast first, immediate when it hangs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(10)
        elif running := postmaster.find(self.place.data):
            postmaster.end(running.pid)
        self.process = None

    def destroy(self) -> None:
        """Stop and delete the cluster and its home (tests and scratch homes only)."""
        self.stop()
        shutil.rmtree(self.place.folder, ignore_errors=True)
        shutil.rmtree(self.home.run_dir(), ignore_errors=True)
        shutil.rmtree(self.home.path, ignore_errors=True)

    # Making ---------------------------------------------------------------------------------

    def create(self) -> None:
        """Make the data folder when there is none. A half-made one is never seen: the folder
        gets its name when `initdb` has ended well."""
        if (self.place.data / "PG_VERSION").exists():
            return
        chosen = self._binaries()
        draft = self.place.folder / "data.new"
        password = self.place.folder / "password"
        try:
            shutil.rmtree(draft, ignore_errors=True)
            password.write_text(self.secrets.passwords["superuser"])
            password.chmod(0o600)
            self.place.own(password)
            told = subprocess.run(  # noqa: S603 — our own launcher
                self.place.command(chosen.program("initdb"), *self._initdb(chosen, draft)),
                capture_output=True,
                text=True,
                cwd="/",
                env=_plain_environment(),
            )
            self.log.write_text(told.stdout + told.stderr)
            if told.returncode:
                raise from_postgres_output(told.stderr or told.stdout, self.log)
            with (draft / "postgresql.conf").open("a") as file:
                file.write("\ninclude 'backdesk.conf'\n")
            draft.rename(self.place.data)
        except OSError as error:
            raise from_os_error(error, self.place.folder) from None
        finally:
            password.unlink(missing_ok=True)
        self.home.record(major=chosen.major, binaries=str(chosen.bin), socket_port=PORT)

    def _initdb(self, chosen: binaries.Binaries, draft: Path) -> list[str]:
        options = [
            *("-D", str(draft), "-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8"),
            f"--pwfile={self.place.folder / 'password'}",
            "--data-checksums",
        ]
        if not self.durable:
            options.append("--no-sync")
        if chosen.major >= 17:
            # Postgres' own C.UTF-8: the same order on every system and C library.
            return [*options, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return [*options, "--locale=C" if sys.platform == "darwin" else "--locale=C.UTF-8"]

    def _binaries(self) -> binaries.Binaries:
        """The binaries that fit the data, reachable for the account that runs them."""
        version_file = self.place.data / "PG_VERSION"
        try:
            major = int(version_file.read_text()) if version_file.exists() else None
        except (OSError, ValueError):
            raise SetupError(f"{version_file} is damaged", "restore the home") from None
        return place.reachable(self.place, binaries.choose(major=major))

    def _write_settings(self) -> None:
        text = _SETTINGS.format(
            port=PORT,
            socket_dir=self.place.socket_dir,
            shared_buffers=f"{buffers_mb(memory_bytes()) if self.durable else _LEAST_MB}MB",
            durable="on" if self.durable else "off",
        )
        file = self.place.data / "backdesk.conf"
        try:
            file.write_text(text)
            file.chmod(0o600)
            self.place.own(file)
        except OSError as error:
            raise from_os_error(error, file) from None

    def _bootstrap_url(self) -> str:
        return self.endpoints.url("superuser", database="postgres")

    def _raise_if_dead(self) -> None:
        """Explain a child that ended before it was ready, from what it wrote since its start."""
        if self.process is None or self.process.poll() is None:
            return
        with self.log.open("rb") as log:
            log.seek(self._log_from)
            text = log.read().decode(errors="replace")
        self.process = None
        if any(needle in text for needle in _PREDECESSOR_DIES):
            raise _PredecessorDying
        raise from_postgres_output(text, self.log)


class _PredecessorDying(Exception):
    """The shared memory of a killed postmaster is still in use."""


def _plain_environment() -> dict[str, str]:
    """No PG* variable and no locale of the caller may change what the cluster is."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "TZ", "HOME")}
    return {**kept, "LC_ALL": "C", "LANG": "C"}
