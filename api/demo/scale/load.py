"""Found the brands of a scale and fill them, a stretch in a transaction."""

import secrets
from collections.abc import Callable, Iterator
from functools import partial
from uuid import UUID

from api.adapters import SANDBOX
from api.demo.past.books import former_till, save_former_till
from api.demo.scale.sizes import Sizes, cast_of, stories
from api.demo.story import (
    ENTITIES,
    JURISDICTIONS,
    LOGINS_PER_BRAND,
    PSP_ID,
    SERVER,
    BrandStory,
)
from api.embedded.endpoints import Endpoints
from api.embedded.problems import SetupError
from api.settings import Settings
from domain.accounts.commands.fill_accounts import fill_accounts
from domain.accounts.commands.grant_server import add_server, grant_server
from domain.clients.commands.fill_clients import Cast, fill_clients
from domain.clients.leads.commands.fill_leads import fill_leads
from domain.ibs.commands.fill_ibs import fill_ibs
from domain.payments.commands.fill_payments import fill_payments
from domain.payments.commands.import_payments import Till
from domain.payments.commands.save_psp import PspPlan, save_psp
from domain.payments.values import PspKind
from tenants import brands
from tenants.context import NO_BRAND, system_scope
from tenants.database import make_engine
from tenants.filling import Stretch
from tenants.founding import (
    add_brand,
    add_entity,
    add_jurisdiction,
    add_reference,
    hire,
    open_brand,
)
from tenants.passwords import Passwords
from tenants.values import Role
from tenants.work import Database, WriteWork

Tick = Callable[[int], None]
CLIENTS_AT_ONCE, LEADS_AT_ONCE = 1_000, 4_000
"""A statement has ten seconds, on a machine that others use, too."""
_SELLERS = 3


async def load(settings: Settings, urls: Endpoints, sizes: Sizes, seed: int, tick: Tick) -> str:
    """Found the brands of a scale and fill them; the password of their staff.

    `tick` is told people as they come. Refuses in one line where one of the brands is there.
    """
    if settings.environment == "production":
        raise SetupError("invented people don't belong in production", "unset ENVIRONMENT")
    engine = make_engine(urls.url("owner", driver="asyncpg"), pool_size=2)
    try:
        database = Database(engine)
        await _refuse_twice(database, sizes, seed)
        await database.write(system_scope(NO_BRAND), _found)
        password = secrets.token_urlsafe(12)
        password_hash = await Passwords().hash(password)
        for number, story in enumerate(stories(sizes, seed), 1):
            owners = await _open(database, settings, story, password_hash, trades=sizes.clients > 0)
            await _fill(database, story, sizes, place=(seed, number), owners=owners, tick=tick)
        return password
    finally:
        await engine.dispose()


async def load_tree(
    database: Database, brand_id: UUID, whole: Stretch, *, tops: int, domain: str
) -> None:
    """Plant the ibs of a brand that is there."""
    command = partial(fill_ibs, stretch=whole, tops=tops, domain=domain, currencies=["EUR", "USD"])
    await database.write(system_scope(brand_id), command)


async def load_people(
    database: Database,
    brand_id: UUID,
    whole: Stretch,
    cast: Cast,
    tick: Tick,
    *,
    legal_entity_id: UUID,
    server_id: UUID,
    login: int,
    ibs: int,
    till: Till,
) -> None:
    """Fill a brand that is there with clients, their accounts and payments."""
    currencies = ["EUR", "USD"]
    for stretch in _stretches(whole, CLIENTS_AT_ONCE):

        async def command(work: WriteWork, stretch: Stretch = stretch) -> None:
            await fill_clients(work, stretch, cast, legal_entity_id=legal_entity_id, ibs=ibs)
            await fill_accounts(
                work, stretch, server_id=server_id, login=login, currencies=currencies
            )
            await fill_payments(work, stretch, till=till, currencies=currencies)

        await database.write(system_scope(brand_id), command)
        tick(stretch.last - stretch.first + 1)


