"""Introducing brokers of the demo: three tiers in the north, plans for all, links and invitations.

What closed deals earn them is the worker's part, as in every installation: each deal of a LIVE
account whose client came by one of the codes below is judged as soon as it is recorded, also one
that closed in the past. `backdesk ibs replay` reckons all of it again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from api.demo.story import BrandStory
from domain.ibs.commands.create_link import create_link
from domain.ibs.commissions.commands.assign_plan import assign_plan
from domain.ibs.commissions.commands.create_plan import create_plan
from domain.ibs.commissions.values import Component, Gates, Rate, SymbolGroup, Terms
from domain.ibs.queries import find_introducer
from domain.ibs.values import ComponentKind, Convention
from tenants.context import system_scope
from tenants.work import Database, WriteWork

LOOKS_BACK = timedelta(days=120)
"""Plans hold from so long ago, so that a past of the demo earns commissions, too."""

HOLD_DAYS = 14
_METALS = SymbolGroup("Metals", ("XAUUSD",))
_REST = SymbolGroup("All else", ("*",))
_GATES = Gates(min_seconds=60)


def codes_of(story: BrandStory) -> Sequence[str]:
    """The codes that bring clients to the demo's ibs: three tiers of the north, then the south."""
    names = ("north", "north-1", "north-1-1", "south")
    return [f"{story.plan.slug}-{name}" for name in names]


async def seed_ibs(database: Database, story: BrandStory, *, since: datetime | None = None) -> None:
    """Give the brand's ibs plans that hold from `since`, and links.

    The north shares by difference, 10, 8 and 5 dollars a lot, of metals half as much again; the
    south is a pool of 12 dollars. Call it once, after the people and before deals of the past are
    recorded: only what closes from `since` on (120 days ago without it) is paid for, and clients
    who register with `codes_of(story)` are the ibs' own.
    """

    async def command(work: WriteWork) -> None:
        begins = since or work.now() - LOOKS_BACK
        *line, south = [await _ib(work, code) for code in codes_of(story)]
        for name, rate, ib_id in zip(("Master", "Partner", "Introducer"), (10, 8, 5), line,
                                     strict=True):  # fmt: skip
            plan_id = await create_plan(work, f"{name} {story.canary}", override(rate), begins)
            await assign_plan(work, ib_id, plan_id, begins)
        pool_id = await create_plan(work, f"Pool {story.canary}", pool(12), begins)
        await assign_plan(work, south, pool_id, begins)
        for ib_id in (*line, south):
            await create_link(work, ib_id, f"Website {story.canary}")

    await database.write(system_scope(story.plan.id), command)


def override(per_lot: int) -> Terms:
    """So many dollars a lot for whoever has the plan, less what those below it are due."""
    rates = (
        Rate(Decimal(per_lot) * Decimal("1.5"), group=_METALS.name),
        Rate(Decimal(per_lot), group=_REST.name),
    )
    component = Component("Rebate", ComponentKind.REBATE_PER_LOT, rates, max_lots=Decimal(50))
    return Terms("USD", Convention.OVERRIDE, (component,), (_METALS, _REST), _GATES, HOLD_DAYS)


def pool(per_lot: int) -> Terms:
    """So many dollars a lot, 60, 25 and 15 percent from the introducer upwards."""
    component = Component(
        "Rebate",
        ComponentKind.REBATE_PER_LOT,
        (Rate(Decimal(per_lot), group=_REST.name),),
        shares=(Decimal(60), Decimal(25), Decimal(15)),
    )
    return Terms("USD", Convention.POOL, (component,), (_REST,), _GATES, HOLD_DAYS)


async def _ib(work: WriteWork, code: str) -> UUID:
    found = await find_introducer(work, code)
    assert found is not None, "ibs were planted with the people"
    return found.id
