"""Open trading accounts in numbers, with their last known states: for scale, not for a book."""

from collections.abc import Sequence
from uuid import UUID

from tenants.filling import ID, NUMBER, Stretch, fill, filling
from tenants.log import Change
from tenants.numbers import next_numbers
from tenants.work import WriteWork

ACCOUNT = 3
"""The kind of their ids."""
NUMBERS_EACH = 8
"""How many row numbers, and logins, a client's accounts may take."""

# Clients have 5, 2, 2 or 1, in turn. The first is live, the others are demo accounts.
_ACCOUNTS = filling(
    """
    insert into trading_account (brand_id, id, client_id, ib_path, legal_entity_id, server_id,
                                 login, version, kind, status, access, currency, leverage,
                                 group_name, swap_free, created_at)
    select :brand_id, ID(3, a.n), a.client_id, a.ib_path, a.legal_entity_id, :server_id,
           :login + a.n, 1, a.kind, case when CHANCE(a.n, 21) % 30 = 0 then 'CLOSED' else 'ACTIVE'
           end, 'FULL', a.currency, (cast(array[30, 100, 200] as int[]))[1 + cast(a.n % 3 as int)],
           lower(a.kind) || '-' || lower(a.currency), false,
           a.created_at + a.k * interval '1 hour'
    from (
        select m.n * 8 + k as n, k, c.id as client_id, c.ib_path, c.legal_entity_id, c.created_at,
               PICK(currencies, m.n, 20) as currency,
               case when k = 1 then 'LIVE' else 'DEMO' end as kind
        from generate_series(:first, :last) m(n)
        join client c on c.brand_id = :brand_id and c.id = ID(2, m.n)
        cross join lateral generate_series(
            1, (cast(array[5, 2, 2, 1] as int[]))[1 + cast(m.n % 4 as int)]) k
    ) a
    """,
    server_id=ID,
    login=NUMBER,
)
# A live account is empty: what its client has paid in lies in the wallet, as the ledger says.
_STATES = filling(
    """
    insert into account_state (brand_id, account_id, client_id, ib_path, balance_minor,
                               equity_minor, credit_minor, margin_minor, free_margin_minor,
                               floating_minor, currency, as_of, source)
    select brand_id, id, client_id, ib_path, s.minor, s.minor, 0, 0, s.minor, 0, currency,
           created_at, 'STREAM'
    from trading_account,
         lateral (select case when kind = 'DEMO' then 500000 + login * 7919 % 1000000 else 0 end
                  as minor) s
    where brand_id = :brand_id and id between ID(3, :first * 8) and ID(3, :last * 8 + 7)
    """
)


async def fill_accounts(
    work: WriteWork, stretch: Stretch, *, server_id: UUID, login: int, currencies: Sequence[str]
) -> None:
    """Open accounts of a stretch of clients on a server, with logins from `login` on.

    The platform does not know them. Effects: audit, no events.
    """
    if stretch.begins:
        count = NUMBERS_EACH * (stretch.whole + 1)
        await next_numbers(work, f"login:{server_id.hex}", count, start=login)
    given = {"server_id": server_id, "login": login, "currencies": list(currencies)}
    await fill(work, _ACCOUNTS, stretch, **given)
    await fill(work, _STATES, stretch)
    after = {"clients": stretch.last - stretch.first + 1}
    work.audit(Change("account.import", object_kind="account", after=after))
