"""`backdesk demo --scale`: the bar, and who may sign in afterwards."""

import asyncio
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api import database
from api.demo.scale.load import load
from api.demo.scale.sizes import SIZES, sizes_of, stories
from api.embedded.migrate import migrate
from api.embedded.problems import SetupError
from api.settings import Settings


def load_scale(settings: Settings, name: str, seed: int, fraction: float, console: Console) -> None:
    """Load a scale and say how to look at it. Refuses in one line what the operator can fix."""
    if name not in SIZES:
        raise SetupError(f"there is no scale {name}", f"one of: {', '.join(SIZES)}")
    sizes, began = sizes_of(name, fraction), time.monotonic()
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with database.opened(settings, console) as urls:
        migrate(urls)
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task(f"{sizes.brands} brands", total=sizes.rows)
            tick = lambda people: progress.advance(bar, people)  # noqa: E731
            password = asyncio.run(load(settings, urls, sizes, seed, tick))
    first = next(stories(sizes, seed))
    console.print(
        f"{sizes.brands} brands, {sizes.rows:,} people ({time.monotonic() - began:.0f} s)"
    )
    console.print(
        f"sign in at {first.plan.hosts[0]} as admin@{first.canary}.example, password {password};"
        f" the others are called alike, up to {sizes.name}-{seed}-{sizes.brands:02d}",
        soft_wrap=True, markup=False,
    )  # fmt: skip
