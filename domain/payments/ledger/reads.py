"""What the API shows of the ledger: wallets to whom they belong, entries to staff."""

from sqlalchemy import Table, Text, cast, false, func, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

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

WALLET = Entity(
    name="wallet",
    table=ledger_account,
    fields={
        "client_id": ledger_account.c.client_id,
        "currency": ledger_account.c.asset,
        "available_minor": ledger_account.c.posted - ledger_account.c.pending_out,
        "held_minor": ledger_account.c.pending_out,
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
