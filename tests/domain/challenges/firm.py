"""A prop firm for tests: programs, orders paid at a PSP nobody calls, phases, a worker by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import update

from domain.accounts import jobs as accounts
from domain.accounts.ports import Platform
from domain.accounts.tables import trading_account
from domain.accounts.trading import AccountState, Quote, QuoteSource
from domain.accounts.values import StateSource
from domain.challenges import consumers, jobs
from domain.challenges.commands.begin_phase import begin_phase
from domain.challenges.commands.order_challenge import order_challenge
from domain.challenges.commands.publish_program import publish_program
from domain.challenges.commands.set_tax import set_tax
from domain.challenges.engine import Engine
from domain.challenges.lifecycle import (
    ByMethod,
    FromWallet,
    PhasePlan,
    ProgramPlan,
    PurchaseWish,
)
from domain.challenges.tables import (
    breach,
    challenge,
    challenge_order,
    challenge_phase,
    phase_event,
)
from domain.challenges.values import DailyLoss, MaxLoss, MaxLossKind, RuleSet
from domain.events.consumers import Consumer, consume
from domain.events.jobs import JobRegistry, JobRun
from domain.kernel.money import Money
from domain.payments.deposits.commands.settle_deposit import settle_deposit
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import AccountKey
from domain.payments.psp_values import PspPayment
from tenants.context import system_scope
from tenants.tables import event
from tenants.work import WriteWork
from tests.domain.challenges.steps import percent
from tests.domain.payments.deposits.desk import VAULT, Desk, state
from tests.factories import Client, scope_of

RULES = RuleSet(
    profit_target=percent("10"),
    max_loss=MaxLoss(MaxLossKind.STATIC, percent("10")),
    daily_loss=DailyLoss(percent("5")),
)
NET, TAX = 500_00, 95_00
TOTAL = Money(NET + TAX, "USD")
START = 100_000


def plan(*rules: RuleSet, code: str = "two-step-100k", price: int = NET) -> ProgramPlan:
    """A program of 100,000 with a phase for each rule set."""
    phases = tuple(PhasePlan(f"Phase {n}", one) for n, one in enumerate(rules or (RULES, RULES), 1))
    return ProgramPlan(code, "Two step", Money(START * 100, "USD"), price, 100, phases)


@dataclass
class Firm:
    """A brand that sells challenges, over the desk of its cashier."""

    desk: Desk
    platform: Platform | None = None
    program_id: UUID = field(init=False)

    async def open(self, *rules: RuleSet) -> "Firm":
        self.program_id = await self.publish(plan(*rules))
        await self.write(lambda work: set_tax(work, "CY", label="VAT 19 %", bps=1_900))
        return self

    async def publish(self, one: ProgramPlan) -> UUID:
        done = await self.write(lambda work: publish_program(work, one))
        return UUID(done["program"])

    async def write(self, command: Any, *, scope: Any = None) -> Any:
        scope = scope or system_scope(self.desk.brand.id)
        return (await self.desk.database.write(scope, command)).value

    # Buying -----------------------------------------------------------------------------------

    def wish(self, **changed: Any) -> PurchaseWish:
        url = f"https://{self.desk.brand.host}/thanks"
        values: dict[str, Any] = {
            "program_id": self.program_id,
            "program_version": 1,
            "total": TOTAL,
            "pay": ByMethod(self.desk.method_id, url),
        }
        return PurchaseWish(**values | changed)

    async def order(self, client: Client | None = None, **changed: Any) -> dict[str, UUID]:
        """An order as the client makes it; ids by name."""
        whose = scope_of(self.desk.brand, client=client or self.desk.client)
        wish = self.wish(**changed)
        done = await self.write(lambda work: order_challenge(work, wish), scope=whose)
        return {name: UUID(key) for name, key in done.items()}

    async def order_from(self, wallet_id: UUID, client: Client | None = None) -> dict[str, UUID]:
        return await self.order(client, pay=FromWallet(wallet_id))

    async def hear(self, payment_id: UUID, status: str = "PAID", **changed: Any) -> None:
        """What the PSP says of a payment."""
        received = changed.pop("received", TOTAL)
        said = state(payment_id, status, received, **changed)
        await self._apply(payment_id, said)

    async def _apply(self, payment_id: UUID, said: PspPayment) -> None:
        connection = self.desk.connection_id

        async def command(work: WriteWork) -> bool:
            return await settle_deposit(work, payment_id, connection, said)

        assert await self.write(command)

    async def buy(self, client: Client | None = None) -> UUID:
        """A challenge that is paid for; its first phase waits for its account."""
        made = await self.order(client)
        await self.hear(made["payment"])
        await self.react()
        return made["order"]

    # Phases -----------------------------------------------------------------------------------

    async def trade(self, client: Client | None = None) -> Any:
        """A bought challenge whose first phase has begun, without a platform; the phase's row."""
        order_id = await self.buy(client)
        phase = next(
            row
            for row in self.rows(challenge_phase)
            if self.challenge(order_id).id == row.challenge_id
        )
        return await self.begin(phase)

    async def begin(self, phase: Any) -> Any:
        """Begin a phase as if its platform had opened the account."""
        active = (
            update(trading_account)
            .where(
                trading_account.c.brand_id == self.desk.brand.id,
                trading_account.c.id == phase.account_id,
            )
            .values(status="ACTIVE")
        )
        self.desk.make.run(self.desk.brand, active)
        assert await self.write(lambda work: begin_phase(work, phase.account_id))
        return self.phase(phase.id)

    def engine(self, **more: Any) -> Engine:
        return Engine(self.desk.brand.server_id, self.desk.worker, **more)

    # The worker -------------------------------------------------------------------------------

    async def react(self) -> None:
        """Let the consumers of challenges catch up, however many rounds it takes."""
        seen = -1
        while seen != (seen := len(self.desk.make.rows(event, self.desk.brand))):
            for one in consumers.CONSUMERS:
                await self._catch_up(one)

    async def work(self) -> list[str]:
        """Consume, then run the jobs that are queued; their names."""
        await self.react()
        await self._catch_up(accounts.REQUESTS)
        taken = self.desk.queued()
        kinds = {one.name: one for one in self.registry()}
        for name, args in taken:
            run = JobRun(name, self.desk.brand.id, args["key"], 1, self.desk.worker)
            await kinds[name].handle(run, args["args"])
        return [name for name, _ in taken]

    def registry(self) -> JobRegistry:
        both = JobRegistry()
        both.include(jobs.jobs_over(self._platform, self.desk.connected))
        both.include(accounts.jobs_over(self._platform, VAULT))
        return both

    def _platform(self, _server_id: UUID) -> Platform:
        assert self.platform is not None, "this test has no platform"
        return self.platform

    async def _catch_up(self, one: Consumer) -> None:
        done = await consume(self.desk.worker, self.desk.brand.id, one, limit=100)
        assert done is not None

    # What is there ----------------------------------------------------------------------------

    def rows(self, table: Any) -> list[Any]:
        return list(self.desk.make.rows(table, self.desk.brand))

    def the_order(self, order_id: UUID) -> Any:
        return next(row for row in self.rows(challenge_order) if row.id == order_id)

    def challenge(self, order_id: UUID) -> Any:
        return next(row for row in self.rows(challenge) if row.order_id == order_id)

    def phase(self, phase_id: UUID) -> Any:
        return next(row for row in self.rows(challenge_phase) if row.id == phase_id)

    def breaches(self) -> list[Any]:
        return self.rows(breach)

    def recorded(self, phase_id: UUID) -> list[tuple[str, list[str]]]:
        """The kinds of what was recorded of a phase, and of what was decided by each."""
        rows = sorted(
            (row for row in self.rows(phase_event) if row.phase_id == phase_id),
            key=lambda row: row.n,
        )
        return [(row.event["kind"], [one["kind"] for one in row.verdicts]) for row in rows]

    def events(self) -> list[str]:
        return self.desk.events("CHALLENGE")


