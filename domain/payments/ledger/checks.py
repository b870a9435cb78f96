"""The invariants of the ledger as statements: what each finds is named by its ids.

Statements of TRANSFERS look at the transfers of one stretch of time, those of ACCOUNTS at some
accounts with all that was ever posted on them. I7, I9 and I10 are in `verify`, and what must stand
in the way of whoever would break them in `guards`.

A brand's first day is verified before the database has statistics of it, and a planner without them
takes any number of rows for one: it would join each transfer with every posting. `offset 0` keeps
each look at another table a look-up by key, whatever the planner believes.
"""

from enum import StrEnum


class Invariant(StrEnum):
    """What always holds."""

    I1 = "I1"
    """A transfer sums to zero in each currency, and has what its state wants."""
    I2 = "I2"
    """Balances are the sum of postings, held money is the sum of open holds."""
    I3 = "I3"
    """No balance is under its floor."""
    I4 = "I4"
    """What was added stays as it was, and what guards it is there."""
    I5 = "I5"
    """A hold is resolved at most once, in time, by no more than it held; and only holds are."""
    I6 = "I6"
    """A key, and the outside world's name of a cause, belongs to one transfer."""
    I7 = "I7"
    """Each transfer has exactly one event, and none is missing from the brand's log."""
    I8 = "I8"
    """A posting is of its account's brand, currency and client."""
    I9 = "I9"
    """Clearing accounts are zero, or younger than the brand's policy allows."""
    I10 = "I10"
    """Each stored answer can be given again."""


_HASH = """
    select t.id from ledger_transfer t
    cross join lateral (
        select coalesce(string_agg(format('["%s","%s","%s"]', replace(l.account_id::text, '-', ''),
                                          l.asset, l.amount), ',' order by l.n), '') as text
        from (select p.account_id, p.asset, p.amount, p.n from ledger_posting p
              where p.brand_id = :brand_id and p.transfer_id = t.id
              union all
              select h.account_id, h.asset, h.amount, h.n from ledger_hold_leg h
              where h.brand_id = :brand_id and h.transfer_id = t.id) l
    ) legs
    where t.brand_id = :brand_id and t.recorded_at >= :start and t.recorded_at < :until
      and t.hash <> sha256(convert_to('[' || concat_ws(',', to_json(t.kind), to_json(t.state),
          coalesce('"' || replace(t.resolves_id::text, '-', '') || '"', 'null'),
          coalesce(to_json(t.source)::text, 'null'), coalesce(to_json(t.external_id)::text, 'null'),
          '[' || legs.text || ']') || ']', 'UTF8'))
"""

