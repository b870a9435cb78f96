"""The checker's own SQL: each statement finds rows that should not be there.

It reads what everybody could (tables and the outside worlds' schemas) and calls no function of the
product. `chaos.intent` and `chaos.seen` are the driver's journal and the subscriber's harvest.
"""

from tests.chaos.money_checks import MONEY_AT_REST, MONEY_CHECKS

LOST = "lost"
DOUBLED = "doubled"
UNBALANCED = "unbalanced"
EVENTS = "events"
BOOKS = "books"

CHECKS: tuple[tuple[str, str, str], ...] = (
    # What was acknowledged is there, under that id, and nothing else is.
    (LOST, "an acknowledged move is not in the ledger", """
        select i.n, i.key from chaos.intent i
        where i.verb = 'chaosMove' and i.state = 'acked' and not exists (
            select 1 from ledger_transfer t
            where t.id = i.object_id and t.key = 'chaos:' || i.key and t.kind = 'CHAOS_MOVE'
              and t.state = 'POSTED')"""),
    (DOUBLED, "a move in the ledger that nobody was told of", """
        select t.id, t.key from ledger_transfer t
        where t.kind = 'CHAOS_MOVE' and t.id not in (select id from chaos.before) and not exists (
            select 1 from chaos.intent i
            where i.state = 'acked' and i.object_id = t.id and t.key = 'chaos:' || i.key)"""),
    (DOUBLED, "one key, several transfers", """
        select brand_id, key, count(*) from ledger_transfer group by 1, 2 having count(*) > 1"""),
    (DOUBLED, "a move has other legs than were asked for", """
        select i.n, i.key from chaos.intent i
        where i.verb = 'chaosMove' and i.state = 'acked' and 2 <> (
            select count(*) from ledger_posting p
            join ledger_account a on a.brand_id = p.brand_id and a.id = p.account_id
            where p.transfer_id = i.object_id and a.kind = 'CLIENT_WALLET'
              and a.asset = i.facts ->> 'currency'
              and (a.reference, p.amount) in (
                  (i.facts ->> 'from', -(i.facts ->> 'amount')::numeric),
                  (i.facts ->> 'to', (i.facts ->> 'amount')::numeric)))"""),
    (DOUBLED, "one key, several stored answers", """
        select brand_id, operation, key, count(*) from idempotency
        group by brand_id, actor_kind, actor_id, operation, key having count(*) > 1"""),
    (LOST, "a stored answer is not the one that was told", """
        select i.n, i.key from chaos.intent i where i.state = 'acked' and not exists (
            select 1 from idempotency s
            where s.key = i.key and s.outcome = 'DONE' and s.operation = i.verb
              and replace(convert_from(s.answer, 'UTF8'), '-', '')
                  like '%' || replace(i.object_id::text, '-', '') || '%')"""),
    (LOST, "a refusal that was told is not stored", """
        select i.n, i.key, i.code from chaos.intent i where i.state = 'refused' and not exists (
            select 1 from idempotency s
            where s.key = i.key and s.outcome = 'REFUSED' and s.operation = i.verb
              and convert_from(s.answer, 'UTF8') like '%"' || i.code || '"%')"""),
    (LOST, "never answered", """
        select n, verb, key from chaos.intent where state = 'open'"""),
    # The ledger by itself.
    (UNBALANCED, "a transfer does not sum to zero", """
        select brand_id, transfer_id, asset, sum(amount) from ledger_posting
        group by 1, 2, 3 having sum(amount) <> 0"""),
    (UNBALANCED, "a currency does not sum to zero", """
        select brand_id, asset, sum(amount) from ledger_posting
        group by 1, 2 having sum(amount) <> 0"""),
    (UNBALANCED, "a posted transfer has fewer than two postings", """
        select t.id, t.key, count(p.n) from ledger_transfer t
        left join ledger_posting p on p.brand_id = t.brand_id and p.transfer_id = t.id
        group by t.brand_id, t.id, t.key, t.state
        having count(p.n) < 2 and t.state = 'POSTED' or count(p.n) > 0 and t.state <> 'POSTED'"""),
    (BOOKS, "a balance is not the sum of its postings", """
        select a.id, a.kind, a.asset, a.posted, coalesce(sum(p.amount), 0) as postings
        from ledger_account a
        left join ledger_posting p on p.brand_id = a.brand_id and p.account_id = a.id
        where a.min_balance is not null
        group by a.brand_id, a.id having a.posted <> coalesce(sum(p.amount), 0)"""),
    (BOOKS, "what is held is not the sum of the open holds", """
        select a.id, a.kind, a.pending_in, a.pending_out from ledger_account a
        left join (
            select l.brand_id, l.account_id, sum(greatest(l.amount, 0)) as coming,
                   sum(greatest(-l.amount, 0)) as going
            from ledger_hold_leg l
            where not exists (select 1 from ledger_transfer r
                              where r.brand_id = l.brand_id and r.resolves_id = l.transfer_id)
            group by 1, 2) h on h.brand_id = a.brand_id and h.account_id = a.id
        where a.min_balance is not null
          and (a.pending_in, a.pending_out) <> (coalesce(h.coming, 0), coalesce(h.going, 0))"""),
    (BOOKS, "a wallet is below its floor", """
        select a.id, a.kind, a.asset, a.posted, a.pending_out from ledger_account a
        where a.posted - a.pending_out < a.min_balance
           or a.kind = 'CLIENT_WALLET' and a.posted < 0"""),
    (BOOKS, "a wallet was below its floor at some time", """
        select p.transfer_id, p.account_id, p.balance_after from ledger_posting p
        join ledger_account a on a.brand_id = p.brand_id and a.id = p.account_id
        where p.balance_after < a.min_balance"""),
    (BOOKS, "a hold was resolved twice", """
        select brand_id, resolves_id, count(*) from ledger_transfer
        where resolves_id is not null group by 1, 2 having count(*) > 1"""),
    (BOOKS, "what resolves a hold resolves none", """
        select r.id, r.key from ledger_transfer r
        left join ledger_transfer h on h.brand_id = r.brand_id and h.id = r.resolves_id
        where r.resolves_id is not null and h.state is distinct from 'PENDING'"""),
    (BOOKS, "one fact of the outside world, several transfers", """
        select brand_id, source, external_id, count(*) from ledger_transfer
        where external_id is not null group by 1, 2, 3 having count(*) > 1"""),
    (BOOKS, "a posting in another currency or brand than its account", """
        select p.transfer_id, p.n from ledger_posting p
        left join ledger_account a on a.brand_id = p.brand_id and a.id = p.account_id
        where a.asset is distinct from p.asset"""),
    # The log of events.
    (EVENTS, "a transfer without exactly one event", """
        select t.id, t.key, count(e.seq) from ledger_transfer t
        left join event e on e.brand_id = t.brand_id and e.topic = 'LEDGER' and e.object_id = t.id
        group by t.brand_id, t.id, t.key having count(e.seq) <> 1"""),
    (EVENTS, "an event of a transfer that is not there", """
        select e.brand_id, e.seq, e.object_id from event e
        where e.topic = 'LEDGER' and not exists (
            select 1 from ledger_transfer t
            where t.brand_id = e.brand_id and t.id = e.object_id)"""),
    (EVENTS, "the log has gaps, or another head than its last event", """
        select h.brand_id, h.event_seq, count(e.seq), max(e.seq) from brand_head h
        left join event e on e.brand_id = h.brand_id
        group by h.brand_id, h.event_seq
        having count(e.seq) <> h.event_seq or coalesce(max(e.seq), 0) <> h.event_seq"""),
    (EVENTS, "the audit trail has gaps", """
        select h.brand_id, h.audit_seq, count(a.seq) from brand_head h
        left join audit a on a.brand_id = h.brand_id
        group by h.brand_id, h.audit_seq having count(a.seq) <> h.audit_seq"""),
    (EVENTS, "the subscriber heard another number of events than there are", """
        with there as (
            select brand_id, topic, kind, coalesce(replace(object_id::text, '-', ''), '') as object,
                   count(*) as times
            from event where topic in (select topic from chaos.topic) group by 1, 2, 3, 4)
        select coalesce(t.topic, s.topic) as topic, coalesce(t.kind, s.kind) as kind,
               coalesce(t.object, s.object) as object, t.times, s.times as heard
        from there t
        full join chaos.seen s on s.brand_id = t.brand_id and s.topic = t.topic
             and s.kind = t.kind and s.object = t.object
        where s.times is distinct from t.times"""),
    (EVENTS, "a consumer handled an event not exactly once", """
        select e.brand_id, e.seq, count(w.seq) from event e
        left join chaos.witness w on w.brand_id = e.brand_id and w.seq = e.seq
        where e.topic in (select topic from chaos.witnessed)
        group by e.brand_id, e.seq having count(w.seq) <> 1"""),
    *MONEY_CHECKS,
)  # fmt: skip

AT_REST: tuple[tuple[str, str], ...] = (
    ("jobs", """
        select id, task_name, status, attempts from jobs.procrastinate_jobs
        where status in ('todo', 'doing')"""),
    ("consumers", """
        select e.brand_id, e.seq, e.topic, c.seq as cursor from event e
        left join consumer_cursor c on c.brand_id = e.brand_id and c.consumer = 'chaos.witness'
        where e.topic in (select topic from chaos.witnessed) and e.seq > coalesce(c.seq, 0)"""),
    ("notices", "select brand_id, event_id, state from inbox where state = 'RECEIVED'"),
    ("requests to the platform", """
        select brand_id, id, kind, status from platform_request
        where status in ('SENDING', 'UNKNOWN')"""),
    *MONEY_AT_REST,
)  # fmt: skip
# A pull is tried once: the round asks again, with another job.
FAILED_JOBS = """
    select id, task_name, attempts from jobs.procrastinate_jobs
    where status = 'failed' and task_name <> 'payments.pull_deposit'"""
SUMS = """
    select asset, count(distinct transfer_id) as transfers, sum(amount) as total
    from ledger_posting group by 1 order by 1"""
