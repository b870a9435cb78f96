"""A path for each filter and order of the API, see `tests/schema/paths`; search for leads by part.

Indexes are built beside whoever writes, outside any transaction. One that was left half built is
begun anew, so that the migration may run again after it was stopped.
"""

import sqlalchemy as sa

from alembic import op
from tenants.isolation import in_each_brand, isolate, of_another_brand, open_to_definers, role

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ADDED = {
    "approval": [("decided_by",)],
    "audit": [("action", "seq"), ("actor_kind", "seq"), ("outcome", "seq"), ("at", "seq")],
    "challenge": [("program_id", "created_at", "id")],
    "challenge_order": [("created_at", "id"), ("status", "created_at", "id")],
    "client": [("kind", "created_at", "id"), ("country", "created_at", "id")],
    "dispute": [("payment_id", "opened_at", "id")],
    "ib": [
        ("level", "created_at", "id"),
        ("status", "created_at", "id"),
        ("parent_id", "code", "id"),
    ],
    "ib_accrual": [("client_id", "deal_at", "id"), ("statement_id", "deal_at", "id")],
    "ib_assignment": [("plan_id", "ib_path")],
    "ib_plan": [("created_at", "id")],
    "kyc_case": [("requirement", "created_at", "id")],
    "kyc_document": [("case_id", "created_at", "id")],
    "lead": [("campaign", "created_at", "id"), ("country", "created_at", "id")],
    "lead_agent": [("created_at", "id")],
    "payment": [("settled_at",)],
    "program": [("name", "code", "id"), ("status", "name", "code", "id"), ("created_at", "id")],
    "screening_hit": [("strength", "opened_at", "id"), ("score", "id")],
    "trading_account": [("kind", "created_at", "id"), ("currency", "created_at", "id")],
}
# The beginnings of longer ones that are added.
_REPLACED = {
    "dispute": [("payment_id",)],
    "ib_accrual": [("statement_id",)],
    "ib_assignment": [("plan_id",)],
    "kyc_document": [("case_id",)],
}


# Three looks instead of one with `or`: each by the index. `like` means what it says: marks of
# patterns are escaped.
SEARCH = r"""
create function search_leads(p_brand uuid, p_term text, p_fields text[]) returns setof uuid
language plpgsql stable rows 100 security definer set search_path = public, pg_temp as $$
declare
    v_part text := '%' || regexp_replace(p_term, '([%_\\])', '\\\1', 'g') || '%';
begin
    if ANOTHER_BRAND then
        raise exception 'leads of another brand' using errcode = 'SC001';
    end if;
    return query
        select s.lead_id from lead_search s
        where 'name' = any(p_fields) and s.brand_id = p_brand and s.name like v_part
        union
        select s.lead_id from lead_search s
        where 'email' = any(p_fields) and s.brand_id = p_brand and s.email like v_part
        union
        select s.lead_id from lead_search s
        where 'phone' = any(p_fields) and s.brand_id = p_brand and s.phone like v_part;
end $$
"""
# As `domain.clients.search.fold` folds, for what came before.
FOLD = r"""
        insert into lead_search (brand_id, lead_id, name, email, phone)
        select l.brand_id, l.id,
               btrim(regexp_replace(lower(regexp_replace(normalize(l.name, NFKD),
                     '[\u0300-\u036f]', '', 'g')), '\s+', ' ', 'g')),
               lower(l.email), ltrim(l.phone, '+')
        from lead l where l.brand_id = v_brand
        on conflict do nothing"""


def upgrade() -> None:
    _search_leads()
    with op.get_context().autocommit_block():
        op.execute(in_each_brand(FOLD))
        op.create_index(
            "ix_lead_search_parts",
            "lead_search",
            ["brand_id", "name", "email", "phone"],
            unique=False,
            postgresql_using="gin",
            postgresql_ops=dict.fromkeys(("name", "email", "phone"), "gin_trgm_ops"),
            postgresql_with={"gin_pending_list_limit": "256"},
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        _build(_ADDED)
        _drop(_REPLACED)


def downgrade() -> None:
    op.execute("drop function search_leads(uuid, text, text[])")
    op.drop_table("lead_search")
    with op.get_context().autocommit_block():
        _build(_REPLACED)
        _drop(_ADDED)


def _search_leads() -> None:
    """Commands of the new program fill the table as soon as it is there."""
    for extension in ("pg_trgm", "btree_gin"):
        op.execute(f"create extension if not exists {extension}")
    op.create_table(
        "lead_search",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "lead_id"],
            ["lead.brand_id", "lead.id"],
            name=op.f("fk_lead_search_brand_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("brand_id", "lead_id", name=op.f("pk_lead_search")),
    )
    isolate("lead_search", visible_to="staff")
    open_to_definers("lead_search")
    op.execute(SEARCH.replace("ANOTHER_BRAND", of_another_brand("p_brand")))
    op.execute("revoke all on function search_leads from public")
    for kind in ("app", "worker"):
        op.execute(f"grant execute on function search_leads to {role(kind)}")


def _build(wanted: dict[str, list[tuple[str, ...]]]) -> None:
    _drop(wanted)
    for table, indexes in wanted.items():
        for columns in indexes:
            op.create_index(
                _name(table, columns),
                table,
                ["brand_id", *columns],
                unique=False,
                postgresql_concurrently=True,
            )


def _drop(known: dict[str, list[tuple[str, ...]]]) -> None:
    for table, indexes in known.items():
        for columns in indexes:
            op.drop_index(
                _name(table, columns), table, if_exists=True, postgresql_concurrently=True
            )


def _name(table: str, columns: tuple[str, ...]) -> str:
    return op.f(f"ix_{table}_brand_id_{'_'.join(columns)}")
