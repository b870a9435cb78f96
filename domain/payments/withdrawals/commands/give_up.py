"""Give up what of a withdrawal was not sent: its holds are released, nothing waits any more."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.payments.commands.record_payment import advance
from domain.payments.ledger.values import TransferState
from domain.payments.values import ApprovalStatus, LegStatus, PaymentStatus
from domain.payments.withdrawals.commands.hold_parts import end_approvals, set_legs
from domain.payments.withdrawals.movements import FEE, WITHDRAWAL, Movements, of_fee, of_leg
from domain.payments.withdrawals.queries import list_legs, lock_unsent
from domain.payments.withdrawals.rules import status_of
from domain.payments.withdrawals.values import LegState
from tenants.work import WriteWork


async def release_held(
    work: WriteWork,
    row: Mapping[str, Any],
    movements: Movements,
    state: TransferState = TransferState.VOID,
) -> list[Any]:
    """Release each HELD leg and the fee's hold; all legs as they are then."""
    legs = await list_legs(work, row["id"])
    held = [leg for leg in legs if leg.status == LegStatus.HELD]
    for leg in held:
        movements.release(of_leg(row, leg._mapping).stem, WITHDRAWAL, leg.hold_id, state)
    if row["hold_id"] is not None:
        movements.release(of_fee(row).stem, FEE, row["hold_id"], state)
    if held:
        await set_legs(work, held, LegStatus.RELEASED)
    return [leg for leg in legs if leg not in held]


async def give_up(
    work: WriteWork,
    row: Mapping[str, Any],
    status: PaymentStatus,
    movements: Movements,
    *,
    state: TransferState = TransferState.VOID,
    reason_code: str | None = None,
) -> dict[str, Any]:
    """End a withdrawal that was not sent; one of which a part was sent before stays what it was.

    Then `status` is its reason, unless another is given. Effects: the event of the status.
    """
    rest = await release_held(work, row, movements, state)
    await end_approvals(work, row, ApprovalStatus.DROPPED)
    ended = {"hold_id": None, "expires_at": None}
    if not [leg for leg in rest if leg.status != LegStatus.RELEASED]:
        given = {} if reason_code is None else {"reason_code": reason_code}
        return await advance(work, row, status, changed=ended | given)
    told = status_of(
        (LegState(LegStatus(leg.status), int(leg.paid_minor or 0)) for leg in rest),
        int(row["amount_minor"]),
    )
    assert told is not None, "nothing is held any more"
    return await advance(
        work, row, told, changed={**ended, "reason_code": reason_code or status.value}
    )


async def give_up_unsent(
    work: WriteWork, client_id: UUID, movements: Movements, *, reason_code: str
) -> Counter[str]:
    """Cancel every withdrawal of a client, which is locked, that was not taken up to be sent; how
    much of each currency their holds release. Effects: event `withdrawal_cancelled` of each."""
    released: Counter[str] = Counter()
    for row in await lock_unsent(work, client_id):
        legs = await list_legs(work, row["id"])
        released[row["currency"]] += sum(
            int(leg.amount_minor) for leg in legs if leg.status == LegStatus.HELD
        )
        if row["hold_id"] is not None:
            released[row["currency"]] += int(row["fee_minor"])
        await give_up(work, row, PaymentStatus.CANCELLED, movements, reason_code=reason_code)
    return released
