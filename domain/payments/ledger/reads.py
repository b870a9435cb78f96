"""What the API shows of the ledger: wallets to whom they belong, entries to staff."""

from typing import Any

from sqlalchemy import Table, Text, case, cast, false, func, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from domain.payments.disputes.tables import dispute
from domain.payments.ledger.tables import (
    ledger_account,
    ledger_hold_leg,
    ledger_posting,
    ledger_transfer,
)
from domain.payments.ledger.values import LedgerAccountKind
from domain.reads import VIEWER_CLIENT, Entity, Field, One, RowScope, Through, columns

STAFF_ONLY = RowScope(false(), when=lambda v: v.client_id is not None or v.ib_path is not None)
"""What is shown to no client and no ib, whatever a brand's own rules grant."""


def _debt() -> Any:
    """What the wallet's client owes in its currency for lost disputes, in minor units: what is
    booked as owed, without what open disputes have put there. As `disputes.queries.find_debt`."""
    wallet, owed = ledger_account.c, ledger_account.alias("owed")
    booked = (
        select(func.coalesce(func.sum(ledger_posting.c.amount), 0))
        .select_from(owed)
        .join(
            ledger_posting,
            (ledger_posting.c.brand_id == owed.c.brand_id)
            & (ledger_posting.c.account_id == owed.c.id),
        )
        .where(
            owed.c.brand_id == wallet.brand_id,
            owed.c.client_id == wallet.client_id,
            owed.c.kind == LedgerAccountKind.CHARGEBACK_RECEIVABLE.value,
            owed.c.asset == wallet.asset,
        )
        .correlate(ledger_account)
        .scalar_subquery()
    )
    given = case((dispute.c.hold_id.is_(None), dispute.c.held_minor), else_=0)
    undecided = (
        select(func.coalesce(func.sum(dispute.c.amount_minor - given), 0))
        .where(
            dispute.c.brand_id == wallet.brand_id,
            dispute.c.client_id == wallet.client_id,
            dispute.c.currency == wallet.asset,
            dispute.c.closed_at.is_(None),
        )
        .correlate(ledger_account)
        .scalar_subquery()
    )
    return func.greatest(-booked - undecided, 0, type_=ledger_account.c.posted.type)


WALLET = Entity(
    name="wallet",
    table=ledger_account,
    fields={
        "client_id": ledger_account.c.client_id,
        "currency": ledger_account.c.asset,
        "available_minor": ledger_account.c.posted - ledger_account.c.pending_out,
        "held_minor": ledger_account.c.pending_out,
        "debt_minor": _debt(),
    },
    relations={"client": One("client", own="client_id")},
    orders={"CURRENCY": ledger_account.c.asset},
    default_order="CURRENCY",
    scopes=(
        RowScope(ledger_account.c.kind == LedgerAccountKind.CLIENT_WALLET.value),
        RowScope(
            ledger_account.c.client_id == VIEWER_CLIENT, when=lambda v: v.client_id is not None
        ),
        RowScope(false(), when=lambda v: v.ib_path is not None),
        Through("client"),
    ),
)


def _legs(table: Table) -> Field:
    """Postings of a transfer, or what it holds: account, what that stands for, amount."""
    leg = func.jsonb_build_array(
        ledger_account.c.id,
        ledger_account.c.kind,
        ledger_account.c.reference,
        ledger_account.c.asset,
        cast(table.c.amount, Text),
    )
    found = (
        select(
            func.coalesce(
                func.jsonb_agg(aggregate_order_by(leg, table.c.n)),
                type_coerce([], JSONB),
                type_=JSONB,
            )
        )
        .select_from(
            table.join(
                ledger_account,
                (ledger_account.c.brand_id == table.c.brand_id)
                & (ledger_account.c.id == table.c.account_id),
            )
        )
        .where(
            table.c.brand_id == ledger_transfer.c.brand_id,
            table.c.transfer_id == ledger_transfer.c.id,
        )
    )
    return Field(found.correlate(ledger_transfer).scalar_subquery())


LEDGER_TRANSFER = Entity(
    name="ledger_transfer",
    table=ledger_transfer,
    fields={
        "transfer_key": ledger_transfer.c.key,
        **columns(ledger_transfer, "kind", "state", "source", "external_id", "reason"),
        **columns(ledger_transfer, "actor_kind", "actor_id", "effective_at", "recorded_at"),
        "postings": _legs(ledger_posting),
        "holds": _legs(ledger_hold_leg),
    },
    relations={
        "client": One("client", own="client_id"),
        "resolves": One("ledger_transfer", own="resolves_id"),
    },
    filters={"key": ledger_transfer.c.key, "recorded_at": ledger_transfer.c.recorded_at},
    orders={"RECORDED_AT": ledger_transfer.c.recorded_at},
    default_order="-RECORDED_AT",
    scopes=(STAFF_ONLY, Through("client")),
)

READS = (WALLET, LEDGER_TRANSFER)
