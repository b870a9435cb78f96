"""`python -m bench plans`: what a compiled plan costs beside the executor, in one process.

Each operation runs the whole path of a request below the socket: headers, token, limits,
permissions, row-level security, the answer's bytes. Nothing is switched off; the two applications
differ in nothing but that one has no plans. Rounds are interleaved; the table shows medians.
Processor time is counted beside the rates: it says the same on a machine that others use, too. The
peer is `{ __typename }`, which touches no database.
"""

import argparse
import asyncio
import itertools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import psycopg
import uvloop
from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp

from api.app import assemble_app
from api.embedded import Endpoints
from api.settings import Settings
from bench import crowd, scratch
from bench.crowd import Crowd
from domain.kernel.ids import encode_id

OPERATIONS = {
    "typename": "{ __typename }",
    "Q1": """query Q1($id: ID!) { node(id: $id) { ... on Client {
        id name email phone country status createdAt
        accounts(first: 10) { nodes {
          id login currencyCode leverage status state { balance { amount currencyCode }
          equity { amount currencyCode } } } }
        payments(first: 10) { nodes {
          id reference status amount { amount currencyCode } createdAt } } } } }""",
    "Q2": """query Q2($after: Cursor) { clients(first: 50, after: $after) { nodes {
        id name email phone country status createdAt
        accounts(first: 10) { nodes { id login currencyCode leverage status } } } } }""",
    "Q3": """query Q3($filter: PaymentFilter) { payments(first: 100, filter: $filter) { nodes {
        id reference status amount { amount currencyCode } createdAt client { id name } } } }""",
    "Q4": """query Q4($id: ID!) { node(id: $id) { ... on Ib {
        id name level clients { totalCount { value } }
        children(first: 20) { nodes { id name level clients { totalCount { value } }
          children(first: 20) { nodes { id name level clients { totalCount { value } } } } } }
        } } }""",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """Requests a second, milliseconds of latency, and of processor time for each request."""

    rate: float
    p50: float
    p99: float
    server: float
    database: float


Figures: TypeAlias = dict[tuple[str, str], Figure]
ROLES = ("brand_admin", "compliance", "auditor")


class Caller:
    """Requests to an application without a socket."""

    def __init__(self, app: ASGIApp, crowds: Sequence[Crowd], seed: int) -> None:
        self._app = app
        self._chance = random.Random(seed)
        self._crowds = itertools.cycle(crowds)

    async def ask(self, name: str) -> bytes:
        """One request of an operation: some brand, some token, some row."""
        one = next(self._crowds)
        token = self._chance.choice(one.tokens)
        variables: dict[str, Any] = {}
        if name == "Q1":
            variables["id"] = encode_id("client", self._chance.choice(one.clients))
        elif name == "Q3":
            variables["filter"] = {"status": {"eq": "SETTLED"}}
        elif name == "Q4":
            variables["id"] = encode_id("ib", self._chance.choice(one.ibs))
        body = orjson.dumps({"query": OPERATIONS[name], "variables": variables})
        return await self._post(token, body)

    async def _post(self, token: str, body: bytes) -> bytes:
        received: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                received.append(message["body"])

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "scheme": "http", "path": "/graphql", "raw_path": b"/graphql", "query_string": b"",
            "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
            "headers": [
                (b"host", b"localhost"), (b"content-type", b"application/json"),
                (b"accept", b"application/json"), (b"authorization", b"Bearer " + token.encode()),
            ],
        }  # fmt: skip
        await self._app(scope, receive, send)
        return b"".join(received)


class Clock:
    """Processor time of this process and of the database's processes that serve it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._tick_ms = 1000 / os.sysconf("SC_CLK_TCK")

    def read(self) -> tuple[float, float]:
        """Milliseconds of ours and of the database so far."""
        asked = "select pid from pg_stat_activity where application_name = 'backdesk'"
        pids = [row[0] for row in self._connection.execute(asked).fetchall()]
        return time.process_time() * 1000, sum(map(self._of, pids))

    def _of(self, pid: int) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * self._tick_ms


async def measure(caller: Caller, name: str, *, requests: int, width: int) -> list[float]:
    """Latencies in milliseconds of so many requests, `width` of them at once."""
    taken: list[float] = []
    waiting = iter(range(requests))

    async def ask() -> None:
        for _ in waiting:  # shared by all callers
            began = time.perf_counter()
            answer = await caller.ask(name)
            if b'"errors"' in answer:
                raise SystemExit(f"{name} was refused: {answer[:300]!r}")
            taken.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(ask() for _ in range(width)))
    return taken


async def run(
    endpoints: Endpoints, crowds: Sequence[Crowd], arguments: argparse.Namespace, home: Path
) -> Figures:
    """Medians over all rounds, by operation and path. A round before the first warms all up."""
    settings = Settings(pool_size=arguments.pool, backdesk_home=home)
    apps = {
        "plan": assemble_app(settings, endpoints),
        "executor": assemble_app(settings, endpoints, with_plans=False),
    }
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    callers = {path: Caller(app, crowds, 1) for path, app in apps.items()}
    with scratch.superuser(endpoints) as connection:
        clock = Clock(connection)
        for number in range(arguments.rounds + 1):
            for name, (path, caller) in itertools.product(OPERATIONS, callers.items()):
                row = await _round(caller, clock, name, arguments)
                if number:
                    found.setdefault((name, path), []).append(row)
    return {
        key: Figure(*map(statistics.median, zip(*rows, strict=True))) for key, rows in found.items()
    }


async def _round(
    caller: Caller, clock: Clock, name: str, arguments: argparse.Namespace
) -> tuple[float, ...]:
    requests = arguments.requests
    before, began = clock.read(), time.perf_counter()
    taken = await measure(caller, name, requests=requests, width=arguments.width)
    seconds, after = time.perf_counter() - began, clock.read()
    cuts = statistics.quantiles(taken, n=100)
    ours, theirs = (now - then for now, then in zip(after, before, strict=True))
    return requests / seconds, cuts[49], cuts[98], ours / requests, theirs / requests


def show(figures: Figures) -> None:
    """A row for each operation and path."""
    table = Table(title="medians over the rounds; one process, no sockets")
    for column in ("operation", "path"):
        table.add_column(column)
    for column in ("requests/s", "p50 ms", "p99 ms", "server CPU ms", "database CPU ms", "× less"):
        table.add_column(column, justify="right")
    for (name, path), one in figures.items():
        other = figures[name, "executor"]
        table.add_row(
            name, path, f"{one.rate:,.0f}", f"{one.p50:.1f}", f"{one.p99:.1f}",
            f"{one.server:.2f}", f"{one.database:.2f}", f"{other.server / one.server:.1f}",
        )  # fmt: skip
    Console(width=100).print(table)


def main(arguments: Sequence[str]) -> None:
    """Fill a throw-away cluster and measure on it."""
    parser = argparse.ArgumentParser(prog="python -m bench plans", description=__doc__)
    parser.add_argument("--brands", type=int, default=10)
    parser.add_argument("--clients", type=int, default=4_000, help="of each brand")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=300, help="of each operation in a round")
    parser.add_argument("--width", type=int, default=32, help="callers at once")
    parser.add_argument("--pool", type=int, default=8, help="connections")
    parsed = parser.parse_args(arguments)
    with scratch.database("benchplans") as endpoints, tempfile.TemporaryDirectory() as home:
        crowds = crowd.fill(endpoints, brands=parsed.brands, clients=parsed.clients, roles=ROLES)
        show(uvloop.run(run(endpoints, crowds, parsed, Path(home))))
