"""What alone writes the ledger: functions of the schema `ledger`, and the triggers that guard it.

Each function is a definer owned by the migration's role, which is no superuser, so that forced
row-level security still holds it to the brand of the transaction. The errors they raise have
SQLSTATEs of class LG, which `domain.payments.ledger.post` turns into codes.
"""

from alembic import op
from tenants.isolation import role

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# What is in the ledger stays as it is; corrections are new transfers.
REFUSE = """
create function ledger.refuse() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    raise exception 'the ledger is only added to' using errcode = 'LG001';
end $$
"""

# The second lock on Σ = 0, at commit, whoever inserted. It runs as the definer, because a client's
# session may not see the house's postings. A work that commits later than a minute after it posted
# is refused, so that a snapshot two minutes old misses nothing.
JUDGE = """
create function ledger.judge() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    v_transfer uuid;
begin
    if new.brand_id::text is distinct from current_setting('app.brand_id', true) then
        raise exception 'a transfer of another brand' using errcode = 'LG013';
    end if;
    if tg_table_name = 'ledger_posting' then
        v_transfer := new.transfer_id;
    else
        v_transfer := new.id;
    end if;
    if exists (
        select 1 from ledger_posting p
        where p.brand_id = new.brand_id and p.transfer_id = v_transfer
        group by p.asset having sum(p.amount) <> 0
    ) then
        raise exception 'a transfer does not sum to zero' using errcode = 'LG002';
    end if;
    if new.recorded_at < clock_timestamp() - interval '1 minute' then
        raise exception 'posted too long before its commit' using errcode = 'LG012';
    end if;
    return null;
end $$
"""

OPEN = """
create function ledger.open(
    p_brand uuid, p_now timestamptz, a_id uuid[], a_kind text[], a_reference text[],
    a_asset text[], a_client uuid[], a_floor numeric[]
) returns table (ord bigint, id uuid)
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into ledger_account (brand_id, id, kind, reference, asset, client_id, min_balance,
                                created_at)
    select p_brand, a.id, a.kind, a.reference, a.asset, a.client, a.floor, p_now
    from unnest(a_id, a_kind, a_reference, a_asset, a_client, a_floor)
         as a(id, kind, reference, asset, client, floor)
    where not exists (
        select 1 from ledger_account x
        where x.brand_id = p_brand and x.kind = a.kind and x.reference = a.reference
          and x.asset = a.asset
    )
    order by a.kind, a.reference, a.asset
    on conflict (brand_id, kind, reference, asset) do nothing;
    return query
        select a.ord, x.id
        from unnest(a_kind, a_reference, a_asset) with ordinality as a(kind, reference, asset, ord)
        join ledger_account x
          on x.brand_id = p_brand and x.kind = a.kind and x.reference = a.reference
         and x.asset = a.asset;
end $$
"""

