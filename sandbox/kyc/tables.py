"""The KYC vendor's tables in the schema `sandbox`; made by migration 0013."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from sandbox.tables import count, key, text, time, vendor_table


def _account() -> Column[str]:
    return Column("account", Text, ForeignKey("sandbox.kyc_account.name"), nullable=False)


account = vendor_table(
    "kyc_account",
    key("name"),
    Column("key_hash", Text, nullable=False, unique=True),
    text("notice_url"),
    text("notice_secret"),
)
applicant = vendor_table(
    "kyc_applicant",
    key("id"),
    _account(),
    text("reference"),
    text("level"),
    count("version"),
    text("status"),
    text("answer", nullable=True),
    text("reject_type", nullable=True),
    Column("labels", ARRAY(Text), nullable=False),
    Column("flags", ARRAY(Text), nullable=False),
    text("moderation_comment", nullable=True),
    text("client_comment", nullable=True),
    text("return_url"),
    text("form_token"),
    time("due_at", nullable=True),
    Column("due", JSONB, nullable=True),
    time("created_at"),
    time("updated_at"),
    UniqueConstraint("account", "reference"),
)
Index(
    "ix_kyc_applicant_due_at",
    applicant.c.due_at,
    postgresql_where=sql("due_at is not null"),
)
notice = vendor_table(
    "kyc_notice",
    key("id"),
    _account(),
    text("body"),
    count("attempts"),
    time("created_at"),
    time("next_at", nullable=True),
    time("delivered_at", nullable=True),
)
Index(
    "ix_kyc_notice_next_at",
    notice.c.next_at,
    postgresql_where=sql("next_at is not null"),
)
faults = vendor_table(
    "kyc_faults",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("knobs", JSONB, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
