"""Money of the demo: a sandbox PSP for each brand, and clients who have paid in there.

Deposits are made as a portal would make them and paid by the sandbox's controls; the rest (the
notices, the transfers onto accounts) the worker does as soon as it runs.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from api.adapters import SANDBOX
from api.demo.past.books import former_till
from api.demo.people import People
from api.demo.sandbox import CARD, SandboxControls
from api.demo.story import PSP_ID, BrandStory, clients_of, date_of, fixed
from api.psps import Psps, open_psps
from api.settings import Settings
from domain.accounts.commands.open_account import open_account
from domain.accounts.rules import OpenWish
from domain.accounts.values import AccountKind
from domain.clients.queries import find_by_email
from domain.events.jobs import JobRun
from domain.kernel.errors import DomainError
from domain.kernel.money import Money, to_minor
from domain.payments.commands.save_connection import ConnectionPlan, save_connection
from domain.payments.commands.save_method import MethodPlan, TermsPlan, save_method
from domain.payments.commands.save_psp import PspPlan, save_psp
from domain.payments.deposits import jobs as deposit_jobs
from domain.payments.deposits.commands.create_deposit import create_deposit
from domain.payments.deposits.queries import find_deposit
from domain.payments.deposits.values import DepositWish
from domain.payments.disputes.jobs import pull_dispute
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.values import AccountKey
from domain.payments.queries import find_connection, get_payment
from domain.payments.secrets import open_api_key, open_notice_secrets
from domain.payments.values import MethodKind, PaymentDirection, PaymentKind, PspKind
from domain.payments.withdrawals.commands.approve_withdrawal import approve_withdrawal
from domain.payments.withdrawals.commands.request_withdrawal import (
    WithdrawalWish,
    request_withdrawal,
)
from tenants.access import Access
from tenants.context import NO_BRAND, Actor, ActorKind, Scope, system_scope
from tenants.numbers import last_number, reach_number
from tenants.secrets import Vault
from tenants.values import Role
from tenants.work import Database, WriteWork

PAID_IN = (5_000, 3_000, 9_000, 800)
"""What the first clients have paid in, in the brand's currency."""
WANTED_BACK = ((0, 4_800), (2, 8_500))
"""Who wants how much of it back: the second needs two approvals, and has the first."""
WANTED_OF_A_FIRM = ((1, 2_400),)
DISPUTED = 3
_PAID = "demo.paid"
TODAYS = 250
"""What a client pays in on each day on which the demo is started again."""


@dataclass(frozen=True, slots=True)
class _Offer:
    kind: MethodKind
    name: str
    fee_bps: int
    max_major: int
    pays_out: bool


_OFFERS = (
    _Offer(MethodKind.CARD, "Card", 0, 10_000, pays_out=False),
    _Offer(MethodKind.EWALLET, "E-wallet", 100, 20_000, pays_out=True),
    _Offer(MethodKind.BANK, "Bank transfer", 0, 100_000, pays_out=True),
)


def connection_id(story: BrandStory) -> UUID:
    """The brand's merchant account at the sandbox PSP."""
    return fixed(f"connection:{story.plan.slug}")


def method_id(story: BrandStory, kind: MethodKind) -> UUID:
    """One of the brand's payment methods."""
    return fixed(f"method:{story.plan.slug}:{kind}")


async def seed_cashier(settings: Settings, database: Database, story: BrandStory) -> None:
    """Connect the brand with the sandbox PSP."""
    vault = Vault(settings.home.secrets().master_key)
    psp = PspPlan(PSP_ID, "Sandbox PSP", PspKind.SANDBOX, SANDBOX)
    await database.write(system_scope(NO_BRAND), lambda work: save_psp(work, psp))
    command = partial(_connect, story=story, vault=vault)
    await database.write(system_scope(story.plan.id), command)


