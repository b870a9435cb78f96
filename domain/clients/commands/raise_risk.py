"""Look more closely at a client's money when more is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, Text, column, func, literal, select, update
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.clients.events import risk_set
from domain.clients.queries import get_client
from domain.clients.tables import client
from domain.clients.values import ClientRisk, ClientStatus
from tenants.log import Change
from tenants.work import WriteWork

_ORDER = tuple(ClientRisk)


@dataclass(frozen=True, slots=True)
class Raised:
    """How closely a client's money is to be looked at, at least, and why."""

    client_id: UUID
    risk: ClientRisk
    reason: str


async def raise_risk(work: WriteWork, client_id: UUID, risk: ClientRisk, reason: str) -> bool:
    """Raise a client's risk to at least this; False when it is there already, or closed.

    Never lowers it: what staff have set stands. Effects: event `risk_set`, audit.
    """
    row = await get_client(work, client_id)
    before = ClientRisk(row.risk)
    if row.status == ClientStatus.CLOSED or _ORDER.index(risk) <= _ORDER.index(before):
        return False
    await work.rows(
        update(client)
        .where(client.c.brand_id == work.scope.brand_id, client.c.id == client_id)
        .values(version=row.version + 1, risk=risk.value)
    )
    _tell(work, Raised(client_id, risk, reason), before)
    return True


async def raise_risks(work: WriteWork, several: Sequence[Raised]) -> int:
    """The same of many clients, each once, in two statements; of how many it is another one now.

    Who is unknown stays so. Effects: event `risk_set` and audit each.
    """
    wanted = {one.client_id: one for one in several}
    ids = literal(sorted(wanted), ARRAY(PgUUID(as_uuid=True)))
    rows = await work.rows(
        select(client.c.id, client.c.risk)
        .where(
            client.c.brand_id == work.scope.brand_id,
            client.c.id == func.any(ids),
            client.c.status != ClientStatus.CLOSED,
        )
        .order_by(client.c.id)
        .with_for_update(key_share=True)
    )
    before = {row.id: ClientRisk(row.risk) for row in rows}
    risen = [
        wanted[key]
        for key, risk in before.items()
        if _ORDER.index(wanted[key].risk) > _ORDER.index(risk)
    ]
    if risen:
        await _set(work, risen)
    for one in risen:
        _tell(work, one, before[one.client_id])
    return len(risen)


async def _set(work: WriteWork, several: Sequence[Raised]) -> None:
    added = func.unnest(
        literal([one.client_id for one in several], ARRAY(PgUUID(as_uuid=True))),
        literal([one.risk.value for one in several], ARRAY(Text)),
    ).table_valued(column("id", PgUUID(as_uuid=True)), column("risk", Text), name="raised")
    added = added.render_derived()
    await work.rows(
        update(client)
        .where(client.c.brand_id == work.scope.brand_id, client.c.id == added.c.id)
        .values(version=client.c.version + 1, risk=added.c.risk)
    )


def _tell(work: WriteWork, one: Raised, before: ClientRisk) -> None:
    work.emit(risk_set(one.client_id))
    work.audit(
        Change(
            "client.raise_risk",
            object_kind="client",
            object_id=one.client_id,
            before={"risk": before},
            after={"risk": one.risk},
            reason=one.reason,
        )
    )
