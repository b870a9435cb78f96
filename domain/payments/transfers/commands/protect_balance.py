"""Make a negative balance good, where the client is protected from owing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.accounts.commands.move_balance import BalanceMove, move_balance
from domain.accounts.queries import (
    find_last_deal,
    has_exposure,
    is_money_moving,
    lock_account,
)
from domain.accounts.trading import BalanceKind
from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Transfer, TransferState
from domain.payments.transfers.postings import clearing, keys_of, legs, moves
from domain.payments.transfers.queries import list_attempts
from domain.payments.transfers.rules import ATTEMPTS_MAX, may_try_again
from tenants.log import Change
from tenants.work import WriteWork

KIND = "NEGATIVE_BALANCE"


@dataclass(frozen=True, slots=True)
class Debt:
    """What an account was below zero by, as the platform said it with nothing open there; it was
    asked at `asked_at` or later."""

    account_id: UUID
    owed: Money
    asked_at: datetime


async def protect_balance(work: WriteWork, debt: Debt) -> bool:
    """Hold our expense and ask the platform to lift the balance to zero; False when that was done.

    Once per account and event: the event is the deal that the account was last moved by, and the
    hold carries its name. What the platform refused is asked again, at growing distances. What the
    platform said is too old once money was moved since it was asked.
    Effects: event `balance_requested`; audit. The platform's answer posts or releases the hold;
    its deal books the account's half.
    """
    account = await lock_account(work, debt.account_id)
    last = await find_last_deal(work, debt.account_id)
    moving = await is_money_moving(work, debt.account_id, since=debt.asked_at)
    if last is None or moving or await has_exposure(work, debt.account_id):
        return False
    keys = [f"nbp:{debt.account_id.hex}:{last.ext_id}:{n}" for n in range(1, ATTEMPTS_MAX + 1)]
    attempts = await list_attempts(work, keys)
    if not may_try_again(attempts, work.database_now()):
        return False
    expense = AccountKey.of(LedgerAccountKind.NBP_EXPENSE, debt.owed.currency)
    made = moves(expense, clearing(account.server_id, debt.owed.currency), debt.owed)
    found = await ledger_accounts(work, keys_of([made]))
    hold = Transfer(
        keys[len(attempts)],
        KIND,
        legs(made, found),
        TransferState.PENDING,
        client_id=account.client_id,
        meta={"account_id": str(account.id), "deal_id": str(last.id)},
    )
    (held,) = await post(work, [hold])
    move = BalanceMove(
        BalanceKind.NEGATIVE_BALANCE, debt.owed.amount_minor, "ledger_transfer", held.id
    )
    await move_balance(work, account, move)
    shown = {"amount_minor": str(debt.owed.amount_minor), "currency": debt.owed.currency}
    work.audit(Change("account.protect", object_kind="account", object_id=account.id, after=shown))
    return True
