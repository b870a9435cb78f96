"""Who acts in a campaign: two brands, few clients each, so that everybody wants the same rows."""

from dataclasses import dataclass
from uuid import UUID

from tenants.context import system_scope
from tenants.database import make_engine
from tenants.values import Role
from tenants.work import Database
from tests.chaos.bare import fund
from tests.chaos.stage import Stage
from tests.factories import Factory

BRANDS = 2
CLIENTS = 4
CURRENCIES = ("EUR", "USD")
FUNDS = 100_000


@dataclass(frozen=True)
class Person:
    """A client with a token."""

    brand_id: UUID
    id: UUID
    token: str


@dataclass(frozen=True)
class House:
    """A brand, whoever works there, and its clients."""

    brand_id: UUID
    tokens: dict[Role, str]
    clients: list[Person]


async def gather(stage: Stage) -> list[House]:
    """Make brands, staff, clients, and wallets with something in them."""
    with Factory.connected(stage.endpoints) as make:
        houses = [_house(make) for _ in range(BRANDS)]
    engine = make_engine(stage.endpoints.url("worker", driver="asyncpg"), pool_size=1)
    database = Database(engine)
    try:
        for house in houses:
            for person in house.clients:
                for currency in CURRENCIES:
                    await _fund(database, person, currency)
    finally:
        await engine.dispose()
    return houses


def _house(make: Factory) -> House:
    brand = make.brand()
    clients = []
    for _ in range(CLIENTS):
        one = make.client(brand)
        clients.append(Person(brand.id, one.id, make.client_token(brand, one).text))
    tokens = {role: make.staff_token(brand, role).text for role in brand.staff}
    return House(brand.id, tokens, clients)


async def _fund(database: Database, person: Person, currency: str) -> None:
    scope = system_scope(person.brand_id)
    await database.write(scope, lambda work: fund(work, person.id, currency, FUNDS))
