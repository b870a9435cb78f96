"""Post or release what was held for negative balances, by what their platforms said."""

from collections.abc import Sequence
from uuid import UUID

from domain.accounts.events import AccountEventKind
from domain.events.values import EventRow
from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Transfer, TransferState
from domain.payments.reconciliation.commands.open_discrepancy import open_discrepancy
from domain.payments.reconciliation.commands.settle_discrepancies import settle_discrepancies
from domain.payments.transfers.commands.protect_balance import KIND
from domain.payments.transfers.postings import Moves, clearing, keys_of, legs, moves
from domain.payments.values import DiscrepancyKind
from tenants.work import WriteWork


async def settle_protection(work: WriteWork, events: Sequence[EventRow]) -> int:
    """Settle the holds that these events are about; how many events were.

    A platform that refuses leaves the client below zero, which staff see until it is lifted.
    """
    about = [
        one
        for one in events
        if "ledger_transfer_id" in one.payload and one.kind != AccountEventKind.BALANCE_UNKNOWN
    ]
    done = {one.seq: _moves(one) for one in about if one.kind == AccountEventKind.BALANCE_MOVED}
    found = await ledger_accounts(work, keys_of(done.values()))
    posted = []
    for event in about:
        hold = UUID(event.payload["ledger_transfer_id"])
        if event.seq in done:
            made = legs(done[event.seq], found)
            posted.append(
                Transfer(
                    f"nbp:{hold.hex}:done", KIND, made, resolves=hold, client_id=event.client_id
                )
            )
            continue
        void = TransferState.VOID
        posted.append(Transfer(f"nbp:{hold.hex}:void", KIND, state=void, resolves=hold))
        await open_discrepancy(
            work,
            DiscrepancyKind.PLATFORM_DIFFERS,
            subject=_subject(event),
            account_id=event.object_id,
            expected=Money(0, event.payload["currency"]),
            actual=Money(-int(event.payload["amount_minor"]), event.payload["currency"]),
            facts={"reason_code": event.payload["reason_code"]},
        )
    await post(work, posted)
    lifted = [_subject(one) for one in about if one.seq in done]
    await settle_discrepancies(
        work, {DiscrepancyKind.PLATFORM_DIFFERS: lifted}, resolution="The platform lifted it."
    )
    return len(about)


def _subject(event: EventRow) -> str:
    assert event.object_id is not None, "an account is what it is about"
    return f"negative-balance:{event.object_id.hex}"


def _moves(event: EventRow) -> Moves:
    currency = event.payload["currency"]
    expense = AccountKey.of(LedgerAccountKind.NBP_EXPENSE, currency)
    between = clearing(UUID(event.payload["server_id"]), currency)
    return moves(expense, between, Money(int(event.payload["amount_minor"]), currency))
