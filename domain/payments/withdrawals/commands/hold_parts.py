"""Write down a plan's parts as legs that hold, and whose approvals they wait for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import insert, update

from domain.payments.approvals.rules import position
from domain.payments.commands.record_payment import change
from domain.payments.tables import approval, withdrawal_leg
from domain.payments.values import ApprovalLevel, ApprovalStatus, LegStatus, PaymentStatus
from domain.payments.withdrawals.movements import FEE, WITHDRAWAL, Movements, of_fee, of_leg
from domain.payments.withdrawals.queries import among_ids
from domain.payments.withdrawals.rules import ask_pause
from domain.payments.withdrawals.values import Part
from tenants.work import WriteWork


async def add_legs(
    work: WriteWork,
    row: Mapping[str, Any],
    parts: Sequence[Part],
    movements: Movements,
    *,
    first: int,
) -> None:
    """One HELD leg per part, numbered from `first`; their holds end with the withdrawal's wait.

    Those of an approved one are looked after when nobody takes them up.
    """
    is_approved = row["status"] == PaymentStatus.APPROVED
    legs = [
        {
            "brand_id": work.scope.brand_id,
            "id": work.new_id(),
            "payment_id": row["id"],
            "client_id": row["client_id"],
            "ib_path": row["ib_path"],
            "n": n,
            "kind": part.kind,
            "status": LegStatus.HELD,
            "deposit_id": part.deposit_id,
            "destination_id": part.destination_id,
            "method_id": part.method_id,
            "connection_id": part.connection_id,
            "currency": row["currency"],
            "amount_minor": part.amount_minor,
            "label": part.label,
            "hold_id": work.new_id(),
            "ask_at": work.now() + ask_pause() if is_approved else None,
            "updated_at": work.now(),
        }
        for n, part in enumerate(parts, first)
    ]
    await work.rows(insert(withdrawal_leg).values(legs))
    for leg in legs:
        movements.hold(of_leg(row, leg), leg["hold_id"], row["expires_at"], tag="hold")


async def hold_fee(
    work: WriteWork, row: Mapping[str, Any], movements: Movements
) -> Mapping[str, Any]:
    """Hold the fee of a round under an id that the payment keeps; the payment's row."""
    if not row["fee_minor"]:
        return row
    made = await change(work, row, {"hold_id": work.new_id()})
    movements.hold(of_fee(made), made["hold_id"], made["expires_at"], tag="hold")
    return made


async def add_approvals(
    work: WriteWork, row: Mapping[str, Any], levels: Iterable[ApprovalLevel]
) -> None:
    """Approvals that a round waits for; each has its place in the chain, whenever it is added."""
    wanted = [
        {
            "brand_id": work.scope.brand_id,
            "id": work.new_id(),
            "payment_id": row["id"],
            "client_id": row["client_id"],
            "ib_path": row["ib_path"],
            "round": row["approval_round"],
            "n": position(level),
            "level": level,
            "status": ApprovalStatus.PENDING,
            "created_at": work.now(),
        }
        for level in levels
    ]
    if wanted:
        await work.rows(insert(approval).values(wanted))


async def make_firm(
    work: WriteWork, row: Mapping[str, Any], legs: Iterable[Any], movements: Movements
) -> Mapping[str, Any]:
    """Hold again without an end what was approved: nothing may expire on its way to the PSP."""
    for leg in legs:
        hold_id = work.new_id()
        movements.release(of_leg(row, leg._mapping).stem, WITHDRAWAL, leg.hold_id)
        movements.hold(of_leg(row, leg._mapping), hold_id, None, tag="firm")
        await set_leg(work, leg.id, hold_id=hold_id, ask_at=work.now() + ask_pause())
    if row["hold_id"] is None:
        return row
    fee = of_fee(row)
    made = await change(work, row, {"hold_id": work.new_id()})
    movements.release(fee.stem, FEE, row["hold_id"])
    movements.hold(fee, made["hold_id"], None, tag="firm")
    return made


async def set_leg(work: WriteWork, leg_id: Any, **values: Any) -> None:
    """Change a leg of a withdrawal that the work has locked."""
    await work.rows(
        update(withdrawal_leg)
        .where(withdrawal_leg.c.brand_id == work.scope.brand_id, withdrawal_leg.c.id == leg_id)
        .values(updated_at=work.now(), **values)
    )


async def set_legs(work: WriteWork, legs: Sequence[Any], status: LegStatus, **values: Any) -> None:
    """Give several legs of a locked withdrawal a status, and other columns."""
    await work.rows(
        update(withdrawal_leg)
        .where(
            withdrawal_leg.c.brand_id == work.scope.brand_id,
            among_ids(withdrawal_leg.c.id, [leg.id for leg in legs]),
        )
        .values(status=status, updated_at=work.now(), **values)
    )


async def end_approvals(
    work: WriteWork,
    row: Mapping[str, Any],
    status: ApprovalStatus,
    *,
    of: Sequence[ApprovalStatus] = (ApprovalStatus.PENDING,),
) -> None:
    """Give the approvals of the round that have one of these statuses another one."""
    for before in of:
        await work.rows(
            update(approval)
            .where(
                approval.c.brand_id == work.scope.brand_id,
                approval.c.payment_id == row["id"],
                approval.c.round == row["approval_round"],
                approval.c.status == before.value,
            )
            .values(status=status)
        )
