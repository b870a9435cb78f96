"""Move a client's money between wallets and trading accounts."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.accounts.commands.move_balance import BalanceMove, move_balance
from domain.accounts.queries import find_last_deal, find_state, get_account, is_money_moving
from domain.accounts.rules import decide_client_may_act
from domain.accounts.trading import BalanceKind
from domain.clients.standing import ClientStanding, find_standing
from domain.kernel.errors import NotFound
from domain.kernel.money import Money
from domain.payments.commands.record_payment import create_payment
from domain.payments.holding import require_free
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.errors import InsufficientFunds, asked_amount
from domain.payments.ledger.post import post
from domain.payments.ledger.values import AccountKey, TransferState
from domain.payments.transfers.commands.make_quote import use_quote
from domain.payments.transfers.postings import (
    clearing,
    keys_of,
    legs,
    moves,
    received_of,
    step_of,
)
from domain.payments.transfers.queries import get_quote, get_wallet
from domain.payments.transfers.rules import (
    decide_account,
    decide_amount,
    decide_ends,
    decide_leaving,
    decide_quote,
)
from domain.payments.transfers.values import End, EndWish, TransferWish
from domain.payments.values import PaymentKind, PaymentStatus, TransferEndKind
from tenants.log import Change
from tenants.work import WriteWork

_WALLET, _ACCOUNT = TransferEndKind.WALLET, TransferEndKind.ACCOUNT


@dataclass(frozen=True, slots=True)
class _Planned:
    """A transfer that nothing speaks against; `quote` is the row of its quote, if it has one."""

    source: End
    target: End
    amount: Money
    quote: Any
    standing: ClientStanding


async def create_transfer(work: WriteWork, wish: TransferWish) -> dict[str, str]:
    """Begin a transfer, or do it when no platform is needed; its `payment` id.

    Onto an account, the wallet's money is held and the platform asked; off an account, the
    platform is asked and the wallet credited when it has done it. Between wallets of two
    currencies it is done at once, by a quote.
    Refusals: NOT_FOUND, INVALID, CLIENT_RESTRICTED, EMAIL_NOT_VERIFIED, ACCOUNT_NOT_LIVE,
    ACCOUNT_NOT_ACTIVE, ACCOUNT_LOCKED, CURRENCY_MISMATCH, QUOTE_REQUIRED, QUOTE_MISMATCH,
    QUOTE_USED, QUOTE_EXPIRED, INSUFFICIENT_FUNDS.
    Effects: event `transfer_sending`, later `transfer_done` or `transfer_failed`; audit.
    """
    plan = await _plan(work, wish)
    payment_id, hold_id = work.new_id(), work.new_id()
    source, target = _key(plan.source), _key(plan.target)
    made = moves(source, target, plan.amount, plan.quote)
    found = await ledger_accounts(work, keys_of([made]))
    values: dict[str, Any] = {
        "id": payment_id,
        "kind": PaymentKind.TRANSFER,
        "status": PaymentStatus.SENDING,
        "client_id": plan.standing.id,
        "ib_path": plan.standing.ib_path,
        "currency": plan.amount.currency,
        "amount_minor": plan.amount.amount_minor,
        "fee_minor": 0,
        "wallet_id": found[source if plan.source.kind is _WALLET else target],
        "from_kind": plan.source.kind,
        "from_id": plan.source.id or found[source],
        "to_kind": plan.target.kind,
        "to_id": plan.target.id or found[target],
        "quote_id": plan.quote and plan.quote.id,
    }
    if plan.quote is not None:
        await use_quote(work, plan.quote.id, payment_id)
    account = plan.source.account or plan.target.account
    if account is None:
        values |= {"status": PaymentStatus.DONE, **received_of(plan.amount, plan.quote)}
    else:
        values["platform_request_id"] = await _ask(work, account, plan, payment_id)
    if account is not None and plan.source.kind is _WALLET:
        values["hold_id"] = hold_id
    row = await create_payment(work, values)
    work.audit(Change("transfer.create", object_kind="transfer", object_id=payment_id,
                      after=_shown(row)))  # fmt: skip
    if account is None:
        with asked_amount():
            await post(work, [step_of(row, "done", legs=legs(made, found))])
    elif plan.source.kind is _WALLET:
        hold = step_of(row, "hold", legs=legs(made, found), state=TransferState.PENDING, id=hold_id)
        with asked_amount():
            await post(work, [hold])
    return {"payment": str(payment_id)}


async def _plan(work: WriteWork, wish: TransferWish) -> _Planned:
    source = await _end(work, wish.source, None, "from")
    target = await _end(work, wish.target, source, "to")
    standing = await find_standing(work, source.client_id)
    if standing is None:
        raise NotFound(path=("input", "from"))
    decide_client_may_act(standing.status)
    await require_free(work, standing.id)
    amount = wish.amount
    decide_amount(amount, source.currency)
    decide_ends(source, target, has_quote=wish.quote_id is not None)
    for end, named in ((source, "from"), (target, "to")):
        if end.account is not None:
            decide_account(end.account, path=("input", named))
    if source.id is not None and source.kind is _ACCOUNT:
        await _decide_leaving(work, source.id, amount)
    quote = None
    if wish.quote_id is not None:
        quote = await get_quote(work, wish.quote_id)
        decide_quote(
            quote,
            client_id=standing.id,
            amount=amount,
            to_currency=target.currency,
            now=work.now(),
        )
    return _Planned(source, target, amount, quote, standing)


async def _decide_leaving(work: WriteWork, account_id: UUID, amount: Money) -> None:
    """Whether the account's last known state has that much to give; one that is older than what
    was moved or traded there proves nothing, and the platform decides.

    Refusals: INSUFFICIENT_FUNDS.
    """
    state = await find_state(work, account_id)
    try:
        decide_leaving(amount, state)
    except InsufficientFunds:
        last = await find_last_deal(work, account_id)
        is_behind = last is not None and last.at >= state.as_of
        if not is_behind and not await is_money_moving(work, account_id, since=state.as_of):
            raise


async def _end(work: WriteWork, wish: EndWish, other: End | None, named: str) -> End:
    """An end, an account locked. Refusals: NOT_FOUND, for out of reach alike."""
    if wish.kind is _ACCOUNT:
        assert wish.id is not None, "an account is named by its id"
        account = await get_account(work, wish.id, named=named)
        return End(_ACCOUNT, account.client_id, account.currency, account.id, account)
    if wish.id is None:
        assert other is not None, "a wallet without an id is the target's"
        assert wish.currency is not None, "it is named by its currency"
        return End(_WALLET, other.client_id, wish.currency)
    wallet = await get_wallet(work, wish.id, named=named)
    return End(_WALLET, wallet.client_id, wallet.currency, wallet.id)


def _key(end: End) -> AccountKey:
    if end.kind is _WALLET:
        return AccountKey.wallet(end.client_id, end.currency)
    return clearing(end.account.server_id, end.currency)


async def _ask(work: WriteWork, account: Any, plan: _Planned, payment_id: UUID) -> UUID:
    """Ask the platform: onto the account what arrives there, off it what leaves."""
    kind, moved = BalanceKind.WITHDRAWAL, -plan.amount.amount_minor
    if plan.target.account is not None:
        kind = BalanceKind.DEPOSIT
        moved = received_of(plan.amount, plan.quote)["received_minor"]
    return await move_balance(work, account, BalanceMove(kind, moved, "payment", payment_id))


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    names = ("reference", "from_kind", "from_id", "to_kind", "to_id", "amount_minor", "currency")
    return {name: str(row[name]) for name in names}
