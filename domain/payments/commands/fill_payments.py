"""Pay in and out in numbers, as another cashier did: for scale, not for a book.

What was paid is history that came with the clients; the books open with what it left in each
wallet, one transfer for a currency, as they do for a broker who moves here.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from domain.kernel.money import Money
from domain.payments.commands.import_payments import Till
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer
from tenants.filling import ID, Stretch, fill, filling
from tenants.log import Change
from tenants.numbers import next_numbers
from tenants.work import WriteWork

PAYMENT, _WALLET = 4, 5
"""The kinds of their ids, and of the wallets'."""
NUMBERS_EACH = 16
"""How many row numbers a client's payments may take."""
_FIRST_NUMBER = 100_001

_WALLETS = filling(
    """
    select count(*) from (
        select array_agg(ID(5, m.n)) as ids, array_agg(cast('CLIENT_WALLET' as text)) as kinds,
               array_agg(replace(cast(ID(2, m.n) as text), '-', '')) as refs,
               array_agg(PICK(currencies, m.n, 20)) as assets, array_agg(ID(2, m.n)) as clients,
               array_agg(cast(0 as numeric)) as floors
        from generate_series(:first, :last) m(n)
    ) a, ledger.open(:brand_id, CAME(:first), a.ids, a.kinds, a.refs, a.assets, a.clients, a.floors)
    """
)
# Clients have 14, 2, 2 or 2, in turn. The first brings more than all that goes out may take.
_PAYMENTS = filling(
    """
    insert into payment (brand_id, id, client_id, ib_path, kind, reference, status, version,
                         currency, amount_minor, fee_minor, wallet_id, method_id, connection_id,
                         ext_id, reason_code, created_at, updated_at, credited_minor,
                         credited_currency, source_label, settled_at, risk, received_minor,
                         received_currency)
    select :brand_id, ID(4, p.n), p.client_id, p.ib_path, p.kind, left(p.kind, 1) || '-'
           || (100000 + p.n), p.status, 1, p.currency, p.minor, 0, ID(5, p.client),
           :method_id, :connection_id,
           case when p.kind = 'DEPOSIT' then 'ext-' || p.n end,
           case p.status when 'FAILED' then 'DECLINED' when 'REJECTED' then 'POLICY' end,
           p.at, p.at + interval '3 minutes',
           case when p.status = 'SETTLED' then p.minor end,
           case when p.status = 'SETTLED' then p.currency end,
           case when p.kind = 'DEPOSIT' then '•••• ' || lpad(cast(p.n % 10000 as text), 4, '0') end,
           case when p.status = 'SETTLED' then p.at + interval '3 minutes' end,
           case when p.kind = 'WITHDRAWAL' then 'LOW' end,
           case when p.status = 'SETTLED' then p.minor end,
           case when p.status = 'SETTLED' then p.currency end
    from (
        select f.*, case when f.fate in (8, 9) then 'WITHDRAWAL' else 'DEPOSIT' end as kind,
               case f.fate when 6 then 'FAILED' when 7 then 'EXPIRED' when 8 then 'PAID'
                    when 9 then 'REJECTED' else 'SETTLED' end as status,
               case when f.k = 1 then 100000 + CHANCE(f.n, 31) % 900000
                    when f.fate > 7 then 1000 + CHANCE(f.n, 32) % 5000
                    else 5000 + CHANCE(f.n, 33) % 300000 end as minor
        from (
            select m.n as client, m.n * 16 + k as n, k, c.id as client_id, c.ib_path,
                   c.created_at + k * interval '3 days' + interval '2 hours' as at,
                   PICK(currencies, m.n, 20) as currency,
                   case when k = 1 then 0 else CHANCE(m.n * 16 + k, 30) % 10 end as fate
            from generate_series(:first, :last) m(n)
            join client c on c.brand_id = :brand_id and c.id = ID(2, m.n)
            cross join lateral generate_series(
                1, (cast(array[14, 2, 2, 2] as int[]))[1 + cast(m.n % 4 as int)]) k
        ) f
    ) p
    """,
    method_id=ID,
    connection_id=ID,
)
_STEPS = filling("""
    insert into payment_step (brand_id, payment_id, n, client_id, ib_path, status, reason_code,
                              actor_kind, at)
    select brand_id, id, 1, client_id, ib_path, status, reason_code, 'SYSTEM', updated_at
    from payment
    where brand_id = :brand_id and id between ID(4, :first * 16) and ID(4, :last * 16 + 15)
""")
_LEGS = filling("""
    insert into withdrawal_leg (brand_id, id, payment_id, client_id, ib_path, n, kind, status,
                                method_id, connection_id, currency, amount_minor, paid_minor,
                                label, hold_id, ext_id, updated_at)
    select brand_id, id, id, client_id, ib_path, 1, 'PAYOUT', 'PAID', method_id, connection_id,
           currency, amount_minor, amount_minor, '', id, null, updated_at
    from payment
    where brand_id = :brand_id and id between ID(4, :first * 16) and ID(4, :last * 16 + 15)
      and status = 'PAID'
""")
_LEFT = filling("""
    select wallet_id, currency,
           sum(case when kind = 'DEPOSIT' then amount_minor else -amount_minor end) as minor
    from payment
    where brand_id = :brand_id and id between ID(4, :first * 16) and ID(4, :last * 16 + 15)
      and status in ('SETTLED', 'PAID')
    group by wallet_id, currency order by currency, wallet_id
""")


async def fill_payments(
    work: WriteWork, stretch: Stretch, *, till: Till, currencies: Sequence[str]
) -> None:
    """Add payments of a stretch of clients, all of them over, and open the books with them.

    Effects: a transfer for each currency between the bank and the wallets; audit.
    """
    if stretch.begins:
        count = NUMBERS_EACH * (stretch.whole + 1)
        await next_numbers(work, "payment", count, start=_FIRST_NUMBER)
    await fill(work, _WALLETS, stretch, currencies=list(currencies))
    given = {"method_id": till.method_id, "connection_id": till.connection_id}
    await fill(work, _PAYMENTS, stretch, currencies=list(currencies), **given)
    await fill(work, _STEPS, stretch)
    await fill(work, _LEGS, stretch)
    after = {"clients": stretch.last - stretch.first + 1}
    work.audit(Change("payment.import", object_kind="payment", after=after))
    left = await fill(work, _LEFT, stretch)
    banks = {code: AccountKey.of(LedgerAccountKind.BANK, code) for code in currencies}
    accounts = await ledger_accounts(work, banks.values())
    await post(
        work,
        [
            _opening(stretch, currency, list(rows), accounts[banks[currency]])
            for currency, rows in groupby(left, key=lambda row: str(row.currency))
        ],
    )


def _opening(stretch: Stretch, currency: str, rows: Sequence[Any], bank: UUID) -> Transfer:
    """What the clients have, out of the bank account that it came to."""
    legs = [Leg(row.wallet_id, Money(int(row.minor), currency)) for row in rows]
    total = sum(leg.amount.amount_minor for leg in legs)
    return Transfer(
        f"opening:{currency}:{stretch.first}",
        "OPENING",
        [*legs, Leg(bank, Money(-total, currency))],
        meta={"wallets": len(legs)},
    )
