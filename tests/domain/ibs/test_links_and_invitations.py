"""Links bring clients, invitations bring ibs; each by a code or a token that is somebody's."""

import re
from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher

from domain.clients.commands.register_client import register_client
from domain.clients.tables import client as client_table
from domain.clients.values import Mail, Registration
from domain.events.jobs import JobRun
from domain.ibs.commands.accept_invitation import Joining
from domain.ibs.commands.create_ib import NewIb, create_ib
from domain.ibs.commands.create_invitation import create_invitation
from domain.ibs.commands.create_link import create_link
from domain.ibs.jobs import send_invitation
from domain.ibs.joining import join
from domain.ibs.queries import find_introducer
from domain.ibs.tables import ib as ib_table
from domain.ibs.tables import ib_invitation, ib_link
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from tenants.passwords import Passwords
from tenants.sessions import Issued
from tenants.tables import credential, event
from tenants.work import Database, WriteWork
from tests.factories import Brand, Factory, Ib, scope_of

PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
PASSWORD = "quiet harbour 71"


async def link(database: Database, ib: Ib, brand: Brand, campaign: str) -> UUID:
    async def command(work: WriteWork) -> UUID:
        return await create_link(work, ib.id, campaign)

    return (await database.write(scope_of(brand, ib=ib), command)).value


async def refused(asked: Any) -> str:
    with pytest.raises(DomainError) as caught:
        await asked
    return caught.value.code


async def test_a_link_brings_a_client_to_its_ib(
    database: Database, make: Factory, brand: Brand
) -> None:
    ib = make.ib(brand)
    link_id = await link(database, ib, brand, " Spring  fair ")
    (row,) = make.rows(ib_link, brand)
    assert (row.id, row.ib_id, row.ib_path, row.campaign) == (
        link_id, ib.id, ib.path, "Spring fair",
    )  # fmt: skip
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{10}", row.code)
    form = Registration("Ada", "ada@people.example", "CY", None, "en", row.code.lower())

    async def command(work: WriteWork) -> None:
        await register_client(work, form, password_hash="", find_introducer=find_introducer)

    await database.write(scope_of(brand), command)
    (client,) = make.rows(client_table, brand)
    assert (client.ib_id, client.ib_path, client.ib_link_id) == (ib.id, ib.path, link_id)
    (told,) = [one for one in make.rows(event, brand) if one.kind == "link_created"]
    assert (told.object_id, told.ib_path) == (link_id, ib.path)