POST = """
create function ledger.post(
    p_brand uuid, p_now timestamptz, p_actor_kind text, p_actor_id uuid,
    t_id uuid[], t_key text[], t_kind text[], t_state text[], t_resolves uuid[],
    t_expires timestamptz[], t_source text[], t_external text[], t_client uuid[],
    t_reason text[], t_meta text[], t_hash bytea[],
    l_transfer int[], l_account uuid[], l_asset text[], l_amount numeric[]
) returns table (ord bigint, id uuid, replayed boolean)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    v_new uuid[];
    v_resolved uuid[];
    v_code text;
    v_at timestamptz;
    v_legs bigint;
    v_written bigint;
    v_more bigint;
begin
    -- 1. The transfers. A racing twin waits on the unique key and then finds what is there.
    with made as (
        insert into ledger_transfer (
            brand_id, id, key, kind, state, resolves_id, expires_at, source, external_id,
            client_id, actor_kind, actor_id, reason, meta, hash, effective_at, recorded_at)
        select p_brand, t.id, t.key, t.kind, t.state, t.resolves, t.expires, t.source, t.external,
               t.client, p_actor_kind, p_actor_id, t.reason, t.meta::jsonb, t.hash, p_now,
               clock_timestamp()
        from unnest(t_id, t_key, t_kind, t_state, t_resolves, t_expires, t_source, t_external,
                    t_client, t_reason, t_meta, t_hash)
             as t(id, key, kind, state, resolves, expires, source, external, client, reason, meta,
                  hash)
        order by t.key
        on conflict do nothing
        returning ledger_transfer.id, ledger_transfer.resolves_id
    )
    select coalesce(array_agg(made.id), '{}'),
           coalesce(array_agg(made.resolves_id) filter (where made.resolves_id is not null), '{}')
    into v_new, v_resolved from made;

    if cardinality(v_new) < cardinality(t_id) then
        select case
                   when x.id is not null and x.hash = t.hash then null
                   when x.id is not null then 'LG003'
                   when exists (select 1 from ledger_transfer r where r.brand_id = p_brand
                                and r.resolves_id = t.resolves) then 'LG006'
                   else 'LG007'
               end
        into v_code
        from unnest(t_id, t_key, t_hash, t_resolves) as t(id, key, hash, resolves)
        left join ledger_transfer x on x.brand_id = p_brand and x.key = t.key
        where not t.id = any(v_new) and (x.id is null or x.hash <> t.hash)
        limit 1;
        if v_code is not null then
            raise exception 'a transfer is refused' using errcode = v_code;
        end if;
    end if;

    -- 2. Legs of the new ones: complete, and zero in each currency.
    if exists (
        select 1
        from unnest(t_id, t_state) with ordinality as t(id, state, ord)
        left join unnest(l_transfer, l_asset, l_amount) as l(transfer, asset, amount)
               on l.transfer = t.ord
        where t.id = any(v_new)
        group by t.id, t.state
        having count(l.transfer) < 2 and t.state in ('POSTED', 'PENDING')
            or count(l.transfer) > 0 and t.state in ('VOID', 'EXPIRED')
    ) or exists (
        select 1
        from unnest(l_transfer, l_asset, l_amount) as l(transfer, asset, amount)
        group by l.transfer, l.asset having sum(l.amount) <> 0
    ) then
        raise exception 'a transfer does not sum to zero' using errcode = 'LG002';
    end if;

    -- 3. The holds they resolve: there, pending, and of the right age.
    if cardinality(v_resolved) > 0 then
        select case
                   when h.id is null or h.state <> 'PENDING' then 'LG008'
                   when t.state = 'POSTED' and h.expires_at <= p_now then 'LG009'
                   when t.state = 'EXPIRED' and coalesce(h.expires_at > p_now, true) then 'LG010'
               end
        into v_code
        from unnest(t_id, t_state, t_resolves) as t(id, state, resolves)
        left join ledger_transfer h on h.brand_id = p_brand and h.id = t.resolves
        where t.resolves is not null and t.id = any(v_new)
        order by 1 nulls last
        limit 1;
        if v_code is not null then
            raise exception 'a hold is not resolved' using errcode = v_code;
        end if;
    end if;

    -- 4. Balances with a floor are locked in the order of their ids; the house's are not touched.
    perform 1 from ledger_account a
    where a.brand_id = p_brand and a.min_balance is not null
      and a.id = any(l_account || coalesce((
          select array_agg(h.account_id) from ledger_hold_leg h
          where h.brand_id = p_brand and h.transfer_id = any(v_resolved)), '{}'))
    order by a.id for no key update;
    v_at := clock_timestamp();

    -- 5. Postings with the balance behind each, and the legs of holds.
    select count(*) into v_legs
    from unnest(l_transfer) as l(transfer) where t_id[l.transfer] = any(v_new);
    insert into ledger_posting (brand_id, transfer_id, n, account_id, asset, amount, balance_after,
                                client_id, recorded_at)
    select p_brand, t_id[l.transfer],
           row_number() over (partition by l.transfer order by l.ord) - 1,
           l.account, l.asset, l.amount,
           case when a.min_balance is not null
                then a.posted + sum(l.amount) over (partition by l.account order by l.ord) end,
           a.client_id, v_at
    from unnest(l_transfer, l_account, l_asset, l_amount) with ordinality
         as l(transfer, account, asset, amount, ord)
    join ledger_account a on a.brand_id = p_brand and a.id = l.account and a.closed_at is null
    where t_id[l.transfer] = any(v_new) and t_state[l.transfer] = 'POSTED';
    get diagnostics v_written = row_count;
    if 'PENDING' = any(t_state) then
        insert into ledger_hold_leg (brand_id, transfer_id, n, account_id, asset, amount, client_id)
        select p_brand, t_id[l.transfer],
               row_number() over (partition by l.transfer order by l.ord) - 1,
               l.account, l.asset, l.amount, a.client_id
        from unnest(l_transfer, l_account, l_asset, l_amount) with ordinality
             as l(transfer, account, asset, amount, ord)
        join ledger_account a on a.brand_id = p_brand and a.id = l.account and a.closed_at is null
        where t_id[l.transfer] = any(v_new) and t_state[l.transfer] = 'PENDING';
        get diagnostics v_more = row_count;
        v_written := v_written + v_more;
    end if;
    if v_written <> v_legs then
        raise exception 'an account is unknown or closed' using errcode = 'LG004';
    end if;

    -- 6. What resolves a hold takes no more than was held.
    if cardinality(v_resolved) > 0 and exists (
        select 1
        from (select t_resolves[l.transfer] as hold, l.account, -sum(l.amount) as taken
              from unnest(l_transfer, l_account, l_amount) as l(transfer, account, amount)
              where t_id[l.transfer] = any(v_new) and t_resolves[l.transfer] is not null
              group by 1, 2 having sum(l.amount) < 0) d
        join ledger_account a
          on a.brand_id = p_brand and a.id = d.account and a.min_balance is not null
        where d.taken > coalesce((
            select -sum(h.amount) from ledger_hold_leg h
            where h.brand_id = p_brand and h.transfer_id = d.hold and h.account_id = d.account), 0)
    ) then
        raise exception 'more than was held' using errcode = 'LG005';
    end if;

    -- 7. Balances; the table's check refuses one below its floor.
    update ledger_account a
    set posted = a.posted + d.posted,
        pending_in = a.pending_in + d.pending_in,
        pending_out = a.pending_out + d.pending_out,
        version = a.version + 1
    from (
        select x.account, sum(x.posted) as posted, sum(x.pending_in) as pending_in,
               sum(x.pending_out) as pending_out
        from (
            select l.account,
                   case when t_state[l.transfer] = 'POSTED' then l.amount else 0 end as posted,
                   case when t_state[l.transfer] = 'PENDING' and l.amount > 0
                        then l.amount else 0 end as pending_in,
                   case when t_state[l.transfer] = 'PENDING' and l.amount < 0
                        then -l.amount else 0 end as pending_out
            from unnest(l_transfer, l_account, l_amount) as l(transfer, account, amount)
            where t_id[l.transfer] = any(v_new)
            union all
            select h.account_id, 0, -greatest(h.amount, 0), -greatest(-h.amount, 0)
            from ledger_hold_leg h
            where h.brand_id = p_brand and h.transfer_id = any(v_resolved)
        ) x
        group by x.account
    ) d
    where a.brand_id = p_brand and a.id = d.account and a.min_balance is not null;

    return query
        select t.ord, x.id, x.id <> t.id
        from unnest(t_id, t_key) with ordinality as t(id, key, ord)
        join ledger_transfer x on x.brand_id = p_brand and x.key = t.key
        order by t.ord;
end $$
"""

