"""Nobody writes the ledger but its functions, of no brand but the transaction's."""

import psycopg
import pytest
from sqlalchemy import select

from domain.kernel.ids import new_uuid
from domain.payments.ledger.tables import ledger_account, ledger_posting
from domain.payments.ledger.values import AccountKey
from tenants.context import Actor, ActorKind, Scope
from tests.domain.payments.ledger.books import Books, moved

TABLES = (
    "ledger_transfer",
    "ledger_posting",
    "ledger_hold_leg",
    "ledger_snapshot",
    "ledger_account",
)
NOT_ALLOWED = psycopg.errors.InsufficientPrivilege
NULLS = ", ".join(["null"] * 17)


@pytest.fixture
def as_role(dsn, books):
    """`as_role("owner", statement)`: run it in a transaction of the brand, and commit."""

    def run(role: str, *statements: str, brand=None) -> None:
        with psycopg.connect(dsn(role)) as connection:
            connection.execute(f"set local app.brand_id = '{brand or books.brand.id}'")
            for statement in statements:
                connection.execute(statement)

    return run


@pytest.fixture
async def filled(books, superuser):
    """Wallets with a transfer, a hold and a snapshot behind them."""
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="in"))
    superuser.execute(
        "insert into ledger_snapshot values (%s, %s, now(), -500)", [books.brand.id, bank]
    )
    return bank, wallet


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", ["app", "worker"])
@pytest.mark.parametrize("verb", ["insert", "update", "delete", "truncate"])
async def test_serving_roles_may_write_no_table(filled, as_role, role, table, verb):
    statement = {
        "insert": f"insert into {table} select * from {table}",
        "update": f"update {table} set brand_id = brand_id",
        "delete": f"delete from {table}",
        "truncate": f"truncate {table} cascade",
    }[verb]
    with pytest.raises(NOT_ALLOWED):
        as_role(role, statement)


@pytest.mark.parametrize("table", ["ledger_transfer", "ledger_posting", "ledger_snapshot"])
async def test_the_owner_only_adds(filled, as_role, table):
    for statement in (f"update {table} set brand_id = brand_id", f"delete from {table}"):
        with pytest.raises(psycopg.Error) as error:
            as_role("owner", statement)
        assert error.value.sqlstate == "LG001", statement


@pytest.mark.parametrize("table", TABLES)
async def test_the_owner_truncates_nothing(filled, as_role, table):
    with pytest.raises(psycopg.Error) as error:
        as_role("owner", f"truncate {table} cascade")
    assert error.value.sqlstate == "LG001"


@pytest.mark.parametrize("change", ["min_balance = null", "kind = 'BANK'", "asset = 'EUR'"])
async def test_what_an_account_is_never_changes(filled, as_role, change):
    for statement in (f"update ledger_account set {change}", "delete from ledger_account"):
        with pytest.raises(psycopg.Error) as error:
            as_role("owner", statement)
        assert error.value.sqlstate == "LG001", statement


async def test_an_unbalanced_transfer_by_the_owner_is_refused(filled, as_role, books, superuser):
    """Straight into the tables, past `ledger.post`: nothing of it is there after the commit."""
    bank, wallet = filled
    key, brand = new_uuid(), books.brand.id
    transfer = (
        "insert into ledger_transfer (brand_id, id, key, kind, state, actor_kind, meta, hash,"
        f" effective_at, recorded_at) values ('{brand}', '{key}', 'own', 'TEST', 'POSTED',"
        " 'SYSTEM', '{}', 'x', now(), clock_timestamp())"
    )
    posting = (
        "insert into ledger_posting (brand_id, transfer_id, n, account_id, asset, amount,"
        f" recorded_at) values ('{brand}', '{key}', {{}}, '{{}}', 'USD', {{}}, now())"
    )
    one, two = posting.format(0, wallet, 500), posting.format(1, bank, -499)
    with pytest.raises(psycopg.Error) as error:
        as_role("owner", transfer, one, two)
    assert error.value.sqlstate == "LG002"
    old = transfer.replace("clock_timestamp())", "now() - interval '2 minutes')")
    with pytest.raises(psycopg.Error) as error:
        as_role("owner", old)
    assert error.value.sqlstate == "LG012"
    count = superuser.execute(
        "select count(*) from ledger_transfer where brand_id = %s", [brand]
    ).fetchone()
    assert count == (1,)


