"""A throw-away installation: its home and a durable Postgres that the campaign may kill."""

import asyncio
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
import psycopg
from psycopg.rows import dict_row

from api.embedded import Cluster, Endpoints
from api.embedded.migrate import migrate

PREFIX = "chaos"
T = TypeVar("T")


class Stage:
    """Use it as an async context manager. fsync is on: what a kill loses must be lost here, too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.cluster = Cluster.at(self.home, prefix=PREFIX)
        # Linux ties Postgres to the thread that started it, so that thread must last.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="postgres")

    @classmethod
    def make(cls) -> "Stage":
        return cls(Path(tempfile.mkdtemp(prefix="backdesk-chaos-")))

    @property
    def endpoints(self) -> Endpoints:
        return self.cluster.endpoints

    async def __aenter__(self) -> "Stage":
        await self._in_thread(self._start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._in_thread(self.cluster.destroy)
        self._thread.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        self.cluster.create()
        with (self.cluster.place.data / "postgresql.conf").open("a") as settings:
            # Thousands of connections are opened anew; proving each password would be most of it.
            settings.write("\nscram_iterations = 1\n")
        self.cluster.ensure_started(tied=True)
        migrate(self.endpoints)

    def keep(self, seed: str) -> Path:
        """Copy logs, journal and kills to where the end of the stage leaves them alone."""
        kept = Path(tempfile.gettempdir()) / f"backdesk-chaos-{seed}"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for file in (*self.folder.iterdir(), self.cluster.log):
            if file.is_file():
                shutil.copy(file, kept)
        return kept

    async def _in_thread(self, run: Callable[[], T]) -> T:
        # Shielded: a cancelled campaign must not leave a Postgres half started or half ended.
        running = asyncio.get_running_loop().run_in_executor(self._thread, run)
        return await asyncio.shield(running)

    async def kill_postgres(self) -> None:
        """`kill -9` of the postmaster, and start it again."""
        assert self.cluster.process is not None
        os.kill(self.cluster.process.pid, signal.SIGKILL)
        await self._in_thread(lambda: self.cluster.start(tied=True))

    def kill_backend(self, choose: Callable[[list[psutil.Process]], psutil.Process]) -> bool:
        """`kill -9` of one of Postgres' own processes that serve us; all others die of it."""
        assert self.cluster.process is not None
        with suppress(psutil.Error):
            serving = [
                one
                for one in psutil.Process(self.cluster.process.pid).children()
                if f"{PREFIX}_" in " ".join(one.cmdline())
            ]
            if serving:
                choose(sorted(serving, key=lambda one: one.pid)).kill()
                return True
        return False

    def look(self) -> psycopg.Connection[dict[str, Any]]:
        """A superuser's connection: sees all, and is none of the product's roles."""
        return psycopg.connect(
            self.endpoints.url("superuser"), autocommit=True, row_factory=dict_row
        )

    def deadlocks(self) -> int:
        """How many deadlocks Postgres wrote down; its statistics do not outlive a crash."""
        return self.cluster.log.read_text(errors="replace").count("ERROR:  deadlock detected")


def new_seed() -> str:
    return secrets.token_hex(4)
