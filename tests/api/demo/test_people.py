"""Who works at a demo brand: enough for what takes two."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import or_, select

from api.demo.access import holders_of
from api.demo.people import seed_people
from api.demo.story import BRANDS, BrandStory
from api.embedded import Endpoints
from domain.compliance.screening.commands.decide_hit import decide_hit
from domain.compliance.screening.tables import screening_hit
from domain.compliance.screening.values import Disposition
from domain.payments.reconciliation.commands.decide_booking import approve_booking
from domain.payments.reconciliation.commands.propose_booking import propose_correction
from tenants.context import Actor, ActorKind, Scope, system_scope
from tenants.database import make_engine
from tenants.tables import staff_role
from tenants.values import Role
from tenants.work import Database, WriteWork
from tests import sanctions
from tests.domain.payments.till import Till
from tests.factories import Brand, Factory


@pytest.fixture
async def owner(endpoints: Endpoints) -> AsyncIterator[Database]:
    engine = make_engine(endpoints.url("owner", driver="asyncpg"), pool_size=1)
    yield Database(engine)
    await engine.dispose()


def story_of(brand: Brand) -> BrandStory:
    """The first brand's story, told of a brand of this test."""
    plan = replace(BRANDS[0].plan, id=brand.id, slug=brand.slug, countries=("CY",))
    return replace(BRANDS[0], plan=plan, canary=f"demo-{brand.slug}", clients=2)


async def two_of(owner: Database, brand: Brand, role: Role) -> list[Actor]:
    """The two whom the demo hands tokens out for, by the role that both of them have."""
    story = story_of(brand)
    await seed_people(owner, story, "$argon2id$none")

    async def actors(work: WriteWork) -> list[Actor]:
        told = await holders_of(work, story)
        both = [told[role.value], told[f"{role.value}_2"]]
        asked = select(staff_role.c.role).where(
            staff_role.c.brand_id == brand.id,
            or_(*(staff_role.c.staff_id == one.id for one in both)),
        )
        assert [row.role for row in await work.rows(asked)] == [role] * 2
        return [Actor(ActorKind.STAFF, one.id) for one in both]

    return (await owner.write(system_scope(brand.id), actors)).value


async def test_two_of_a_brands_staff_may_clear_a_strong_match(
    make: Factory, brand: Brand, owner: Database
) -> None:
    first, second = await two_of(owner, brand, Role.COMPLIANCE)
    hit_id = sanctions.hit(make, brand, make.client(brand))
    for version, actor in enumerate((first, second), start=1):
        cleared = partial(
            decide_hit, hit_id=hit_id, wanted=Disposition.FALSE_POSITIVE, reason="born elsewhere",
            expected_version=version,
        )  # fmt: skip
        await owner.write(Scope(brand.id, actor), cleared)
    found = select(screening_hit.c.disposition).where(screening_hit.c.id == hit_id)
    async with owner.read(system_scope(brand.id)) as work:
        assert [row.disposition for row in await work.rows(found)] == [Disposition.FALSE_POSITIVE]


async def test_two_of_a_brands_staff_may_correct_the_books(
    make: Factory, brand: Brand, owner: Database
) -> None:
    first, second = await two_of(owner, brand, Role.FINANCE)
    till = Till(make, owner, brand).open()
    client = make.client(brand)
    wrong = await till.move(till.house(), till.wallet(client), 80_00)

    async def propose(work: WriteWork) -> UUID:
        return await propose_correction(work, wrong, reason="booked twice")

    key = (await owner.write(Scope(brand.id, first), propose)).value
    await owner.write(Scope(brand.id, second), partial(approve_booking, correction_id=key))
    assert await till.balance(till.wallet(client)) == 0
