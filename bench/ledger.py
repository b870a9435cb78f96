"""`make bench-ledger`: transfers per second, beside pgbench doing the same by plain statements.

Everything runs on one throw-away cluster with fsync on, in interleaved rounds; the table shows
medians and each rate as a ratio of the bare statements at the same number of connections. Read
ratios: rates of a machine that others use change by the hour.

- `bare SQL`: pgbench; begin, the inserts and updates of a transfer, commit; no guard of ours.
- `ledger.post`: pgbench; the same transfer by our function, as `app`, under row security.
- `asyncpg`: our statement from Python, begin and settings in one call, as every command sends it.
- `deposit, pgbench`: the statements of a whole command, the same ones, one after the other.
- `deposit`: that command by `Database.write`: idempotency key, post, event, audit, brand head.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from api.embedded import Endpoints
from bench import deposit, pgbench, scratch
from domain.kernel.errors import Busy
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.ledger.values import Leg, Transfer
from tenants.context import system_scope
from tenants.database import make_engine
from tenants.work import Database, opening

_BEGIN = "begin isolation level read committed"
_CALL = "select * from ledger.post({})".format(", ".join(f"${n}" for n in range(1, 21)))
CONNECTIONS = (1, 8, 32)
SPREAD, HOT, BATCH = "spread over wallets", "one hot house account", "batches of 100, one house"
BARE, POST, SAME, DEPOSIT = "bare SQL", "ledger.post", "deposit, pgbench", "deposit"
_PEERS = {SAME: SAME, DEPOSIT: SAME}
_IN_BATCH = 100
TARGET_RATIO, TARGET_BATCH = 0.6, 5_000

Key = tuple[str, str, int]
Once = Callable[[int], Awaitable[int]]
"""One transaction of a caller: how many transfers it posted."""


class Bench:
    """One database, and the ways to post on it."""

    def __init__(self, endpoints: Endpoints, brand_id: UUID, seconds: int) -> None:
        self.endpoints, self.brand_id, self.seconds = endpoints, brand_id, seconds
        self.rates: dict[Key, list[float]] = defaultdict(list)
        self.program = pgbench.find()

    def cells(self) -> list[tuple[Key, Callable[[], float]]]:
        """Every measurement of a round, in the order in which it is made."""
        cells: list[tuple[Key, Callable[[], float]]] = []
        for where in (SPREAD, HOT):
            for n in CONNECTIONS:
                if self.program is not None:
                    for way, script in (
                        (BARE, pgbench.bare),
                        (POST, pgbench.posted),
                    ):
                        text = script(str(self.brand_id), hot=where == HOT)
                        cells.append(((where, way, n), self._by_pgbench(text, n)))
                    text, values = asyncio.run(self._deposit(where))
                    measure = self._by_pgbench(text, n, values)
                    cells.append(((where, SAME, n), measure))
                cells.append(((where, "asyncpg", n), self._by_asyncpg(n, where)))
                cells.append(((where, DEPOSIT, n), self._by_work(n, where)))
        for n in CONNECTIONS:
            cells.append(((BATCH, "asyncpg", n), self._by_asyncpg(n, BATCH)))
            cells.append(((BATCH, DEPOSIT, n), self._by_work(n, BATCH)))
        return cells

    def warm(self) -> None:
        """Have rows and statistics in all tables, as a database has that served for a minute:
        sessions that meet empty ones keep plans for empty ones."""
        if self.program is not None:
            for script in (pgbench.bare, pgbench.posted):
                self._by_pgbench(script(str(self.brand_id), hot=False), 8)()
        self._by_work(8, SPREAD)()
        with scratch.superuser(self.endpoints) as connection:
            connection.execute("vacuum analyze")

    async def _deposit(self, where: str) -> tuple[str, dict[str, str]]:
        engine = make_engine(self.endpoints.url("app", driver="asyncpg"), pool_size=1)
        try:
            scope = system_scope(self.brand_id)
            return await deposit.script(Database(engine), scope, hot=where == HOT)
        finally:
            await engine.dispose()

    def _by_pgbench(
        self, text: str, connections: int, values: Mapping[str, str] | None = None
    ) -> Callable[[], float]:
        def measure() -> float:
            assert self.program is not None
            with tempfile.TemporaryDirectory() as folder:
                script = Path(folder) / "script.sql"
                script.write_text(text)
                return pgbench.rate(self.program, self.endpoints, script, values=values,
                                    connections=connections, seconds=self.seconds)  # fmt: skip

        return measure

    def _by_asyncpg(self, connections: int, where: str) -> Callable[[], float]:
        async def run() -> float:
            url = self.endpoints.url("app")
            lines = [await asyncpg.connect(url) for _ in range(connections)]
            begin = opening(_BEGIN, system_scope(self.brand_id))
            calls = [await line.prepare(_CALL) for line in lines]

            async def once(n: int) -> int:
                arguments, count = self._arguments(where)
                await lines[n].execute(begin)
                await calls[n].fetch(*arguments)
                await lines[n].execute("commit")
                return count

            try:
                return await self._measured(connections, once)
            finally:
                for line in lines:
                    await line.close()

        return lambda: asyncio.run(run())

    def _by_work(self, connections: int, where: str) -> Callable[[], float]:
        async def run() -> float:
            url = self.endpoints.url("app", driver="asyncpg")
            engine = make_engine(url, pool_size=connections)
            database, scope = Database(engine), system_scope(self.brand_id)

            async def once(_n: int) -> int:
                transfers = [self._transfer(where) for _ in range(_count(where))]
                return await deposit.deposit(database, scope, transfers)

            try:
                return await self._measured(connections, once)
            finally:
                await engine.dispose()

        return lambda: asyncio.run(run())

    async def _measured(self, connections: int, once: Once) -> float:
        posted = 0

        async def counted(n: int) -> int:
            try:
                return await once(n)
            except Busy:  # waited too long behind others: not posted, not counted
                return 0

        async def caller(n: int) -> None:
            nonlocal posted
            while time.perf_counter() < deadline:
                done = await counted(n)  # awaited first: what is added to must be read after it
                posted += done

        await asyncio.gather(*(counted(n) for n in range(connections)))
        began = time.perf_counter()
        deadline = began + self.seconds
        await asyncio.gather(*(caller(n) for n in range(connections)))
        return posted / (time.perf_counter() - began)

    def _pair(self, where: str) -> tuple[UUID, UUID]:
        first, second = random.sample(range(1, pgbench.WALLETS), 2)
        return UUID(int=first if where == SPREAD else 0), UUID(int=second)

    def _transfer(self, where: str) -> Transfer:
        giver, taker = self._pair(where)
        legs = (Leg(giver, Money(-5, "USD")), Leg(taker, Money(5, "USD")))
        return Transfer(new_uuid().hex, "TEST", legs)

    def _arguments(self, where: str) -> tuple[tuple[object, ...], int]:
        """What `post` sends for so many transfers, without the Python that makes it."""
        n = _count(where)
        pairs = [self._pair(where) for _ in range(n)]
        none = [None] * n
        head = (self.brand_id, datetime.now(UTC), "SYSTEM", None)
        transfers = ([new_uuid() for _ in range(n)], [new_uuid().hex for _ in range(n)],
                     ["TEST"] * n, ["POSTED"] * n, none, none, none, none, none, none, ["{}"] * n,
                     [b"h"] * n)  # fmt: skip
        both = [one for pair in pairs for one in pair]
        of_transfer = [at for at in range(1, n + 1) for _ in range(2)]
        legs = (of_transfer, both, ["USD"] * 2 * n, [-5, 5] * n)
        return (*head, *transfers, *legs), n


def _count(where: str) -> int:
    return _IN_BATCH if where == BATCH else 1


def fill(endpoints: Endpoints, brand_id: UUID) -> None:
    """Accounts with known ids, and a bare copy of the tables with all that constrains them."""
    tables = ("ledger_account", "ledger_transfer", "ledger_posting")
    with scratch.superuser(endpoints) as connection:
        connection.execute(
            "insert into ledger_account (brand_id, id, kind, reference, asset, min_balance, posted,"
            f" created_at) select '{brand_id}', {pgbench.account('n')},"
            " case when n = 0 then 'BANK' else 'CLIENT_WALLET' end, n::text, 'USD',"
            " case when n > 0 then 0 end, case when n > 0 then 1000000000 else 0 end, now()"
            f" from generate_series(0, {pgbench.WALLETS - 1}) n"
        )
        connection.execute("create schema bare")
        for table in tables:
            connection.execute(f"create table bare.{table} (like public.{table} including all)")
        connection.execute("alter table bare.ledger_account set (fillfactor = 70)")
        connection.execute("insert into bare.ledger_account select * from ledger_account")
        for table, columns, target in (
            (
                "ledger_posting",
                "brand_id, account_id, asset",
                "ledger_account (brand_id, id, asset)",
            ),
            ("ledger_posting", "brand_id, transfer_id", "ledger_transfer (brand_id, id)"),
            ("ledger_transfer", "brand_id, resolves_id", "ledger_transfer (brand_id, id)"),
        ):
            connection.execute(
                f"alter table bare.{table} add foreign key ({columns}) references bare.{target}"
            )
        connection.execute(f"grant usage on schema bare to {endpoints.name('app')}")
        connection.execute(f"grant all on all tables in schema bare to {endpoints.name('app')}")
        connection.execute("vacuum analyze")


def main(arguments: Sequence[str]) -> None:
    """Measure in rounds and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench ledger", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    with scratch.database("benchledger") as endpoints:
        brand_id = scratch.make_brand(endpoints)
        fill(endpoints, brand_id)
        bench = Bench(endpoints, brand_id, chosen.seconds)
        if bench.program is None:
            Console().print("pgbench is missing: rates stand alone. Install PostgreSQL's client"
                            " programs to compare them with bare SQL.")  # fmt: skip
        bench.warm()
        cells = bench.cells()
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("measuring", total=len(cells) * chosen.rounds)
            for _ in range(chosen.rounds):
                for key, measure in cells:
                    bench.rates[key].append(measure())
                    progress.advance(task)
    show({key: statistics.median(found) for key, found in bench.rates.items()})