TRANSFERS: tuple[tuple[Invariant, str, str], ...] = (
    (Invariant.I1, "a transfer that does not sum to zero, or has not what its state wants", """
        select t.id from ledger_transfer t
        where t.brand_id = :brand_id and t.recorded_at >= :start and t.recorded_at < :until and (
            exists (select 1 from ledger_posting p
                    where p.brand_id = :brand_id and p.transfer_id = t.id
                    group by p.asset having sum(p.amount) <> 0)
            or exists (select 1 from ledger_hold_leg h
                       where h.brand_id = :brand_id and h.transfer_id = t.id
                       group by h.asset having sum(h.amount) <> 0)
            or (t.state = 'POSTED') <> exists (
                select 1 from ledger_posting p
                where p.brand_id = :brand_id and p.transfer_id = t.id)
            or (t.state = 'PENDING') <> exists (
                select 1 from ledger_hold_leg h
                where h.brand_id = :brand_id and h.transfer_id = t.id))"""),
    (Invariant.I4, "a transfer that is not what was booked", _HASH),
    (Invariant.I5, "a hold resolved twice, or something resolved that is none", """
        select t.resolves_id as id from ledger_transfer t
        where t.brand_id = :brand_id and t.recorded_at >= :start and t.recorded_at < :until
          and t.resolves_id is not null
          and ((select h.state from ledger_transfer h where h.brand_id = :brand_id
                and h.id = t.resolves_id) is distinct from 'PENDING'
            or exists (
              select 1 from ledger_transfer o where o.brand_id = :brand_id
              and o.resolves_id = t.resolves_id and o.id <> t.id offset 0))"""),
    (Invariant.I5, "a hold that was posted after its time, or expired before", """
        select t.resolves_id as id from ledger_transfer t
        join ledger_transfer h on h.brand_id = :brand_id and h.id = t.resolves_id
        where t.brand_id = :brand_id and t.recorded_at >= :start and t.recorded_at < :until
          and (t.state = 'POSTED' and h.expires_at <= t.effective_at
            or t.state = 'EXPIRED' and coalesce(h.expires_at > t.effective_at, true))"""),
    (Invariant.I5, "a hold against which more was posted than it held", """
        select t.resolves_id as id from ledger_transfer t
        cross join lateral (
            select p.account_id, -sum(p.amount) as taken from ledger_posting p
            where p.brand_id = :brand_id and p.transfer_id = t.id
            group by p.account_id having sum(p.amount) < 0 offset 0) d
        where t.brand_id = :brand_id and t.recorded_at >= :start and t.recorded_at < :until
          and t.resolves_id is not null
          and exists (select 1 from ledger_account a where a.brand_id = :brand_id
            and a.id = d.account_id and a.min_balance is not null offset 0)
          and d.taken > coalesce((
            select -sum(h.amount) from ledger_hold_leg h
            where h.brand_id = :brand_id and h.transfer_id = t.resolves_id
              and h.account_id = d.account_id), 0)"""),
    (Invariant.I6, "a key on two transfers", """
        select t.id from ledger_transfer t
        where t.brand_id = :brand_id and t.recorded_at >= :start and t.recorded_at < :until
          and exists (select 1 from ledger_transfer o where o.brand_id = :brand_id
              and o.key = t.key and o.id <> t.id offset 0)"""),
    (Invariant.I6, "an outside name on two transfers", """
        select t.id from ledger_transfer t
        where t.brand_id = :brand_id and t.recorded_at >= :start and t.recorded_at < :until
          and t.external_id is not null and exists (
              select 1 from ledger_transfer o where o.brand_id = :brand_id
              and o.source = t.source and o.external_id = t.external_id and o.id <> t.id
              offset 0)"""),
    (Invariant.I8, "a transfer on an account of another brand, currency or client", """
        select t.id from ledger_transfer t
        cross join lateral (
            select p.account_id, p.asset, p.client_id from ledger_posting p
            where p.brand_id = :brand_id and p.transfer_id = t.id
            union all
            select h.account_id, h.asset, h.client_id from ledger_hold_leg h
            where h.brand_id = :brand_id and h.transfer_id = t.id
            offset 0) l
        where t.brand_id = :brand_id and t.recorded_at >= :start and t.recorded_at < :until
          and not exists (
            select 1 from ledger_account a where a.brand_id = :brand_id
            and a.id = l.account_id and a.asset = l.asset
            and a.client_id is not distinct from l.client_id offset 0)"""),
)  # fmt: skip

_FLOOR = """
        select a.id from ledger_account a
        where a.brand_id = :brand_id and a.id = any(:ids)
          and (a.posted - a.pending_out < a.min_balance
               or a.kind in ('CLIENT_WALLET', 'IB_PAYABLE')
                  and coalesce(a.min_balance < 0, true))"""
_OVERPAID = """
        select a.id from ledger_account a
        cross join lateral (select sum(p.amount) as amount from ledger_posting p
            where p.brand_id = :brand_id and p.account_id = a.id) s
        where a.brand_id = :brand_id and a.id = any(:ids)
          and a.kind = 'CHARGEBACK_RECEIVABLE' and s.amount > 0"""
_HELD = """
        select a.id from ledger_account a
        left join lateral (
            select sum(greatest(h.amount, 0)) as coming, sum(greatest(-h.amount, 0)) as going
            from ledger_hold_leg h
            where h.brand_id = :brand_id and h.account_id = a.id and not exists (
                select 1 from ledger_transfer r
                where r.brand_id = :brand_id and r.resolves_id = h.transfer_id offset 0)
        ) o on a.min_balance is not null
        where a.brand_id = :brand_id and a.id = any(:ids)
          and (a.pending_in <> coalesce(o.coming, 0) or a.pending_out <> coalesce(o.going, 0))"""

