"""`backdesk demo tour`: the five minutes of the README, asked of the running installation.

Each step says what it shows, prints its query and the answer, and fails when the answer is not what
it promises. It may be taken again: what it changes it makes anew each time.
"""

import time

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from api.demo.asking import Asker, Unanswered, read_demo
from api.demo.tour import board, cashier, identity, killed, oversight, people, prop, trading
from api.demo.tour.guide import Guide, StepFailed
from api.settings import Settings

STEPS = (
    *people.STEPS,
    *board.STEPS,
    people.a_lead_comes_in,
    *identity.STEPS,
    oversight.who_is_proven,
    *cashier.STEPS,
    oversight.a_commission_says_why,
    *trading.STEPS,
    *prop.STEPS,
    people.foreign_is_absent,
    trading.the_books_hold,
    *killed.STEPS,
)
"""The brands and the board first, then from a client's first day to a database that is killed."""


async def tour(settings: Settings, console: Console, *, pause: bool) -> bool:
    """Walk through every step; False when one failed, at which the tour ends.

    Refuses in one line when there is no demo.
    """
    began = time.monotonic()
    async with Asker(read_demo(settings)) as asker:
        guide = Guide(settings, console, asker)
        for n, step in enumerate(STEPS, 1):
            title, told = step.__doc__.split("\n", 1) if step.__doc__ else (step.__name__, "")
            console.print()
            console.print(Rule(Text(f"{n} of {len(STEPS)}  {title.strip().rstrip('.')}", "bold")))
            if told.strip():
                console.print(Text(" ".join(told.split()), "dim"))
            try:
                await step(guide)
            except (StepFailed, Unanswered, TimeoutError) as failure:
                told = str(failure) or "nothing came for a minute"
                console.print(Panel(Text(told), title="failed", border_style="red"))
                return False
            if pause:
                console.input("[dim]Enter goes on[/]")
    console.print()
    seconds = time.monotonic() - began
    console.print(Text(f"✓ {len(STEPS)} steps in {seconds:.0f} s", "bold green"))
    return True
