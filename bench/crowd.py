"""Brands with people, accounts and payments in numbers, for measuring what reads cost.

Made by the database itself from row numbers, so that every run has the same rows. The shape is that
of the reference: clients have 5, 2, 2 or 1 accounts and 14, 2, 2 or 2 payments, and hang on a tree
of 10 ibs with 10 below each and 4 below each of those.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from api.embedded import Endpoints
from bench import scratch
from tests.factories import Brand, Factory

_TOKENS = 2
"""Of each role: every token has a budget of its own, and no limit is switched off. Each is read
anew every two seconds, which few tokens share among many requests."""

# Ids sort by age, as those of the product do: a brand's number, a kind, a row number.
_IDS = """
create function bench_id(kind int, brand int, n bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex(brand), 8, '0') || lpad(to_hex(kind), 8, '0') || lpad(to_hex(n), 16, '0')
    )::uuid $$
"""
_IBS = """
insert into ib (brand_id, id, code, name, email, status, level, parent_id, path, created_at)
select %(brand)s, id, 'IB' || n, 'Ib ' || n, 'ib' || n || '@ibs.example', 'ACTIVE', level, parent,
       path, timestamptz '2024-01-01' + n * interval '1 hour'
from (
    select n, 1 as level, bench_id(1, %(number)s, n) as id, null::uuid as parent,
           replace(bench_id(1, %(number)s, n)::text, '-', '') || '/' as path
    from generate_series(1, 10) n
    union all
    select 10 + n, 2, bench_id(1, %(number)s, 10 + n), bench_id(1, %(number)s, (n - 1) / 10 + 1),
           replace(bench_id(1, %(number)s, (n - 1) / 10 + 1)::text, '-', '') || '/'
           || replace(bench_id(1, %(number)s, 10 + n)::text, '-', '') || '/'
    from generate_series(1, 100) n
    union all
    select 110 + n, 3, bench_id(1, %(number)s, 110 + n),
           bench_id(1, %(number)s, 10 + (n - 1) / 4 + 1),
           replace(bench_id(1, %(number)s, ((n - 1) / 4) / 10 + 1)::text, '-', '') || '/'
           || replace(bench_id(1, %(number)s, 10 + (n - 1) / 4 + 1)::text, '-', '') || '/'
           || replace(bench_id(1, %(number)s, 110 + n)::text, '-', '') || '/'
    from generate_series(1, 400) n
) tree order by level, n
"""
_CLIENTS = """
insert into client (brand_id, id, reference, version, kind, status, legal_entity_id, ib_id, ib_path,
                    owner_id, name, email, phone, country, language, tags, created_at)
select %(brand)s, bench_id(2, %(number)s, n), 'C-' || n, 1, 'INDIVIDUAL', 'ACTIVE', %(entity)s,
       ib.id, ib.path, %(owner)s, 'Client Number ' || n, 'client' || n || '@people.example',
       '+357' || lpad(n::text, 8, '0'), 'CY', 'en', array['vip', 'tag' || n %% 7],
       timestamptz '2024-01-01' + n * interval '5 minutes'
from generate_series(1, %(clients)s) n
join ib on ib.brand_id = %(brand)s and ib.id = bench_id(1, %(number)s, 1 + n %% 510)
"""
_ACCOUNTS = """
insert into trading_account (brand_id, id, client_id, ib_path, legal_entity_id, server_id, login,
                             version, kind, status, access, currency, leverage, group_name,
                             swap_free, created_at)
select c.brand_id, bench_id(3, %(number)s, c.n * 8 + k), c.id, c.ib_path, %(entity)s, %(server)s,
       %(login)s + c.n * 8 + k, 1, 'LIVE', 'ACTIVE', 'FULL',
       (array['USD', 'EUR', 'JPY'])[1 + k %% 3], 100, 'live', false,
       c.created_at + k * interval '1 hour'
from (select *, row_number() over (order by id) n from client where brand_id = %(brand)s) c,
     lateral generate_series(1, (array[5, 2, 2, 1])[1 + c.n %% 4]) k
"""
_STATES = """
insert into account_state (brand_id, account_id, client_id, ib_path, balance_minor, equity_minor,
                           credit_minor, margin_minor, free_margin_minor, floating_minor, currency,
                           as_of, source)
select brand_id, id, client_id, ib_path, login * 7 %% 5000000, login * 7 %% 5100000, 0, 0,
       login * 7 %% 5100000, 0, currency, created_at, 'STREAM'
from trading_account where brand_id = %(brand)s
"""
_PAYMENTS = """
insert into payment (brand_id, id, client_id, ib_path, kind, reference, status, version, currency,
                     amount_minor, fee_minor, created_at, updated_at, maker_ids)
select c.brand_id, bench_id(4, %(number)s, c.n * 16 + k), c.id, c.ib_path,
       (array['DEPOSIT', 'DEPOSIT', 'WITHDRAWAL'])[1 + (c.n + k) %% 3], 'D-' || c.n * 16 + k,
       (array['SETTLED', 'SETTLED', 'PENDING', 'FAILED'])[1 + (c.n * 7 + k) %% 4], 1,
       (array['USD', 'EUR', 'JPY'])[1 + k %% 3], 1000 + (c.n * 31 + k * 977) %% 500000, 0,
       c.created_at + k * interval '1 day', c.created_at + k * interval '1 day', '{}'
from (select *, row_number() over (order by id) n from client where brand_id = %(brand)s) c,
     lateral generate_series(1, (array[14, 2, 2, 2])[1 + c.n %% 4]) k
"""


@dataclass(frozen=True, slots=True)
class Crowd:
    """A brand of the crowd: tokens of its staff, and ids to ask for."""

    brand_id: UUID
    tokens: Sequence[str]
    clients: Sequence[UUID]
    ibs: Sequence[UUID]


def fill(
    endpoints: Endpoints, *, brands: int, clients: int, roles: Sequence[str], tokens: int = 0
) -> list[Crowd]:
    """Fill an empty database; every brand gets as many clients, and so many tokens of the roles in
    turn (two of each, when not told)."""
    held = list(itertools.islice(itertools.cycle(roles), tokens or len(roles) * _TOKENS))
    with scratch.superuser(endpoints) as connection, Factory.connected(endpoints) as make:
        connection.execute(_IDS)
        # Rows refer to each other by how they are made: no need to look each reference up.
        connection.execute("set session_replication_role = replica")
        found = [
            _fill_brand(connection, make, number, clients=clients, roles=held)
            for number in range(1, brands + 1)
        ]
        connection.execute("vacuum analyze")
    return found


def _fill_brand(
    connection: psycopg.Connection[Any],
    make: Factory,
    number: int,
    *,
    clients: int,
    roles: Sequence[str],
) -> Crowd:
    brand: Brand = make.brand()
    values = {
        "brand": brand.id, "number": number, "clients": clients, "entity": brand.legal_entity_id,
        "server": brand.server_id, "login": number * 10_000_000,
        "owner": next(iter(brand.staff.values())),
    }  # fmt: skip
    for statement in (_IBS, _CLIENTS, _ACCOUNTS, _STATES, _PAYMENTS):
        connection.execute(statement, values)
    tokens = [make.staff_token(brand, role).text for role in roles]
    ids = "select id from {} where brand_id = %s {} order by id"
    seen = connection.execute(ids.format("client", ""), [brand.id]).fetchall()
    top = connection.execute(ids.format("ib", "and level = 1"), [brand.id]).fetchall()
    return Crowd(brand.id, tokens, [row[0] for row in seen], [row[0] for row in top])