ACCOUNTS: tuple[tuple[Invariant, str, str], ...] = (
    (Invariant.I2, "an account whose balance is not the sum of its postings", """
        select a.id from ledger_account a
        left join lateral (select sum(p.amount) as amount from ledger_posting p
            where p.brand_id = :brand_id and p.account_id = a.id) s on a.min_balance is not null
        where a.brand_id = :brand_id and a.id = any(:ids) and a.posted <> coalesce(s.amount, 0)"""),
    (Invariant.I2, "an account on which more or less is held than its open holds say", _HELD),
    (Invariant.I2, "an account with a balance behind a posting that is not the sum so far", """
        select distinct x.account_id as id from (
            select p.account_id, p.balance_after, a.min_balance, sum(p.amount) over (
                partition by p.account_id order by p.recorded_at, p.transfer_id, p.n) as amount
            from ledger_posting p
            cross join lateral (select a.min_balance from ledger_account a
                where a.brand_id = :brand_id and a.id = p.account_id offset 0) a
            where p.brand_id = :brand_id and p.account_id = any(:ids)) x
        where x.balance_after is distinct from
              case when x.min_balance is not null then x.amount end"""),
    (Invariant.I2, "an account with a snapshot that is not the sum of its postings", """
        select distinct s.account_id as id from (
            select x.account_id, x.at, x.posted,
                   lag(x.at) over mine as earlier, lag(x.posted) over mine as was
            from ledger_snapshot x where x.brand_id = :brand_id and x.account_id = any(:ids)
            window mine as (partition by x.account_id order by x.at)) s
        cross join lateral (select coalesce(sum(p.amount), 0) as amount from ledger_posting p
            where p.brand_id = :brand_id and p.account_id = s.account_id
              and p.recorded_at >= coalesce(s.earlier, '-infinity') and p.recorded_at < s.at) p
        where s.posted <> coalesce(s.was, 0) + p.amount"""),
    (Invariant.I3, "an account under its floor", _FLOOR),
    (Invariant.I3, "a debt of which more was paid than there was", _OVERPAID),
    (Invariant.I4, "an account with postings or holds of no transfer", """
        select distinct p.account_id as id from (
            select account_id, transfer_id from ledger_posting
            where brand_id = :brand_id and account_id = any(:ids)
            union all
            select account_id, transfer_id from ledger_hold_leg
            where brand_id = :brand_id and account_id = any(:ids)) p
        where not exists (select 1 from ledger_transfer t
                          where t.brand_id = :brand_id and t.id = p.transfer_id offset 0)"""),
)  # fmt: skip

# Of accounts that a short stretch touched: what was never touched was verified before.
RECENT: tuple[tuple[Invariant, str, str], ...] = (
    (Invariant.I2, "an account whose balance is not the one behind its last posting", """
        select a.id from ledger_account a
        left join lateral (select p.balance_after from ledger_posting p
            where p.brand_id = :brand_id and p.account_id = a.id and a.min_balance is not null
            order by p.recorded_at desc, p.transfer_id desc, p.n desc limit 1) l on true
        where a.brand_id = :brand_id and a.id = any(:ids)
          and a.posted <> coalesce(l.balance_after, 0)"""),
    (Invariant.I2, "an account with a posting that does not follow the one before", """
        select distinct p.account_id as id from ledger_posting p
        cross join lateral (select coalesce(max(x.balance_after), 0) as was from (
            select o.balance_after from ledger_posting o
            where o.brand_id = :brand_id and o.account_id = p.account_id
              and (o.recorded_at, o.transfer_id, o.n) < (p.recorded_at, p.transfer_id, p.n)
            order by o.recorded_at desc, o.transfer_id desc, o.n desc limit 1) x) before
        where p.brand_id = :brand_id and p.account_id = any(:ids)
          and p.recorded_at >= :start and p.recorded_at < :until
          and p.balance_after is not null and p.balance_after <> before.was + p.amount"""),
    (Invariant.I2, "an account on which more or less is held than its open holds say", _HELD),
    (Invariant.I3, "an account under its floor", _FLOOR),
    (Invariant.I3, "a debt of which more was paid than there was", _OVERPAID),
)  # fmt: skip
