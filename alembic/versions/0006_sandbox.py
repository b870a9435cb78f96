"""The sandbox PSP: a schema of its own that only its own role may enter."""

from alembic import op
from tenants.isolation import role

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = (
    """
    create table sandbox.psp_merchant (
        name text constraint pk_psp_merchant primary key,
        key_hash text not null constraint uq_psp_merchant_key_hash unique,
        notice_url text not null,
        notice_secrets text[] not null,
        currencies text[] not null
    )
    """,
    """
    create table sandbox.psp_answer (
        merchant text not null
            constraint fk_psp_answer_merchant references sandbox.psp_merchant (name),
        key text not null,
        fingerprint text not null,
        status integer not null,
        body text not null,
        at timestamptz not null,
        constraint pk_psp_answer primary key (merchant, key)
    )
    """,
    """
    create table sandbox.psp_payment (
        id text constraint pk_psp_payment primary key,
        merchant text not null
            constraint fk_psp_payment_merchant references sandbox.psp_merchant (name),
        reference text not null,
        version integer not null,
        status text not null,
        method text not null,
        amount numeric not null,
        currency text not null,
        received_amount numeric,
        received_currency text,
        refunded_amount numeric not null,
        fee_amount numeric,
        source_id text,
        source_label text,
        failure_code text,
        description text not null,
        return_url text not null,
        form_token text not null,
        was_key_forgotten boolean not null,
        due_at timestamptz,
        due_status text,
        due_amount numeric,
        paid_at timestamptz,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        expires_at timestamptz not null,
        constraint ck_psp_payment_amount check (amount > 0),
        constraint ck_psp_payment_refunded
            check (refunded_amount between 0 and coalesce(received_amount, 0))
    )
    """,
    """
    create index ix_psp_payment_waiting on sandbox.psp_payment (expires_at)
        where status in ('CREATED', 'PENDING', 'AUTHORISED')
    """,
    """
    create table sandbox.psp_refund (
        id text constraint pk_psp_refund primary key,
        merchant text not null
            constraint fk_psp_refund_merchant references sandbox.psp_merchant (name),
        payment_id text not null
            constraint fk_psp_refund_payment_id references sandbox.psp_payment (id),
        reference text not null,
        version integer not null,
        status text not null,
        amount numeric not null,
        currency text not null,
        failure_code text,
        was_key_forgotten boolean not null,
        due_at timestamptz,
        due_status text,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint ck_psp_refund_amount check (amount > 0)
    )
    """,
    "create index ix_psp_refund_payment_id on sandbox.psp_refund (payment_id)",
    """
    create table sandbox.psp_payout (
        id text constraint pk_psp_payout primary key,
        merchant text not null
            constraint fk_psp_payout_merchant references sandbox.psp_merchant (name),
        reference text not null,
        version integer not null,
        status text not null,
        amount numeric not null,
        currency text not null,
        destination_kind text not null,
        destination_account text not null,
        holder_name text not null,
        fee_amount numeric not null,
        failure_code text,
        was_key_forgotten boolean not null,
        due_at timestamptz,
        due_status text,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint ck_psp_payout_amount check (amount > 0)
    )
    """,
    """
    create table sandbox.psp_dispute (
        id text constraint pk_psp_dispute primary key,
        merchant text not null
            constraint fk_psp_dispute_merchant references sandbox.psp_merchant (name),
        payment_id text not null
            constraint fk_psp_dispute_payment_id references sandbox.psp_payment (id),
        reference text not null,
        version integer not null,
        status text not null,
        amount numeric not null,
        currency text not null,
        fee_amount numeric not null,
        reason text not null,
        evidence_due_at timestamptz not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint ck_psp_dispute_amount check (amount > 0)
    )
    """,
    "create index ix_psp_dispute_payment_id on sandbox.psp_dispute (payment_id)",
    """
    create index ix_psp_dispute_open on sandbox.psp_dispute (evidence_due_at)
        where status = 'OPEN'
    """,
    """
    create table sandbox.psp_evidence (
        id text constraint pk_psp_evidence primary key,
        dispute_id text not null
            constraint fk_psp_evidence_dispute_id references sandbox.psp_dispute (id),
        reference text not null,
        text text not null,
        files jsonb not null,
        created_at timestamptz not null
    )
    """,
    "create index ix_psp_evidence_dispute_id on sandbox.psp_evidence (dispute_id)",
    """
    create table sandbox.psp_line (
        id text constraint pk_psp_line primary key,
        merchant text not null
            constraint fk_psp_line_merchant references sandbox.psp_merchant (name),
        at timestamptz not null,
        type text not null,
        psp_id text not null,
        reference text not null,
        currency text not null,
        gross numeric not null,
        fee numeric not null
    )
    """,
    "create index ix_psp_line_merchant_at on sandbox.psp_line (merchant, at)",
    """
    create table sandbox.psp_notice (
        id text constraint pk_psp_notice primary key,
        merchant text not null
            constraint fk_psp_notice_merchant references sandbox.psp_merchant (name),
        body text not null,
        attempts integer not null,
        created_at timestamptz not null,
        next_at timestamptz,
        delivered_at timestamptz
    )
    """,
    """
    create index ix_psp_notice_next_at on sandbox.psp_notice (next_at)
        where next_at is not null
    """,
    """
    create table sandbox.psp_faults (
        id integer constraint pk_psp_faults primary key
            constraint ck_psp_faults_single check (id = 1),
        knobs jsonb not null
    )
    """,
)
# Answers, evidence and movements are facts: nobody may change them, not even the PSP.
_FACTS = ("psp_answer", "psp_evidence", "psp_line")
_CHANGING = (
    "psp_merchant", "psp_payment", "psp_refund", "psp_payout", "psp_dispute", "psp_notice",
    "psp_faults",
)  # fmt: skip
_REFERENCED = ("psp_payment", "psp_refund", "psp_payout")


def upgrade() -> None:
    op.execute("create schema sandbox")
    op.execute("revoke all on schema sandbox from public")
    op.execute(f"grant usage on schema sandbox to {role('sandbox')}")
    for statement in _TABLES:
        op.execute(statement)
    for table in _REFERENCED:
        op.execute(
            f"create unique index uq_{table}_merchant_reference"
            f" on sandbox.{table} (merchant, reference) where not was_key_forgotten"
        )
        op.execute(
            f"create index ix_{table}_due_at on sandbox.{table} (due_at) where due_at is not null"
        )
    for table in _FACTS:
        op.execute(f"grant select, insert on sandbox.{table} to {role('sandbox')}")
    for table in _CHANGING:
        op.execute(f"grant select, insert, update on sandbox.{table} to {role('sandbox')}")


def downgrade() -> None:
    op.execute("drop schema sandbox cascade")
