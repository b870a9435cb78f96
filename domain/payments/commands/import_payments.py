"""Take over payments that another cashier carried out, many at once, with what they moved.

Each is booked as if it had been made here: a deposit by its PSP's clearing account, until a
settlement of that PSP explains it; money put on a trading account by the platform's clearing,
whose other half is the platform's own deal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.clients.standing import ClientStanding, find_standings
from domain.kernel.money import Money
from domain.payments.events import payment_event, status_kind
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer
from domain.payments.tables import payment, payment_step, withdrawal_leg
from domain.payments.values import (
    LegKind,
    LegStatus,
    PaymentKind,
    PaymentStatus,
    TransferEndKind,
)
from tenants.bulk import insert_rows
from tenants.log import Change
from tenants.numbers import next_numbers
from tenants.work import WriteWork

_LETTERS = {PaymentKind.DEPOSIT: "D", PaymentKind.WITHDRAWAL: "W", PaymentKind.TRANSFER: "T"}
_DONE = {
    PaymentKind.DEPOSIT: PaymentStatus.SETTLED,
    PaymentKind.WITHDRAWAL: PaymentStatus.PAID,
    PaymentKind.TRANSFER: PaymentStatus.DONE,
}


@dataclass(frozen=True, slots=True)
class Till:
    """Where money came in and went out: a method of a connection."""

    method_id: UUID
    connection_id: UUID


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """A payment that was carried out. `ext_id` is its PSP's, `label` what it shows of the payer.

    A transfer names in `account_id` the trading account that the money was put on, and its server.
    A deposit with a `purchase_id` paid for that, and never touched a wallet. `at` is when it was
    done.
    """

    id: UUID
    kind: PaymentKind
    client_id: UUID
    amount: Money
    till: Till | None = None
    ext_id: str | None = None
    label: str | None = None
    account_id: UUID | None = None
    server_id: UUID | None = None
    at: datetime | None = None
    purchase_id: UUID | None = None


async def import_payments(work: WriteWork, records: Sequence[PaymentRecord]) -> None:
    """Add payments in the state in which they ended, and book them, in the order given.

    Refusals: INSUFFICIENT_FUNDS when more went out of a wallet than had come in.
    Effects: rows, event and transfer each, one line of audit.
    """
    if not records:
        return
    owners = await find_standings(work, (one.client_id for one in records))
    moves = [_moves(one) for one in records]
    accounts = await ledger_accounts(work, [key for made in moves for key in made])
    numbers = await next_numbers(work, "payment", len(records), start=100_001)
    rows = []
    for one, number in zip(records, numbers, strict=True):
        wallet = AccountKey.wallet(one.client_id, one.amount.currency)
        wallet_id = accounts[wallet] if one.purchase_id is None else None
        rows.append(_row(work, one, number, owners[one.client_id], wallet_id))
    await insert_rows(work, payment, rows)
    await insert_rows(work, payment_step, [_step(work, row) for row in rows])
    legs = [
        _leg(work, one, row)
        for one, row in zip(records, rows, strict=True)
        if one.kind is PaymentKind.WITHDRAWAL
    ]
    await insert_rows(work, withdrawal_leg, legs)
    for row in rows:
        work.emit(payment_event(status_kind(row["kind"], row["status"]), row))
    work.audit(Change("payment.import", object_kind="payment", after={"payments": len(rows)}))
    transfers = [
        Transfer(
            f"import:{one.id.hex}",
            one.kind,
            [Leg(accounts[key], amount) for key, amount in made.items()],
            id=_transfer_id(work, one),
            client_id=one.client_id,
            meta={"payment_id": str(one.id)},
        )
        for one, made in zip(records, moves, strict=True)
    ]
    await post(work, transfers)


def _moves(one: PaymentRecord) -> dict[AccountKey, Money]:
    currency = one.amount.currency
    wallet = AccountKey.wallet(one.client_id, currency)
    if one.purchase_id is not None:
        assert one.kind is PaymentKind.DEPOSIT, "only what came in pays for something"
        wallet = AccountKey.of(LedgerAccountKind.PURCHASE_PREPAID, currency)
    if one.kind is PaymentKind.TRANSFER:
        other = AccountKey.of(LedgerAccountKind.PLATFORM_CLEARING, currency, one.server_id)
    else:
        assert one.till is not None, "paid in or out somewhere"
        other = AccountKey.of(LedgerAccountKind.PSP_CLEARING, currency, one.till.connection_id)
    into = one.amount if one.kind is PaymentKind.DEPOSIT else -one.amount
    return {wallet: into, other: -into}


def _transfer_id(work: WriteWork, one: PaymentRecord) -> UUID:
    return one.id if one.kind is PaymentKind.WITHDRAWAL else work.new_id()


def _row(
    work: WriteWork,
    one: PaymentRecord,
    number: int,
    owner: ClientStanding,
    wallet_id: UUID | None,
) -> dict[str, Any]:
    minor, currency = one.amount.amount_minor, one.amount.currency
    is_deposit = one.kind is PaymentKind.DEPOSIT
    is_transfer = one.kind is PaymentKind.TRANSFER
    done = one.at or work.now()
    return {
        "brand_id": work.scope.brand_id,
        "id": one.id,
        "client_id": one.client_id,
        "ib_path": owner.ib_path,
        "kind": one.kind,
        "reference": f"{_LETTERS[one.kind]}-{number}",
        "status": _DONE[one.kind],
        "version": 1,
        "currency": currency,
        "amount_minor": minor,
        "fee_minor": 0,
        "wallet_id": wallet_id,
        "method_id": one.till.method_id if one.till else None,
        "connection_id": one.till.connection_id if one.till else None,
        "ext_id": one.ext_id if is_deposit else None,
        "purchase_id": one.purchase_id,
        "reason_code": None,
        "created_at": done,
        "updated_at": done,
        "credited_minor": minor if is_deposit else None,
        "credited_currency": currency if is_deposit else None,
        "refunded_minor": 0,
        "source_label": one.label if is_deposit else None,
        "settled_at": done if is_deposit else None,
        "risk": None if is_deposit or is_transfer else owner.risk,
        "from_kind": TransferEndKind.WALLET if is_transfer else None,
        "from_id": wallet_id if is_transfer else None,
        "to_kind": TransferEndKind.ACCOUNT if is_transfer else None,
        "to_id": one.account_id if is_transfer else None,
        "received_minor": minor if is_deposit or is_transfer else None,
        "received_currency": currency if is_deposit or is_transfer else None,
    }


def _step(work: WriteWork, row: dict[str, Any]) -> dict[str, Any]:
    actor = work.scope.actor
    return {
        "brand_id": row["brand_id"],
        "payment_id": row["id"],
        "n": 1,
        "client_id": row["client_id"],
        "ib_path": row["ib_path"],
        "status": row["status"],
        "reason_code": None,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "at": row["created_at"],
    }


def _leg(work: WriteWork, one: PaymentRecord, row: dict[str, Any]) -> dict[str, Any]:
    """All of a withdrawal as one part. Where to is only known by its label."""
    assert one.till is not None, "it went out somewhere"
    return {
        "brand_id": row["brand_id"],
        "id": work.new_id(),
        "payment_id": one.id,
        "client_id": row["client_id"],
        "ib_path": row["ib_path"],
        "n": 1,
        "kind": LegKind.PAYOUT,
        "status": LegStatus.PAID,
        "method_id": one.till.method_id,
        "connection_id": one.till.connection_id,
        "currency": one.amount.currency,
        "amount_minor": one.amount.amount_minor,
        "paid_minor": one.amount.amount_minor,
        "label": one.label or "",
        "hold_id": one.id,
        "ext_id": one.ext_id,
        "updated_at": row["updated_at"],
    }
