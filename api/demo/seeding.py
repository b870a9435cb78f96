"""The demo: three brands with people, money, accounts, trades and ninety days behind them.

`seed` may run at every start: what is there stays, the days since the last start are told, and
only tokens that are missing or nearly expired are made again. It writes `demo.json` (0600) into
the home.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from api.demo.access import renew_access
from api.demo.brands import seed_brands
from api.demo.challenges import seed_programs
from api.demo.ibs import seed_ibs
from api.demo.identity import seed_identity, seed_policies
from api.demo.lists import seed_lists
from api.demo.money import introduce_merchants, pay_in_today, seed_cashier, seed_money
from api.demo.past.people import DAYS
from api.demo.past.telling import tell_past
from api.demo.people import People, is_peopled, seed_people
from api.demo.story import BRANDS, BrandStory
from api.demo.trading import seed_platform, seed_trading
from api.embedded.endpoints import Endpoints
from api.settings import Settings
from tenants.context import system_scope
from tenants.database import make_engine
from tenants.passwords import Passwords
from tenants.sandbox_clock import put_clock
from tenants.work import Database

Say = Callable[[str], None]
Advance = Callable[[float], None]


def _silently(_share: float) -> None:
    """For who shows no progress."""


async def seed(settings: Settings, urls: Endpoints, say: Say, advance: Advance = _silently) -> None:
    """Seed what is missing and write `demo.json`. Simulator and sandbox should be running.

    `advance` is told how much of the past is told, from 0 to 1.
    """
    engine = make_engine(urls.url("owner", driver="asyncpg"), pool_size=4)
    database = Database(engine)
    try:
        password = secrets.token_urlsafe(12)
        password_hash = await Passwords().hash(password)
        await seed_brands(database)
        await seed_policies(database)
        new: list[tuple[BrandStory, People]] = []
        for story in BRANDS:
            await seed_cashier(settings, database, story)
            people = await _arrive(settings, database, story, password_hash)
            if people is not None:
                say(f"  {story.plan.name}: {story.clients} clients, {len(people.staff)} staff")
                # Before the past is told: what closes in it earns commissions.
                await seed_ibs(database, story)
                new.append((story, people))
        is_running = await seed_platform(settings, database)
        days = await tell_past(settings, database, advance) if is_running else 0
        if days:
            say(f"  {days} days of their past")
        for story in BRANDS:
            await introduce_merchants(settings, database, story)
        # Who they are is proven before their money moves, as the policies ask.
        for story in BRANDS:
            await seed_identity(settings, database, story)
        for story, people in new:
            await seed_trading(settings, database, story, people, is_running=is_running)
            await seed_money(settings, database, story, people)
        for story in BRANDS:
            await seed_programs(database, story)
        for story in BRANDS:
            await pay_in_today(settings, database, story)
        lists = await seed_lists(database, settings.sanctions, say)
        await renew_access(settings, database, password, lists)
    finally:
        await engine.dispose()


async def _arrive(
    settings: Settings, database: Database, story: BrandStory, password_hash: str
) -> People | None:
    """The brand's people, there since the first day of its past; None when they were there."""
    scope = system_scope(story.plan.id)
    if await is_peopled(database, story):
        return None
    ago = timedelta(days=DAYS if settings.demo_scale else 0)
    await database.write(scope, partial(put_clock, offset=-ago))
    try:
        await seed_programs(database, story)
        return await seed_people(database, story, password_hash)
    finally:
        await database.write(scope, partial(put_clock, offset=timedelta()))
