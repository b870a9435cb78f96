"""Register a client of a brand, without telling anybody whether the address was known."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Row, update
from sqlalchemy.dialects.postgresql import insert

from domain.clients.commands.index_client import index_client
from domain.clients.errors import IbUnknown
from domain.clients.events import ClientEventKind, Subject, client_event
from domain.clients.ports import FindIntroducer
from domain.clients.queries import find_by_email, get_market
from domain.clients.rules import choose_entity, choose_language, reference_of
from domain.clients.tables import client
from domain.clients.values import ClientKind, ClientStatus, Introducer, Registration
from tenants.context import ActorKind
from tenants.log import Change
from tenants.tables import brand_counter, credential
from tenants.values import Outcome
from tenants.work import WriteWork

HashPassword = Callable[[str], Awaitable[str]]
_COUNTER = "client"


async def register_client(
    work: WriteWork,
    registration: Registration,
    *,
    password_hash: str,
    find_introducer: FindIntroducer,
) -> None:
    """Make the client, or pretend to: a known address answers exactly as a new one does.

    Whatever can be refused is judged before the address is looked at. An address that registers
    again before it was verified gets the newer password and another mail, so that nobody can lie
    in wait with an old one; a verified one only gets a mail. Both happen in consumers.
    Refusals: COUNTRY_NOT_ALLOWED, INVALID (language), IB_UNKNOWN.
    Effects: event `registered` or `registration_repeated`, audit.
    """
    market = await get_market(work, registration.country)
    rule = choose_entity(market, registration.country)
    language = choose_language(market, registration.language)
    introducer = await _find_introducer(work, registration.ib_code, find_introducer)
    known = await find_by_email(work, registration.email)
    if known is None:
        subject = Subject(work.new_id(), introducer.path if introducer else "")
        fields = {
            "language": language,
            "legal_entity_id": rule.legal_entity_id,
            "ib_id": introducer.id if introducer else None,
        }
        if await _insert(work, subject, registration, fields):
            await _finish(work, subject, registration, password_hash)
            return
        known = await find_by_email(work, registration.email)
    assert known is not None, "the address was taken by a twin that has committed"
    await _repeat(work, known, password_hash)


async def _find_introducer(
    work: WriteWork, code: str | None, find: FindIntroducer
) -> Introducer | None:
    if code is None:
        return None
    introducer = await find(work, code)
    if introducer is None:
        raise IbUnknown()
    return introducer


async def _insert(
    work: WriteWork, subject: Subject, registration: Registration, fields: dict[str, Any]
) -> bool:
    """Whether the row is ours; a racing twin may have taken the address."""
    row = {
        "brand_id": work.scope.brand_id,
        "id": subject.id,
        "reference": reference_of(await _next_number(work)),
        "version": 1,
        "kind": ClientKind.INDIVIDUAL,
        "status": ClientStatus.REGISTERED,
        "ib_path": subject.ib_path,
        "name": registration.name,
        "email": registration.email,
        "phone": registration.phone,
        "country": registration.country,
        "created_at": work.now(),
        **fields,
    }
    taken = insert(client).values(row).on_conflict_do_nothing(index_elements=["brand_id", "email"])
    return bool(await work.rows(taken.returning(client.c.id)))


async def _next_number(work: WriteWork) -> int:
    """The brand's next client number. Two who race for one address leave a gap."""
    counter = insert(brand_counter).values(brand_id=work.scope.brand_id, name=_COUNTER, value=1)
    row = await work.one(
        counter.on_conflict_do_update(
            index_elements=["brand_id", "name"], set_={"value": brand_counter.c.value + 1}
        ).returning(brand_counter.c.value)
    )
    return int(row.value)


async def _finish(
    work: WriteWork, subject: Subject, registration: Registration, password_hash: str
) -> None:
    await work.rows(
        insert(credential).values(
            brand_id=work.scope.brand_id,
            actor_kind=ActorKind.CLIENT,
            actor_id=subject.id,
            email=registration.email,
            password_hash=password_hash,
            changed_at=work.now(),
        )
    )
    await index_client(
        work,
        subject,
        name=registration.name,
        email=registration.email,
        phone=registration.phone,
    )
    work.emit(client_event(ClientEventKind.REGISTERED, subject))
    after = {"country": registration.country, "ib_code": registration.ib_code}
    work.audit(Change("client.register", object_kind="client", object_id=subject.id, after=after))


async def _repeat(work: WriteWork, known: Row[Any], password_hash: str) -> None:
    if known.status == ClientStatus.REGISTERED:
        await work.rows(
            update(credential)
            .where(
                credential.c.brand_id == work.scope.brand_id,
                credential.c.actor_kind == ActorKind.CLIENT,
                credential.c.actor_id == known.id,
            )
            .values(password_hash=password_hash, changed_at=work.now())
        )
    subject = Subject(known.id, known.ib_path)
    work.emit(client_event(ClientEventKind.REGISTRATION_REPEATED, subject))
    work.audit(
        Change(
            "client.register",
            object_kind="client",
            object_id=known.id,
            outcome=Outcome.REFUSED,
            reason="The e-mail address was registered before.",
        )
    )