async def introduce_merchants(settings: Settings, database: Database, story: BrandStory) -> None:
    """Tell the sandbox each connection of the brand, and where its notices are heard now."""
    vault = Vault(settings.home.secrets().master_key)
    token = settings.home.secrets().sandbox_token
    known = {story.plan.slug: connection_id(story)}
    known[f"{story.plan.slug}-former"] = former_till(story).connection_id
    async with SandboxControls(settings.sandbox_url, token) as told:
        for name, wanted in known.items():
            async with database.read(system_scope(story.plan.id)) as work:
                connection = await find_connection(work, wanted)
            if connection is None:
                continue
            endpoint = f"{story.plan.id.hex}_{wanted.hex}"
            await told.put_merchant(
                name,
                api_key=open_api_key(vault, connection),
                notice_url=f"http://127.0.0.1:{settings.port}/notices/payments/sandbox/{endpoint}",
                notice_secrets=open_notice_secrets(vault, connection)[:1],
                currencies=story.plan.currencies,
            )


async def _connect(work: WriteWork, story: BrandStory, vault: Vault) -> None:
    """Add the connection once, its secrets made here and known to nobody; methods each time."""
    if await find_connection(work, connection_id(story)) is None:
        plan = ConnectionPlan(
            connection_id(story),
            PSP_ID,
            story.plan.legal_entity_id,
            "Sandbox",
            api_key=secrets.token_urlsafe(32),
            notice_secrets=(secrets.token_urlsafe(32),),
        )
        await save_connection(work, vault, plan)
        for n, offer in enumerate(_OFFERS):
            await save_method(work, _method(story, offer, n))


def _method(story: BrandStory, offer: _Offer, position: int) -> MethodPlan:
    directions = [PaymentDirection.DEPOSIT]
    if offer.pays_out:
        directions.append(PaymentDirection.WITHDRAWAL)
    terms = [
        TermsPlan(
            direction,
            currency,
            min_minor=to_minor(Decimal(10), currency),
            max_minor=to_minor(Decimal(offer.max_major), currency),
            fee_bps=offer.fee_bps if direction is PaymentDirection.DEPOSIT else 0,
        )
        for currency in story.plan.currencies
        for direction in directions
    ]
    return MethodPlan(
        method_id(story, offer.kind),
        connection_id(story),
        offer.kind,
        offer.name,
        terms,
        position=position,
    )


async def seed_money(
    settings: Settings, database: Database, story: BrandStory, people: People
) -> None:
    """The first clients pay in; two of them trade for real, two want money back, one disputes."""
    paid = list(zip(people.clients, PAID_IN, strict=False))
    await _pay_in(settings, database, story, paid, disputed=DISPUTED)
    scope, today = system_scope(story.plan.id), date_of(story, datetime.now(UTC)).toordinal()
    await database.write(scope, partial(reach_number, name=_PAID, number=today))
    if not story.is_prop:
        for client_id in people.clients[:2]:
            wish = OpenWish(AccountKind.LIVE, story.currency, leverage=30)
            await database.write(scope, partial(open_account, client_id=client_id, wish=wish))
    for n, (whose, amount) in enumerate(WANTED_OF_A_FIRM if story.is_prop else WANTED_BACK):
        want = partial(_want_back, story=story, client_id=people.clients[whose], amount=amount)
        made = (await database.write(scope, want)).value
        if n:
            await _approve_first(database, story, people, UUID(made["withdrawal"]))


async def pay_in_today(settings: Settings, database: Database, story: BrandStory) -> None:
    """One of the first clients pays in, once on each of the brand's days, so that its board has
    deposits of the day whenever it is started."""
    today = date_of(story, datetime.now(UTC)).toordinal()

    async def find_payer(work: WriteWork) -> UUID | None:
        if (await last_number(work, _PAID) or 0) >= today:
            return None
        await reach_number(work, _PAID, today)
        found = await find_by_email(work, list(clients_of(story))[1].email)
        return None if found is None else UUID(str(found.id))

    payer = (await database.write(system_scope(story.plan.id), find_payer)).value
    if payer is not None:
        with suppress(DomainError):  # the client's tier may allow no more by now
            await _pay_in(settings, database, story, [(payer, TODAYS)])


