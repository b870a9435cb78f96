"""Rounds over all servers and operations on one database, and the medians of what they took."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from rich.console import Console
from rich.progress import Progress

from api.embedded import Cluster, postmaster
from api.graphql.limits import EdgeLimits
from bench import crowd, scratch
from bench.crowd import Crowd
from bench.peers import limits, machine, questions, servers, statements
from bench.peers.answers import require_equal
from bench.peers.questions import MADE_BY, NAMES, Drawn, Name
from bench.peers.servers import Running, Server

ROLES = ("brand_admin", "compliance")
"""Whose tokens are used: they see everything and write notes."""
TOKENS = 150
"""Of all brands together, and one of each at least. Each has a budget of its own, and no limit is
switched off."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much there is: brands, clients in all of them, rows of a page."""

    brands: int
    clients: int
    page: int


@dataclass(frozen=True, slots=True)
class Figure:
    """Requests a second, milliseconds, and processor milliseconds a request of each side."""

    rate: float
    p50: float
    p99: float
    server: float
    database: float
    asking: float


@dataclass(frozen=True, slots=True)
class Course:
    """How it is measured."""

    rounds: int
    seconds: float
    width: int
    seed: int


POINTS: dict[Name, int] = {"Q1": 35, "Q2": 650, "Q3": 102, "Q4": 1_305, "M1": 21}
"""What our operations cost at most, of the caller's budget."""
Figures: TypeAlias = dict[tuple[str, str], Figure]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured at some size: figures by server and operation, memory by server.

    `short` are the operations of ours that used up a brand's budget before their time was over.
    """

    sizes: Sizes
    figures: Figures
    memory: dict[str, float]
    short: frozenset[Name] = frozenset()


class Bench:
    """A filled database with servers on it."""

    def __init__(self, cluster: Cluster, crowds: Sequence[Crowd], course: Course) -> None:
        self._cluster = cluster
        self._crowds = crowds
        self._course = course
        self._rested_at = 0.0
        self._short: set[Name] = set()
        self._drawn: list[Drawn] = questions.draw(crowds, course.seed)
        found = postmaster.find(cluster.place.data)
        assert found is not None
        self._postmaster = found.pid
        if pair := machine.cores():
            machine.pin(found.pid, pair[1])

    def measure(self, chosen: Sequence[Server], sizes: Sizes) -> Outcome:
        """All rounds. One before the first warms everything up and checks the answers."""
        taken: dict[tuple[str, str], list[tuple[float, ...]]] = {}
        self._short.clear()
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            running = stack.enter_context(servers.started(chosen, self._cluster, Path(folder)))
            require_equal(running, self._drawn[0], sizes.page)
            cells = [(name, one) for name in NAMES for one in [None, *running]]
            progress = stack.enter_context(Progress(console=Console(stderr=True)))
            task = progress.add_task("measuring", total=len(cells) * (self._course.rounds + 1))
            for number in range(self._course.rounds + 1):
                for name, one in cells:
                    if one is not None and one.server.name == servers.TRIVIAL and name != "Q1":
                        continue
                    row = self._limit(name, sizes) if one is None else self._cell(one, name, sizes)
                    progress.advance(task)
                    if number and row is not None:
                        key = (one.server.name if one else limits.LIMIT, name)
                        taken.setdefault(key, []).append(row)
            memory = {one.server.name: machine.memory_mb(one.pid) for one in running}
        figures = {key: Figure(*map(statistics.median, zip(*rows, strict=True)))
                   for key, rows in taken.items()}  # fmt: skip
        return Outcome(sizes, figures, memory, frozenset(self._short))

    def _limit(self, name: Name, sizes: Sizes) -> tuple[float, ...] | None:
        course, options = self._course, self._cluster.endpoints
        before = machine.worked_ms(self._postmaster)
        found = limits.push(options, name, self._crowds, page=sizes.page, width=course.width,
                            seconds=course.seconds)  # fmt: skip
        spent = machine.worked_ms(self._postmaster) - before
        return (
            None
            if found is None
            else (found.rate, found.p50, found.p99, 0.0, spent / found.count, 0.0)
        )

    def _cell(self, one: Running, name: Name, sizes: Sizes) -> tuple[float, ...]:
        make = MADE_BY[one.server.dialect]
        job: dict[str, Any] = {
            "port": one.port,
            "width": self._course.width,
            "seconds": self._course.seconds,
            "requests": questions.encoded([make(name, each, sizes.page) for each in self._drawn]),
        }
        if one.server.name == servers.OURS:
            time.sleep(max(0.0, self._rested_at - time.monotonic()))
        before = machine.worked_ms(one.pid), machine.worked_ms(self._postmaster)
        told = _ask(job)
        after = machine.worked_ms(one.pid), machine.worked_ms(self._postmaster)
        if told["is_throttled"]:
            self._short.add(name)
        if told["refused"] or not told["count"]:
            raise SystemExit(
                f"error: {one.server.name} refused {told['refused']} of {told['count']} requests"
                f" of {name}:\n{told['refusal']}\n{one.said()}"
            )
        count = told["count"]
        if one.server.name == servers.OURS:
            self._rested_at = time.monotonic() + self._rest_seconds(count * POINTS[name])
        spent = [(now - then) / count for now, then in zip(after, before, strict=True)]
        asking = told["worked"] * 1000 / count
        return count / told["seconds"], told["p50"], told["p99"], *spent, asking

    def _rest_seconds(self, points: float) -> float:
        """How long the buckets that were used take to be full again."""
        buckets = EdgeLimits().buckets
        tokens = len({each.token for each in self._drawn})
        held = {"brand": len(self._crowds), "token": tokens}
        return max(min(points / held[kind], buckets[kind].maximum) / buckets[kind].restore
                   for kind in held)  # fmt: skip


def _ask(job: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.peers.load"]
    if pair := machine.cores():
        command = ["taskset", "-c", str(pair[1]), *command]
    said = subprocess.run(
        command, input=orjson.dumps(job), capture_output=True, cwd=servers.ROOT, check=False
    )
    if said.returncode:
        raise SystemExit(f"error: the load failed: {said.stderr.decode()[-1_000:]}")
    found: dict[str, Any] = orjson.loads(said.stdout)
    return found


def run(
    chosen: Sequence[Server],
    sizes: Sequence[Sizes],
    course: Course,
    *,
    grown: tuple[Sequence[Server], Course],
) -> Iterator[Outcome]:
    """Measure all servers at the first size, and those of `grown` at the others, by its course.

    Sizes that differ by the page alone share a database.
    """
    for brands, clients in dict.fromkeys((one.brands, one.clients) for one in sizes):
        with scratch.installation("benchpeers") as cluster:
            print(f"making {brands:,} brands, {clients:,} clients", file=sys.stderr)
            tokens = max(1, TOKENS // brands)
            crowds = crowd.fill(cluster.endpoints, brands=brands, clients=clients // brands,
                                roles=ROLES, tokens=tokens)  # fmt: skip
            statements.make(cluster.endpoints)
            for one in sizes:
                if (one.brands, one.clients) == (brands, clients):
                    who, how = (chosen, course) if one is sizes[0] else grown
                    yield Bench(cluster, crowds, how).measure(who, one)
