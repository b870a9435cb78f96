"""The demo: two brands with people, money, accounts and open trades, seeded once.

`seed` may run at every start: what is there stays, and only tokens that are missing or nearly
expired are made again. It writes `demo.json` (0600) into the home.
"""

import secrets
from collections.abc import Callable

from api.demo.access import renew_access
from api.demo.brands import seed_brands
from api.demo.money import seed_cashier, seed_money
from api.demo.people import seed_people
from api.demo.story import BRANDS
from api.demo.trading import seed_trading
from api.embedded.endpoints import Endpoints
from api.settings import Settings
from tenants.database import make_engine
from tenants.passwords import Passwords
from tenants.work import Database

Say = Callable[[str], None]


async def seed(settings: Settings, urls: Endpoints, say: Say) -> None:
    """Seed what is missing and write `demo.json`. Simulator and sandbox should be running."""
    engine = make_engine(urls.url("owner", driver="asyncpg"), pool_size=2)
    database = Database(engine)
    try:
        password = secrets.token_urlsafe(12)
        password_hash = await Passwords().hash(password)
        await seed_brands(database)
        for story in BRANDS:
            await seed_cashier(settings, database, story)
            people = await seed_people(database, story, password_hash)
            if people is not None:
                say(f"  {story.plan.name}: {story.clients} clients, {len(people.staff)} staff")
                await seed_trading(settings, database, story, people)
                await seed_money(settings, database, story, people)
        await renew_access(settings, database, password)
    finally:
        await engine.dispose()
