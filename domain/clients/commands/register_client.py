"""Register a client of a brand, without telling anybody whether the address was known."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import exists, update
from sqlalchemy.dialects.postgresql import insert

from domain.clients.errors import IbUnknown
from domain.clients.events import ClientEventKind, Subject, client_event
from domain.clients.leads.queries import find_attribution
from domain.clients.leads.values import ATTRIBUTION
from domain.clients.ports import FindIntroducer
from domain.clients.queries import find_by_email, get_market
from domain.clients.rules import choose_entity, choose_language, reference_of
from domain.clients.tables import client
from domain.clients.values import ClientKind, ClientStatus, Introducer, Registration
from tenants.context import ActorKind
from tenants.log import Change
from tenants.numbers import next_number
from tenants.passwords import NO_PASSWORD
from tenants.tables import credential
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
    """Make the client, or pretend to: a known address answers as a new one does, and costs the same
    but for the client's own row.

    Whatever can be refused is judged before the address is looked at; from there on both take the
    same statements and a number. An address that registers again before it was verified loses its
    password: either of the two may lie in wait for the click of whoever owns the address, who
    therefore chooses one with it (`verify_email`). Who was a lead keeps its owner, and the ib whose
    link brought it unless the form names one. Consumers write mails and fill the search.
    Refusals: COUNTRY_NOT_ALLOWED, INVALID (language), IB_UNKNOWN.
    Effects: event `registered` or `registration_repeated`, audit.
    """
    market = await get_market(work, registration.country)
    rule = choose_entity(market, registration.country)
    language = choose_language(market, registration.language)
    lead = await find_attribution(
        work, registration.email, registration.phone, since=work.now() - ATTRIBUTION
    )
    introducer = await _find_introducer(work, registration.ib_code, find_introducer)
    if introducer is None and lead.ib_code is not None:
        introducer = await find_introducer(work, lead.ib_code)
    fields = {
        "language": language,
        "legal_entity_id": rule.legal_entity_id,
        "ib_id": introducer.id if introducer else None,
        "ib_path": introducer.path if introducer else "",
        "ib_link_id": introducer.link_id if introducer else None,
        "owner_id": lead.owner_id,
    }
    is_new = await _insert(work, registration, fields)
    row = await find_by_email(work, registration.email, lock=True)
    assert row is not None, "the address is ours or that of a twin that has committed"
    subject = Subject(row.id, row.ib_path)
    if is_new:
        await _add_credential(work, subject, registration.email, password_hash)
        work.emit(client_event(ClientEventKind.REGISTERED, subject))
    else:
        await _drop_password(work, subject)
        work.emit(client_event(ClientEventKind.REGISTRATION_REPEATED, subject))
    _audit(work, subject, registration, is_new=is_new)


async def _find_introducer(
    work: WriteWork, code: str | None, find: FindIntroducer
) -> Introducer | None:
    if code is None:
        return None
    introducer = await find(work, code)
    if introducer is None:
        raise IbUnknown()
    return introducer


async def _insert(work: WriteWork, registration: Registration, fields: dict[str, Any]) -> bool:
    """Whether the row is ours; the address may be known, or a racing twin's."""
    row = {
        "brand_id": work.scope.brand_id,
        "id": work.new_id(),
        "reference": reference_of(await next_number(work, _COUNTER)),
        "version": 1,
        "kind": ClientKind.INDIVIDUAL,
        "status": ClientStatus.REGISTERED,
        "name": registration.name,
        "email": registration.email,
        "phone": registration.phone,
        "country": registration.country,
        "created_at": work.now(),
        **fields,
    }
    taken = insert(client).values(row).on_conflict_do_nothing(index_elements=["brand_id", "email"])
    return bool(await work.rows(taken.returning(client.c.id)))


async def _add_credential(
    work: WriteWork, subject: Subject, email: str, password_hash: str
) -> None:
    await work.rows(
        insert(credential).values(
            brand_id=work.scope.brand_id,
            actor_kind=ActorKind.CLIENT,
            actor_id=subject.id,
            email=email,
            password_hash=password_hash,
            changed_at=work.now(),
        )
    )


async def _drop_password(work: WriteWork, subject: Subject) -> None:
    """Take the password from a client whose address nobody has proven; leave all others alone."""
    unproven = exists().where(
        client.c.brand_id == work.scope.brand_id,
        client.c.id == subject.id,
        client.c.status == ClientStatus.REGISTERED,
    )
    await work.rows(
        update(credential)
        .where(
            credential.c.brand_id == work.scope.brand_id,
            credential.c.actor_kind == ActorKind.CLIENT,
            credential.c.actor_id == subject.id,
            unproven,
        )
        .values(password_hash=NO_PASSWORD, changed_at=work.now())
    )


def _audit(work: WriteWork, subject: Subject, registration: Registration, *, is_new: bool) -> None:
    work.audit(
        Change(
            "client.register",
            object_kind="client",
            object_id=subject.id,
            after={"country": registration.country, "ib_code": registration.ib_code},
            outcome=Outcome.DONE if is_new else Outcome.REFUSED,
            reason=None if is_new else "The e-mail address was registered before.",
        )
    )
