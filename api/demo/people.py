"""The people of a demo brand: staff, a tree of ibs, clients who verified their address, notes."""

import re
from dataclasses import dataclass
from uuid import UUID

from api.demo.story import STAFF_ROLES, BrandStory, ClientStory, clients_of
from domain.clients.commands.add_note import add_note
from domain.clients.commands.assign_client import assign_client
from domain.clients.commands.make_verification import make_verification
from domain.clients.commands.register_client import register_client
from domain.clients.commands.verify_email import verify_email
from domain.clients.queries import find_by_email
from domain.clients.values import Registration
from domain.ibs.commands.create_ib import NewIb, create_ib
from domain.ibs.queries import find_introducer
from tenants.context import system_scope
from tenants.founding import find_staff, hire
from tenants.values import Role
from tenants.work import Database, WriteWork

_TOKEN = re.compile(r"bk_[a-z]+_[0-9a-f]{32}_[0-9a-f]{32}_[\w-]{43}", re.ASCII)
NAMES = {
    Role.BRAND_ADMIN: "Bea Admin",
    Role.SALES: "Sol Sales",
    Role.COMPLIANCE: "Cora Compliance",
    Role.FINANCE: "Finn Finance",
    Role.DEALING: "Dee Dealing",
    Role.SUPPORT: "Sue Support",
    Role.MARKETING: "Mark Marketing",
    Role.AUDITOR: "Audrey Auditor",
}


@dataclass(frozen=True, slots=True)
class People:
    """Who was seeded, by the names the demo hands tokens out under."""

    staff: dict[Role, UUID]
    clients: list[UUID]


async def seed_people(database: Database, story: BrandStory, password_hash: str) -> People | None:
    """Seed a brand's people in one transaction; None when they are there already."""

    async def command(work: WriteWork) -> People | None:
        if await find_staff(work, staff_email(story, Role.BRAND_ADMIN)) is not None:
            return None
        staff = {
            role: await hire(
                work,
                name=f"{NAMES[role]} ({story.canary})",
                email=staff_email(story, role),
                role=role,
                password_hash=password_hash,
            )
            for role in STAFF_ROLES
        }
        await _plant_tree(work, story)
        clients = [await _take_on(work, client, password_hash) for client in clients_of(story)]
        for n, client_id in enumerate(clients):
            if n % 2 == 0:
                await assign_client(work, client_id, staff[Role.SALES], expected_version=2)
            await add_note(work, client_id, f"Welcome call done. [{story.canary} note {n}]")
        return People(staff, clients)

    return (await database.write(system_scope(story.plan.id), command)).value


def staff_email(story: BrandStory, role: Role) -> str:
    """Where a member of the demo's staff gets mail."""
    return f"{role.value.replace('_', '.')}@{story.canary}.example"


async def _plant_tree(work: WriteWork, story: BrandStory) -> None:
    """Two trees: north with one ib below it, and south beside them."""
    slug = story.plan.slug

    async def planted(name: str, title: str, parent_id: UUID | None = None) -> UUID:
        code, email = f"{slug}-{name}", f"{name}.ib@{story.canary}.example"
        return await create_ib(work, NewIb(code, f"{title} ({story.canary})", email, parent_id))

    north = await planted("north", "North Introducers")
    await planted("north-1", "North Branch", north)
    await planted("south", "South Introducers")


async def _take_on(work: WriteWork, story: ClientStory, password_hash: str) -> UUID:
    """Register a client and verify the address with the token from its mail."""
    registration = Registration(
        name=story.name,
        email=story.email,
        country=story.country,
        phone=story.phone,
        language=None,
        ib_code=story.ib_code,
    )
    await register_client(
        work, registration, password_hash=password_hash, find_introducer=find_introducer
    )
    row = await find_by_email(work, story.email)
    assert row is not None, "registered just now"
    mail = await make_verification(work, row.id)
    token = _TOKEN.search(mail.text) if mail else None
    assert token is not None, "a new client gets a mail with a token"
    await verify_email(work, token[0])
    client_id: UUID = row.id
    return client_id
