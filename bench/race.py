"""`python -m bench ledger-race`: a million racing debits leave no wallet under its floor.

Each debit is posted by the whole path of a command (`Database.write`, `ledger.post`, event, brand
head), in batches, over many connections at once. The wallets hold less than is asked of them. A
refused batch is halved until single debits are refused, so that each one was judged alone.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench import scratch
from domain.kernel.errors import Busy, DomainError, Unavailable
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.queries import balances
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer
from domain.payments.ledger.verify import Finding, verify
from tenants.context import system_scope
from tenants.database import make_engine
from tenants.work import Database, WriteWork

_DEBIT_MAX = 20
_FUNDED = 0.9
"""Of what is asked: so that the floor is reached by every wallet."""

_BANK = AccountKey.of(LedgerAccountKind.BANK, "USD")


@dataclass(slots=True)
class Outcome:
    """What became of the debits, and what lies in the ledger behind them."""

    taken: int = 0
    refused: int = 0
    seconds: float = 0
    wrong_balances: int = 0
    under_floor: int = 0
    findings: Sequence[Finding] = field(default_factory=tuple)

    @property
    def sound(self) -> bool:
        return not (self.wrong_balances or self.under_floor or self.findings)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is raced over how much."""

    debits: int
    wallets: int = 100
    connections: int = 16
    batch: int = 50
    seed: int = 1


class Race:
    """The wallets of one brand, and everybody who debits them."""

    def __init__(self, database: Database, brand_id: UUID, plan: Plan) -> None:
        self.database, self.scope, self.plan = database, system_scope(brand_id), plan
        self.chance = random.Random(plan.seed)
        self.left: dict[UUID, int] = {}
        self.bank = UUID(int=0)
        self.outcome = Outcome()

    async def run(self, told: Callable[[int], None] = lambda _n: None) -> Outcome:
        """Fund, race, and compare what lies there with what was taken."""
        await self._fund()
        began = time.perf_counter()
        waiting = iter(range(0, self.plan.debits, self.plan.batch))
        racers = (self._race(waiting, told) for _ in range(self.plan.connections))
        await asyncio.gather(*racers)
        self.outcome.seconds = time.perf_counter() - began
        await self._judge()
        return self.outcome

    async def _fund(self) -> None:
        keys = [AccountKey.wallet(new_uuid(), "USD") for _ in range(self.plan.wallets)]
        each = int(self.plan.debits / self.plan.wallets * (_DEBIT_MAX + 1) / 2 * _FUNDED)

        async def command(work: WriteWork) -> None:
            found = await ledger_accounts(work, [_BANK, *keys])
            self.bank = found.pop(_BANK)
            self.left = dict.fromkeys(found.values(), each)
            await post(work, [self._moved(f"in:{one}", one, each) for one in self.left])

        await self.database.write(self.scope, command)

    async def _race(self, waiting: Iterator[int], told: Callable[[int], None]) -> None:
        for first in waiting:  # shared by all racers
            last = min(first + self.plan.batch, self.plan.debits)
            wallets = list(self.left)
            debits = [
                (n, self.chance.choice(wallets), self.chance.randint(1, _DEBIT_MAX))
                for n in range(first, last)
            ]
            await self._take(debits)
            told(len(debits))

    async def _take(self, debits: Sequence[tuple[int, UUID, int]]) -> None:
        async def command(work: WriteWork) -> None:
            await post(work, [self._moved(f"out:{n}", one, -amount) for n, one, amount in debits])

        try:
            await self.database.write(self.scope, command)
        except (Busy, Unavailable):  # waited too long behind others; each debit has its key
            await self._take(debits)
        except DomainError as refusal:
            if refusal.code != "INSUFFICIENT_FUNDS":
                raise
            if len(debits) == 1:
                self.outcome.refused += 1
                return
            half = len(debits) // 2
            await self._take(debits[:half])
            await self._take(debits[half:])
        else:
            self.outcome.taken += len(debits)
            for _, one, amount in debits:
                self.left[one] -= amount

    async def _judge(self) -> None:
        async with self.database.read(self.scope) as work:
            held = await balances(work, list(self.left))
        self.outcome.wrong_balances = sum(held[w].amount_minor != n for w, n in self.left.items())
        self.outcome.under_floor = sum(one.amount_minor < 0 for one in held.values())
        self.outcome.findings = (await verify(self.database, self.scope.brand_id)).findings

    def _moved(self, key: str, wallet: UUID, amount: int) -> Transfer:
        legs = (Leg(wallet, Money(amount, "USD")), Leg(self.bank, Money(-amount, "USD")))
        return Transfer(key, "RACE", legs)


def main(arguments: Sequence[str]) -> None:
    """Race on a throw-away cluster and print the figures; exit 1 when one is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench ledger-race", description=__doc__)
    parser.add_argument("--debits", type=int, default=1_000_000)
    parser.add_argument("--wallets", type=int, default=100)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    plan = Plan(**vars(parser.parse_args(arguments)))
    with scratch.database("benchrace") as endpoints:
        brand_id = scratch.make_brand(endpoints)
        url = endpoints.url("app", driver="asyncpg")
        outcome = asyncio.run(_run(url, brand_id, plan))
    _show(plan, outcome)
    if not outcome.sound:
        raise SystemExit(1)


async def _run(url: str, brand_id: UUID, plan: Plan) -> Outcome:
    engine = make_engine(url, pool_size=plan.connections)
    try:
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("racing", total=plan.debits)
            race = Race(Database(engine), brand_id, plan)
            return await race.run(lambda n: progress.advance(task, n))
    finally:
        await engine.dispose()


def _show(plan: Plan, outcome: Outcome) -> None:
    title = f"{plan.debits:,} debits on {plan.wallets} wallets, {plan.connections} connections"
    table = Table(title=title, show_header=False)
    table.add_row("taken", f"{outcome.taken:,}")
    table.add_row("refused for want of money", f"{outcome.refused:,}")
    table.add_row("seconds", f"{outcome.seconds:.1f}")
    table.add_row("debits/s", f"{(outcome.taken + outcome.refused) / outcome.seconds:,.0f}")
    table.add_row("wallets under their floor", str(outcome.under_floor))
    table.add_row("wallets with another balance than was left", str(outcome.wrong_balances))
    table.add_row("findings of ledger verify", str(len(outcome.findings)))
    Console().print(table)
    for one in outcome.findings[:10]:
        Console().print(f"{one.invariant} {one.what}: {one.id}")
