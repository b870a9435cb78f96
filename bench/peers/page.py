"""docs/performance.md as it is written: the course, the table, how cost grows, and the picture."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.peers import machine, picture
from bench.peers.limits import LIMIT
from bench.peers.questions import NAMES
from bench.peers.run import Course, Figure, Outcome
from bench.peers.servers import OURS, ROOT, TRIVIAL

PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "performance.svg"
_INTRODUCTION = """\
# Performance

Written by `make bench-peers ARGS="--growth --write"`; change nothing here by hand.

Every server is one process pinned to one core; Postgres and whoever asks share another. All read
the same tables as the same role under the same row security, and give the same rows: their answers
are compared before anything is measured. We run as `backdesk serve` does, with tokens, limits and
permissions. The peers take the brand from a header and check nothing.

- **Q1** a client by id with its accounts, their balances, and its last ten payments
- **Q2** a page of clients, each with its accounts
- **Q3** a page of settled payments, each with its client
- **Q4** an ib with two levels below it, each with its number of clients: all servers read the
  column that keeps it
- **M1** a note on a client. The peers insert one row; ours also writes its event and its audit
  entry.

How each is run, where it could be done otherwise:

- No limit of ours is switched off. When a brand's budget of points is used up, a round of ours ends
  early, what was answered until then counts, and the next one waits until the budget is full.
- Mercurius takes one connection a request and sends one statement for each level, in a transaction
  on which the brand is set. PostGraphile is told the brand as a condition beside row security,
  since row security alone finds no index here. Both run on the Node that is locked with them.
- Strawberry has loaders, an ORM session a request, and keeps parsed and validated documents.
- The hand-written server and pgbench call one SQL function for each operation, which gives the
  whole answer. pgbench stands where the server stands otherwise.
- Every server has eight connections, pgbench as many as there are callers.

Compare ratios within a run: the figures of another machine or another hour are others.
"""


def write(
    outcomes: Sequence[Outcome], course: Course, *, grown: Course, is_quiet: bool
) -> None:  # fmt: skip
    """The page and its picture, of a base and of the sizes around it."""
    base = outcomes[0]
    parts = [_INTRODUCTION]
    if not is_quiet:
        parts.append("**Measured on a machine that others used: these figures show that it works,"
                     " not what it costs.**\n")  # fmt: skip
    parts += [_course(base, course), _rates(base), "![Requests a second](performance.svg)\n",
              _latencies(base), _costs(base)]  # fmt: skip
    if any(one.short for one in outcomes):
        parts.append(_short(outcomes))
    if len(outcomes) > 1:
        parts.append(_growth(outcomes, grown))
    PAGE.write_text("\n".join(parts))
    PICTURE.write_text(picture.drawn(base, outcomes[1:]))


def _course(base: Outcome, course: Course) -> str:
    sizes = base.sizes
    pinned = "pinned" if machine.cores() else "not pinned"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {_processor()}, {pinned}; {sizes.brands:,} brands,"
        f" {sizes.clients:,} clients, pages of {sizes.page}; {course.width} callers; medians of"
        f" {course.rounds} interleaved rounds of {course.seconds:g} s.\n"
    )


def _short(outcomes: Sequence[Outcome]) -> str:
    told = [f"{one.sizes.brands:,} brands, {one.sizes.clients:,} clients, pages of {one.sizes.page}"
            f" ({', '.join(sorted(one.short))})" for one in outcomes if one.short]  # fmt: skip
    return f"Rounds of ours that used up a brand's budget and ended early: {'; '.join(told)}.\n"


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")),
                "a processor without a name")  # fmt: skip


def _servers(base: Outcome) -> list[str]:
    return [name for name in dict.fromkeys(server for server, _ in base.figures)
            if name != TRIVIAL]  # fmt: skip


def _rates(base: Outcome) -> str:
    """Requests a second, and how many of theirs ours makes."""
    lines = ["## Requests a second\n", _row("server", *NAMES, "memory MB"), _rule(len(NAMES) + 2)]
    for server in _servers(base):
        cells = []
        for name in NAMES:
            one, ours = base.figures.get((server, name)), base.figures.get((OURS, name))
            ratio = f" (ours {ours.rate / one.rate:.2f} ×)" if one and ours and one != ours else ""
            cells.append(f"{one.rate:,.0f}{ratio}" if one else "")
        memory = base.memory.get(server)
        lines.append(_row(server, *cells, f"{memory:,.0f}" if memory else ""))
    trivial = base.figures.get((TRIVIAL, "Q1"))
    if trivial:
        lines.append(
            f"\nA {TRIVIAL} of one fixed answer makes {trivial.rate:,.0f} requests a second;"
            f" asking costs {trivial.asking:.3f} ms of processor time each."
        )
    return "\n".join(lines) + "\n"


def _latencies(base: Outcome) -> str:
    return _cells(base, "Latency, p50 / p99 in milliseconds",
                  lambda one, _: f"{one.p50:.1f} / {one.p99:.1f}")  # fmt: skip


def _costs(base: Outcome) -> str:
    return _cells(
        base,
        "Processor milliseconds a request, of the server / of the database",
        lambda one, server: (
            f"– / {one.database:.2f}" if server == LIMIT
            else f"{one.server:.2f} / {one.database:.2f}"
        ),
    )  # fmt: skip


def _cells(base: Outcome, title: str, shown: picture.Shown) -> str:
    lines = [f"## {title}\n", _row("server", *NAMES), _rule(len(NAMES) + 1)]
    for server in _servers(base):
        found = [base.figures.get((server, name)) for name in NAMES]
        lines.append(_row(server, *(shown(one, server) if one else "" for one in found)))
    return "\n".join(lines) + "\n"


def _growth(outcomes: Sequence[Outcome], grown: Course) -> str:
    """The same at other sizes: the rate of each, and its part of the base's."""
    base = outcomes[0]
    head = _row("brands", "clients", "page", "server", *NAMES)
    told = (
        "Requests a second, and their part of the first line's;"
        f" medians of {grown.rounds} rounds behind it.\n"
    )
    lines = ["## How cost grows\n", told, head, _rule(len(NAMES) + 4)]
    named = dict.fromkeys(server for one in outcomes[1:] for server, _ in one.figures)
    for server in (name for name in named if name != TRIVIAL):
        for outcome in outcomes:
            sizes = outcome.sizes
            cells = [_part(outcome.figures.get((server, name)), base.figures.get((server, name)))
                     for name in NAMES]  # fmt: skip
            lines.append(
                _row(f"{sizes.brands:,}", f"{sizes.clients:,}", str(sizes.page), server, *cells)
            )
    return "\n".join(lines) + "\n"


def _part(one: Figure | None, base: Figure | None) -> str:
    if one is None:
        return ""
    return f"{one.rate:,.0f} ({one.rate / base.rate:.2f})" if base else f"{one.rate:,.0f}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return _row("---", *["---:"] * (columns - 1))
