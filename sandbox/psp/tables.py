"""The PSP's tables in the schema `sandbox`; made by migration 0006, used by `desk` and `outbox`."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from sandbox.tables import count, key, number, time, vendor_table
from sandbox.tables import text as words


def _merchant() -> Column[str]:
    return Column("merchant", Text, ForeignKey("sandbox.psp_merchant.name"), nullable=False)


def _payment() -> Column[str]:
    return Column("payment_id", Text, ForeignKey("sandbox.psp_payment.id"), nullable=False)


def _forgotten() -> Column[bool]:
    """Made while keys were forgotten on demand; only then a reference may come twice."""
    return Column("was_key_forgotten", Boolean, nullable=False)


def _one_reference(table: Table) -> Index:
    return Index(
        f"uq_{table.name}_merchant_reference",
        table.c.merchant,
        table.c.reference,
        unique=True,
        postgresql_where=text("not was_key_forgotten"),
    )


def _due(table: Table) -> Index:
    return Index(
        f"ix_{table.name}_due_at", table.c.due_at, postgresql_where=text("due_at is not null")
    )


merchant = vendor_table(
    "psp_merchant",
    key("name"),
    Column("key_hash", Text, nullable=False, unique=True),
    words("notice_url"),
    Column("notice_secrets", ARRAY(Text), nullable=False),
    Column("currencies", ARRAY(Text), nullable=False),
)
# What was answered to a key, refusals too, so that a repeat gets the same bytes.
answer = vendor_table(
    "psp_answer",
    Column("merchant", Text, ForeignKey("sandbox.psp_merchant.name"), primary_key=True),
    key("key"),
    words("fingerprint"),
    count("status"),
    words("body"),
    time("at"),
)
payment = vendor_table(
    "psp_payment",
    key("id"),
    _merchant(),
    words("reference"),
    count("version"),
    words("status"),
    words("method"),
    number("amount"),
    words("currency"),
    number("received_amount", nullable=True),
    words("received_currency", nullable=True),
    number("refunded_amount"),
    number("fee_amount", nullable=True),
    words("source_id", nullable=True),
    words("source_label", nullable=True),
    words("failure_code", nullable=True),
    words("description"),
    words("return_url"),
    words("form_token"),
    _forgotten(),
    time("due_at", nullable=True),
    words("due_status", nullable=True),
    number("due_amount", nullable=True),
    time("paid_at", nullable=True),
    time("created_at"),
    time("updated_at"),
    time("expires_at"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("refunded_amount between 0 and coalesce(received_amount, 0)", name="refunded"),
    Index(
        "ix_psp_payment_waiting",
        "expires_at",
        postgresql_where=text("status in ('CREATED', 'PENDING', 'AUTHORISED')"),
    ),
)
refund = vendor_table(
    "psp_refund",
    key("id"),
    _merchant(),
    _payment(),
    words("reference"),
    count("version"),
    words("status"),
    number("amount"),
    words("currency"),
    words("failure_code", nullable=True),
    _forgotten(),
    time("due_at", nullable=True),
    words("due_status", nullable=True),
    time("created_at"),
    time("updated_at"),
    CheckConstraint("amount > 0", name="amount"),
    Index(None, "payment_id"),
)
payout = vendor_table(
    "psp_payout",
    key("id"),
    _merchant(),
    words("reference"),
    count("version"),
    words("status"),
    number("amount"),
    words("currency"),
    words("destination_kind"),
    words("destination_account"),
    words("holder_name"),
    number("fee_amount"),
    words("failure_code", nullable=True),
    _forgotten(),
    time("due_at", nullable=True),
    words("due_status", nullable=True),
    time("created_at"),
    time("updated_at"),
    CheckConstraint("amount > 0", name="amount"),
)
dispute = vendor_table(
    "psp_dispute",
    key("id"),
    _merchant(),
    _payment(),
    words("reference"),
    count("version"),
    words("status"),
    number("amount"),
    words("currency"),
    number("fee_amount"),
    words("reason"),
    time("evidence_due_at"),
    time("created_at"),
    time("updated_at"),
    CheckConstraint("amount > 0", name="amount"),
    Index(None, "payment_id"),
    Index("ix_psp_dispute_open", "evidence_due_at", postgresql_where=text("status = 'OPEN'")),
)
evidence = vendor_table(
    "psp_evidence",
    key("id"),
    Column("dispute_id", Text, ForeignKey("sandbox.psp_dispute.id"), nullable=False),
    words("reference"),
    words("text"),
    Column("files", JSONB, nullable=False),
    time("created_at"),
    Index(None, "dispute_id"),
)
# Movements of a merchant's balance: what settlements are made of.
line = vendor_table(
    "psp_line",
    key("id"),
    _merchant(),
    time("at"),
    words("type"),
    words("psp_id"),
    words("reference"),
    words("currency"),
    number("gross"),
    number("fee"),
    Index(None, "merchant", "at"),
)
# The outbox: a notice is due at `next_at`, and settled (delivered or given up) when that is null.
notice = vendor_table(
    "psp_notice",
    key("id"),
    _merchant(),
    words("body"),
    count("attempts"),
    time("created_at"),
    time("next_at", nullable=True),
    time("delivered_at", nullable=True),
    Index(None, "next_at", postgresql_where=text("next_at is not null")),
)
# One row: how the PSP fails, so that it goes on failing after a restart.
faults = vendor_table(
    "psp_faults",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("knobs", JSONB, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
for _table in (payment, refund, payout):
    _one_reference(_table)
    _due(_table)
