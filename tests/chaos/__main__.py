"""`python -m tests.chaos`: run a campaign and say what it found; exit 1 on any finding."""

import argparse
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from tests.chaos.campaign import Options, Report, fight
from tests.chaos.plants import PLANTS
from tests.chaos.stage import new_seed

_SECONDS = 60.0
PLANTED_SECONDS = 20.0
AREAS = (
    "lost:",
    "doubled:",
    "unbalanced:",
    "books:",
    "events:",
    "outside:",
    "driver:",
    "liveness:",
)
_FINDINGS_SHOWN = 4


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, help="stop after so many kills")
    parser.add_argument("--seconds", type=float, help=f"stop after so long (default {_SECONDS:g})")
    parser.add_argument("--seed", default="", help="repeat the schedule of an earlier campaign")
    parser.add_argument("--plant", choices=PLANTS, default="", help="a bug that must be found")
    parser.add_argument("--planted", action="store_true", help="plant each bug in turn")
    given = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    if given.planted:
        return find_all(console, given.seconds or PLANTED_SECONDS)
    seconds = _SECONDS if given.kills is None and given.seconds is None else given.seconds
    options = Options(given.seed or new_seed(), given.kills, seconds, given.plant)
    console.print(f"chaos, seed {options.seed}" + (f", plant {given.plant}" if given.plant else ""))
    try:
        report = fight(options)
    except KeyboardInterrupt:
        return 130
    show(report, console)
    return 1 if report.findings else 0


def find_all(console: Console, seconds: float) -> int:
    """Plant each bug in a campaign of its own; exit 1 when one of them is not found."""
    missed = 0
    for plant, what in PLANTS.items():
        # A campaign is a process of its own: the nursery is forked before any thread starts.
        command = [sys.executable, "-m", "tests.chaos", "--plant", plant, "--seconds", f"{seconds}"]
        done = subprocess.run(command, capture_output=True, text=True)
        shown = [line for line in done.stdout.splitlines() if line.startswith(AREAS)]
        found = done.returncode == 1 and "findings; again" in done.stdout
        missed += not found
        console.print(f"{'[green]found[/]' if found else '[red]not found[/]'} {plant}: {what}")
        for line in shown[:_FINDINGS_SHOWN]:
            console.print(f"    {line}", markup=False)
        if not found:
            console.print(done.stderr[-2000:], markup=False)
    return 1 if missed else 0


def show(report: Report, console: Console) -> None:
    """The figures, then what is wrong."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    total = sum(report.kills.values())
    rows: list[tuple[str, object]] = [
        ("seconds", f"{report.seconds:.0f}, then at rest after {report.rest_seconds:.1f}"),
        ("kills", f"{total} ({total / max(report.seconds, 1):.1f} a second)"),
        *((f"  {point}", count) for point, count in report.kills.items()),
        *report.harms.items(),
        ("asked", f"{report.acked} done, {report.refused} refused"),
        ("asked again", report.retries),
        ("raced twice", report.raced),
        ("same key, other body", f"{report.altered}, each refused"),
        ("transfers", sum(one["transfers"] for one in report.sums)),
        *((f"  Σ {one['asset']}", one["total"]) for one in report.sums),
        ("lost", report.count("lost")),
        ("doubled", report.count("doubled")),
        ("events heard", report.events),
        ("events missing", report.count("events")),
        ("deadlocks", report.deadlocks),
        ("jobs set aside", report.set_aside),
    ]
    for name, value in rows:
        table.add_row(name, str(value))
    console.print(table)
    for one in report.findings:
        console.print(f"[red]{one.area}[/]: {one.what}: {one.count}")
        for example in one.examples:
            console.print(f"    {example}", markup=False)
    if report.kept:
        console.print(f"journal and logs: {report.kept}")
    verdict = "[red]findings[/]" if report.findings else "[green]nothing found[/]"
    console.print(f"{verdict}; again: python -m tests.chaos --seed {report.options.seed}")


if __name__ == "__main__":
    sys.exit(main())
