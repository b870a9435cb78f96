"""What alone writes the ledger: functions of the schema `ledger`, and the triggers that guard it.

Each function is a definer owned by the migration's role, which is no superuser, so that forced
row-level security still holds it to the brand of the transaction. The errors they raise have
SQLSTATEs of class LG, which `domain.payments.ledger.post` turns into codes.
"""

from alembic import op
from tenants.isolation import of_another_brand, role

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

# The second lock on Σ = 0, whoever inserts: each statement adds whole transfers, or nothing.
BALANCE = """
create function ledger.balance() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if exists (
        select 1 from added a group by a.brand_id, a.transfer_id, a.asset having sum(a.amount) <> 0
    ) then
        raise exception 'a transfer does not sum to zero' using errcode = 'LG002';
    end if;
    return null;
end $$
"""

# At the commit: a transfer is of the transaction's brand, and not older than a minute, so that a
# snapshot two minutes old misses nothing. It reads no table, whoever's session this is.
JUDGE = f"""
create function ledger.judge() returns trigger language plpgsql as $$
begin
    if {of_another_brand("new.brand_id")} then
        raise exception 'a transfer of another brand' using errcode = 'LG013';
    end if;
    if new.recorded_at < clock_timestamp() - interval '1 minute' then
        raise exception 'posted too long before its commit' using errcode = 'LG012';
    end if;
    return null;
end $$
"""

# What every entry asks first. Row security says the same, unless the owner is above it.
GUARD = f"""if {of_another_brand("p_brand")} then
        raise exception 'a transfer of another brand' using errcode = 'LG013';
    end if;"""

# Plans that stay right while tables grow from nothing: by index, made once in a session.
PLANNED = """
security definer
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
"""

