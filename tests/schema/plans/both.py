"""Asks an operation of the executor and of its plan, and says how the answers differ."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Self

from domain.kernel.ids import encode_id, new_uuid
from domain.reads.registry import Linked
from schema.shared.assemble import Assembled
from schema.shared.context import Context
from schema.shared.documents import DocumentRefused, Prepared
from schema.shared.plans import Plans
from schema.shared.woven import Woven
from tenants.context import Scope
from tenants.values import Role
from tenants.work import Database
from tests import world
from tests.declared import brand_tables
from tests.factories import Factory, rights_of, scope_of
from tests.schema.plans.writing import Asked, Pool, Writer

NAMES = ('O\'Brien "Bob"', "Zoë  Ünal", "line\nbreak\ttab", "\\back/slash", "名前 太郎", "x")
CURRENCIES = ("USD", "JPY", "KWD", "BTC")
_READ = re.compile(r"(?:\bfrom|\bjoin|,) (\w+)(?: as (\w+))?(?![\w.(])", re.IGNORECASE)
TWINS = {
    "brand_admin": "neighbour", "neighbour": "brand_admin", "north": "alone", "alone": "north",
    "ib": "sub-ib", "sub-ib": "ib",
}  # fmt: skip
"""Actors with the same rights, and other rows."""
HIDING = frozenset({"clients:pii", "clients:names", "notes:read", "clients:all"})


@dataclass
class Crowd:
    """Who may ask, and the ids of what is there, in the brand and in its neighbour."""

    actors: Mapping[str, Scope]
    here: world.World
    there: world.World

    @classmethod
    def made(cls, make: Factory) -> Self:
        here, there = world.build(make), world.build(make)
        brand, now = here.brand, datetime.now(UTC)
        for at in range(14):
            ib = (None, *here.ibs.values())[at % 4]
            one = make.client(
                brand, ib, name=NAMES[at % len(NAMES)], phone=None if at % 3 == 0 else f"+357{at}",
                owner_id=brand.staff[Role.SALES] if at % 4 == 0 else None,
                created_at=now - timedelta(hours=at // 2), tags=[] if at % 2 else ["a", "b c"],
            )  # fmt: skip
            for n in range(at % 4):
                account = make.account(brand, one, currency=CURRENCIES[n])
                if n % 2 == 0:
                    make.state(account, currency=CURRENCIES[n], balance_minor=-5 + at)
                make.deal(account)
        admin = rights_of("brand_admin")
        staff = {str(role): scope_of(brand, role) for role in brand.staff}
        return cls(
            {
                **staff,
                "blind": scope_of(brand, "support", permissions=admin - HIDING),
                "masked": scope_of(brand, "support", permissions=admin - {"clients:pii"}),
                "north": scope_of(brand, client=here.client("north")),
                "alone": scope_of(brand, client=here.client("alone")),
                "ib": scope_of(brand, ib=here.ibs["north"]),
                "sub-ib": scope_of(brand, ib=here.ibs["north_child"]),
                "nobody": scope_of(brand),
                "neighbour": scope_of(there.brand, "brand_admin"),
            },
            here,
            there,
        )


@dataclass
class Both:
    """The two paths. `told` counts what became of the operations that were asked."""

    assembled: Assembled
    plans: Plans
    database: Database
    crowd: Crowd
    pool: Pool = field(default_factory=lambda: Pool((), {}, (), ()))
    told: Counter[str] = field(default_factory=Counter)

    async def difference(self, asked: Asked, scope: Scope) -> str | None:
        """What differs between the answers, None when they are one or there is no plan."""
        broken = self.plans.left["broken"]
        try:
            prepared = self.assembled.schema.documents.prepare(asked.text)
            await self._asked_alike(prepared, asked, scope)
            woven = await self.plans.answer(prepared, None, asked.variables, scope)
        except DocumentRefused as refused:
            self.told[f"refused: {refused}"] += 1
            return None
        if woven is None:
            self.told["left"] += 1
            if self.plans.left["broken"] > broken:
                return "the database can't run the plan's statement"
            return None
        self.told["planned"] += 1
        return unlike(prepared, woven, await self.execute(asked, scope))

    async def _asked_alike(self, prepared: Prepared, asked: Asked, scope: Scope) -> None:
        """The same of somebody else with the same rights, about other objects: what is worked out
        for one call must not show in the next that is alike."""
        named = next(name for name, one in self.crowd.actors.items() if one is scope)
        other = self.crowd.actors[TWINS.get(named, named)]
        variables = {name: self._another(value) for name, value in asked.variables.items()}
        await self.plans.answer(prepared, None, variables, other)

    def _another(self, value: Any) -> Any:
        """Another id of the same kind, where it is one."""
        kind = str(value).rpartition("_")[0]
        alike = [one for one in self.pool.ids if kind and one.startswith(f"{kind}_")]
        return next((one for one in alike if one != value), value)

    async def execute(self, asked: Asked, scope: Scope) -> Any:
        """The executor's answer."""
        context = Context(
            scope=scope, database=self.database, reading=self.assembled.reading, services=None
        )
        try:
            return await self.assembled.schema.execute(
                asked.text, variable_values=asked.variables, context_value=context
            )
        finally:
            await context.close()


