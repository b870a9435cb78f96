"""Suspend an ib while somebody looks into it, and end that."""

from uuid import UUID

from sqlalchemy import update

from domain.accounts.rules import normalise_reason
from domain.ibs.errors import AlreadySuspended, NotSuspended
from domain.ibs.events import IbEventKind, ib_event
from domain.ibs.queries import lock_ib
from domain.ibs.tables import ib
from domain.ibs.values import IbStatus
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.work import WriteWork


async def suspend_ib(work: WriteWork, ib_id: UUID, reason: str) -> None:
    """Keep an ib out, and whoever its codes name from being introduced; the ib goes on earning.

    What it earns is held until it is reinstated (docs/decisions/0014); those below it stay active.
    Refusals: INVALID, NOT_FOUND, ALREADY_SUSPENDED. Effects: event `suspended`, audit.
    """
    await _turn(work, ib_id, IbStatus.SUSPENDED, reason)


async def reinstate_ib(work: WriteWork, ib_id: UUID, reason: str) -> None:
    """Let a suspended ib in again; what it earned meanwhile is payable after its own hold.

    Refusals: INVALID, NOT_FOUND, NOT_SUSPENDED. Effects: event `reinstated`, audit.
    """
    await _turn(work, ib_id, IbStatus.ACTIVE, reason)


async def _turn(work: WriteWork, ib_id: UUID, wanted: IbStatus, reason: str) -> None:
    told = normalise_reason(reason)
    is_suspending = wanted is IbStatus.SUSPENDED
    row = await lock_ib(work, ib_id)
    if row is None:
        raise NotFound(path=("input", "ibId"))
    if row.status == wanted:
        raise AlreadySuspended() if is_suspending else NotSuspended()
    await work.rows(
        update(ib)
        .where(ib.c.brand_id == work.scope.brand_id, ib.c.id == ib_id)
        .values(status=wanted)
    )
    # Why is the house's own: the ib reads its events.
    kind = IbEventKind.SUSPENDED if is_suspending else IbEventKind.REINSTATED
    work.emit(ib_event(kind, ib_id, row.path, {"ib_id": str(ib_id)}))
    work.audit(
        Change(
            "ib.suspend" if is_suspending else "ib.reinstate",
            object_kind="ib",
            object_id=ib_id,
            before={"status": row.status},
            after={"status": wanted},
            reason=told,
        )
    )
