"""`python -m bench screening`: what screening finds, what it finds wrongly, and how long it takes.

Every name of the published lists is looked for as it is listed and distorted in five ways; it is
found when its entry is among the hits. Then ordinary names are looked for, of which none is meant.
"""

import argparse
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.distortions import DISTORTIONS
from bench.ordinary import ordinary_names
from domain.compliance.screening.list_files import read_ofac, read_un, unpack
from domain.compliance.screening.matcher import Matcher
from domain.compliance.screening.values import HitStrength
from domain.kernel.ids import new_uuid

FOLDER = Path(__file__).parents[1] / ".." / "shared" / "data" / "sanctions"
Listed = Sequence[tuple[UUID, str]]


@dataclass(slots=True)
class Recall:
    """How many names were looked for under a distortion, and which were not found."""

    asked: int = 0
    missed: list[tuple[str, str]] = field(default_factory=list)


def listed_names(folder: Path) -> Listed:
    """Every name of the published files in a folder, with an id for its entry."""
    raw = {name: unpack((folder / name).read_bytes()) for name in _files(folder)}
    sdn, alt, un = (raw[name] for name in sorted(raw, key=_order))
    lists = (read_ofac(sdn, alt, date.min), read_un(un))
    return [
        (key, name.text)
        for published in lists
        for entry in published.entries
        for key in [new_uuid()]
        for name in entry.names
    ]


def _files(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir() if one.name.startswith(("ofac-", "un-"))]


def _order(name: str) -> int:
    return ("ofac-sdn", "ofac-alt", "un-conso").index(name[:8])


def recall(
    matcher: Matcher, listed: Listed, *, seed: int, stride: int = 1
) -> tuple[dict[str, Recall], list[float]]:
    """What is found under each distortion of every `stride`-th name, and milliseconds of each."""
    found = {name: Recall() for name in DISTORTIONS}
    took: list[float] = []
    chosen = listed[::stride]
    for entry, name in track(chosen, "looking for listed names", console=Console(stderr=True)):
        for kind, distort in DISTORTIONS.items():
            asked = distort(name, random.Random(f"{seed}:{kind}:{name}"))
            began = time.perf_counter()
            hits = matcher.find(asked)
            took.append((time.perf_counter() - began) * 1000)
            found[kind].asked += 1
            if all(hit.entry_id != entry for hit in hits):
                found[kind].missed.append((name, asked))
    return found, took


def false_hits(
    matcher: Matcher, names: Sequence[tuple[str, str]]
) -> Mapping[str, Counter[HitStrength | None]]:
    """How many names of each part of the world have a strong hit, a possible one only, or none."""
    counted: dict[str, Counter[HitStrength | None]] = defaultdict(Counter)
    for part, name in track(names, "looking for ordinary names", console=Console(stderr=True)):
        hits = matcher.find(name)
        counted[part][hits[0].strength if hits else None] += 1
    return counted


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench screening", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the published files")
    parser.add_argument("--ordinary", type=int, default=10_000)
    parser.add_argument("--stride", type=int, default=1, help="look for every n-th listed name")
    parser.add_argument("--seed", type=int, default=1)
    plan = parser.parse_args(arguments)
    if not plan.folder.is_dir():
        raise SystemExit(f"error: no published lists in {plan.folder}: name their --folder")
    listed = listed_names(plan.folder)
    began = time.perf_counter()
    matcher = Matcher(listed)
    built = time.perf_counter() - began
    found, took = recall(matcher, listed, seed=plan.seed, stride=plan.stride)
    _show_recall(found, len(listed))
    _show_false(false_hits(matcher, ordinary_names(plan.ordinary, seed=plan.seed)))
    cuts = statistics.quantiles(took, n=100)
    Console().print(
        f"index of {len(listed):,} names in {built:.1f} s; "
        f"one name p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms"
    )


def _show_recall(found: Mapping[str, Recall], names: int) -> None:
    table = Table(title=f"{names:,} listed names: primary, aliases, own script")
    for column in ("distortion", "looked for", "found", "missed"):
        table.add_column(column, justify="left" if column == "distortion" else "right")
    for kind, one in found.items():
        share = 1 - len(one.missed) / one.asked
        table.add_row(kind, f"{one.asked:,}", f"{share:.4%}", f"{len(one.missed):,}")
    Console().print(table)
    for kind, one in found.items():
        for name, asked in one.missed[:10]:
            Console().print(f"missed, {kind}: {name!r} as {asked!r}", markup=False, soft_wrap=True)


def _show_false(counted: Mapping[str, Counter[HitStrength | None]]) -> None:
    total = sum((one for one in counted.values()), Counter[HitStrength | None]())
    table = Table(title=f"{total.total():,} ordinary names")
    for column in ("of", "names", "a strong hit", "a possible hit only"):
        table.add_column(column, justify="left" if column == "of" else "right")
    for part, one in [*sorted(counted.items()), ("all", total)]:
        shares = [one[strength] / one.total() for strength in HitStrength]
        table.add_row(part, f"{one.total():,}", *(f"{share:.2%}" for share in shares))
    Console().print(table)
