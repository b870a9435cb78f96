"""A write judges its actor anew: nobody goes on for the two seconds that reads are trusted."""

import pytest
from sqlalchemy import func, update

from api.auth import make_identifier
from domain.clients.actors import CLIENTS
from domain.clients.tables import client as client_table
from domain.ibs.actors import IBS
from domain.ibs.tables import ib as ib_table
from tenants import tables
from tenants.actors import sources
from tenants.brands import Directory
from tenants.context import ActorKind
from tenants.identify import Asking, Identifier
from tenants.log import Change
from tenants.refusals import BrandSuspended, RightsChanged, Unauthenticated
from tenants.values import Role
from tenants.work import Database

ACTORS = sources(CLIENTS, IBS)


@pytest.fixture
def judging(engine):
    return Database(engine)


@pytest.fixture
def identifier(judging):
    """The identifier of a server, whose clock stands: what it trusts, it trusts for ever."""
    made = Identifier(judging, Directory(judging, monotonic=lambda: 0.0), ACTORS,
                      monotonic=lambda: 0.0)  # fmt: skip
    judging.judge(ACTORS, made.forget)
    return made


@pytest.fixture
def come_in(identifier, brand):
    async def run(token):
        operator = brand.slug if token.brand_id is None else None
        return await identifier.identify(
            Asking(authorization=f"Bearer {token.text}", brand=operator)
        )

    return run


async def write(work):
    work.audit(Change("thing.write"))


async def refused(database, scope, refusal):
    with pytest.raises(refusal):
        await database.write(scope, write)


def actors(make, brand):
    ib, client = make.ib(brand), make.client(brand)
    return {
        "staff": (make.staff_token(brand, Role.SALES), tables.staff, brand.staff[Role.SALES]),
        "client": (make.client_token(brand, client), client_table, client.id),
        "ib": (make.ib_token(brand, ib), ib_table, ib.id),
        "ib's token": (make.api_token(brand, ib, scopes=["clients:read"]), ib_table, ib.id),
    }


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("staff", "DISABLED"),
        ("client", "CLOSED"),
        ("client", "REGISTERED"),
        ("ib", "SUSPENDED"),
        ("ib's token", "SUSPENDED"),
    ],
)
async def test_who_may_not_come_in_any_more_writes_nothing_more(
    make, brand, judging, come_in, who, status
):
    token, table, key = actors(make, brand)[who]
    scope = await come_in(token)
    await judging.write(scope, write)
    make.run(brand, update(table).where(table.c.id == key).values(status=status))
    await refused(judging, scope, Unauthenticated)
    assert len(make.rows(tables.audit, brand)) == 1
    with pytest.raises(Unauthenticated):
        await come_in(token)


async def test_a_restricted_client_still_comes_in(make, brand, judging, come_in):
    token, table, key = actors(make, brand)["client"]
    scope = await come_in(token)
    make.run(brand, update(table).where(table.c.id == key).values(status="RESTRICTED"))
    await judging.write(scope, write)
    assert len(make.rows(tables.audit, brand)) == 1


@pytest.mark.parametrize("who", ["ib", "ib's token"])
async def test_an_ib_that_moved_writes_nothing_under_its_old_path(
    make, brand, judging, come_in, who
):
    token, table, key = actors(make, brand)[who]
    scope = await come_in(token)
    await judging.write(scope, write)
    above = make.ib(brand)
    path = f"{above.path}{key.hex}/"
    make.run(brand, update(table).where(table.c.id == key).values(path=path))
    await refused(judging, scope, Unauthenticated)
    assert len(make.rows(tables.audit, brand)) == 1


async def test_in_a_suspended_brand_only_operators_write(make, brand, brand_b, judging, come_in):
    scopes = [await come_in(one[0]) for one in actors(make, brand).values()]
    operator = await come_in(make.operator_token())
    statement = update(tables.brand).where(tables.brand.c.id == brand.id)
    make.run(brand, statement.values(status="SUSPENDED"))
    for scope in scopes:
        await refused(judging, scope, BrandSuspended)
    assert make.rows(tables.audit, brand) == []
    await judging.write(operator, write)
    (row,) = make.rows(tables.audit, brand)
    assert row.actor_kind == ActorKind.OPERATOR


async def test_an_ended_operators_token_writes_nothing_more(make, brand, judging, come_in):
    token = make.operator_token()
    scope = await come_in(token)
    await judging.write(scope, write)
    (written,) = make.rows(tables.audit, brand)
    table = tables.operator_token
    make.run(brand, update(table).where(table.c.id == token.id).values(revoked_at=func.now()))
    await refused(judging, scope, Unauthenticated)
    assert make.rows(tables.audit, brand) == [written]


async def test_after_a_change_of_policy_trying_again_works_at_once(make, brand, judging, come_in):
    token = make.staff_token(brand, Role.SALES)
    other = make.staff_token(brand, Role.SUPPORT)
    scope, others = await come_in(token), await come_in(other)
    make.run(brand, update(tables.brand_state).values(policy_version=2))
    assert await come_in(token) == scope
    await refused(judging, scope, RightsChanged)
    again = await come_in(token)
    assert again.policy_version == 2
    await judging.write(again, write)
    assert await come_in(other) == others


async def test_judging_costs_no_statement(make, brand, judging, come_in, count_statements):
    for token, _table, _key in actors(make, brand).values():
        scope = await come_in(token)

        async def nothing(work):
            return None

        with count_statements() as counted:
            await judging.write(scope, nothing)
        assert counted.total == 1, str(counted)


async def test_a_serving_process_judges_every_kind_of_actor(make, brand, engine):
    serving = Database(engine)
    identifier = make_identifier(serving, Directory(serving))
    for who, status in (("staff", "DISABLED"), ("client", "CLOSED"), ("ib", "SUSPENDED")):
        token, table, key = actors(make, brand)[who]
        scope = await identifier.identify(Asking(authorization=f"Bearer {token.text}"))
        await serving.write(scope, write)
        written = make.rows(tables.audit, brand)
        assert written[-1].actor_kind == scope.actor.kind
        make.run(brand, update(table).where(table.c.id == key).values(status=status))
        await refused(serving, scope, Unauthenticated)
        assert make.rows(tables.audit, brand) == written
    assert len(written) == 3, "one for each, from before"
