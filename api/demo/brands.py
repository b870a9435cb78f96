"""The group itself: reference data, entities, brands, the platform server and its grants."""

from functools import partial

from api.demo.story import (
    BRANDS,
    ENTITIES,
    JURISDICTIONS,
    LOGINS_PER_BRAND,
    OPERATOR_ID,
    SERVER,
)
from domain.accounts.commands.grant_server import add_server, grant_server
from tenants.context import NO_BRAND, system_scope
from tenants.founding import (
    add_brand,
    add_entity,
    add_jurisdiction,
    add_operator,
    add_reference,
    open_brand,
)
from tenants.work import Database, WriteWork


async def seed_brands(database: Database) -> None:
    """Add what is missing of everything that belongs to no brand, then each brand's own rows."""
    await database.write(system_scope(NO_BRAND), _found)
    for story in BRANDS:
        await database.write(system_scope(story.plan.id), partial(open_brand, plan=story.plan))


async def _found(work: WriteWork) -> None:
    await add_reference(work)
    await add_operator(work, OPERATOR_ID, email="operator@backdesk.example", name="Olive Operator")
    for code, name, policy in JURISDICTIONS:
        await add_jurisdiction(work, code, name, policy)
    for entity in ENTITIES:
        await add_entity(work, entity)
    await add_server(work, SERVER)
    groups = [group.name for group in SERVER.groups]
    for story in BRANDS:
        await add_brand(work, story.plan)
        logins = range(story.login_from, story.login_from + LOGINS_PER_BRAND)
        await grant_server(work, SERVER.id, story.plan.id, logins, groups)
