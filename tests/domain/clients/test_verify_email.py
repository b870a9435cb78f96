"""From registration to a verified address: the mail, its token, and every way it can fail."""

import asyncio
import email
import email.policy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from argon2 import PasswordHasher

from domain.clients.actors import CLIENTS
from domain.clients.adapters.file_outbox import FileOutbox
from domain.clients.commands.verify_email import verify_email
from domain.clients.jobs import (
    MAILS,
    send_reset,
    send_verification,
    tell_registered_again,
)
from domain.clients.ports import MailNotSent
from domain.clients.registration import register
from domain.clients.registration import verify as prove
from domain.clients.tables import client as client_table
from domain.clients.values import Mail, RegistrationForm, Verification
from domain.events.consumers import consume
from domain.events.jobs import JobRun
from domain.ibs.queries import find_introducer
from domain.kernel.errors import DomainError
from tenants import tables
from tenants.context import ActorKind
from tenants.password_reset import PasswordReset
from tenants.passwords import Passwords
from tenants.sessions import Whose
from tenants.throttle import ACCOUNT
from tenants.work import Database, WriteWork
from tests.factories import Brand, Factory, scope_of

PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class Kept:
    """A mailer that keeps what it was given."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)

    def token(self) -> str:
        return token_in(self.mails[-1].text)


def job(worker: Database, brand: Brand) -> JobRun:
    return JobRun("clients.test", brand.id, "1", 1, worker)


def token_in(text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith("bk_verify_")]
    return line


async def sign_up(database: Database, brand: Brand, address: str, **changed: Any) -> None:
    form = {"name": "Ann Lee", "password": "correct horse battery", "country": "CY"}
    await register(
        database,
        PASSWORDS,
        replace(scope_of(brand), ip="192.0.2.7"),
        form=RegistrationForm(email=address, **(form | changed)),
        find_introducer=find_introducer,
    )


async def mailed(
    database: Database, worker: Database, make: Factory, brand: Brand, address: str
) -> tuple[UUID, Kept]:
    await sign_up(database, brand, address)
    (row,) = [row for row in make.rows(client_table, brand) if row.email == address]
    mailer = Kept()
    await send_verification(job(worker, brand), mailer, row.id)
    return row.id, mailer


async def verify(database: Database, brand: Brand, text: str, hashed: str | None = None) -> Whose:
    async def command(work: WriteWork) -> Whose:
        return await verify_email(work, text, password_hash=hashed)

    return (await database.write(scope_of(brand), command)).value


async def test_the_token_from_the_mail_makes_the_client_active(
    database: Database, worker_database: Database, make: Factory, brand: Brand
) -> None:
    client_id, mailer = await mailed(database, worker_database, make, brand, "ann@a.example")
    whose = await verify(database, brand, mailer.token())
    assert (whose.kind, whose.id) == ("CLIENT", client_id)
    (row,) = make.rows(client_table, brand)
    assert (row.status, row.version, row.email_verified_at is None) == ("ACTIVE", 2, False)
    assert [one.kind for one in make.rows(tables.event, brand)] == ["registered", "email_verified"]


async def test_the_mail_goes_to_the_address_and_only_its_hash_is_stored(
    database: Database, worker_database: Database, make: Factory, brand: Brand
) -> None:
    _, mailer = await mailed(database, worker_database, make, brand, "ann@b.example")
    (mail,) = mailer.mails
    (row,) = make.rows(tables.token, brand)
    secret = mailer.token()[-43:]
    assert (mail.to, row.kind, row.used_at) == ("ann@b.example", "VERIFY", None)
    written = [make.rows(table, brand) for table in (tables.token, tables.event, tables.audit)]
    assert secret not in str(written)


async def test_used_replaced_forged_and_foreign_tokens_are_refused_alike(
    database: Database, worker_database: Database, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    client_id, mailer = await mailed(database, worker_database, make, brand, "ann@c.example")
    replaced = mailer.token()
    await send_verification(job(worker_database, brand), mailer, client_id)
    good = mailer.token()
    _, other = await mailed(database, worker_database, make, brand_b, "ann@c.example")
    forged = good[:-1] + ("A" if good[-1] != "A" else "B")
    access = make.client_token(brand, make.client(brand)).text
    before = make.rows(client_table, brand)
    said = set()
    for text in (replaced, forged, other.token(), access, "", "bk_verify_x", good.upper()):
        with pytest.raises(DomainError) as caught:
            await verify(database, brand, text)
        said.add((caught.value.code, caught.value.message, caught.value.path))
    assert make.rows(client_table, brand) == before
    await verify(database, brand, good)
    with pytest.raises(DomainError) as caught:
        await verify(database, brand, good)
    said.add((caught.value.code, caught.value.message, caught.value.path))
    assert said == {("TOKEN_INVALID", "This link is not valid any more.", ("input", "token"))}


async def test_an_expired_token_and_a_closed_client_are_refused(
    database: Database,
    worker_database: Database,
    make: Factory,
    brand: Brand,
    superuser: psycopg.Connection[Any],
) -> None:
    _, expired = await mailed(database, worker_database, make, brand, "ann@d.example")
    superuser.execute(
        "update token set expires_at = now() - %s where brand_id = %s",
        [timedelta(seconds=1), brand.id],
    )
    closed_id, closed = await mailed(database, worker_database, make, brand, "bob@d.example")
    superuser.execute("update client set status = 'CLOSED' where id = %s", [closed_id])
    for mailer in (expired, closed):
        with pytest.raises(DomainError) as caught:
            await verify(database, brand, mailer.token())
        assert caught.value.code == "TOKEN_INVALID"
    assert {row.status for row in make.rows(client_table, brand)} == {"REGISTERED", "CLOSED"}


async def test_a_verified_client_gets_no_second_token(
    database: Database, worker_database: Database, make: Factory, brand: Brand
) -> None:
    client_id, mailer = await mailed(database, worker_database, make, brand, "ann@e.example")
    await verify(database, brand, mailer.token())
    await send_verification(job(worker_database, brand), mailer, client_id)
    assert len(mailer.mails) == len(make.rows(tables.token, brand)) == 1


async def test_whoever_registers_again_is_told_by_mail_alone(
    worker_database: Database, database: Database, make: Factory, brand: Brand
) -> None:
    known = make.client(brand)
    await sign_up(database, brand, known.email)
    mailer = Kept()
    for _ in range(2):
        await tell_registered_again(job(worker_database, brand), mailer, known.id)
    assert {mail.to for mail in mailer.mails} == {known.email}
    assert len({mail.key for mail in mailer.mails}) == 1
    assert "bk_" not in mailer.mails[0].text
    assert not make.rows(tables.token, brand)


async def test_an_unverified_address_that_registers_again_gets_a_new_token(
    worker_database: Database, database: Database, make: Factory, brand: Brand
) -> None:
    client_id, mailer = await mailed(database, worker_database, make, brand, "ann@f.example")
    await sign_up(database, brand, "ann@f.example")
    await tell_registered_again(job(worker_database, brand), mailer, client_id)
    assert len(mailer.mails) == 2
    await verify(database, brand, mailer.token(), "hash")


@pytest.mark.parametrize("newest", [True, False])
async def test_no_password_from_before_the_proof_opens_what_two_registered(
    worker_database: Database, database: Database, make: Factory, brand: Brand, newest: bool
) -> None:
    """The owner of the address and somebody who lies in wait both register; the owner clicks."""
    address, chosen = "annabel@hijack.example", "chosen with the proof"
    client_id, mailer = await mailed(database, worker_database, make, brand, address)
    await sign_up(database, brand, address, password="an attacker's own password")
    if newest:
        await tell_registered_again(job(worker_database, brand), mailer, client_id)
    assert ("passwords given when registering open nothing" in mailer.mails[-1].text) is newest
    scope, token = replace(scope_of(brand), ip="192.0.2.7"), mailer.token()
    refused = []
    for password in (None, "short", "annabel at her best"):
        with pytest.raises(DomainError) as caught:
            await prove(database, PASSWORDS, scope, typed=Verification(token, password))
        refused.append(caught.value.code)
    assert refused == ["PASSWORD_REQUIRED", "PASSWORD_WEAK", "PASSWORD_WEAK"]
    assert make.rows(client_table, brand)[0].status == "REGISTERED"
    await prove(database, PASSWORDS, scope, typed=Verification(token, chosen))
    (row,) = make.rows(tables.credential, brand)
    for password, right in (
        ("correct horse battery", False),
        ("an attacker's own password", False),
        ("", False),
        (chosen, True),
    ):
        assert (await PASSWORDS.verify(row.password_hash, password)).right is right


async def test_a_registration_of_somebody_verified_meanwhile_leaves_the_password(
    worker_database: Database, database: Database, make: Factory, brand: Brand
) -> None:
    _, mailer = await mailed(database, worker_database, make, brand, "ann@meanwhile.example")
    proof = prove(database, PASSWORDS, scope_of(brand), typed=Verification(mailer.token()))
    again = sign_up(database, brand, "ann@meanwhile.example", password="an attacker's password")
    done = await asyncio.gather(proof, again, return_exceptions=True)
    (row,) = make.rows(tables.credential, brand)
    (status,) = [one.status for one in make.rows(client_table, brand)]
    if isinstance(done[0], DomainError):
        assert (done[0].code, status, row.password_hash) == ("PASSWORD_REQUIRED", "REGISTERED", "")
    else:
        assert status == "ACTIVE"
        assert (await PASSWORDS.verify(row.password_hash, "correct horse battery")).right


async def test_no_hash_is_made_for_a_token_that_is_none(database: Database, brand: Brand) -> None:
    class Counting(Passwords):
        async def hash(self, password: str) -> str:
            raise AssertionError("hashed")

    typed = Verification(f"bk_verify_{brand.id.hex}_{brand.id.hex}_{'x' * 43}", "a good password")
    scope, refused = replace(scope_of(brand), ip="192.0.2.9"), []
    for _ in range(ACCOUNT.free + 2):
        with pytest.raises(DomainError) as caught:
            await prove(database, Counting(), scope, typed=typed)
        refused.append(caught.value.code)
    assert refused == ["TOKEN_INVALID"] * (ACCOUNT.free + 1) + ["THROTTLED"]


async def test_a_closed_or_vanished_client_is_left_in_peace(
    worker_database: Database, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    mailer = Kept()
    closed, foreign = make.client(brand, status="CLOSED"), make.client(brand_b)
    for one in (closed, foreign):
        await tell_registered_again(job(worker_database, brand), mailer, one.id)
        await send_verification(job(worker_database, brand), mailer, one.id)
    assert mailer.mails == []


async def test_registrations_of_one_address_are_throttled_alike(
    database: Database, make: Factory, brand: Brand
) -> None:
    known = make.client(brand)
    for address in (known.email, "new@throttle.example"):
        for _ in range(6):
            await sign_up(database, brand, address)
        with pytest.raises(DomainError) as caught:
            await sign_up(database, brand, address)
        assert caught.value.code == "THROTTLED"


async def test_registrations_put_one_mail_each_in_the_queue(
    database: Database,
    worker_database: Database,
    brand: Brand,
    make: Factory,
    superuser: psycopg.Connection[Any],
) -> None:
    await sign_up(database, brand, "ann@g.example")
    await sign_up(database, brand, "ann@g.example")
    for handled in (2, 0):
        done = await consume(worker_database, brand.id, MAILS, limit=10)
        assert done is not None
        assert done.handled == handled
    (row,) = make.rows(client_table, brand)
    jobs = superuser.execute(
        "select task_name, queue_name, args->'args' from jobs.procrastinate_jobs"
        " where args->>'brand_id' = %s order by id",
        [str(brand.id)],
    ).fetchall()
    assert jobs == [
        ("clients.send_verification", "mail", {"client_id": str(row.id)}),
        ("clients.tell_registered_again", "mail", {"client_id": str(row.id)}),
    ]


async def test_a_forgotten_password_is_mailed_once_and_sets_a_new_one(
    database: Database,
    worker_database: Database,
    brand: Brand,
    make: Factory,
    superuser: psycopg.Connection[Any],
) -> None:
    client_id, verified = await mailed(database, worker_database, make, brand, "ann@h.example")
    await verify(database, brand, verified.token())
    reset = PasswordReset(database, PASSWORDS, {ActorKind.CLIENT: CLIENTS})
    await reset.request(scope_of(brand), ActorKind.CLIENT, "Ann@h.example")
    await consume(worker_database, brand.id, MAILS, limit=10)
    name, args = superuser.execute(
        "select task_name, args->'args' from jobs.procrastinate_jobs"
        " where args->>'brand_id' = %s order by id desc limit 1",
        [str(brand.id)],
    ).fetchall()[0]
    assert (name, args) == (
        "clients.send_reset",
        {"kind": "CLIENT", "actor_id": str(client_id), "ib_path": ""},
    )
    mailer = Kept()
    await send_reset(job(worker_database, brand), mailer, Whose(ActorKind.CLIENT, client_id))
    (mail,) = mailer.mails
    assert mail.to == "ann@h.example"
    text = next(line for line in mail.text.splitlines() if line.startswith("bk_reset_"))
    await reset.complete(scope_of(brand), text, "another horse battery")
    with pytest.raises(DomainError) as caught:
        await reset.complete(scope_of(brand), text, "another horse battery")
    assert caught.value.code == "TOKEN_INVALID"


async def test_a_reset_asked_for_with_an_unknown_address_mails_nothing(
    database: Database,
    worker_database: Database,
    brand: Brand,
    superuser: psycopg.Connection[Any],
) -> None:
    reset = PasswordReset(database, PASSWORDS, {ActorKind.CLIENT: CLIENTS})
    await reset.request(scope_of(brand), ActorKind.CLIENT, "nobody@h.example")
    done = await consume(worker_database, brand.id, MAILS, limit=10)
    assert done is not None
    assert done.handled == 1
    query = "select 1 from jobs.procrastinate_jobs where args->>'brand_id' = %s"
    assert superuser.execute(query, [str(brand.id)]).fetchall() == []


async def test_no_reset_is_mailed_to_whoever_has_no_sign_in(
    worker_database: Database, make: Factory, brand: Brand
) -> None:
    mailer = Kept()
    whose = Whose(ActorKind.CLIENT, make.client(brand).id)
    await send_reset(job(worker_database, brand), mailer, whose)
    assert mailer.mails == []
    assert make.rows(tables.token, brand) == []


async def test_an_outbox_holds_a_readable_mail_for_its_owner_alone(tmp_path: Path) -> None:
    outbox = FileOutbox(tmp_path / "outbox")
    mail = Mail("verify-1", "jörg@müller.example", "Brand\nBcc: x", "Grüße\r\nX: y", "Hallo Jörg\n")
    await outbox.send(mail)
    await outbox.send(mail)
    (file,) = (tmp_path / "outbox").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("verify-1.eml", 0o600)
    read = email.message_from_bytes(file.read_bytes(), policy=email.policy.SMTPUTF8)
    assert read["To"] == "jörg@müller.example"
    assert read["Subject"] == "Grüße X: y"
    assert read["Bcc"] is None
    assert read["Message-ID"] == "<verify-1@backdesk.localhost>"
    assert read.get_content().splitlines() == ["Hallo Jörg"]


async def test_a_mail_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file where the folder should be")
    with pytest.raises(MailNotSent):
        await FileOutbox(tmp_path / "outbox").send(Mail("k", "a@b.example", "B", "S", "T"))
    (tmp_path / "box" / "k.eml").mkdir(parents=True)
    with pytest.raises(MailNotSent):
        await FileOutbox(tmp_path / "box").send(Mail("k", "a@b.example", "B", "S", "T"))
    assert [one.name for one in (tmp_path / "box").iterdir()] == ["k.eml"]
