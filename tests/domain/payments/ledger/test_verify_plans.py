"""Verification costs a multiple of what it reads, also before the database has statistics of it."""

from collections.abc import Mapping
from typing import Any

import psycopg

from domain.payments.ledger import verify as verification
from domain.payments.ledger.checks import ACCOUNTS, RECENT, TRANSFERS
from tenants.database import make_engine
from tenants.work import Database
from tests import postgres
from tests.domain.payments.ledger.books import Books, held, moved, released
from tests.factories import Factory

TABLES = ("ledger_account", "ledger_transfer", "ledger_posting", "ledger_hold_leg", "event")
STATEMENTS: Mapping[str, str] = {
    **{f"{one[0]} of transfers: {one[1]}": one[2] for one in TRANSFERS},
    **{f"{one[0]} of accounts: {one[1]}": one[2] for one in ACCOUNTS},
    **{f"{one[0]} of late: {one[1]}": one[2] for one in RECENT},
    "touched": str(verification._TOUCHED.text),
    "I7 of all, counted": str(verification._BOTH.text),
    "I7 of all": str(verification._UNEVEN.text),
    "I7 of late": str(verification._UNEVEN_RECENT.text),
    "I7 of the log": str(verification._GAPS.text),
}
LINEAR = 7
"""How much four times as many may cost, with logarithms and noise; sixteen is a square."""


async def fill(books: Books, number: int) -> None:
    """Transfers, open holds and released ones on two hot accounts and a wallet for each ten."""
    bank, wallets = await books.open(number // 10)
    moves = [moved(bank, wallets[n % len(wallets)], 100, key=f"in{wallets[0]}{n}")
             for n in range(number)]  # fmt: skip
    for n in range(0, number, 250):
        await books.post(*moves[n : n + 250])
    holds = await books.post(*(held(one, bank, 1, key=f"h{one}") for one in wallets))
    await books.post(*(released(one.id, key=f"v{one.id}") for one in holds[::2]))


def costs(root: psycopg.Connection[Any], brand_id: Any) -> dict[str, int]:
    """Rows looked at and pages touched by each statement."""
    rows = root.execute("select id from ledger_account where brand_id = %s", [brand_id]).fetchall()
    given = {
        "brand_id": brand_id, "ids": [row[0] for row in rows], "seq": 0,
        "start": "2000-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z",
    }  # fmt: skip
    found = {}
    for name, template in STATEMENTS.items():
        statement = template.replace("%", "%%")
        for key in given:
            statement = statement.replace(f":{key}", f"%({key})s")
        explained = root.execute(
            f"explain (analyze, buffers, timing off, format json) {statement}", given
        ).fetchone()
        assert explained is not None
        found[name] = _cost(explained[0][0]["Plan"])
    return found


def _cost(node: Mapping[str, Any]) -> int:
    loops = node["Actual Loops"]
    seen = sum(node.get(key, 0) for key in node if key.startswith("Rows Removed"))
    inner = sum(_cost(one) for one in node.get("Plans", ()))
    pages = node["Shared Hit Blocks"] + node["Shared Read Blocks"]
    pages -= sum(one["Shared Hit Blocks"] + one["Shared Read Blocks"]
                 for one in node.get("Plans", ()))  # fmt: skip
    return int((node["Actual Rows"] + seen) * loops) + max(pages, 0) + inner


async def test_no_check_is_quadratic_without_statistics(empty_database) -> None:
    engine = make_engine(empty_database.url("app", driver="asyncpg"), pool_size=2)
    with Factory.connected(empty_database) as factory, postgres.superuser(empty_database) as root:
        for table in TABLES:
            root.execute(f"alter table {table} set (autovacuum_enabled = off)")
        books = Books(Database(engine), factory.brand())
        await fill(books, 600)
        few = costs(root, books.brand.id)
        await fill(books, 1_800)
        many = costs(root, books.brand.id)
        analysed = root.execute(
            "select count(*) from pg_stats where tablename = any(%s)", [list(TABLES)]
        ).fetchone()
    await engine.dispose()
    assert analysed == (0,), "nothing has told the planner what is there"
    grown = {name: many[name] / max(few[name], 100) for name in many}
    assert {name: round(by, 1) for name, by in grown.items() if by > LINEAR} == {}
