"""`make bench`: what requests cost beside the cheapest one, on a running installation.

`python -m bench ledger` and `python -m bench ledger-race` measure the ledger on a database of
their own, see `bench.ledger` and `bench.race`; `python -m bench challenges` measures the rules of
challenges in memory, `python -m bench screening` what screening finds, `python -m bench plans` what
compiled plans cost beside the executor, `python -m bench peers` other servers beside ours.

Start `make run` first (or name its home by BACKDESK_HOME). Every round runs all operations one
after another, interleaved, so that a busy moment hits all alike; the table shows medians over the
rounds, and each rate as a ratio of the peer's: `{ __typename }`, which touches no database.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench import challenges, ledger, plans, race, screening
from bench.peers import command as peers

PEER = "typename (no database)"
OPERATIONS: dict[str, str] = {
    PEER: "{ __typename }",
    "viewer": "{ viewer { permissions } }",
    "page of 25 clients": "{ clients(first: 25) { nodes { id name email status } } }",
    "10 clients, accounts, deals": (
        "{ clients(first: 10) { nodes { id name accounts(first: 2) { nodes { login state "
        "{ equity { amount } } deals(first: 2) { nodes { ticket profit { amount } } } } } } } }"
    ),
    "events, first 100": "{ events(first: 100) { cursor events { kind payload } } }",
}


@dataclass
class Figures:
    """Rates and latencies of one operation, one entry per round."""

    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)


READERS = ("brand_admin", "compliance", "auditor", "finance")
"""Whose tokens are used in turn: each has a budget of its own, and no limit is switched off."""

Ask = Callable[[], Awaitable[httpx.Response]]


async def measure(asking: list[Ask], seconds: float) -> list[float]:
    """Latencies in milliseconds of callers that ask at once for `seconds`."""
    taken: list[float] = []
    deadline = time.perf_counter() + seconds

    async def caller(ask: Ask) -> None:
        while (began := time.perf_counter()) < deadline:
            body = (await ask()).json()
            if "errors" in body:
                raise SystemExit(f"the server refused: {body['errors'][0]['message']}")
            taken.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*map(caller, asking))
    return taken


async def run(demo: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Figures]:
    """All rounds of all operations, by readers of every brand in turn."""
    tokens = [brand["tokens"][name] for name in READERS for brand in demo["brands"]]
    figures = {name: Figures() for name in OPERATIONS}
    for _ in track(range(arguments.rounds), "measuring", console=Console(stderr=True)):
        for name, query in OPERATIONS.items():
            async with httpx.AsyncClient() as client:
                asking = [
                    partial(
                        client.post,
                        demo["graphql"],
                        json={"query": query},
                        headers={"authorization": f"Bearer {tokens[n % len(tokens)]}"},
                    )
                    for n in range(arguments.width)
                ]
                taken = await measure(asking, arguments.seconds)
            found = figures[name]
            found.rates.append(len(taken) / arguments.seconds)
            cuts = statistics.quantiles(taken, n=100)
            found.p50.append(cuts[49])
            found.p99.append(cuts[98])
    return figures


def show(figures: dict[str, Figures]) -> None:
    """One row per operation."""
    table = Table(title="medians over the rounds")
    for column in ("operation", "requests/s", "ratio", "p50 ms", "p99 ms"):
        table.add_column(column, justify="left" if column == "operation" else "right")
    peer = statistics.median(figures[PEER].rates)
    for name, found in figures.items():
        rate = statistics.median(found.rates)
        cells = (rate, rate / peer, statistics.median(found.p50), statistics.median(found.p99))
        table.add_row(name, *(f"{cell:.2f}" if cell < 10 else f"{cell:.0f}" for cell in cells))
    Console().print(table)


def main() -> None:
    """The bench that is named first; without a name, of the running installation."""
    others = {
        "challenges": challenges.main,
        "ledger": ledger.main,
        "ledger-race": race.main,
        "peers": peers.main,
        "plans": plans.main,
        "screening": screening.main,
    }
    if sys.argv[1:2] and sys.argv[1] in others:
        return others[sys.argv[1]](sys.argv[2:])
    return measure_requests()


def measure_requests() -> None:
    """Measure the installation whose home is BACKDESK_HOME."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--width", type=int, default=8, help="callers at once")
    arguments = parser.parse_args()
    home = Path(os.environ.get("BACKDESK_HOME", ".backdesk"))
    try:
        demo = json.loads((home / "demo.json").read_text())
    except OSError:
        raise SystemExit(f"error: no installation in {home}: start it with make run") from None
    try:
        show(asyncio.run(run(demo, arguments)))
    except httpx.ConnectError:
        raise SystemExit(f"error: {demo['url']} does not answer: start it with make run") from None


if __name__ == "__main__":
    main()
