"""An ib's row says how many clients it introduced, so that a tree of them is read without counting.

The database keeps the number: by what was inserted at once, since clients come in batches, too; row
by row where one changes its ib or goes, which nothing does today. Numbers are filled in brand by
brand, while clients come: whoever adds one waits for its ib's row, and adds to what was counted.
The migration may run again after it was stopped.
"""

from alembic import op
from tenants.isolation import in_each_brand

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# Rows are locked in order, so that two batches never wait for each other. They run with the rights
# of whoever adds: an ib that is out of its sight refuses the clients.
_ADD = """
create or replace function add_to_clients() returns trigger
language plpgsql set search_path = public, pg_temp as $$
declare
    v_brand uuid;
    v_ids uuid[];
    v_more integer[];
    v_kept integer;
begin
    for v_brand in select distinct brand_id from added where ib_id is not null order by 1 loop
        select array_agg(c.ib_id), array_agg(c.n) into v_ids, v_more from (
            select ib_id, count(*)::integer as n from added
            where brand_id = v_brand and ib_id is not null group by ib_id
        ) c;
        perform from ib where brand_id = v_brand and id = any(v_ids)
            order by id for no key update;
        update ib set client_count = client_count + u.n from unnest(v_ids, v_more) u (id, n)
        where ib.brand_id = v_brand and ib.id = u.id;
        get diagnostics v_kept = row_count;
        if v_kept <> cardinality(v_ids) then
            raise exception 'clients of an ib out of sight' using errcode = 'IB001';
        end if;
    end loop;
    return null;
end $$
"""
_MOVE = """
create or replace function move_in_clients() returns trigger
language plpgsql set search_path = public, pg_temp as $$
declare
    v_ids uuid[] := array_remove(array[old.ib_id, new.ib_id], null);
    v_kept integer;
begin
    perform from ib where brand_id = old.brand_id and id = any(v_ids)
        order by id for no key update;
    update ib set client_count = client_count + case when id = new.ib_id then 1 else -1 end
    where brand_id = old.brand_id and id = any(v_ids);
    get diagnostics v_kept = row_count;
    if v_kept <> cardinality(v_ids) then
        raise exception 'clients of an ib out of sight' using errcode = 'IB001';
    end if;
    return null;
end $$
"""
# Two statements: the second sees what was committed while the first waited.
_FILL = """perform from ib where brand_id = v_brand order by id for no key update;
        update ib set client_count = c.n from (
            select i.id, count(c.id) as n from ib i
            left join client c on c.brand_id = i.brand_id and c.ib_id = i.id
            where i.brand_id = v_brand group by i.id
        ) c
        where ib.brand_id = v_brand and ib.id = c.id and ib.client_count <> c.n"""


def upgrade() -> None:
    op.execute(
        "alter table ib add column if not exists client_count integer not null default 0"
        " constraint ck_ib_client_count check (client_count >= 0)"
    )
    # Room in each page: a new number lies beside the old one and touches no index.
    op.execute("alter table ib set (fillfactor = 80)")
    op.execute(_ADD)
    op.execute(_MOVE)
    op.execute(
        "create or replace trigger clients_added after insert on client"
        " referencing new table as added for each statement execute function add_to_clients()"
    )
    op.execute(
        "create or replace trigger clients_moved after update of ib_id on client for each row"
        " when (old.ib_id is distinct from new.ib_id) execute function move_in_clients()"
    )
    op.execute(
        "create or replace trigger clients_removed after delete on client for each row"
        " when (old.ib_id is not null) execute function move_in_clients()"
    )
    with op.get_context().autocommit_block():
        op.execute(in_each_brand(_FILL))


def downgrade() -> None:
    for name in ("added", "moved", "removed"):
        op.execute(f"drop trigger clients_{name} on client")
    op.execute("drop function add_to_clients()")
    op.execute("drop function move_in_clients()")
    op.execute("alter table ib reset (fillfactor)")
    op.drop_column("ib", "client_count")