async def load_leads(
    database: Database, brand_id: UUID, whole: Stretch, cast: Cast, tick: Tick
) -> None:
    """Fill a brand that is there with leads."""
    for stretch in _stretches(whole, LEADS_AT_ONCE):
        await database.write(
            system_scope(brand_id), partial(fill_leads, stretch=stretch, cast=cast)
        )
        tick(stretch.last - stretch.first + 1)


async def _refuse_twice(database: Database, sizes: Sizes, seed: int) -> None:
    known = (await brands.load(database)).by_slug
    there = [one.plan.slug for one in stories(sizes, seed) if one.plan.slug in known]
    if there:
        raise SetupError(
            f"{len(there)} brands of this scale and seed are there already ({there[0]}, …)",
            "choose another --seed, or another BACKDESK_HOME",
        )


async def _found(work: WriteWork) -> None:
    """What belongs to no brand and may be there."""
    await add_reference(work)
    for code, name, policy in JURISDICTIONS:
        await add_jurisdiction(work, code, name, policy)
    for entity in ENTITIES:
        await add_entity(work, entity)
    await add_server(work, SERVER)
    await save_psp(work, PspPlan(PSP_ID, "Sandbox PSP", PspKind.SANDBOX, SANDBOX))


async def _open(
    database: Database, settings: Settings, story: BrandStory, password_hash: str, *, trades: bool
) -> list[UUID]:
    """A brand with its staff and the cashier it had before; who looks after its people."""
    register = partial(_register, story=story, trades=trades)
    await database.write(system_scope(NO_BRAND), register)
    await database.write(system_scope(story.plan.id), partial(open_brand, plan=story.plan))

    async def settle(work: WriteWork) -> list[UUID]:
        await save_former_till(work, settings, story)
        roles = {"admin": Role.BRAND_ADMIN, "compliance": Role.COMPLIANCE}
        for name, role in roles.items():
            await hire(work, name=f"{name.title()} of {story.plan.slug}",
                       email=f"{name}@{story.canary}.example", role=role,
                       password_hash=password_hash)  # fmt: skip
        return [
            await hire(work, name=f"Seller {n} of {story.plan.slug}", role=Role.SALES,
                       email=f"seller-{n}@{story.canary}.example", password_hash=password_hash)
            for n in range(1, _SELLERS + 1)
        ]  # fmt: skip

    return (await database.write(system_scope(story.plan.id), settle)).value


async def _register(work: WriteWork, *, story: BrandStory, trades: bool) -> None:
    await add_brand(work, story.plan)
    if not trades:
        return
    logins = range(story.login_from, story.login_from + LOGINS_PER_BRAND)
    await grant_server(work, SERVER.id, story.plan.id, logins, [one.name for one in SERVER.groups])


async def _fill(
    database: Database,
    story: BrandStory,
    sizes: Sizes,
    *,
    place: tuple[int, int],
    owners: list[UUID],
    tick: Tick,
) -> None:
    seed, number = place
    brand_id, cast = story.plan.id, cast_of(story, number, owners)
    if sizes.clients:
        whole = Stretch(seed, number, 1, sizes.clients, sizes.clients)
        await load_tree(database, brand_id, whole, tops=sizes.tops, domain=cast.domain)
        await load_people(
            database, brand_id, whole, cast, tick,
            legal_entity_id=story.plan.legal_entity_id, server_id=SERVER.id,
            login=story.login_from, ibs=sizes.ibs, till=former_till(story),
        )  # fmt: skip
    if sizes.leads:
        whole = Stretch(seed, number, 1, sizes.leads, sizes.leads)
        await load_leads(database, brand_id, whole, cast, tick)


def _stretches(whole: Stretch, size: int) -> Iterator[Stretch]:
    for first in range(whole.first, whole.last + 1, size):
        last = min(first + size - 1, whole.last)
        yield Stretch(whole.seed, whole.number, first, last, whole.whole)
