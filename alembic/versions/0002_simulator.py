"""The simulator platform: a schema of its own that only its own role may enter."""

from alembic import op
from tenants.isolation import role

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    """
    create table simulator.account_group (
        name text constraint pk_account_group primary key,
        currency text not null,
        leverage_max integer not null,
        commission_per_lot numeric not null,
        margin_call_level numeric not null,
        stop_out_level numeric not null,
        swap_free boolean not null
    )
    """,
    """
    create table simulator.account (
        login bigint constraint pk_account primary key,
        "group" text not null
            constraint fk_account_group references simulator.account_group (name),
        leverage integer not null,
        currency text not null,
        client_ref text not null,
        access text not null,
        balance numeric not null,
        credit numeric not null constraint ck_account_credit check (credit >= 0),
        created_at timestamptz not null,
        is_margin_called boolean not null,
        main_hash text not null,
        investor_hash text not null
    )
    """,
    """
    create table simulator.position (
        position_id bigint constraint pk_position primary key,
        login bigint not null
            constraint fk_position_login references simulator.account (login),
        symbol text not null,
        side text not null,
        lots numeric not null constraint ck_position_lots check (lots > 0),
        open_price numeric not null,
        margin_rate numeric not null,
        sl numeric,
        tp numeric,
        swap numeric not null,
        carry numeric not null,
        opened_at timestamptz not null
    )
    """,
    """
    create table simulator.pending_order (
        order_id bigint constraint pk_pending_order primary key,
        login bigint not null
            constraint fk_pending_order_login references simulator.account (login),
        client_order_id text not null,
        symbol text not null,
        type text not null,
        side text not null,
        lots numeric not null constraint ck_pending_order_lots check (lots > 0),
        price numeric not null,
        sl numeric,
        tp numeric,
        placed_at timestamptz not null
    )
    """,
    """
    create table simulator.deal (
        deal_id bigint constraint pk_deal primary key,
        login bigint not null
            constraint fk_deal_login references simulator.account (login),
        at timestamptz not null,
        entry text not null,
        reason text not null,
        symbol text,
        side text,
        lots numeric not null,
        price numeric,
        position_id bigint,
        order_id bigint,
        profit numeric not null,
        swap numeric not null,
        commission numeric not null,
        amount numeric not null,
        balance_after numeric not null,
        op_id text,
        kind text,
        comment text not null
    )
    """,
    "create index ix_deal_login_deal_id on simulator.deal (login, deal_id)",
    """
    create table simulator.operation (
        op_id text constraint pk_operation primary key,
        fingerprint text not null,
        status integer not null,
        answer jsonb not null,
        at timestamptz not null
    )
    """,
    """
    create table simulator.replay (
        replay_id bigint constraint pk_replay primary key,
        at timestamptz not null,
        offset_ms bigint not null,
        speed numeric not null
    )
    """,
    """
    create table simulator.desk (
        desk_id integer constraint pk_desk primary key
            constraint ck_desk_single check (desk_id = 1),
        next_ticket bigint not null,
        rolled_day date not null
    )
    """,
)
# Deals and answers are facts: nobody may change them, not even the simulator.
_RIGHTS = {
    "account_group": "select, insert, update",
    "account": "select, insert, update",
    "position": "select, insert, update, delete",
    "pending_order": "select, insert, update, delete",
    "deal": "select, insert",
    "operation": "select, insert",
    "replay": "select, insert, update",
    "desk": "select, insert, update",
}


def upgrade() -> None:
    op.execute("create schema simulator")
    op.execute("revoke all on schema simulator from public")
    op.execute(f"grant usage on schema simulator to {role('simulator')}")
    for statement in _TABLES:
        op.execute(statement)
    for table, rights in _RIGHTS.items():
        op.execute(f"grant {rights} on simulator.{table} to {role('simulator')}")


def downgrade() -> None:
    op.execute("drop schema simulator cascade")
