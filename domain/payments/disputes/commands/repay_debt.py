"""Pay a client's debt after lost disputes out of the wallet, because the client asked to.

Nothing is set off silently: a later deposit is the client's own until somebody does this. The debt
stays visible on the client, and staff who approve withdrawals see it.
"""

from uuid import UUID

from domain.accounts.rules import normalise_reason
from domain.clients.standing import find_standing, lock_client
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.money import Money
from domain.payments.disputes.errors import MoreThanOwed
from domain.payments.disputes.queries import find_debt
from domain.payments.events import PAYMENT_TOPIC, PaymentEventKind
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.errors import asked_amount
from domain.payments.ledger.post import post
from domain.payments.ledger.values import AccountKey, Leg, Transfer
from tenants.log import Change, Event
from tenants.work import WriteWork


async def repay_debt(work: WriteWork, client_id: UUID, amount: Money, *, reason: str) -> UUID:
    """Book `amount` from the client's wallet against the debt in its currency; the transfer's id.

    Refusals: NOT_FOUND, INVALID, MORE_THAN_OWED (by the client, for lost disputes),
    INSUFFICIENT_FUNDS. Effects: event `debt_repaid`, audit with the reason.
    """
    told = normalise_reason(reason)
    if amount.amount_minor <= 0:
        message = "Say an amount above zero."
        raise Invalid("INVALID", message, path=("input", "amount"))
    client = await find_standing(work, client_id)
    if client is None:
        raise NotFound(path=("input", "clientId"))
    await lock_client(work, client_id)
    debt = await find_debt(work, client_id, amount.currency)
    if amount.amount_minor > debt.amount_minor:
        raise MoreThanOwed(debt)
    transfer_id = work.new_id()
    payload = {"amount_minor": str(amount.amount_minor), "currency": amount.currency}
    work.emit(
        Event(
            PAYMENT_TOPIC,
            PaymentEventKind.DEBT_REPAID,
            object_id=transfer_id,
            client_id=client_id,
            ib_path=client.ib_path,
            payload=payload,
        )
    )
    work.audit(
        Change("debt.repay", object_kind="client", object_id=client_id, after=payload, reason=told)
    )
    keys = (
        AccountKey.wallet(client_id, amount.currency),
        AccountKey.owed_by(client_id, amount.currency),
    )
    found = await ledger_accounts(work, keys)
    transfer = Transfer(
        f"debt:{transfer_id.hex}",
        "DEBT_REPAYMENT",
        (Leg(found[keys[0]], -amount), Leg(found[keys[1]], amount)),
        id=transfer_id,
        client_id=client_id,
        reason=told,
    )
    with asked_amount():
        return (await post(work, [transfer]))[0].id
