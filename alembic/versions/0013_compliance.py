"""Identity: policies, cases, decisions, papers; accounts that wait; the sandbox's KYC vendor."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op
from tenants.isolation import grant, isolate, role

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_SANDBOX = (
    """
    create table sandbox.kyc_account (
        name text constraint pk_kyc_account primary key,
        key_hash text not null constraint uq_kyc_account_key_hash unique,
        notice_url text not null,
        notice_secret text not null
    )
    """,
    """
    create table sandbox.kyc_applicant (
        id text constraint pk_kyc_applicant primary key,
        account text not null
            constraint fk_kyc_applicant_account references sandbox.kyc_account (name),
        reference text not null,
        level text not null,
        version integer not null,
        status text not null,
        answer text,
        reject_type text,
        labels text[] not null,
        flags text[] not null,
        moderation_comment text,
        client_comment text,
        return_url text not null,
        form_token text not null,
        due_at timestamptz,
        due jsonb,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint uq_kyc_applicant_account_reference unique (account, reference)
    )
    """,
    """
    create index ix_kyc_applicant_due_at on sandbox.kyc_applicant (due_at)
        where due_at is not null
    """,
    """
    create table sandbox.kyc_notice (
        id text constraint pk_kyc_notice primary key,
        account text not null
            constraint fk_kyc_notice_account references sandbox.kyc_account (name),
        body text not null,
        attempts integer not null,
        created_at timestamptz not null,
        next_at timestamptz,
        delivered_at timestamptz
    )
    """,
    """
    create index ix_kyc_notice_next_at on sandbox.kyc_notice (next_at)
        where next_at is not null
    """,
    """
    create table sandbox.kyc_faults (
        id integer constraint pk_kyc_faults primary key
            constraint ck_kyc_faults_single check (id = 1),
        knobs jsonb not null
    )
    """,
)
_OF_VENDOR = ("kyc_account", "kyc_applicant", "kyc_notice", "kyc_faults")


def upgrade() -> None:
    op.create_table(
        "kyc_policy",
        sa.Column("legal_entity_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rules", JSONB(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reviewed_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["legal_entity_id"], ["legal_entity.id"], name=op.f("fk_kyc_policy_legal_entity_id")
        ),
        sa.PrimaryKeyConstraint("legal_entity_id", "version", name=op.f("pk_kyc_policy")),
        info={"place": "reference", "grants": {"app": "select", "worker": "select"}},
    )
    grant("kyc_policy")
    op.create_table(
        "kyc_connection",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("legal_entity_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("api_key_cipher", sa.LargeBinary(), nullable=False),
        sa.Column("notice_secrets_cipher", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('SANDBOX')", name=op.f("ck_kyc_connection_kind")),
        sa.CheckConstraint("status in ('ACTIVE', 'PAUSED')", name=op.f("ck_kyc_connection_status")),
        sa.ForeignKeyConstraint(
            ["legal_entity_id"], ["legal_entity.id"], name=op.f("fk_kyc_connection_legal_entity_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_kyc_connection")),
        sa.UniqueConstraint("brand_id", "name", name=op.f("uq_kyc_connection_brand_id_name")),
        info={
            "place": "brand",
            "visible_to": "brand",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    isolate("kyc_connection", visible_to="brand")
    op.create_table(
        "kyc_case",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("requirement", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("ext_id", sa.Text(), nullable=True),
        sa.Column("return_url", sa.Text(), nullable=True),
        sa.Column("page_url", sa.Text(), nullable=True),
        sa.Column("client_message", sa.Text(), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("maker_ids", sa.ARRAY(sa.UUID()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("how in ('VENDOR', 'DOCUMENTS')", name=op.f("ck_kyc_case_how")),
        sa.CheckConstraint(
            "status in ('DRAFT', 'AWAITING_DOCS', 'PENDING', 'ON_HOLD', 'APPROVED', "
            "'REJECTED_RETRY', 'REJECTED_FINAL', 'EXPIRED')",
            name=op.f("ck_kyc_case_status"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_kyc_case_brand_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "connection_id"],
            ["kyc_connection.brand_id", "kyc_connection.id"],
            name=op.f("fk_kyc_case_brand_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_kyc_case")),
        sa.UniqueConstraint(
            "brand_id",
            "connection_id",
            "ext_id",
            name=op.f("uq_kyc_case_brand_id_connection_id_ext_id"),
        ),
        sa.UniqueConstraint("brand_id", "reference", name=op.f("uq_kyc_case_brand_id_reference")),
        info={
            "place": "brand",
            "visible_to": "own",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_kyc_case_brand_id_client_id_created_at_id"),
        "kyc_case",
        ["brand_id", "client_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_kyc_case_brand_id_created_at_id"),
        "kyc_case",
        ["brand_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_kyc_case_brand_id_status_created_at_id"),
        "kyc_case",
        ["brand_id", "status", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_kyc_case_brand_id_status_expires_at"),
        "kyc_case",
        ["brand_id", "status", "expires_at"],
        unique=False,
    )
    isolate("kyc_case", visible_to="own")
    op.create_table(
        "kyc_decision",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("case_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("labels", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("flags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("client_message", sa.Text(), nullable=True),
        sa.Column("ext_version", sa.Integer(), nullable=True),
        sa.Column("proposed_by", sa.UUID(), nullable=True),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome in ('DRAFT', 'AWAITING_DOCS', 'PENDING', 'ON_HOLD', 'APPROVED', "
            "'REJECTED_RETRY', 'REJECTED_FINAL', 'EXPIRED')",
            name=op.f("ck_kyc_decision_outcome"),
        ),
        sa.CheckConstraint(
            "source in ('VENDOR', 'STAFF', 'SYSTEM')", name=op.f("ck_kyc_decision_source")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "case_id"],
            ["kyc_case.brand_id", "kyc_case.id"],
            name=op.f("fk_kyc_decision_brand_id_case_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_kyc_decision")),
        sa.UniqueConstraint(
            "brand_id",
            "case_id",
            "ext_version",
            name=op.f("uq_kyc_decision_brand_id_case_id_ext_version"),
        ),
        info={
            "place": "brand",
            "visible_to": "staff",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert", "worker": "select, insert"},
        },
    )
    op.create_index(
        op.f("ix_kyc_decision_brand_id_case_id_decided_at"),
        "kyc_decision",
        ["brand_id", "case_id", "decided_at"],
        unique=False,
    )
    isolate("kyc_decision", visible_to="staff", app="select, insert", worker="select, insert")
    op.create_table(
        "kyc_proposal",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("case_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("client_message", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.UUID(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.UUID(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome in ('DRAFT', 'AWAITING_DOCS', 'PENDING', 'ON_HOLD', 'APPROVED', "
            "'REJECTED_RETRY', 'REJECTED_FINAL', 'EXPIRED')",
            name=op.f("ck_kyc_proposal_outcome"),
        ),
        sa.CheckConstraint(
            "status in ('OPEN', 'CONFIRMED', 'DECLINED', 'OUTDATED')",
            name=op.f("ck_kyc_proposal_status"),
        ),
        sa.CheckConstraint("reviewed_by <> proposed_by", name=op.f("ck_kyc_proposal_four_eyes")),
        sa.ForeignKeyConstraint(
            ["brand_id", "case_id"],
            ["kyc_case.brand_id", "kyc_case.id"],
            name=op.f("fk_kyc_proposal_brand_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "proposed_by"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_kyc_proposal_brand_id_proposed_by"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "reviewed_by"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_kyc_proposal_brand_id_reviewed_by"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_kyc_proposal")),
        info={
            "place": "brand",
            "visible_to": "staff",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_kyc_proposal_brand_id_case_id_proposed_at"),
        "kyc_proposal",
        ["brand_id", "case_id", "proposed_at"],
        unique=False,
    )
    op.create_index(
        "uq_kyc_proposal_open",
        "kyc_proposal",
        ["brand_id", "case_id"],
        unique=True,
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    isolate("kyc_proposal", visible_to="staff")
    op.create_table(
        "kyc_document",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("case_id", sa.UUID(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("maker_ids", sa.ARRAY(sa.UUID()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'STORED') = (stored_at is not null)", name=op.f("ck_kyc_document_stored")
        ),
        sa.CheckConstraint(
            "kind in ('PASSPORT', 'ID_CARD', 'RESIDENCE_PERMIT', 'UTILITY_BILL', "
            "'BANK_STATEMENT', 'SOURCE_OF_FUNDS', 'COMPANY_REGISTER', 'OWNERSHIP', 'OTHER')",
            name=op.f("ck_kyc_document_kind"),
        ),
        sa.CheckConstraint(
            "media_type in ('application/pdf', 'image/jpeg', 'image/png')",
            name=op.f("ck_kyc_document_media_type"),
        ),
        sa.CheckConstraint("status in ('EXPECTED', 'STORED')", name=op.f("ck_kyc_document_status")),
        sa.CheckConstraint("size > 0", name=op.f("ck_kyc_document_size")),
        sa.ForeignKeyConstraint(
            ["brand_id", "case_id"],
            ["kyc_case.brand_id", "kyc_case.id"],
            name=op.f("fk_kyc_document_brand_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_kyc_document_brand_id_client_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_kyc_document")),
        info={
            "place": "brand",
            "visible_to": "own",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_kyc_document_brand_id_case_id"),
        "kyc_document",
        ["brand_id", "case_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_kyc_document_brand_id_client_id_created_at_id"),
        "kyc_document",
        ["brand_id", "client_id", "created_at", "id"],
        unique=False,
    )
    isolate("kyc_document", visible_to="own")
    op.create_table(
        "kyc_document_content",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("document_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("content_cipher", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_kyc_document_content_brand_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "document_id"],
            ["kyc_document.brand_id", "kyc_document.id"],
            name=op.f("fk_kyc_document_content_brand_id_document_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "document_id", name=op.f("pk_kyc_document_content")),
        info={
            "place": "brand",
            "visible_to": "own",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert", "worker": "select, insert, delete"},
        },
    )
    isolate(
        "kyc_document_content",
        visible_to="own",
        app="select, insert",
        worker="select, insert, delete",
    )
    op.create_table(
        "kyc_standing",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("missing", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("risk_points", sa.Integer(), nullable=False),
        sa.Column("risk_parts", JSONB(), nullable=False),
        sa.Column("risk_level", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "risk_level in ('LOW', 'MEDIUM', 'HIGH', 'PROHIBITED')",
            name=op.f("ck_kyc_standing_risk_level"),
        ),
        sa.CheckConstraint(
            "status in ('NOT_STARTED', 'DRAFT', 'AWAITING_DOCS', 'PENDING', 'ON_HOLD', "
            "'APPROVED', 'REJECTED_RETRY', 'REJECTED_FINAL', 'EXPIRED')",
            name=op.f("ck_kyc_standing_status"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_kyc_standing_brand_id_client_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "client_id", name=op.f("pk_kyc_standing")),
        info={
            "place": "brand",
            "visible_to": "own",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_kyc_standing_brand_id_due_at"),
        "kyc_standing",
        ["brand_id", "due_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_kyc_standing_brand_id_status_client_id"),
        "kyc_standing",
        ["brand_id", "status", "client_id"],
        unique=False,
    )
    isolate("kyc_standing", visible_to="own")
    op.create_table(
        "account_wish",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("leverage", sa.Integer(), nullable=True),
        sa.Column("swap_free", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind in ('DEMO', 'LIVE', 'EVALUATION', 'FUNDED_SIMULATED', 'FUNDED_LIVE')",
            name=op.f("ck_account_wish_kind"),
        ),
        sa.CheckConstraint(
            "status in ('WAITING', 'OPENED', 'REFUSED', 'REPLACED')",
            name=op.f("ck_account_wish_status"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["trading_account.brand_id", "trading_account.id"],
            name=op.f("fk_account_wish_brand_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_account_wish_brand_id_client_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_account_wish")),
        info={
            "place": "brand",
            "visible_to": "client",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_account_wish_brand_id_client_id_created_at_id"),
        "account_wish",
        ["brand_id", "client_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_account_wish_waiting",
        "account_wish",
        ["brand_id", "client_id"],
        unique=True,
        postgresql_where=sa.text("status = 'WAITING'"),
    )
    isolate("account_wish", visible_to="client")
    for statement in _SANDBOX:
        op.execute(statement)
    for table in _OF_VENDOR:
        op.execute(f"grant select, insert, update on sandbox.{table} to {role('sandbox')}")


def downgrade() -> None:
    for table in reversed(_OF_VENDOR):
        op.execute(f"drop table sandbox.{table}")
    op.drop_table("account_wish")
    op.drop_table("kyc_standing")
    op.drop_table("kyc_document_content")
    op.drop_table("kyc_document")
    op.drop_table("kyc_proposal")
    op.drop_table("kyc_decision")
    op.drop_table("kyc_case")
    op.drop_table("kyc_connection")
    op.drop_table("kyc_policy")
