"""`python -m bench peers`: fill a throw-away database, measure all servers on it, print a table."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from bench.peers import machine, page, servers
from bench.peers.questions import NAMES
from bench.peers.run import Course, Outcome, Sizes, run

PAGES = (10, 50, 100)
BRANDS = (1, 50, 500)
CLIENTS = (10_000, 100_000, 1_000_000)


def main(arguments: Sequence[str]) -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench peers", description=__doc__)
    parser.add_argument("--brands", type=int, default=50)
    parser.add_argument("--clients", type=int, default=200_000, help="of all brands together")
    parser.add_argument("--page", type=int, default=50, help="rows of a page in Q2 and Q3")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each cell in a round")
    parser.add_argument("--width", type=int, default=32, help="callers at once")
    parser.add_argument("--seed", type=int, default=1, help="of which rows are asked for")
    parser.add_argument("--servers", nargs="*", default=[], help="by parts of their names; all")
    parser.add_argument("--growth", action="store_true", help="measure the sizes around it, too")
    parser.add_argument("--grown-rounds", type=int, default=3, help="at those sizes")
    parser.add_argument("--grown", nargs="*", default=[servers.OURS], help="servers at those sizes")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    parser.add_argument("--quiet-machine", action="store_true", help="nobody else uses it")
    parsed = parser.parse_args(arguments)
    chosen = servers.chosen(parsed.servers)
    sizes = [Sizes(parsed.brands, parsed.clients, parsed.page)]
    if parsed.growth:
        sizes += around(sizes[0])
    course = Course(parsed.rounds, parsed.seconds, parsed.width, parsed.seed)
    if machine.cores() is None:
        print("nothing is pinned: that takes Linux and two cores")
    grown = [one for one in chosen if one in servers.chosen(parsed.grown)]
    around_it = replace(course, rounds=parsed.grown_rounds)
    outcomes = []
    # Hours of measuring are not lost with the last size.
    for outcome in run(chosen, sizes, course, grown=(grown, around_it)):
        outcomes.append(outcome)
        show(outcome)
        if parsed.write:
            page.write(outcomes, course, grown=around_it, is_quiet=parsed.quiet_machine)


def around(base: Sizes) -> list[Sizes]:
    """The sizes that differ from the base in one thing."""
    found = [replace(base, page=rows) for rows in PAGES]
    found += [replace(base, brands=count) for count in BRANDS]
    found += [replace(base, clients=count) for count in CLIENTS]
    return [one for one in found if one != base]


def show(outcome: Outcome) -> None:
    """One row for each server and operation."""
    sizes = outcome.sizes
    table = Table(title=f"{sizes.brands:,} brands, {sizes.clients:,} clients, page {sizes.page}")
    for column in ("operation", "server"):
        table.add_column(column)
    for column in ("requests/s", "p50 ms", "p99 ms", "server CPU ms", "database CPU ms",
                   "asking CPU ms", "memory MB"):  # fmt: skip
        table.add_column(column, justify="right")
    for name in NAMES:
        for (server, operation), one in outcome.figures.items():
            if operation != name:
                continue
            memory = outcome.memory.get(server)
            table.add_row(
                name, server, f"{one.rate:,.0f}", f"{one.p50:.1f}", f"{one.p99:.1f}",
                f"{one.server:.2f}", f"{one.database:.2f}", f"{one.asking:.3f}",
                f"{memory:,.0f}" if memory else "",
            )  # fmt: skip
    Console(width=120).print(table)
    if outcome.short:
        print(f"rounds of ours that used up a brand's budget: {', '.join(sorted(outcome.short))}")
