"""Book what deals moved on trading accounts, so that the ledger has what the platform has."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.accounts.queries import list_live_deals
from domain.accounts.values import DealEntry
from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Transfer
from domain.payments.transfers.postings import Moves, clearing, keys_of, legs, moves
from tenants.work import WriteWork

BOOK = "B"
"""Every deal is our own counterpart until hedging is recorded: the B book."""


async def book_deals(work: WriteWork, deal_ids: Sequence[UUID]) -> int:
    """Book those of some deals that moved client money; how many were new.

    A trade moves profit, swap and commission against the broker's trading result; money put on or
    taken off moves against the platform's clearing, whose other half the transfer books. Each deal
    once, by its number on its server. Demo and prop accounts hold no client money and credit is
    none: neither is booked. Three statements, however many deals.
    """
    rows = await list_live_deals(work, deal_ids) if deal_ids else ()
    planned = [(row, made) for row in rows if (made := _moves(row)) is not None]
    found = await ledger_accounts(work, keys_of(made for _, made in planned))
    posted = await post(work, [_transfer(row, legs(made, found)) for row, made in planned])
    return sum(not one.replayed for one in posted)


def _moves(row: Any) -> Moves | None:
    """Onto the account from where it came; None when nothing moved."""
    minor = int(row.profit_minor) + int(row.swap_minor) + int(row.commission_minor)
    if minor == 0:
        return None
    account = AccountKey.trading(row.account_id, row.currency, row.client_id)
    other = AccountKey(LedgerAccountKind.TRADING_RESULT, row.currency, BOOK)
    if row.entry == DealEntry.BALANCE:
        other = clearing(row.server_id, row.currency)
    return moves(other, account, Money(minor, row.currency))


def _transfer(row: Any, made: list[Any]) -> Transfer:
    return Transfer(
        f"deal:{row.server_id.hex}:{row.ext_id}",
        "DEAL_BALANCE" if row.entry == DealEntry.BALANCE else "DEAL",
        made,
        source=f"platform:{row.server_id.hex}",
        external_id=row.ext_id,
        client_id=row.client_id,
        meta={"deal_id": str(row.id), "account_id": str(row.account_id)},
    )