async def wallet(firm: Firm, amount: int = 0) -> UUID:
    """The client's dollar wallet with what a deposit brought; its id."""
    desk = firm.desk
    deposit = await desk.create(amount or 10_00, "USD")
    await firm.hear(deposit, received=Money(amount or 10_00, "USD"), amount=Money(amount, "USD"))
    rows = desk.make.rows(ledger_account, desk.brand)
    key = AccountKey.wallet(desk.client.id, "USD")
    return UUID(str(next(row.id for row in rows if row.reference == key.reference)))


def tick(
    phase: Any, balance: int, equity: int | None = None, *, after: float = 1.0
) -> AccountState:
    """The money of a phase's account so many seconds after its beginning."""
    whole = Decimal(balance)
    own = whole if equity is None else Decimal(equity)
    return AccountState(
        login=phase.login,
        balance=whole,
        credit=Decimal(0),
        equity=own,
        margin=Decimal(0),
        free_margin=own,
        floating=own - whole,
        margin_level_percent=None,
        currency="USD",
        digits=2,
        as_of=phase.started_at + timedelta(seconds=after),
        source=StateSource.STREAM,
    )


def quote(symbol: str, bid: str, ask: str, at: datetime) -> Quote:
    return Quote(symbol, Decimal(bid), Decimal(ask), at, at, QuoteSource.RECORDED)


def told(row: Any, *names: str) -> Mapping[str, Any]:
    return {name: getattr(row, name) for name in names}