OPEN = """
create function ledger.open(
    p_brand uuid, p_now timestamptz, a_id uuid[], a_kind text[], a_reference text[],
    a_asset text[], a_client uuid[], a_floor numeric[]
) returns table (ord bigint, id uuid)
language plpgsql PLANNED as $$
begin
    GUARDED;
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
language plpgsql PLANNED as $$
declare
    v_made uuid[];
    v_fresh bigint[]; -- places of the new ones, when some were there before; else null
    v_resolved uuid[];
    v_touched uuid[] := l_account;
    v_code text;
    v_at timestamptz;
    v_last timestamptz;
    v_legs bigint;
    v_moving bigint;
    v_loose bigint;
    v_known bigint;
begin
    GUARDED;
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
    select array_agg(made.id),
           array_agg(made.resolves_id) filter (where made.resolves_id is not null)
    into v_made, v_resolved from made;

    if coalesce(cardinality(v_made), 0) < cardinality(t_id) then
        select coalesce(array_agg(f.ord), array[]::bigint[]) into v_fresh from (
            select min(t.ord) as ord from unnest(t_id) with ordinality as t(id, ord)
            where t.id = any(v_made) group by t.id) f;
        select case
                   when x.id is not null then 'LG003'
                   when exists (select 1 from ledger_transfer r where r.brand_id = p_brand
                                and r.resolves_id = t.resolves) then 'LG006'
                   when exists (select 1 from ledger_transfer r where r.brand_id = p_brand
                                and r.id = t.id) then 'LG011'
                   else 'LG007'
               end
        into v_code
        from unnest(t_id, t_key, t_hash, t_resolves) with ordinality
             as t(id, key, hash, resolves, ord)
        left join ledger_transfer x on x.brand_id = p_brand and x.key = t.key
        where t.ord <> all(v_fresh) and (x.id is null or x.hash <> t.hash)
        order by t.ord limit 1;
        if v_code is not null then
            raise exception 'a transfer is refused' using errcode = v_code;
        end if;
        -- What was there before moves nothing again.
        select array_agg(l.transfer order by l.ord), array_agg(l.account order by l.ord),
               array_agg(l.asset order by l.ord), array_agg(l.amount order by l.ord)
        into l_transfer, l_account, l_asset, l_amount
        from unnest(l_transfer, l_account, l_asset, l_amount) with ordinality
             as l(transfer, account, asset, amount, ord)
        where l.transfer = any(v_fresh);
        v_touched := l_account;
    end if;

    -- 2. What moves or holds has legs, what releases has none; zero is judged where they are added.
    select count(*), count(distinct l.transfer), count(*) filter (where t_state[l.transfer]
                                                       in ('VOID', 'EXPIRED'))
    into v_legs, v_moving, v_loose from unnest(l_transfer) as l(transfer);
    if v_loose > 0 or v_moving <> (
        select count(*) from unnest(t_state) with ordinality as t(state, ord)
        where t.state in ('POSTED', 'PENDING') and (v_fresh is null or t.ord = any(v_fresh))
    ) then
        raise exception 'a transfer does not sum to zero' using errcode = 'LG002';
    end if;

    -- 3. The holds they resolve: there, pending, and of the right age.
    if v_resolved is not null then
        select case
                   when h.id is null or h.state <> 'PENDING' then 'LG008'
                   when t.state = 'POSTED' and h.expires_at <= p_now then 'LG009'
                   when t.state = 'EXPIRED' and coalesce(h.expires_at > p_now, true) then 'LG010'
               end
        into v_code
        from unnest(t_state, t_resolves) with ordinality as t(state, resolves, ord)
        left join ledger_transfer h on h.brand_id = p_brand and h.id = t.resolves
        where t.resolves is not null and (v_fresh is null or t.ord = any(v_fresh))
        order by 1 nulls last
        limit 1;
        if v_code is not null then
            raise exception 'a hold is not resolved' using errcode = v_code;
        end if;
        select v_touched || array_agg(h.account_id) into v_touched
        from unnest(v_resolved) as r(id)
        join ledger_hold_leg h on h.brand_id = p_brand and h.transfer_id = r.id;
    end if;

    -- 4. Balances with a floor are locked in the order of their ids; the house's are not touched.
    -- An account's postings follow each other in time, even when the clock is set back.
    select max(a.posted_at) into v_last from (
        select x.posted_at from ledger_account x
        where x.brand_id = p_brand and x.min_balance is not null and x.id = any(v_touched)
        order by x.id for no key update) a;
    v_at := greatest(clock_timestamp(), v_last + interval '1 microsecond');

    select count(*) into v_known
    from unnest(l_account, l_asset) as l(account, asset)
    join ledger_account a on a.brand_id = p_brand and a.id = l.account
    where a.closed_at is null and a.asset = l.asset;
    if v_known <> v_legs then
        raise exception 'an account is unknown or closed' using errcode = 'LG004';
    end if;

    -- 5. Postings with the balance behind each, a microsecond between transfers; legs of holds.
    insert into ledger_posting (brand_id, transfer_id, n, account_id, asset, amount, balance_after,
                                client_id, recorded_at)
    select p_brand, t_id[l.transfer],
           row_number() over (partition by l.transfer order by l.ord) - 1,
           l.account, l.asset, l.amount,
           case when a.min_balance is not null
                then a.posted + sum(l.amount) over (partition by l.account order by l.ord) end,
           a.client_id, v_at + (l.transfer - 1) * interval '1 microsecond'
    from unnest(l_transfer, l_account, l_asset, l_amount) with ordinality
         as l(transfer, account, asset, amount, ord)
    join ledger_account a on a.brand_id = p_brand and a.id = l.account
    where t_state[l.transfer] = 'POSTED';
    if 'PENDING' = any(t_state) then
        insert into ledger_hold_leg (brand_id, transfer_id, n, account_id, asset, amount, client_id)
        select p_brand, t_id[l.transfer],
               row_number() over (partition by l.transfer order by l.ord) - 1,
               l.account, l.asset, l.amount, a.client_id
        from unnest(l_transfer, l_account, l_asset, l_amount) with ordinality
             as l(transfer, account, asset, amount, ord)
        join ledger_account a on a.brand_id = p_brand and a.id = l.account
        where t_state[l.transfer] = 'PENDING';
    end if;

    -- 6. What resolves a hold takes no more than was held.
    if v_resolved is not null and exists (
        select 1
        from (select t_resolves[l.transfer] as hold, l.account, -sum(l.amount) as taken
              from unnest(l_transfer, l_account, l_amount) as l(transfer, account, amount)
              where t_resolves[l.transfer] is not null
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
        posted_at = v_at + cardinality(t_id) * interval '1 microsecond',
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
            union all
            select h.account_id, 0, -greatest(h.amount, 0), -greatest(-h.amount, 0)
            from unnest(v_resolved) as r(id)
            join ledger_hold_leg h on h.brand_id = p_brand and h.transfer_id = r.id
        ) x
        group by x.account
    ) d
    where a.brand_id = p_brand and a.id = d.account and a.min_balance is not null;

    if v_fresh is null then
        return query select t.ord, t.id, false from unnest(t_id) with ordinality as t(id, ord);
    else
        return query
            select t.ord, x.id, t.ord <> all(v_fresh)
            from unnest(t_key) with ordinality as t(key, ord)
            join ledger_transfer x on x.brand_id = p_brand and x.key = t.key
            order by t.ord;
    end if;
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
    GUARDED;
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

FUNCTIONS = (REFUSE, BALANCE, JUDGE, OPEN, POST, SNAPSHOT)
ADDED_ONLY = ("ledger_transfer", "ledger_posting", "ledger_hold_leg", "ledger_snapshot")
# What an account is never changes; what is in it does.
FIXED = "brand_id, id, kind, reference, asset, client_id, min_balance, created_at"


def upgrade() -> None:
    op.execute("create schema ledger")
    for function in FUNCTIONS:
        op.execute(function.replace("GUARDED;", GUARD).replace("PLANNED", PLANNED))
    for table in ADDED_ONLY:
        op.execute(
            f"create trigger only_added before update or delete on {table} "
            "for each row execute function ledger.refuse()"
        )
    op.execute(
        f"create trigger only_added before delete or update of {FIXED} on ledger_account "
        "for each row execute function ledger.refuse()"
    )
    for table in (*ADDED_ONLY, "ledger_account"):
        op.execute(
            f"create trigger never_truncated before truncate on {table} "
            "for each statement execute function ledger.refuse()"
        )
    for table in ("ledger_posting", "ledger_hold_leg"):
        op.execute(
            f"create trigger balanced after insert on {table} referencing new table as added "
            "for each statement execute function ledger.balance()"
        )
    op.execute(
        "create constraint trigger judged after insert on ledger_transfer "
        "deferrable initially deferred for each row execute function ledger.judge()"
    )
    # Room in each page, so that a new balance lies beside the old one and touches no index.
    op.execute("alter table ledger_account set (fillfactor = 70)")
    op.execute("revoke all on all functions in schema ledger from public")
    for kind in ("app", "worker"):
        op.execute(f"grant usage on schema ledger to {role(kind)}")
        op.execute(f"grant execute on function ledger.open to {role(kind)}")
        op.execute(f"grant execute on function ledger.post to {role(kind)}")
    op.execute(f"grant execute on function ledger.snapshot to {role('worker')}")


def downgrade() -> None:
    op.execute("drop schema ledger cascade")