def unlike(prepared: Prepared, woven: Woven, result: Any) -> str | None:
    """What differs between a plan's answer and the executor's, the order of keys included."""
    if result.errors:
        return f"the executor refuses: {result.errors}"
    expected, found = json.dumps(result.data), json.dumps(json.loads(woven.data))
    if expected != found:
        return f"executor: {expected}\nplan:     {found}"
    spent = prepared.cost.spent(None, result.data)
    return None if spent == woven.spent else f"worth {spent}, the plan says {woven.spent}"


def without_brand(text: str) -> list[str]:
    """The tables of brands that a statement reads without naming the brand beside them."""
    names = {table.name for table in brand_tables()}
    read = Counter(found[2] or found[1] for found in _READ.finditer(text) if found[1] in names)
    return [
        name for name, times in read.items()
        if len(re.findall(rf"\b{name}\.brand_id = ", text)) < times
    ]  # fmt: skip


def written(both: Both, chance: Random) -> tuple[str, Asked]:
    """An actor, and a document that it may ask."""
    actor = chance.choice(sorted(both.crowd.actors))
    permissions = both.crowd.actors[actor].permissions
    schema, types = both.assembled.schema._schema, both.assembled.reading.types
    return actor, Writer(chance, schema, types, both.pool, permissions).document()


async def gather(both: Both) -> None:
    """Ids of every entity, cursors of every list, found by asking as who may see everything."""
    schema, reading = both.assembled.schema._schema, both.assembled.reading
    admin = both.crowd.actors["brand_admin"]
    ids: list[str] = ["", "client_x", f"client_{new_uuid().hex}", f"nothing_{new_uuid().hex}"]
    work = both.database.read(admin)
    for entity in reading.types.by_entity:
        one: Linked = reading.registry[entity]
        rows = await work.rows(one.declared.table.select().limit(6))
        ids += [
            encode_id(entity, key)
            for row in rows
            if hasattr(key := getattr(row, one.key.name), "hex")
        ]
    await work.close()
    neighbour = both.crowd.there.client("north")
    ids.append(encode_id("client", neighbour.id))
    cursors: dict[str, list[str]] = {}
    root = schema.query_type
    assert root is not None
    for name, made in root.fields.items():
        named: Any = made.type.of_type if hasattr(made.type, "of_type") else made.type
        if not str(named).endswith("Connection"):
            continue
        node = str(named).removesuffix("Connection")
        orders = [None]
        if "orderBy" in made.args:
            orders += [*made.args["orderBy"].type.fields["field"].type.of_type.values]
        for order in orders:
            by = f"(orderBy: {{field: {order}}})" if order else ""
            asked = Asked(f"{{ {name}{by} {{ edges {{ cursor }} }} }}", {})
            result = await both.execute(asked, admin)
            if not result.errors:
                edges = result.data[name]["edges"]
                cursors.setdefault(node, []).extend(edge["cursor"] for edge in edges[:6])
    now = datetime.now(UTC)
    both.pool = Pool(
        ids=ids,
        cursors=cursors,
        texts=("cl", "C1", "@people", "USD", "zz", both.crowd.here.canary),
        instants=tuple(
            (now + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") for hours in (-3, 0, 30)
        ),
    )
