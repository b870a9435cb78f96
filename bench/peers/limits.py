"""What the database does without any server: pgbench, the same functions, as many connections."""

import os
import re
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.embedded import Endpoints
from bench import pgbench
from bench.crowd import Crowd
from bench.peers import machine
from bench.peers.questions import Name

LIMIT = "pgbench, same SQL"
_CONNECTING_SECONDS = 2
"""pgbench counts the time in which it connects as a part of the run, though not of the rate."""
_NUMBER = 12
"""Hex digits of the number that an id begins with."""
_SCRIPTS_MAX = 100
"""pgbench takes 128 scripts; each is of one brand."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a run of pgbench told: transactions a second, milliseconds."""

    rate: float
    p50: float
    p99: float
    count: int


def script(name: Name, crowd: Crowd, page: int) -> str:
    """A script that asks for chance rows of one brand, whose ids are numbers and a tail.

    The numbers are 1 to as many as there are, as `tenants.filling.id_of` gives them.
    """
    brand = f"'{crowd.brand_id}'::uuid"
    if name in ("Q2", "Q3"):
        return f"select peers.{name.lower()}({brand}, {page});\n"
    ids = crowd.ibs if name == "Q4" else crowd.clients
    tail = ids[0].hex[_NUMBER:]
    if [one.hex for one in ids] != [f"{n:0{_NUMBER}x}{tail}" for n in range(1, len(ids) + 1)]:
        raise SystemExit("error: pgbench can't draw these ids; they are not numbered from 1")
    drawn = f"(lpad(to_hex(:n::bigint), {_NUMBER}, '0') || '{tail}')::uuid"
    rest = ", 'Asked for a call back on Monday.'" if name == "M1" else ""
    return f"\\set n random(1, {len(ids)})\nselect peers.{name.lower()}({brand}, {drawn}{rest});\n"


def push(
    endpoints: Endpoints, name: Name, crowds: Sequence[Crowd], *, page: int, width: int,
    seconds: float,
) -> Pushed | None:  # fmt: skip
    """One run, where servers run otherwise; None without pgbench."""
    program = pgbench.find()
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        long = _CONNECTING_SECONDS + max(1, round(seconds))
        command = [str(program), "-n", "-M", "prepared", "-j", "1", "-c", str(width), "-l",
                   "-T", str(long), "--log-prefix", f"{folder}/log"]  # fmt: skip
        for n, crowd in enumerate(crowds[:_SCRIPTS_MAX]):
            file = folder / f"{n}.sql"
            file.write_text(script(name, crowd, page))
            command += ["-f", str(file)]
        pair = machine.cores()
        said = subprocess.run(
            ["taskset", "-c", str(pair[0]), *command] if pair else command,
            env=_environment(endpoints), capture_output=True, text=True,
        )  # fmt: skip
        measured = re.search(r"tps = ([0-9.]+)", said.stdout)
        if said.returncode or not measured:
            told = f"{said.returncode}: {said.stdout[-500:]} {said.stderr[-500:]}"
            raise SystemExit(f"error: pgbench failed at {name}: {told}")
        lines = [line for log in folder.glob("log*") for line in log.read_text().splitlines()]
    cuts = statistics.quantiles([int(line.split()[2]) / 1000 for line in lines], n=100)
    return Pushed(float(measured[1]), cuts[49], cuts[98], len(lines))


def _environment(endpoints: Endpoints) -> dict[str, str]:
    options = endpoints.options or {}
    return {
        **os.environ,
        "PGHOST": options["host"],
        "PGPORT": options["port"],
        "PGUSER": endpoints.name("app"),
        "PGPASSWORD": endpoints.passwords["app"],
        "PGDATABASE": endpoints.database,
    }
