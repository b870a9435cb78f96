"""The worker's side of a counter, over a PSP that listens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from sqlalchemy import update

from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.outbound.client import Patience
from domain.payments.adapters.sandbox import SandboxPsp
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.psp_values import PaymentRequest
from domain.payments.reconciliation.tables import discrepancy
from domain.payments.tables import withdrawal_leg
from domain.payments.values import MethodKind
from domain.payments.withdrawals.carry_leg import Sending, pull_leg
from domain.payments.withdrawals.commands.record_leg import LegNews, record_leg
from domain.payments.withdrawals.jobs import send_legs
from tenants.context import system_scope
from tenants.work import Database
from tests.domain.payments.withdrawals.counter import VAULT, Counter
from tests.psp import RunningPsp

WAITS = {"auto": {"payouts": None, "refunds": None}}
SHORT = Patience(call_s=3, connect_s=2, tries=1, pause_s=0.01)


@dataclass
class Desk:
    """The worker's side of a counter, over a PSP that listens."""

    counter: Counter
    running: RunningPsp
    psp: SandboxPsp
    database: Database
    opened: list[SandboxPsp] = field(default_factory=list)

    @property
    def sending(self) -> Sending:
        return Sending(self.database, lambda _: self.psp, VAULT)

    async def card_paid(self, amount: str, method: UUID | None = None) -> UUID:
        """A deposit that is paid at the PSP and credited to the client."""
        money = Money(int(amount.replace(".", "")), "USD")
        made = await self.psp.create_payment(
            PaymentRequest(new_uuid().hex, money, MethodKind.CARD, "https://brand.example/back"),
            key=new_uuid().hex,
        )
        await self.running.controls.pay(made.id)
        return await self.counter.deposit(money.amount_minor, method, ext_id=made.id)

    async def profit(self, amount: int) -> None:
        till = self.counter.till
        result = till.house(LedgerAccountKind.TRADING_RESULT)
        await till.move(result, till.wallet(self.counter.client), amount)

    async def mixed(self) -> UUID:
        """An approved withdrawal of 500.00: 300.00 back to the card, 200.00 to the bank."""
        await self.card_paid("300.00")
        await self.profit(30_000)
        return await self.counter.request("500", await self.counter.destination())

    async def send(self, key: UUID) -> None:
        await send_legs(self.sending, self.counter.till.brand.id, key)

    async def news(self, key: UUID) -> None:
        """What the job behind each notice does, twice: notices come again."""
        for leg in self.counter.legs(key) * 2:
            await pull_leg(self.sending, leg.brand_id, leg.id.hex)

    async def settle(self, key: UUID, n: int, status: str) -> None:
        """The PSP decides the n-th leg."""
        leg = self.counter.legs(key)[n]
        if leg.kind == "REFUND":
            await self.running.controls.settle_refund(leg.ext_id, status=status)
        else:
            await self.running.controls.settle_payout(leg.ext_id, status=status)

    def wake(self, **ago: float) -> None:
        """Let so much time go by for each leg: whoever looks after them finds them due."""
        legs, back = withdrawal_leg.c, timedelta(**ago)
        times = {legs.sending_at: legs.sending_at - back, legs.ask_at: legs.ask_at - back}
        brand = self.counter.till.brand
        moved = {**times, legs.updated_at: legs.updated_at - back}
        self.counter.till.make.run(
            brand, update(withdrawal_leg).where(legs.brand_id == brand.id).values(moved)
        )

    async def record(self, leg_id: UUID, news: LegNews) -> bool:
        told: bool = await self.do(lambda work: record_leg(work, leg_id, news))
        return told

    async def do(self, command: Callable[[Any], Awaitable[Any]]) -> Any:
        scope = system_scope(self.counter.till.brand.id)
        return (await self.database.write(scope, command)).value

    def again(self) -> "Desk":
        """With an adapter that remembers no failure."""
        token: str = self.psp._out._client.headers["Authorization"]
        key = token.removeprefix("Bearer ")
        self.opened.append(SandboxPsp(self.running.url, api_key=key, patience=SHORT))
        return replace(self, psp=self.opened[-1])

    async def fail(self, **knobs: Any) -> None:
        await self.running.controls.faults(**WAITS, **knobs)

    def jobs(self, superuser: Connection[Any]) -> list[tuple[str, str]]:
        """Names and keys of the brand's jobs, sorted."""
        rows = superuser.execute(
            "select task_name, args ->> 'key' from jobs.procrastinate_jobs"
            " where args ->> 'brand_id' = %s order by 1, 2",
            [str(self.counter.till.brand.id)],
        )
        return [(name, key) for name, key in rows]

    def discrepancies(self) -> list[str]:
        return [r.kind for r in self.counter.till.make.rows(discrepancy, self.counter.till.brand)]