# Accounts without a floor are summed from their last snapshot. `p_upto` lies two minutes back, when
# nothing that was posted before it can still be uncommitted (see `ledger.judge`).
SNAPSHOT = """
create function ledger.snapshot(p_brand uuid, p_upto timestamptz) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    v_made bigint;
begin
    if p_upto > clock_timestamp() - interval '2 minutes' then
        raise exception 'a snapshot must lie two minutes back' using errcode = 'LG014';
    end if;
    insert into ledger_snapshot (brand_id, account_id, at, posted)
    select p_brand, a.id, p_upto, coalesce(s.posted, 0) + p.amount
    from ledger_account a
    left join lateral (
        select x.at, x.posted from ledger_snapshot x
        where x.brand_id = p_brand and x.account_id = a.id order by x.at desc limit 1
    ) s on true
    cross join lateral (
        select sum(x.amount) as amount from ledger_posting x
        where x.brand_id = p_brand and x.account_id = a.id
          and x.recorded_at >= coalesce(s.at, '-infinity') and x.recorded_at < p_upto
    ) p
    where a.brand_id = p_brand and a.min_balance is null and p.amount is not null
      and coalesce(s.at < p_upto, true)
    on conflict do nothing;
    get diagnostics v_made = row_count;
    return v_made;
end $$
"""

FUNCTIONS = (REFUSE, JUDGE, OPEN, POST, SNAPSHOT)
ADDED_ONLY = ("ledger_transfer", "ledger_posting", "ledger_hold_leg", "ledger_snapshot")


def upgrade() -> None:
    op.execute("create schema ledger")
    for function in FUNCTIONS:
        op.execute(function)
    for table in ADDED_ONLY:
        op.execute(
            f"create trigger only_added before update or delete on {table} "
            "for each row execute function ledger.refuse()"
        )
        op.execute(
            f"create trigger never_truncated before truncate on {table} "
            "for each statement execute function ledger.refuse()"
        )
    for table in ("ledger_transfer", "ledger_posting"):
        op.execute(
            f"create constraint trigger judged after insert on {table} "
            "deferrable initially deferred for each row execute function ledger.judge()"
        )
    op.execute("revoke all on all functions in schema ledger from public")
    for kind in ("app", "worker"):
        op.execute(f"grant usage on schema ledger to {role(kind)}")
        op.execute(f"grant execute on function ledger.open to {role(kind)}")
        op.execute(f"grant execute on function ledger.post to {role(kind)}")
    op.execute(f"grant execute on function ledger.snapshot to {role('worker')}")


def downgrade() -> None:
    op.execute("drop schema ledger cascade")
