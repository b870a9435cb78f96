"""The people of a demo brand: staff, a tree of ibs, clients who verified their address, notes."""

import re
from dataclasses import dataclass
from uuid import UUID

from api.demo.story import STAFF_ROLES, BrandStory, ClientStory, clients_of, namesake_of
from domain.clients.commands.add_note import add_note
from domain.clients.commands.assign_client import assign_client
from domain.clients.commands.make_verification import make_verification
from domain.clients.commands.register_client import register_client
from domain.clients.commands.verify_email import verify_email
from domain.clients.leads.commands.set_agent import set_agent
from domain.clients.leads.values import Turn
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
SECONDS = {Role.COMPLIANCE: "Cleo Compliance", Role.FINANCE: "Fay Finance"}
"""Whom a brand has two of: to clear a strong hit takes both, and so does a ledger correction."""


CAPACITY = 10_000
"""How many open leads an agent of the demo may hold: more than there are."""


@dataclass(frozen=True, slots=True)
class People:
    """Who was seeded, by the names the demo hands tokens out under."""

    staff: dict[Role, UUID]
    clients: list[UUID]


async def is_peopled(database: Database, story: BrandStory) -> bool:
    """Whether the brand's people are there already."""

    async def command(work: WriteWork) -> bool:
        return await find_staff(work, staff_email(story, Role.BRAND_ADMIN)) is not None

    return (await database.write(system_scope(story.plan.id), command)).value


async def seed_people(database: Database, story: BrandStory, password_hash: str) -> People:
    """Seed a brand's people, who are not there yet, in one transaction."""

    async def command(work: WriteWork) -> People:
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
        await _hire_seconds(work, story, password_hash)
        await _take_turns(work, story, password_hash)
        await _plant_tree(work, story)
        clients = [await _take_on(work, client, password_hash) for client in clients_of(story)]
        for n, client_id in enumerate(clients):
            if n % 2 == 0:
                await assign_client(work, client_id, staff[Role.SALES], expected_version=2)
            await add_note(work, client_id, f"Welcome call done. [{story.canary} note {n}]")
        if (namesake := namesake_of(story)) is not None:
            await _take_on(work, namesake, password_hash)
        return People(staff, clients)

    return (await database.write(system_scope(story.plan.id), command)).value


async def agents_of(work: WriteWork, story: BrandStory) -> list[UUID]:
    """The three members of staff who are given leads in turn."""
    found = [await find_staff(work, email) for email in _agents(story)]
    return [one for one in found if one is not None]


def _agents(story: BrandStory) -> list[str]:
    others = [f"sales.{n}@{story.canary}.example" for n in (2, 3)]
    return [staff_email(story, Role.SALES), *others]


def staff_email(story: BrandStory, role: Role) -> str:
    """Where a member of the demo's staff gets mail."""
    return f"{role.value.replace('_', '.')}@{story.canary}.example"


def second_email(story: BrandStory, role: Role) -> str:
    """Where the other one of a role of SECONDS gets mail."""
    return f"{role.value}.2@{story.canary}.example"


async def _hire_seconds(work: WriteWork, story: BrandStory, password_hash: str) -> None:
    for role, name in SECONDS.items():
        await hire(
            work, name=f"{name} ({story.canary})", email=second_email(story, role),
            role=role, password_hash=password_hash,
        )  # fmt: skip


async def _take_turns(work: WriteWork, story: BrandStory, password_hash: str) -> None:
    """Three agents take leads in turn; the first is the one of whom `demo.json` has a token."""
    for email, name in zip(_agents(story), ("Sol", "Sal", "Sia"), strict=True):
        agent_id = await hire(
            work, name=f"{name} Sales ({story.canary})", email=email, role=Role.SALES,
            password_hash=password_hash,
        )  # fmt: skip
        await set_agent(work, Turn(agent_id, enabled=True, capacity=CAPACITY))


async def _plant_tree(work: WriteWork, story: BrandStory) -> None:
    """Two trees: north with two tiers below it, and south beside them."""
    slug = story.plan.slug

    async def planted(name: str, title: str, parent_id: UUID | None = None) -> UUID:
        code, email = f"{slug}-{name}", f"{name}.ib@{story.canary}.example"
        return await create_ib(work, NewIb(code, f"{title} ({story.canary})", email, parent_id))

    north = await planted("north", "North Introducers")
    branch = await planted("north-1", "North Branch", north)
    await planted("north-1-1", "North Corner", branch)
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
