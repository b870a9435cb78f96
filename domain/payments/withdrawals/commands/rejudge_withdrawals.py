"""Judge withdrawals that wait anew: what is known of a client can only ask for more eyes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.clients.standing import ClientStanding, find_standing, lock_client
from domain.kernel.money import Money
from domain.payments.approvals.judging import judge
from domain.payments.approvals.queries import list_approvals, list_waiting
from domain.payments.approvals.values import Asked
from domain.payments.commands.record_payment import change
from domain.payments.events import PaymentEventKind, payment_event
from domain.payments.withdrawals.commands.hold_parts import add_approvals
from tenants.log import Change
from tenants.work import WriteWork


async def rejudge_withdrawals(work: WriteWork, client_id: UUID) -> None:
    """Add the approvals that a client's waiting withdrawals need by now. For the system.

    Effects: those of `rejudge` for each.
    """
    await lock_client(work, client_id)
    payer = await find_standing(work, client_id)
    assert payer is not None, "a client is never deleted"
    for row in await list_waiting(work, client_id):
        await rejudge(work, row._mapping, payer)


async def rejudge(
    work: WriteWork, row: Mapping[str, Any], payer: ClientStanding
) -> Mapping[str, Any]:
    """Add the levels that a waiting withdrawal lacks; its row as it is then.

    Approvals that were given stand, and none is taken off: a risk that fell does not undo that
    somebody was to look. Effects: event `approvals_added` and audit, when there are any.
    """
    asked = Asked(
        amount=Money(int(row["amount_minor"]), row["currency"]),
        makers=frozenset(row["maker_ids"]),
        at=row["created_at"],
        payment_id=row["id"],
    )
    found = {one.level for one in await list_approvals(work, row["id"], row["approval_round"])}
    missing = [one for one in await judge(work, payer, asked) if one not in found]
    if not missing:
        return row
    await add_approvals(work, row, missing)
    made = await change(work, row, {"risk": payer.risk})
    more = {"levels": ",".join(missing), "round": str(row["approval_round"])}
    work.emit(payment_event(PaymentEventKind.APPROVALS_ADDED, made, more))
    work.audit(Change("withdrawal.rejudge", object_kind="payment", object_id=row["id"], after=more))
    return made