def show(rates: dict[Key, float]) -> None:
    """One row per way; the ratio is to the same by pgbench at as many connections."""
    table = Table(title="transfers per second, and their ratio to pgbench's")
    for column in ("where", "way", *(f"{n} conn." for n in CONNECTIONS)):
        table.add_column(column, justify="left" if column in ("where", "way") else "right")
    rows = list(dict.fromkeys((where, way) for where, way, _ in rates))
    for where, way in rows:
        cells = []
        for n in CONNECTIONS:
            found, peer = rates[where, way, n], rates.get((where, _PEERS.get(way, BARE), n))
            cells.append(f"{found:,.0f}" + (f" ({found / peer:.2f})" if peer else ""))
        table.add_row(where, way, *cells)
    console = Console()
    console.print(table)
    for way, peer in ((POST, BARE), (DEPOSIT, SAME)):
        ratios = [rates[where, way, n] / rates[where, peer, n]
                  for where in (SPREAD, HOT) for n in CONNECTIONS
                  if (where, peer, n) in rates]  # fmt: skip
        if ratios:
            least = min(ratios)
            is_met = _met(least >= TARGET_RATIO)
            console.print(f"{way} ≥ {TARGET_RATIO:.0%} of {peer}: {is_met} (least {least:.2f})")
    best = max(rates[BATCH, "asyncpg", n] for n in CONNECTIONS)
    console.print(f"≥ {TARGET_BATCH:,} transfers/s in batches of {_IN_BATCH} on one house account:"
                  f" {_met(best >= TARGET_BATCH)} ({best:,.0f})")  # fmt: skip


def _met(is_met: bool) -> str:
    return "[green]met[/]" if is_met else "[red]missed[/]"
