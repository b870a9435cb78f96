"""One transfer between two accounts, which is most of them, by three statements.

What starts a plan costs more than what a leg does, and the posting of many at once has eight. Both
ways write the same rows and refuse the same; the race, the model and the bench run both.

Both also date what they post behind the last snapshot of each account: a posting of the house that
is dated before it, as one is when the clock was ahead and is set back, would be in no balance ever.
"""

from alembic import op
from tenants.isolation import of_another_brand, role

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# Called where a leg's account is not there.
NO_ACCOUNT = """
create function ledger.no_account() returns numeric
language plpgsql set search_path = public, pg_temp as $$
begin
    raise exception 'an account is unknown or closed' using errcode = 'LG004';
end $$
"""

# What is asked first. Row security says the same, unless the owner is above it.
GUARD = f"""if {of_another_brand("p_brand")} then
        raise exception 'a transfer of another brand' using errcode = 'LG013';
    end if;"""

_LAST = "select max(a.posted_at) into v_last from ("


def _behind(accounts: str) -> str:
    """When the last of these accounts was posted or summed."""
    return f"""select greatest(max(a.posted_at), (
            select max(s.at) from unnest({accounts}) as u(id)
            cross join lateral (
                select x.at from ledger_snapshot x
                where x.brand_id = p_brand and x.account_id = u.id order by x.at desc limit 1
            ) s)) into v_last from ("""  # noqa: S608 - ours


POST = """
create function ledger.post(
    p_brand uuid, p_now timestamptz, p_actor_kind text, p_actor_id uuid,
    t_id uuid[], t_key text[], t_kind text[], t_state text[], t_resolves uuid[],
    t_expires timestamptz[], t_source text[], t_external text[], t_client uuid[],
    t_reason text[], t_meta text[], t_hash bytea[],
    l_transfer int[], l_account uuid[], l_asset text[], l_amount numeric[]
) returns table (ord bigint, id uuid, replayed boolean)
language plpgsql
security definer
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_last timestamptz;
    v_at timestamptz;
begin
    GUARDED;
    if cardinality(t_id) = 1 and t_state[1] = 'POSTED' and t_resolves[1] is null
       and l_transfer = array[1, 1] and cardinality(l_account) = 2 and cardinality(l_asset) = 2
       and cardinality(l_amount) = 2 and l_account[1] <> l_account[2] then
        insert into ledger_transfer (
            brand_id, id, key, kind, state, expires_at, source, external_id, client_id,
            actor_kind, actor_id, reason, meta, hash, effective_at, recorded_at)
        values (p_brand, t_id[1], t_key[1], t_kind[1], 'POSTED', t_expires[1], t_source[1],
                t_external[1], t_client[1], p_actor_kind, p_actor_id, t_reason[1],
                t_meta[1]::jsonb, t_hash[1], p_now, clock_timestamp())
        on conflict do nothing;
        if found then
            -- Locked in the order of their ids, as everywhere; the house's are not touched. An
            -- account's postings follow each other in time, even when the clock is set back.
            BEHIND
                select x.posted_at from ledger_account x
                where x.brand_id = p_brand and x.min_balance is not null and x.id = any(l_account)
                order by x.id for no key update) a;
            v_at := greatest(clock_timestamp(), v_last + interval '1 microsecond');

            insert into ledger_posting (brand_id, transfer_id, n, account_id, asset, amount,
                                        balance_after, client_id, recorded_at)
            select p_brand, t_id[1], l.ord - 1, l.account, l.asset,
                   case when a.id is null then ledger.no_account() else l.amount end,
                   case when a.min_balance is not null then a.posted + l.amount end,
                   a.client_id, v_at
            from unnest(l_account, l_asset, l_amount) with ordinality
                 as l(account, asset, amount, ord)
            left join ledger_account a on a.brand_id = p_brand and a.id = l.account
                 and a.asset = l.asset and a.closed_at is null;

            -- The table's check refuses a balance below its floor.
            update ledger_account a
            set posted = a.posted + l.amount, posted_at = v_at + interval '1 microsecond',
                version = a.version + 1
            from unnest(l_account, l_amount) as l(account, amount)
            where a.brand_id = p_brand and a.id = l.account and a.min_balance is not null;

            ord := 1;
            id := t_id[1];
            replayed := false;
            return next;
            return;
        end if;
    end if;
    -- Many, holds and what resolves them, and what was there before.
    return query select m.ord, m.id, m.replayed from ledger.post_many(
        p_brand, p_now, p_actor_kind, p_actor_id, t_id, t_key, t_kind, t_state, t_resolves,
        t_expires, t_source, t_external, t_client, t_reason, t_meta, t_hash,
        l_transfer, l_account, l_asset, l_amount) as m;
end $$
"""

CALLERS = ("app", "worker")
# Replaces a part of a function that is there once, and leaves the rest as it is.
_REWRITE = """
do $rewrite$
declare
    v_whole text := pg_get_functiondef('ledger.post_many'::regproc);
    v_before text := $part$<before>$part$;
begin
    if (length(v_whole) - length(replace(v_whole, v_before, ''))) <> length(v_before) then
        raise exception 'ledger.post_many is not what it was';
    end if;
    execute replace(v_whole, v_before, $part$<after>$part$);
end $rewrite$
"""


def _rewrite_many(before: str, after: str) -> None:
    op.execute(_REWRITE.replace("<before>", before).replace("<after>", after))


def upgrade() -> None:
    op.execute("alter function ledger.post rename to post_many")
    for kind in CALLERS:
        op.execute(f"revoke execute on function ledger.post_many from {role(kind)}")
    _rewrite_many(_LAST, _behind("v_touched"))
    op.execute(NO_ACCOUNT)
    op.execute(POST.replace("GUARDED;", GUARD).replace("BEHIND", _behind("l_account")))
    op.execute("revoke all on function ledger.no_account, ledger.post from public")
    for kind in CALLERS:
        op.execute(f"grant execute on function ledger.post to {role(kind)}")


def downgrade() -> None:
    op.execute("drop function ledger.post")
    op.execute("drop function ledger.no_account")
    _rewrite_many(_behind("v_touched"), _LAST)
    op.execute("alter function ledger.post_many rename to post")
    for kind in CALLERS:
        op.execute(f"grant execute on function ledger.post to {role(kind)}")
