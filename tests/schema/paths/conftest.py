"""One database for the walk: a large brand, two smaller ones, and who may ask."""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio
from psycopg import sql

from api.embedded import Endpoints
from api.graphql.limits import EdgeLimits, Throttle
from api.graphql.operation import QUERIES, Operations
from api.graphql.parameters import Parameters
from domain.kernel.ids import encode_id
from schema.root import build as build_schema
from schema.shared.assemble import Assembled
from schema.shared.context import Context
from schema.shared.plans import Plans as Compiled
from tenants.access import permissions
from tenants.context import Scope
from tenants.database import make_engine
from tenants.work import Database
from tests import postgres, world
from tests.declared import brand_tables
from tests.factories import Factory, scope_of
from tests.schema.paths import crowded
from tests.schema.paths.judge import MOST, SETTINGS, Fault, Plans, faults, is_kept
from tests.schema.paths.walk import Listing
from tests.schema.people import SECRET
from tests.world import World

CLIENTS = 1_600
"""Of the large brand."""


@dataclass
class Desk:
    """The server over the crowded database, and what it did for a page."""

    endpoints: Endpoints
    assembled: Assembled
    database: Database
    compiled: Compiled
    plans: Plans
    world: World
    actors: dict[str, Scope]
    large: dict[str, int] = field(default_factory=dict)

    async def ask_again(self, text: str, actor: str) -> list[Fault]:
        """The faults of the compiled path as it runs once a statement's plan is kept."""
        await self._say("set plan_cache_mode = force_generic_plan")
        try:
            _, found = await self.ask(text, actor, with_plans=True, only=is_kept)
        finally:
            await self._say("reset plan_cache_mode")
        return found

    async def _say(self, setting: str) -> None:
        async with self.database._engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute(setting)

    async def ask(
        self, text: str, actor: str, *, with_plans: bool, only: Callable[[str], bool] | None = None
    ) -> tuple[Any, list[Fault]]:
        """The answer's body, and the faults of what was sent for it."""
        limits = EdgeLimits()
        throttle = Throttle(limits.buckets, limits.max_buckets, clock=lambda: 0.0)
        edge = Operations(
            self.assembled.schema, limits, throttle, self.compiled if with_plans else None
        )
        context: Context[Any] = Context(
            scope=self.actors[actor], database=self.database,
            reading=self.assembled.reading, services=None,
        )  # fmt: skip
        with self.plans.collected() as plans:
            admission = await edge.admit(Parameters(text, {}, None), context, QUERIES)
            answer = (await edge.execute(admission, context)).read()
            await context.close()
        assert plans or "errors" in answer.payload, f"nothing was sent for {text}"
        judged = [each for each in plans if only is None or only(each["Query Text"])]
        return answer.payload, [one for plan in judged for one in faults(plan, self.large)]

    def parent(self, listing: Listing, actor: str) -> str | None:
        """The id of the object that has most of what is listed, among the actor's own."""
        relation = listing.relation
        if relation is None:
            return None
        theirs, own = relation.theirs.name, relation.own.name
        parent, scope = self.assembled.reading.registry[listing.entity], self.actors[actor]
        table, key = parent.declared.table, parent.key.name
        among: list[str] = []
        values: list[Any] = [self.world.brand.id]
        whose = "id" if table.name == "client" else "client_id"
        if scope.client_id is not None and whose in table.c:
            among, values = [*among, f"p.{whose} = %s"], [*values, scope.client_id]
        path = "path" if table.name == "ib" else "ib_path"
        if scope.ib_path is not None and path in table.c:
            among, values = [*among, f"starts_with(p.{path}, %s)"], [*values, scope.ib_path]
        if listing.kind is not None:
            by = self.assembled.reading.types.by_entity[listing.entity].by
            among, values = [*among, f"p.{by} = %s"], [*values, listing.kind]
        with postgres.superuser(self.endpoints) as connection:
            row = connection.execute(
                f"select p.{key} from {relation.target.declared.table.name} t"
                f" join {table.name} p on p.brand_id = t.brand_id and p.{own} = t.{theirs}"
                f" where {' and '.join(['t.brand_id = %s', *among])}"
                f" group by p.{key} order by count(*) desc, 1 limit 1",
                values,
            ).fetchone()
        found = "client" if listing.within.startswith("Client.") else parent.name
        return None if row is None else encode_id(found, row[0])


@pytest_asyncio.fixture(scope="session")
async def desk(template: Endpoints) -> AsyncIterator[Desk]:
    """Made once for all tests here; a test that changes a table puts it back."""
    endpoints = postgres.clone(template, f"paths_{os.getpid()}")
    try:
        assembled = build_schema(SECRET)
        registry = assembled.reading.registry
        listed = {registry[name].declared.table.name for name in registry.names()}
        made = await _crowd(endpoints, listed)
        with postgres.superuser(endpoints) as connection:
            for name, value in SETTINGS.items():
                connection.execute(
                    sql.SQL("alter database {} set {} = {}").format(
                        sql.Identifier(endpoints.database),
                        sql.SQL(name) if "." not in name else sql.Identifier(*name.split(".")),
                        sql.Literal(value),
                    )
                )
            large = {
                table.name: rows
                for table in brand_tables()
                if (rows := _count(connection, table.name)) > MOST
            }
        engine = make_engine(endpoints.url("app", driver="asyncpg"), pool_size=1)
        plans = Plans()
        plans.listen(engine)
        database = Database(engine)
        brand, everything = made.brand, frozenset(permissions())
        yield Desk(
            endpoints, assembled, database,
            Compiled(assembled.schema, assembled.reading, database), plans, made,
            {
                "staff": scope_of(brand, "brand_admin", permissions=everything),
                "sales": scope_of(brand, "sales"),
                "client": scope_of(brand, client=made.client("north")),
                "ib": scope_of(brand, ib=made.ibs["north"]),
            },
            large,
        )  # fmt: skip
        await engine.dispose()
    finally:
        postgres.drop(endpoints)


def _count(connection: Any, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchone()[0])


async def _crowd(endpoints: Endpoints, listed: set[str]) -> World:
    """A large brand among others."""
    engine = make_engine(endpoints.url("owner", driver="asyncpg"), pool_size=1)
    try:
        with Factory.connected(endpoints) as make:
            made = world.build(make)
            make.api_token(made.brand, scopes=["clients:list"])
            await crowded.people(Database(engine), make, made, 1, CLIENTS)
    finally:
        await engine.dispose()
    with postgres.superuser(endpoints) as connection:
        connection.execute("set session_replication_role = replica")
        crowded.fill(connection, made)
        crowded.surround(connection, made, listed)
        # All rows are looked at, so that the same brands have the same plans in each run.
        connection.execute("set default_statistics_target = 1000")
        connection.execute("vacuum analyze")
    return made
