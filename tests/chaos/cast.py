"""Who acts in a campaign: two brands, few clients each, so that everybody wants the same rows."""

import secrets
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from uuid import UUID

from api.adapters import SANDBOX
from api.demo.sandbox import SandboxControls
from api.settings import Settings
from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.trading import AccountRequest, Group, Passwords
from domain.kernel.ids import encode_id, new_uuid
from domain.payments.commands.save_connection import ConnectionPlan, save_connection
from domain.payments.commands.save_method import MethodPlan, TermsPlan, save_method
from domain.payments.commands.save_psp import PspPlan, save_psp
from domain.payments.tables import payment_policy
from domain.payments.values import MethodKind, PaymentDirection, PspKind
from domain.payments.withdrawals.commands.create_destination import (
    DestinationWish,
    create_destination,
)
from tenants.context import NO_BRAND, system_scope
from tenants.database import make_engine
from tenants.secrets import Vault
from tenants.values import Role
from tenants.work import Database, WriteWork
from tests.chaos.bare import fund
from tests.factories import Brand, Client, Factory

BRANDS = 2
CLIENTS = 4
CURRENCIES = ("EUR", "USD")
FUNDS = 100_000
_MAX_MINOR = 10_000_000


@dataclass(frozen=True)
class Person:
    """A client with a token, a wallet per currency, a live account and somewhere to be paid."""

    brand_id: UUID
    id: UUID
    token: str
    wallets: dict[str, str]
    account_id: str
    login: int
    destination_id: str


@dataclass(frozen=True)
class House:
    """A brand, whoever works there, and its clients."""

    brand_id: UUID
    host: str
    tokens: dict[Role, str]
    clients: list[Person]
    method_id: str


class Casting:
    """Makes everybody through the product's own commands where it has some."""

    def __init__(self, settings: Settings, make: Factory) -> None:
        self._settings = settings
        self._make = make
        self._vault = Vault(settings.home.secrets().master_key)
        self._psp_id = new_uuid()

    async def gather(self) -> list[House]:
        """Two brands with a PSP, clients with money, and staff. The sandbox must run."""
        engine = make_engine(self._settings.endpoints().url("owner", driver="asyncpg"), pool_size=1)
        database = Database(engine)
        try:
            psp = PspPlan(self._psp_id, "Sandbox PSP", PspKind.SANDBOX, SANDBOX)
            self._make.symbol("EURUSD")
            await database.write(system_scope(NO_BRAND), lambda work: save_psp(work, psp))
            return [await self._house(database) for _ in range(BRANDS)]
        finally:
            await engine.dispose()

    async def _house(self, database: Database) -> House:
        make, scope = self._make, None
        brand = make.brand()
        make.insert(
            payment_policy, brand, cooling_off_hours=0, fx_spread_bps=100, fx_quote_seconds=60,
            withdrawal_days=30, clearing_hours=24, dispute_closes_trading=True,
        )  # fmt: skip
        scope, method_id = system_scope(brand.id), new_uuid()
        await self._connect(database, brand, method_id)
        clients = []
        for _ in range(CLIENTS):
            client = make.client(brand)
            done = await database.write(
                scope, partial(self._open, client=client, method_id=method_id)
            )
            account = make.account(brand, client, kind="LIVE", group_name="live")
            clients.append(
                Person(
                    brand.id,
                    client.id,
                    make.client_token(brand, client).text,
                    {code: encode_id("wallet", UUID(done.value[code])) for code in CURRENCIES},
                    encode_id("account", account.id),
                    account.login,
                    encode_id("payout_destination", UUID(done.value["destination"])),
                )
            )
        tokens = {role: make.staff_token(brand, role).text for role in brand.staff}
        return House(brand.id, brand.host, tokens, clients, encode_id("payment_method", method_id))

    async def _open(self, work: WriteWork, client: Client, method_id: UUID) -> dict[str, str]:
        """Wallets with something in them, and a payout destination."""
        opened = await fund(work, client.id, dict.fromkeys(CURRENCIES, FUNDS))
        wish = DestinationWish(client.id, method_id, client.name, f"{client.id.hex}@e.example")
        return {**opened, **await create_destination(work, self._vault, wish)}

    async def _connect(self, database: Database, brand: Brand, method_id: UUID) -> None:
        """A merchant account at the sandbox, and one method that pays in and out."""
        settings, scope = self._settings, system_scope(brand.id)
        key, secret = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        plan = ConnectionPlan(
            new_uuid(), self._psp_id, brand.legal_entity_id, "Sandbox", key, (secret,)
        )
        terms = [
            TermsPlan(direction, currency, 1, _MAX_MINOR)
            for direction in PaymentDirection
            for currency in CURRENCIES
        ]
        method = MethodPlan(method_id, plan.id, MethodKind.EWALLET, "E-wallet", terms)
        await database.write(scope, lambda work: save_connection(work, self._vault, plan))
        await database.write(scope, lambda work: save_method(work, method))
        token = settings.home.secrets().sandbox_token
        place = f"{brand.id.hex}_{plan.id.hex}"
        async with SandboxControls(settings.sandbox_url, token) as controls:
            await controls.put_merchant(
                brand.slug,
                api_key=key,
                notice_url=f"{settings.url}/notices/payments/sandbox/{place}",
                notice_secrets=[secret],
                currencies=CURRENCIES,
            )


async def open_accounts(settings: Settings, houses: list[House]) -> None:
    """Let the simulator know the live accounts that the rows speak of."""
    platform = BridgePlatform(f"unix://{settings.simulator_socket}")
    live = Group("live", "USD", 500, Decimal(0), Decimal(100), Decimal(50), swap_free=False)
    try:
        await platform.ensure_groups([live])
        for house in houses:
            for person in house.clients:
                _, _, key = person.account_id.rpartition("_")
                passwords = Passwords("correct horse", "battery staple")
                wish = AccountRequest(person.login, "live", 100, "USD", key, passwords)
                await platform.create_account(wish, op_id=f"open-{key}")
    finally:
        await platform.aclose()