async def _pay_in(
    settings: Settings,
    database: Database,
    story: BrandStory,
    several: Sequence[tuple[UUID, int]],
    *,
    disputed: int | None = None,
) -> None:
    """Who pays in how much, one after the other; `disputed` is the place of one among them."""
    vault = Vault(settings.home.secrets().master_key)
    psps = open_psps(vault, sandbox_url=settings.sandbox_url)
    token = settings.home.secrets().sandbox_token
    try:
        async with SandboxControls(settings.sandbox_url, token) as controls:
            till = _Till(database, story, psps, controls)
            for n, (client_id, amount) in enumerate(several):
                await till.pay_in(client_id, amount, disputed=n == disputed)
    finally:
        await psps.close()


async def _want_back(
    work: WriteWork, story: BrandStory, client_id: UUID, amount: int
) -> dict[str, str]:
    """A withdrawal that somebody must look at, all of it back to the card it came from."""
    wallet = AccountKey.wallet(client_id, story.currency)
    wallet_id = (await ledger_accounts(work, [wallet]))[wallet]
    back = Money(to_minor(Decimal(amount), story.currency), story.currency)
    return await request_withdrawal(work, WithdrawalWish(wallet_id, back))


async def _approve_first(
    database: Database, story: BrandStory, people: People, withdrawal_id: UUID
) -> None:
    """The first of two approvals, by the brand's admin; somebody else gives the second."""
    admin = Actor(ActorKind.STAFF, people.staff[Role.BRAND_ADMIN])
    rights = await Access().of_template(Role.BRAND_ADMIN)
    scope = Scope(story.plan.id, admin, permissions=rights, policy_version=1)

    async def command(work: WriteWork) -> None:
        row = await get_payment(work, withdrawal_id, PaymentKind.WITHDRAWAL, path=())
        reason = "Known client, same card."
        await approve_withdrawal(work, withdrawal_id, reason, version=row["version"])

    await database.write(scope, command)


@dataclass(frozen=True, slots=True)
class _Till:
    """Makes deposits, pays them at the sandbox, and pulls them, as the worker would."""

    database: Database
    story: BrandStory
    psps: Psps
    controls: SandboxControls

    async def pay_in(self, client_id: UUID, amount: int, *, disputed: bool = False) -> None:
        """One deposit by card, settled; what fails now the worker tries again."""
        scope = system_scope(self.story.plan.id)
        wish = DepositWish(
            Money(to_minor(Decimal(amount), self.story.currency), self.story.currency),
            method_id(self.story, MethodKind.CARD),
            f"https://{self.story.plan.hosts[0]}/paid",
            client_id=client_id,
        )
        made = await self.database.write(scope, lambda work: create_deposit(work, wish))
        deposit_id = UUID(made.value["deposit"])
        with suppress(DomainError):
            await self._job(deposit_jobs.START, deposit_id)
            async with self.database.read(scope) as work:
                row = await find_deposit(work, deposit_id)
            assert row is not None, "made just now"
            await self.controls.pay(row.ext_id, instrument=CARD)
            await self._job(deposit_jobs.PULL, deposit_id)
            if disputed:
                opened = await self.controls.dispute(row.ext_id)
                # Its notice finds no server yet, and may come much later.
                await pull_dispute(
                    self.database,
                    self.psps,
                    self.story.plan.id,
                    connection_id(self.story),
                    opened["id"],
                )

    async def _job(self, name: str, deposit_id: UUID) -> None:
        registry = deposit_jobs.jobs_over(self.psps)
        kind = next(one for one in registry if one.name == name)
        key = str(deposit_id)
        run = JobRun(name, self.story.plan.id, key, attempt=1, database=self.database)
        await kind.handle(run, {"payment_id": key})
