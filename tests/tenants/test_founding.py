"""What whoever runs the installation makes is on record where a brand is known."""

from datetime import timedelta

import pytest
import pytest_asyncio

from domain.kernel.ids import new_uuid
from tenants import tables
from tenants.api_tokens import find_issuer
from tenants.context import NO_BRAND, Actor, ActorKind, Scope, system_scope
from tenants.database import make_engine
from tenants.founding import BrandPlan, open_brand
from tenants.issuing import Grant, is_living, issue_api_token, issue_operator_token
from tenants.numbers import next_number
from tenants.sessions import Whose
from tenants.tokens import parse
from tenants.values import Role
from tenants.work import Database

DAY = timedelta(days=1)


@pytest.fixture
def system(brand):
    return system_scope(brand.id)


@pytest_asyncio.fixture
async def founder(endpoints):
    """Transactions as the owner, as the installer opens them."""
    engine = make_engine(endpoints.url("owner", driver="asyncpg"), pool_size=1)
    yield Database(engine)
    await engine.dispose()


def recorded(make, brand):
    return [(row.action, row.object_kind, row.object_id) for row in make.rows(tables.audit, brand)]


async def test_api_tokens_are_recorded_under_one_name(make, brand, database, system):
    ib = make.ib(brand)
    grant = Grant("demo", ["clients:read", "clients:list", "clients:read"], DAY, ("192.0.2.0/24",))
    made = [
        (
            await database.write(system, lambda w, whose=whose: issue_api_token(w, whose, grant))
        ).value
        for whose in (None, Whose(ActorKind.IB, ib.id, ib.path))
    ]
    assert recorded(make, brand) == [("api_token.create", "api_token", one.id) for one in made]
    service, ibs = (next(r for r in make.rows(tables.token, brand) if r.id == m.id) for m in made)
    assert (service.actor_kind, service.actor_id, service.ib_path) == ("TOKEN", service.id, "")
    assert (ibs.actor_kind, ibs.actor_id, ibs.ib_path) == ("IB", ib.id, ib.path)
    for row in (service, ibs):
        assert row.scopes == ["clients:list", "clients:read"]
        assert row.addresses == ["192.0.2.0/24"]
        assert row.expires_at - row.created_at == DAY


async def test_an_operators_token_is_recorded_where_a_brand_is(
    make, brand, founder, system, superuser
):
    holder = make.operator_token()
    (row,) = superuser.execute(
        "select operator_id from operator_token where id = %s", [holder.id]
    ).fetchall()
    texts = []
    for scope in (system, system_scope(NO_BRAND)):

        async def issue(work):
            return await issue_operator_token(work, row[0], DAY)

        texts.append((await founder.write(scope, issue)).value)
    assert recorded(make, brand) == [
        ("operator_token.create", "operator_token", parse(texts[0]).id)
    ]
    neutral = system_scope(NO_BRAND)
    for text in texts:
        assert (await founder.write(neutral, lambda w, t=text: is_living(w, t, DAY / 2))).value
        assert not (await founder.write(neutral, lambda w, t=text: is_living(w, t, DAY))).value


async def test_a_brand_is_opened_once(make, brand, founder):
    plan = BrandPlan(
        id=new_uuid(), slug="opened", name="Opened", hosts=(), countries=(),
        legal_entity_id=brand.legal_entity_id, key_id=new_uuid(),
    )  # fmt: skip
    for _ in range(2):
        await founder.write(system_scope(plan.id), lambda work: open_brand(work, plan))
    assert recorded(make, plan) == [
        ("brand.open", "brand", plan.id),
        ("publishable_key.create", "publishable_key", plan.key_id),
    ]


async def test_numbers_rise_per_brand_and_kind(brand, brand_b, database, system):
    async def take(scope, *what):
        return (await database.write(scope, lambda work: next_number(work, *what))).value

    async def fail(work):
        await next_number(work, "a")
        raise ZeroDivisionError

    assert [await take(system, "a") for _ in range(3)] == [1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        await database.write(system, fail)
    assert await take(system, "a") == 4
    assert [await take(system, "login", 500) for _ in range(2)] == [500, 501]
    assert await take(system_scope(brand_b.id), "a") == 1


async def test_a_token_keeps_the_person_behind_it(make, brand, database, system):
    """A token's token is of whoever issued the first; the installation's are nobody's."""
    grant = Grant("demo", ["clients:read"], DAY)
    person = make.staff(brand, Role.BRAND_ADMIN)
    scope = Scope(brand.id, Actor(ActorKind.STAFF, person, "Admin"))
    issued = []
    for _ in range(3):
        made = (await database.write(scope, lambda w: issue_api_token(w, None, grant))).value
        async with database.read(system) as work:
            issued.append(await find_issuer(work, made.id))
        scope = Scope(brand.id, Actor(ActorKind.TOKEN, made.id), token_id=made.id)
    assert issued == [person] * 3
    ours = (await database.write(system, lambda w: issue_api_token(w, None, grant))).value
    async with database.read(system) as work:
        assert await find_issuer(work, ours.id) is None
        assert await find_issuer(work, new_uuid()) is None
