"""The checker's SQL on payments, and on what PSP and platform have in their own books.

Both outside worlds keep their books in schemas of their own; references there are our ids in hex.
"""

LOST, DOUBLED, OUTSIDE = "lost", "doubled", "outside"
_KINDS = """(values ('depositCreate', 'DEPOSIT'), ('transferCreate', 'TRANSFER'),
                    ('withdrawalCreate', 'WITHDRAWAL')) as k(verb, kind)"""

MONEY_CHECKS: tuple[tuple[str, str, str], ...] = (
    (LOST, "an acknowledged payment is not there as it was asked for", f"""
        select i.n, i.verb, i.object_id from chaos.intent i join {_KINDS} using (verb)
        where i.state = 'acked' and not exists (
            select 1 from payment p
            where p.id = i.object_id and p.kind = k.kind
              and replace(p.client_id::text, '-', '') = i.facts ->> 'client'
              and p.amount_minor = (i.facts ->> 'amount')::numeric
              and p.currency = i.facts ->> 'currency')"""),
    (DOUBLED, "a payment that nobody was told of", """
        select p.id, p.kind, p.reference, p.status from payment p
        where p.id not in (select id from chaos.before)
          and not exists (select 1 from chaos.intent i
                          where i.state = 'acked' and i.object_id = p.id)"""),
    (DOUBLED, "one payment for several keys", """
        select object_id, count(*) from chaos.intent
        where state = 'acked' and verb <> 'withdrawalCancel' group by 1 having count(*) > 1"""),
    (LOST, "an acknowledged cancellation did not cancel", """
        select i.n, p.id, p.status from chaos.intent i join payment p on p.id = i.object_id
        where i.state = 'acked' and i.verb = 'withdrawalCancel' and p.status <> 'CANCELLED'"""),
    (LOST, "an acknowledged quote is not there", """
        select i.n, i.object_id from chaos.intent i
        where i.state = 'acked' and i.verb = 'conversionQuoteCreate'
          and not exists (select 1 from fx_quote q where q.id = i.object_id)"""),
    (DOUBLED, "a step of a payment is missing or doubled", """
        select p.id, p.kind, count(s.n), max(s.n) from payment p
        left join payment_step s on s.brand_id = p.brand_id and s.payment_id = p.id
        group by p.brand_id, p.id, p.kind having count(s.n) <> coalesce(max(s.n), -1)"""),
    # The PSP.
    (DOUBLED, "the PSP has one reference several times", """
        select 'payment' as what, reference, count(*) from sandbox.psp_payment
        group by 2 having count(*) > 1
        union all select 'refund', reference, count(*) from sandbox.psp_refund
        group by 2 having count(*) > 1
        union all select 'payout', reference, count(*) from sandbox.psp_payout
        group by 2 having count(*) > 1"""),
    (OUTSIDE, "what the PSP received is not what the ledger credited", """
        with received as (
            select reference, sum(100 * received_amount)::numeric(38, 0) as amount
            from sandbox.psp_payment where received_amount is not null group by 1),
        credited as (
            select split_part(t.key, ':', 2) as reference, -sum(p.amount) as amount
            from ledger_transfer t
            join ledger_posting p on p.brand_id = t.brand_id and p.transfer_id = t.id
            join ledger_account a on a.brand_id = p.brand_id and a.id = p.account_id
            where t.key like 'deposit:%:settle:%' and a.kind = 'PSP_CLEARING' group by 1)
        select reference, r.amount as received, c.amount as credited
        from received r full join credited c using (reference)
        where r.amount is distinct from c.amount"""),
    (OUTSIDE, "what the PSP paid out is not what the ledger paid", """
        with sent as (
            select reference, sum(100 * amount)::numeric(38, 0) as amount from (
                select reference, amount from sandbox.psp_refund where status = 'SUCCEEDED'
                union all
                select reference, amount from sandbox.psp_payout where status = 'PAID') x
            group by 1),
        paid as (
            select split_part(t.key, ':', 2) as reference, sum(p.amount) as amount
            from ledger_transfer t
            join ledger_posting p on p.brand_id = t.brand_id and p.transfer_id = t.id
            join ledger_account a on a.brand_id = p.brand_id and a.id = p.account_id
            where t.key like 'withdrawal:%:paid' and a.kind = 'PSP_CLEARING' group by 1)
        select reference, s.amount as sent, p.amount as paid
        from sent s full join paid p using (reference)
        where s.amount is distinct from p.amount"""),
    # The platform.
    (OUTSIDE, "a platform's balance is not what we owe on the account", """
        select x.login, (100 * x.balance)::numeric(38, 0) as platform,
               coalesce(sum(p.amount), 0) as ledger
        from simulator.account x
        join trading_account t on t.login = x.login and t.kind = 'LIVE'
        left join ledger_account a on a.brand_id = t.brand_id and a.kind = 'CLIENT_TRADING'
             and a.reference = replace(t.id::text, '-', '')
        left join ledger_posting p on p.brand_id = a.brand_id and p.account_id = a.id
        group by 1, 2 having (100 * x.balance)::numeric(38, 0) <> coalesce(sum(p.amount), 0)"""),
    (OUTSIDE, "money is left between wallets and the platform", """
        select a.brand_id, a.asset, sum(p.amount) from ledger_account a
        join ledger_posting p on p.brand_id = a.brand_id and p.account_id = a.id
        where a.kind = 'PLATFORM_CLEARING' group by 1, 2 having sum(p.amount) <> 0"""),
    (OUTSIDE, "a discrepancy was opened, and nothing was wrong", """
        select kind, subject, status, facts from discrepancy
        where not (kind = 'OUTCOME_UNKNOWN' and status = 'RESOLVED')"""),
)  # fmt: skip

MONEY_AT_REST: tuple[tuple[str, str], ...] = (
    ("payments", """
        select brand_id, id, kind, status, updated_at from payment
        where status in ('CREATED', 'PENDING', 'AUTHORISED', 'APPROVED', 'SENDING', 'UNKNOWN',
                         'SENT')"""),
    ("legs of withdrawals", """
        select brand_id, id, kind, status from withdrawal_leg
        where status in ('SENDING', 'UNKNOWN', 'SENT')"""),
    ("notices of the PSP", """
        select id, attempts, next_at from sandbox.psp_notice where next_at is not null"""),
    ("balance deals that are not booked", """
        select d.deal_id from simulator.deal d join simulator.account x on x.login = d.login
        join trading_account t on t.login = x.login and t.kind = 'LIVE'
        where not exists (select 1 from ledger_transfer l where l.brand_id = t.brand_id
                          and l.external_id = d.deal_id::text)"""),
)  # fmt: skip