async def test_codes_are_one_name_space_and_campaigns_are_once_per_ib(
    database: Database, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    ib, other = make.ib(brand), make.ib(brand)
    await link(database, ib, brand, "Fair")
    assert await refused(link(database, ib, brand, " Fair")) == "CAMPAIGN_TAKEN"
    assert await refused(link(database, ib, brand, "")) == "INVALID"
    await link(database, other, brand, "Fair")
    staff = scope_of(brand, "brand_admin")
    code = make.rows(ib_link, brand)[0].code
    like_a_link = NewIb(code, "North", "north@ib.example")
    asked = database.write(staff, lambda work: create_ib(work, like_a_link))
    assert await refused(asked) == "CODE_TAKEN"
    # Of another brand: there is no such ib.
    assert await refused(link(database, make.ib(brand_b), brand, "x")) == "NOT_FOUND"
    make.run(brand, ib_table.update().where(ib_table.c.id == ib.id).values(status="SUSPENDED"))
    asked = database.write(staff, lambda work: create_link(work, ib.id, "Late"))
    assert await refused(asked) == "IB_SUSPENDED"
    assert len(make.rows(ib_link, brand)) == 2


async def test_an_ib_makes_links_for_its_own_branch_only(
    database: Database, make: Factory, brand: Brand
) -> None:
    ib, other = make.ib(brand), make.ib(brand)
    below = make.ib(brand, ib)
    scope = scope_of(brand, ib=ib)
    await database.write(scope, lambda work: create_link(work, below.id, "Branch"))
    for beyond in (other, new_uuid()):
        key = beyond if isinstance(beyond, UUID) else beyond.id
        asked = database.write(scope, lambda work, key=key: create_link(work, key, "Beyond"))
        assert await refused(asked) == "NOT_FOUND"


class Box:
    """Keeps the mails that were sent."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)


class Post:
    """Invites, and reads the token out of the mail."""

    def __init__(self, database: Database, worker: Database, brand: Brand) -> None:
        self.database, self.worker, self.brand, self.box = database, worker, brand, Box()

    async def invite(self, ib: Ib, name: str = "Nora", email: str = "nora@ib.example") -> UUID:
        scope = scope_of(self.brand, ib=ib)
        return (
            await self.database.write(
                scope, lambda work: create_invitation(work, ib.id, name, email)
            )
        ).value

    async def token(self, invitation_id: UUID) -> str:
        run = JobRun("ibs.send_invitation", self.brand.id, "1", 1, self.worker)
        await send_invitation(run, self.box, invitation_id)
        found = re.search(r"^bk_verify_\S+$", self.box.mails[-1].text, re.M)
        assert found
        return found[0]

    async def join(self, token: str, **typed: Any) -> Issued:
        password = typed.pop("password", PASSWORD)
        return await join(
            self.database, PASSWORDS, scope_of(self.brand), typed=Joining(token, **typed),
            password=password,
        )  # fmt: skip


@pytest.fixture
def post(database: Database, worker_database: Database, brand: Brand) -> Post:
    return Post(database, worker_database, brand)


async def test_an_invitation_becomes_an_ib_below_the_inviter(
    post: Post, make: Factory, brand: Brand
) -> None:
    ib = make.ib(brand)
    invitation_id = await post.invite(ib)
    token = await post.token(invitation_id)
    mail = post.box.mails[-1]
    assert (mail.to, mail.subject.startswith(ib.name)) == ("nora@ib.example", True)
    issued = await post.join(token)
    made = next(row for row in make.rows(ib_table, brand) if row.id != ib.id)
    assert (made.name, made.email, made.parent_id, made.level) == (
        "Nora", "nora@ib.example", ib.id, 2,
    )  # fmt: skip
    (row,) = make.rows(ib_invitation, brand)
    assert (row.status, row.accepted_id) == ("ACCEPTED", made.id)
    (key,) = make.rows(credential, brand)
    assert (key.actor_kind, key.actor_id, key.email) == ("IB", made.id, "nora@ib.example")
    assert (await PASSWORDS.verify(key.password_hash, PASSWORD)).right
    assert issued.access.text.startswith("bk_access_")
    assert await refused(post.join(token)) == "TOKEN_INVALID"
    await send_invitation(
        JobRun("ibs.send_invitation", brand.id, "2", 1, post.worker), post.box, invitation_id
    )
    assert len(post.box.mails) == 1, "nothing is sent once it is used"


async def test_a_token_is_replaced_expires_and_is_nobody_elses(
    post: Post, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    ib = make.ib(brand)
    invitation_id = await post.invite(ib)
    first, second = await post.token(invitation_id), await post.token(invitation_id)
    foreign = Post(post.database, post.worker, brand_b)
    for asked in (post.join(first), foreign.join(second), post.join("bk_verify_x")):
        assert await refused(asked) == "TOKEN_INVALID"
    make.run(brand, ib_invitation.update().values(expires_at=ib_invitation.c.created_at))
    assert await refused(post.join(second)) == "TOKEN_INVALID"
    assert len(make.rows(ib_table, brand)) == 1


async def test_a_refused_joining_leaves_the_token_good(
    post: Post, make: Factory, brand: Brand
) -> None:
    ib, parent = make.ib(brand), make.ib(brand)
    await post.join(await post.token(await post.invite(ib)), code="NORA")
    again = await post.token(await post.invite(parent))
    assert await refused(post.join(again)) == "EMAIL_TAKEN"
    other = await post.token(await post.invite(parent, "Olaf", "olaf@ib.example"))
    assert await refused(post.join(other, code="nora")) == "CODE_TAKEN"
    assert await refused(post.join(other, password="olaf olaf olaf")) == "PASSWORD_WEAK"
    assert await refused(post.join(other, password="short")) == "PASSWORD_WEAK"
    suspend = ib_table.update().where(ib_table.c.id == parent.id)
    make.run(brand, suspend.values(status="SUSPENDED"))
    assert await refused(post.join(other)) == "PARENT_SUSPENDED"
    make.run(brand, suspend.values(status="ACTIVE"))
    await post.join(other, code="olaf")
    assert {row.code for row in make.rows(ib_table, brand)} >= {"NORA", "OLAF"}


async def test_an_address_is_invited_five_times_before_waiting(
    post: Post, make: Factory, brand: Brand
) -> None:
    ib = make.ib(brand)
    for _ in range(6):
        await post.invite(ib)
    assert await refused(post.invite(ib)) == "THROTTLED"
    await post.invite(ib, email="another@ib.example")
    deep = ib
    for _ in range(9):
        deep = make.ib(brand, deep)
    assert await refused(post.invite(deep)) == "TREE_TOO_DEEP"
    assert await refused(post.invite(ib, email="x")) == "INVALID"
    assert len(make.rows(ib_invitation, brand)) == 7
