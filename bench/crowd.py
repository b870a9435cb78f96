"""Brands with people, accounts and payments in numbers, for measuring what reads cost.

The people are those of `backdesk demo --scale reference`: clients have 5, 2, 2 or 1 accounts and
14, 2, 2 or 2 payments, and hang on a tree of 10 ibs with 10 below each and 4 below each of those.
"""

import asyncio
import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from rich.console import Console
from rich.progress import track

from api.demo.scale import load_people, load_tree
from api.demo.story import FIRST_NAMES, LAST_NAMES
from api.embedded import Endpoints
from bench import scratch
from domain.clients.commands.fill_clients import Cast
from domain.ibs.commands.fill_ibs import OF_A_TOP
from domain.payments.commands.import_payments import Till
from tenants.database import make_engine
from tenants.filling import Stretch
from tenants.work import Database
from tests.cashier import Cashier, open_cashier
from tests.factories import Brand, Factory

_TOPS = 10
"""Ibs at the top of a brand's tree."""
_TOKENS = 2
"""Of each role: every token has a budget of its own, and no limit is switched off. Each is read
anew every two seconds, which few tokens share among many requests."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """A brand of the crowd: tokens of its staff, and ids to ask for."""

    brand_id: UUID
    tokens: Sequence[str]
    clients: Sequence[UUID]
    ibs: Sequence[UUID]


def fill(
    endpoints: Endpoints, *, brands: int, clients: int, roles: Sequence[str], tokens: int = 0
) -> list[Crowd]:
    """Fill an empty database; every brand gets as many clients, and so many tokens of the roles in
    turn (two of each, when not told)."""
    held = list(itertools.islice(itertools.cycle(roles), tokens or len(roles) * _TOKENS))
    with scratch.superuser(endpoints) as connection, Factory.connected(endpoints) as make:
        made = [make.brand() for _ in range(brands)]
        tills = [open_cashier(make, brand) for brand in made]
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            filled = threads.map(
                lambda number: asyncio.run(
                    _people(endpoints, made[number - 1], tills[number - 1], number, clients)
                ),
                range(1, brands + 1),
            )
            for _ in track(filled, "filling brands", brands, console=Console(stderr=True)):
                pass
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")  # else it is written out while something is measured
        return [_crowd(connection, make, brand, held) for brand in made]


def _crowd(
    connection: psycopg.Connection[Any], make: Factory, brand: Brand, roles: Sequence[str]
) -> Crowd:
    tokens = [make.staff_token(brand, role).text for role in roles]
    ids = "select id from {} where brand_id = %s {} order by id"
    seen = connection.execute(ids.format("client", ""), [brand.id]).fetchall()
    top = connection.execute(ids.format("ib", "and level = 1"), [brand.id]).fetchall()
    return Crowd(brand.id, tokens, [row[0] for row in seen], [row[0] for row in top])


async def _people(
    endpoints: Endpoints, brand: Brand, cashier: Cashier, number: int, clients: int
) -> None:
    cast = Cast(
        FIRST_NAMES, LAST_NAMES, "people.example", "+999", ["CY"], ["en"], [*brand.staff.values()]
    )
    engine = make_engine(endpoints.url("owner", driver="asyncpg"), pool_size=1)
    try:
        database, whole = Database(engine), Stretch(1, number, 1, clients, clients)
        await load_tree(database, brand.id, whole, tops=_TOPS, domain=cast.domain)
        await load_people(
            database, brand.id, whole, cast, lambda _count: None,
            legal_entity_id=brand.legal_entity_id, server_id=brand.server_id,
            login=number * 10_000_000, ibs=_TOPS * OF_A_TOP,
            till=Till(cashier.method_id, cashier.connection_id),
        )  # fmt: skip
    finally:
        await engine.dispose()
