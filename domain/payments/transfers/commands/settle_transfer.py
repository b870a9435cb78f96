"""Settle transfers by what their platform said: what was held is moved or released, once."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from domain.accounts.events import AccountEventKind
from domain.events.values import EventRow
from domain.kernel.money import Money
from domain.payments.commands.record_payment import advance
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.values import AccountKey, Transfer, TransferState
from domain.payments.reconciliation.commands.settle_discrepancies import settle_discrepancies
from domain.payments.rules import may_follow
from domain.payments.transfers.postings import (
    Moves,
    clearing,
    keys_of,
    legs,
    moves,
    received_of,
    step_of,
)
from domain.payments.transfers.queries import find_quotes, lock_transfers
from domain.payments.values import DiscrepancyKind, PaymentKind, PaymentStatus, TransferEndKind
from tenants.work import WriteWork

_STATUS = {
    AccountEventKind.BALANCE_MOVED: PaymentStatus.DONE,
    AccountEventKind.BALANCE_UNKNOWN: PaymentStatus.UNKNOWN,
    AccountEventKind.REQUEST_REFUSED: PaymentStatus.FAILED,
}


async def settle_transfers(work: WriteWork, events: Sequence[EventRow]) -> int:
    """Move the transfers that these events of platforms are about; how many ended.

    An event that was handled before changes nothing: an ended transfer stays as it ended, and a
    step is posted once by its key. Effects: `transfer_done`, `transfer_failed` or
    `transfer_unknown` for each; whoever waits for an ended one's outcome is told that it is known.
    """
    told = {UUID(one.payload["payment_id"]): one for one in events if "payment_id" in one.payload}
    if not told:
        return 0
    locked = await lock_transfers(work, told)
    wanted = [row["quote_id"] for row in locked.values() if row["quote_id"] is not None]
    quotes = await find_quotes(work, wanted) if wanted else {}
    ended: list[tuple[dict[str, Any], Moves | None]] = []
    # In the order of the log: of two events of one transfer both are acted on.
    for event in events:
        row = locked.get(UUID(event.payload.get("payment_id", _NOTHING)))
        status = _STATUS[AccountEventKind(event.kind)]
        if row is None or not may_follow(
            PaymentKind.TRANSFER, PaymentStatus(row["status"]), status
        ):
            continue
        quote = quotes.get(row["quote_id"]) if row["quote_id"] else None
        locked[row["id"]] = made = await _advance(work, row, status, event, quote)
        if status is PaymentStatus.DONE:
            ended.append((made, _moves(made, event, quote)))
        elif status is PaymentStatus.FAILED:
            ended.append((made, None))
    await _post(work, ended)
    said = [f"transfer:{row['id'].hex}" for row, _ in ended]
    await settle_discrepancies(
        work,
        {DiscrepancyKind.OUTCOME_UNKNOWN: said},
        resolution="The platform said what became of it.",
    )
    return len(ended)


_NOTHING = str(UUID(int=0))


async def _advance(
    work: WriteWork, row: Mapping[str, Any], status: PaymentStatus, event: EventRow, quote: Any
) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if status is PaymentStatus.DONE:
        changed = received_of(_amount(row), quote)
    elif status is PaymentStatus.FAILED:
        changed = {"reason_code": event.payload["reason_code"]}
    return await advance(work, row, status, changed=changed)


def _amount(row: Mapping[str, Any]) -> Money:
    return Money(int(row["amount_minor"]), row["currency"])


def _moves(row: Mapping[str, Any], event: EventRow, quote: Any) -> Moves:
    """The wallet's half of a transfer; the account's half is booked with the platform's deal."""
    amount, server_id = _amount(row), UUID(event.payload["server_id"])
    between = clearing(server_id, event.payload["currency"])
    if row["from_kind"] == TransferEndKind.WALLET:
        return moves(AccountKey.wallet(row["client_id"], amount.currency), between, amount, quote)
    return moves(between, AccountKey.wallet(row["client_id"], amount.currency), amount)


async def _post(work: WriteWork, ended: Sequence[tuple[Mapping[str, Any], Moves | None]]) -> None:
    """All of it in one call; whatever resolves a hold names it."""
    found = await ledger_accounts(work, keys_of(made for _, made in ended if made))
    posted: list[Transfer] = []
    for row, made in ended:
        if made is not None:
            posted.append(step_of(row, "done", legs=legs(made, found), resolves=row["hold_id"]))
        elif row["hold_id"] is not None:
            void = TransferState.VOID
            posted.append(step_of(row, "void", state=void, resolves=row["hold_id"]))
    await post(work, posted)
