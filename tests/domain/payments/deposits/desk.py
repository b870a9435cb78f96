"""A client who deposits at a brand's PSP: a real one that listens, its notices, and a worker.

Jobs run when a test says so: what consumers deferred is taken from the queue and handled here, in
the order it was put there.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import insert, update

from domain.events.consumers import Consumer, consume
from domain.events.jobs import JobRegistry, JobRun
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments import notices
from domain.payments.adapters.registry import open_psp
from domain.payments.commands.save_connection import ConnectionPlan, save_connection
from domain.payments.commands.save_method import MethodPlan, TermsPlan, save_method
from domain.payments.deposits import jobs
from domain.payments.deposits.commands.create_deposit import create_deposit
from domain.payments.deposits.values import DepositWish
from domain.payments.ledger.queries import balances
from domain.payments.ledger.tables import ledger_account, ledger_posting, ledger_transfer
from domain.payments.notices import Handle
from domain.payments.ports import Psp
from domain.payments.psp_values import NoticeKind, PspPayment, PspPaymentStatus
from domain.payments.queries import Connection
from domain.payments.reconciliation.tables import discrepancy
from domain.payments.secrets import open_api_key
from domain.payments.tables import payment, psp
from domain.payments.values import MethodKind, PaymentDirection, PspKind
from tenants.context import system_scope
from tenants.secrets import Vault
from tenants.tables import event
from tenants.work import Database, WriteWork
from tests.factories import Brand, Client, Factory, scope_of

VAULT = Vault(bytes(range(32)))
SECRET = "whsec_of_the_tests"
NOWHERE = "http://127.0.0.1:9"


@dataclass
class Desk:
    """A brand with a connection and a card method in EUR and USD, and one of its clients."""

    make: Factory
    database: Database
    worker: Database
    brand: Brand
    queue: psycopg.Connection[Any]
    endpoint: str = NOWHERE
    client: Client = field(init=False)
    connection_id: UUID = field(default_factory=new_uuid)
    method_id: UUID = field(default_factory=new_uuid)
    psp_id: UUID = field(default_factory=new_uuid)
    adapter: Psp = field(init=False)
    handlers: dict[NoticeKind, Handle] = field(default_factory=dict)
    polls: jobs.Polls = field(default_factory=jobs.Polls)

    @property
    def api_key(self) -> str:
        return f"key-of-{self.connection_id.hex}"

    async def open(self, *, fee_fixed_minor: int = 0, fee_bps: int = 0, **columns: Any) -> "Desk":
        self.client = self.make.client(self.brand, **columns)
        row = {"id": self.psp_id, "name": f"psp-{self.psp_id.hex}", "kind": PspKind.SANDBOX,
               "endpoint": self.endpoint}  # fmt: skip
        self.make.run(self.brand, insert(psp).values(**row))
        connection = ConnectionPlan(
            self.connection_id, self.psp_id, self.brand.legal_entity_id, "main", self.api_key,
            [SECRET],
        )  # fmt: skip
        terms = [
            TermsPlan(PaymentDirection.DEPOSIT, one, 1_000, 1_000_000, fee_fixed_minor, fee_bps)
            for one in ("EUR", "USD")
        ]
        method = MethodPlan(self.method_id, self.connection_id, MethodKind.CARD, "Card", terms)

        async def command(work: WriteWork) -> None:
            await save_connection(work, VAULT, connection)
            await save_method(work, method)

        await self.database.write(system_scope(self.brand.id), command)
        self.adapter = open_psp(PspKind.SANDBOX, self.endpoint, api_key=self.api_key)
        self.handlers[NoticeKind.PAYMENT] = jobs.act_on_payment
        self.handlers[NoticeKind.REFUND] = jobs.after_refund(None)
        return self

    async def close(self) -> None:
        await self.adapter.aclose()

    # What the client asks for -----------------------------------------------------------------

    def wish(self, amount_minor: int = 10_000, currency: str = "EUR", **more: Any) -> DepositWish:
        url = f"https://{self.brand.host}/thanks"
        given = {"method_id": self.method_id, "return_url": url} | more
        return DepositWish(Money(amount_minor, currency), **given)

    async def create(self, amount_minor: int = 10_000, currency: str = "EUR") -> UUID:
        wish = self.wish(amount_minor, currency)
        scope = scope_of(self.brand, client=self.client)
        done = await self.database.write(scope, lambda work: create_deposit(work, wish))
        return UUID(done.value["deposit"])

    # The worker -------------------------------------------------------------------------------

    async def consume(self) -> None:
        """Let the consumers of the cashier catch up."""
        for consumer in (jobs.CREATED, notices.NOTICES):
            await self._catch_up(consumer)

    async def _catch_up(self, consumer: Consumer) -> None:
        done = await consume(self.worker, self.brand.id, consumer, limit=100)
        assert done is not None
        assert not done.more

    async def poll(self) -> int:
        return await self.polls(self.worker, self.brand.id)

    def queued(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Take the brand's jobs out of the queue, in the order they were put there."""
        rows = self.queue.execute(
            "delete from procrastinate_jobs where args->>'brand_id' = %s"
            " returning id, task_name, args",
            [str(self.brand.id)],
        ).fetchall()
        return [(name, args) for _, name, args in sorted(rows, key=lambda row: row[0])]

    async def work(self, *, attempt: int = 1) -> int:
        """Consume, then handle every job that is queued; how many. Raises what a job raises."""
        await self.consume()
        taken = self.queued()
        for name, args in taken:
            await self.handle(name, args, attempt=attempt)
        return len(taken)

    async def handle(self, name: str, args: Mapping[str, Any], *, attempt: int = 1) -> None:
        kinds = {one.name: one for one in self.registry()}
        run = JobRun(name, self.brand.id, args["key"], attempt, self.worker)
        await kinds[name].handle(run, args["args"])

    def registry(self) -> JobRegistry:
        both = JobRegistry()
        both.include(jobs.jobs_over(self.connected))
        both.include(notices.jobs_over(self.connected, self.handlers))
        return both

    def connected(self, connection: Connection) -> Psp:
        assert open_api_key(VAULT, connection) == self.api_key, "the key opens"
        return self.adapter

    def age(self, payment_id: UUID, by: timedelta) -> None:
        """Make a deposit older than it is."""
        before = (
            update(payment)
            .where(payment.c.brand_id == self.brand.id, payment.c.id == payment_id)
            .values(created_at=payment.c.created_at - by, updated_at=payment.c.updated_at - by)
        )
        self.make.run(self.brand, before)

    # What is really there ---------------------------------------------------------------------

    def payment(self, payment_id: UUID) -> Any:
        return next(row for row in self.make.rows(payment, self.brand) if row.id == payment_id)

    def events(self, topic: str = "DEPOSIT") -> list[str]:
        rows = self.make.rows(event, self.brand)
        return [row.kind for row in rows if row.topic == topic]

    def discrepancies(self) -> list[tuple[str, str, int | None, int | None, str | None]]:
        rows = sorted(self.make.rows(discrepancy, self.brand), key=lambda row: row.kind)
        return [
            (row.kind, row.status, _int(row.expected_minor), _int(row.actual_minor), row.currency)
            for row in rows
        ]

    def postings(self) -> list[tuple[str, dict[str, int]]]:
        """Each transfer by the end of its key, in the order of these texts, and its legs by
        account kind."""
        accounts = {row.id: row for row in self.make.rows(ledger_account, self.brand)}
        legs: dict[UUID, dict[str, int]] = {}
        for row in self.make.rows(ledger_posting, self.brand):
            account = accounts[row.account_id]
            name = f"{account.kind} {account.asset}"
            legs.setdefault(row.transfer_id, {})[name] = int(row.amount)
        transfers = self.make.rows(ledger_transfer, self.brand)
        shown = [(row.key.split(":", 2)[2], legs[row.id]) for row in transfers]
        return sorted(shown, key=lambda one: one[0])

    async def books(self) -> dict[str, int]:
        """The balance of every account that is not zero, by kind and currency; Σ = 0 in each."""
        rows = self.make.rows(ledger_account, self.brand)

        async def command(work: WriteWork) -> dict[UUID, Money]:
            return await balances(work, [row.id for row in rows])

        found = (await self.database.write(system_scope(self.brand.id), command)).value
        totals: Counter[str] = Counter()
        shown = {}
        for row in rows:
            amount = found[row.id].amount_minor
            totals[row.asset] += amount
            if amount:
                shown[f"{row.kind} {row.asset}"] = amount
        assert not any(totals.values()), totals
        return shown


def state(
    payment_id: UUID,
    status: str = "PAID",
    received: Money | None = None,
    *,
    version: int = 2,
    refunded_minor: int = 0,
    **changed: Any,
) -> PspPayment:
    """What a PSP could say about a deposit of 100.00 EUR; nothing received when unsaid."""
    currency = received.currency if received else "EUR"
    values: dict[str, Any] = {
        "id": f"pay_{payment_id.hex}",
        "reference": payment_id.hex,
        "status": PspPaymentStatus(status),
        "version": version,
        "amount": Money(10_000, "EUR"),
        "received": received,
        "refunded": Money(refunded_minor, currency),
        "fee": None,
        "source": None,
        "failure_code": None,
        "checkout_url": "http://psp.example/checkout",
        "expires_at": None,
    }
    return PspPayment(**values | changed)


def _int(value: Any) -> int | None:
    return None if value is None else int(value)