@pytest.mark.parametrize("role", ["app", "worker"])
async def test_another_brand_than_the_transactions_is_refused(as_role, books, brand_b, role):
    other = brand_b.id
    calls = [
        f"select * from ledger.post('{other}', now(), 'SYSTEM', {NULLS})",
        f"select * from ledger.open('{other}', now(), null, null, null, null, null, null)",
    ]
    if role == "worker":
        calls.append(f"select ledger.snapshot('{other}', now() - interval '1 hour')")
    for call in calls:
        with pytest.raises(psycopg.Error) as error:
            as_role(role, call)
        assert error.value.sqlstate == "LG013", call


@pytest.mark.parametrize("role", ["app", "worker"])
async def test_what_posting_is_made_of_is_nobodys_entry(as_role, books, role):
    for call in (
        f"select * from ledger.post_many('{books.brand.id}', now(), 'SYSTEM', {NULLS})",
        "select ledger.no_account()",
    ):
        with pytest.raises(NOT_ALLOWED):
            as_role(role, call)


async def test_without_a_brand_nothing_is_posted(dsn, books):
    call = f"select * from ledger.post('{books.brand.id}', now(), 'SYSTEM', {NULLS})"
    with psycopg.connect(dsn("app")) as connection, pytest.raises(psycopg.Error) as error:
        connection.execute(call)
    assert error.value.sqlstate == "LG013"


async def test_an_account_of_another_brand_is_unknown(books, brand_b, database, superuser):
    bank, (wallet,) = await books.open(1)
    theirs = Books(database, brand_b)
    own, _ = await theirs.open(0)
    for legs in ((own, wallet), (bank, wallet)):
        with pytest.raises(Exception, match="unknown or closed"):
            await theirs.post(moved(*legs, 5, key="k"))
    count = superuser.execute(
        "select count(*) from ledger_transfer where brand_id = any(%s)",
        [[books.brand.id, brand_b.id]],
    ).fetchone()
    assert count == (0,)


async def test_only_the_worker_makes_snapshots_and_only_old_ones(as_role, books, superuser):
    call = f"select ledger.snapshot('{books.brand.id}', now() - interval '{{}}')"
    with pytest.raises(NOT_ALLOWED):
        as_role("app", call.format("1 hour"))
    with pytest.raises(psycopg.Error) as error:
        as_role("worker", call.format("119 seconds"))
    assert error.value.sqlstate == "LG014"


async def test_a_clients_session_posts_and_sees_its_own(books, brand, make, database):
    """Restrictive policies hide the house from the session, not from the functions it calls."""
    client = make.client(brand)
    system = Books(database, brand)
    wallet_key = AccountKey.wallet(client.id, "USD")
    (wallet,) = await system.accounts([wallet_key])
    bank, (stranger,) = await system.open(1)
    actor = Actor(ActorKind.CLIENT, client.id)
    own = Books(database, brand, Scope(brand.id, actor, client_id=client.id))
    await own.post(moved(bank, wallet, 500, key="in"), moved(wallet, stranger, 1, key="gift"))
    assert await own.accounts([wallet_key]) == [wallet]
    async with database.read(own.scope) as work:
        accounts = await work.rows(select(ledger_account.c.id, ledger_account.c.posted))
        postings = await work.rows(select(ledger_posting.c.account_id, ledger_posting.c.amount))
    assert [(row.id, int(row.posted)) for row in accounts] == [(wallet, 499)]
    assert {row.account_id for row in postings} == {wallet}
    assert sorted(int(row.amount) for row in postings) == [-1, 500]


@pytest.mark.parametrize("role", ["app", "worker"])
async def test_legs_beyond_those_of_a_transfer_are_posted_nowhere(as_role, books, superuser, role):
    """Straight into the function, past `post`: a third leg on an account that has one already."""
    bank, (wallet,) = await books.open(1)
    call = (
        f"select * from ledger.post('{books.brand.id}', now(), 'SYSTEM', null,"
        f" array['{new_uuid()}']::uuid[], '{{k}}', '{{TEST}}', '{{POSTED}}', '{{null}}',"
        " '{null}', '{null}', '{null}', '{null}', '{null}', array['{}'], array['\\x00'::bytea],"
        f" '{{1,1}}', array['{wallet}','{bank}','{wallet}']::uuid[], '{{USD,USD,USD}}',"
        " '{10,-20,10}')"
    )
    with pytest.raises(psycopg.Error) as error:
        as_role(role, call)
    assert error.value.sqlstate == "LG004"
    rows = superuser.execute(
        "select posted::int from ledger_account where brand_id = %s", [books.brand.id]
    ).fetchall()
    assert rows == [(0,), (0,)]
